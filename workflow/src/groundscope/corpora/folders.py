"""Folders of isolated words whose paths say what they are, such as Speech Commands."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.corpora.aligned import AUDIO, find_files
from groundscope.corpora.audio import inspect_all
from groundscope.corpora.tokens import Corpus, Step, Token, require_unique
from groundscope.errors import UserError

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def load(options: Mapping[str, Any], *, workers: int = 1) -> Corpus:
    """Read isolated words.

    Parameters
    ----------
    options
        ``audio_folder``; ``pattern``: path below it with fields in braces, ``word`` among them
        (``{word}/{speaker}_nohash_{take}.wav`` for Speech Commands,
        ``{word}_{speaker}_{take}.wav`` for Free Spoken Digit); ``speaker`` is the speaker, others
        are metadata; ``spelling``: how words are written, for files called ``0``, ``1``, ...
    workers
        Threads that decode audio.

    Raises
    ------
    UserError
        The pattern matches no path, or one in several ways; two files differ in their suffix only.
    """
    root = Path(options["audio_folder"])
    pattern = options["pattern"]
    shortest, longest = (compile_pattern(pattern, longest=way) for way in (False, True))
    spelling: Mapping[str, str] = options.get("spelling") or {}
    paths = find_files(root, AUDIO)
    tokens, other = [], []
    for path in paths:
        relative = path.relative_to(root).as_posix()
        match, last = shortest.fullmatch(relative), longest.fullmatch(relative)
        if match is None or last is None:
            other.append(relative)
            continue
        fields = match.groupdict()
        # the first and the last match in the order of the fields' lengths: if equal, the only one
        if fields != last.groupdict():
            message = (
                f"pattern {pattern!r} matches {relative} in several ways, such as {fields} and "
                f"{last.groupdict()}: tell fields apart by more text, or use kind: recordings"
            )
            raise UserError(message)
        word = spelling.get(fields["word"], fields["word"])
        tokens.append(
            Token(
                token_id=str(Path(relative).with_suffix("")),
                word=word,
                text=word,
                char_start=0,
                char_end=len(word),
                speaker=fields.get("speaker"),
                audio=str(path),
                metadata={k: v for k, v in fields.items() if k not in ("word", "speaker")},
            )
        )
    if not tokens:
        example = other[0] if other else "there are no recordings"
        message = f"pattern {pattern!r} matches nothing in {root} (such as {example})"
        raise UserError(message)
    require_unique(tokens, str(root))
    inspect_all({Path(str(token.audio)): str(root) for token in tokens}, workers=workers)
    listed = "; ".join(other) or "none"
    step = Step("recordings that match the pattern", listed, "files", len(paths), len(tokens))
    return Corpus(tokens, [step])


def compile_pattern(pattern: str, *, longest: bool) -> re.Pattern[str]:
    """Turn a path with fields in braces into a regular expression; a field spans no slash.

    Parameters
    ----------
    pattern
        Path with fields.
    longest
        Whether a field takes as much as it can, those before it first, or as little.

    Raises
    ------
    UserError
        No field is called ``word``, or two have one name.
    """
    names = _FIELD.findall(pattern)
    if "word" not in names or len(set(names)) < len(names):
        message = f"pattern {pattern!r} needs the field {{word}}, and each field once"
        raise UserError(message)
    parts = _FIELD.split(pattern)
    field = "[^/]+" if longest else "[^/]+?"
    # splitting by one group alternates text and field names
    expression = "".join(
        f"(?P<{part}>{field})" if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )
    return re.compile(expression)
