"""Any folder of recordings with TextGrids, paired by their relative paths."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.corpora.aligned import (
    AUDIO,
    Tiers,
    Utterance,
    find_files,
    named_groups,
    pair,
    read_tokens,
    require_folder,
)
from groundscope.corpora.tokens import Corpus
from groundscope.listing import textgrids


def load(options: Mapping[str, Any], *, workers: int = 1) -> Corpus:
    """Read a folder of recordings and TextGrids.

    Parameters
    ----------
    options
        ``audio_folder``; ``alignments``: folder of TextGrids with the same relative paths (the
        audio folder if absent); ``words_tier`` and ``phones_tier``; ``encoding`` of files
        without a byte order mark; ``file_pattern``: regular expression over the relative path
        without suffix, its group ``speaker`` is the speaker and other groups are metadata.
    workers
        Threads that decode audio.
    """
    root = Path(options["audio_folder"])
    grids = Path(options.get("alignments") or root)

    def key(path: Path) -> str:
        folder = grids if path.suffix.lower() == ".textgrid" else root
        return path.relative_to(folder).with_suffix("").as_posix()

    require_folder(grids)
    pairs = pair(find_files(root, AUDIO), textgrids(options), key, str(root))
    pattern = options.get("file_pattern")

    def describe(name: str) -> Utterance:
        groups = named_groups(pattern, name, "file_pattern") if pattern else {}
        speaker = groups.pop("speaker", None)
        return Utterance(speaker, None, groups)

    tiers = Tiers(
        words=options.get("words_tier", "words"),
        phones=options.get("phones_tier"),
        encoding=options.get("encoding", "utf-8"),
    )
    return read_tokens(pairs, describe, tiers, workers=workers)
