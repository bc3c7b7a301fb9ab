"""Which files of a folder count: those that are digested or read, and whose changes are seen."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any


def visible_files(folder: Path) -> list[str]:
    """List the files of a folder, at any depth, but none that is hidden or in a hidden folder.

    Links to folders are followed.

    Version control and downloads keep their own notes in hidden ones, and touch them when nothing
    has changed.

    Returns
    -------
    list of str
        Paths relative to `folder`, with slashes, sorted.
    """
    paths = (path.relative_to(folder) for path in _files(folder) if path.is_file())
    return sorted(
        path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)
    )


def files_with_suffix(folder: Path, suffixes: Iterable[str]) -> list[Path]:
    """List the files of a folder, at any depth, with one of some suffixes in any case, sorted.

    Links to folders are followed.
    """
    wanted = set(suffixes)
    return sorted(path for path in _files(folder) if path.suffix.lower() in wanted)


def _files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Yield what a folder holds, at any depth, but folders; `above` are those that lead to it."""
    own = os.path.realpath(folder)
    if own in above:  # links in a circle
        return
    try:
        entries = list(os.scandir(folder))
    except OSError:  # not there, or closed, as lost+found is
        return
    for entry in entries:
        if entry.is_dir():
            yield from _files(Path(entry.path), above | {own})
        else:
            yield Path(entry.path)


def transcripts(options: Mapping[str, Any]) -> list[Path]:
    """List the ``.trans.txt`` of the splits of a corpus of kind ``librispeech``, of each sorted."""
    folders = [Path(options["folder"], split) for split in options["splits"]]
    listed = [file for folder in folders for file in files_with_suffix(folder, [".txt"])]
    return [file for file in listed if file.name.endswith(".trans.txt")]


def textgrids(options: Mapping[str, Any]) -> list[Path]:
    """List the TextGrids of a corpus of kind ``textgrids`` or ``librispeech``, sorted."""
    grids = Path(options.get("alignments") or options["audio_folder"])
    of_splits = [grids / split for split in options.get("splits", ())]
    found = [file for folder in of_splits for file in files_with_suffix(folder, [".textgrid"])]
    # MFA writes one folder a speaker, without splits
    return found or files_with_suffix(grids, [".textgrid"])
