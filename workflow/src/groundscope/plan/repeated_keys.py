"""Keys that a configuration file has twice, of which reading it keeps the last and says nothing."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from groundscope.errors import UserError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# `<<` takes over the keys of another mapping, several times if need be
_MERGE = "tag:yaml.org,2002:merge"


def check_keys(file: Path) -> None:
    """Refuse a configuration file in which a mapping, at any depth, has a key twice.

    Raises
    ------
    UserError
        With the file, the key path and both lines.
    """
    try:
        top = yaml.compose(file.read_text(encoding="utf-8"), Loader=_LOADER)
    except yaml.YAMLError:
        # it has been read all the same: as JSON, in which blanks may be tabs
        return
    for where, first, second in _repeated(top, "", set()):
        message = f"{file}: key {where!r} occurs twice, lines {first} and {second}"
        raise UserError(message)


def _repeated(node: yaml.Node | None, path: str, seen: set[int]) -> Iterator[tuple[str, int, int]]:
    """Yield key path and lines of each key that recurs; a node with aliases is looked at once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _repeated(item, f"{path}{place}.", seen)
    elif isinstance(node, yaml.MappingNode):
        lines: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            where, line = f"{path}{key.value}", key.start_mark.line + 1
            name = (key.tag, str(key.value))
            if name in lines:
                yield where, lines[name], line
            if key.tag != _MERGE:
                lines[name] = line
            yield from _repeated(value, f"{where}.", seen)
