"""From what the user wrote to a complete, checked study: defaults filled in, errors in one line."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker, TypeChecker
from jsonschema.validators import extend

from groundscope.errors import UserError
from groundscope.listing import visible_files
from groundscope.plan.labels import check_subsets
from groundscope.plan.local_checkpoints import check_local_checkpoints
from groundscope.plan.references import check_references
from groundscope.plan.repeated_keys import check_keys
from groundscope.plan.targets import is_made
from groundscope.plan.token_columns import check_columns
from groundscope.plan.wording import explain, meant, place

Json = Any


# More of either has no study that somebody wrote, but one whose aliases repeat each other.
_MOST_VALUES, _MOST_LEVELS = 1_000_000, 50
# What Snakemake takes for a wildcard or a variable in the name of an input.
_RESERVED = frozenset("{}<>")
# Folders of recordings and TextGrids, which are no inputs of a job.
_UNTRACKED = frozenset({"audio_folder", "alignments"})
# Keys whose path may be a folder; those of other local paths name one file.
_FOLDERS = _UNTRACKED | {"folder", "has_synonym", "path", "wordnet"}


def _is_integer(_: TypeChecker, value: Json) -> bool:
    # JSON Schema takes 1000.0 for an integer, which Python's `range` and `int` arguments are not
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: TypeChecker, value: Json) -> bool:
    # YAML has numbers that are none
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many(
    {"integer": _is_integer, "number": _is_number}
)
# has no types of its own
_extend: Callable[..., Any] = extend
_Validator = _extend(Draft202012Validator, type_checker=_TYPES)
SCHEMA_FILE = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"


def load_schema() -> dict[str, Json]:
    """Read the configuration's JSON schema."""
    loaded: dict[str, Json] = yaml.load(
        SCHEMA_FILE.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    return loaded


def resolve_study(config: Mapping[str, Json]) -> dict[str, Json]:
    """Validate a configuration and return a copy with every default filled in.

    Parameters
    ----------
    config
        As read from the YAML file.

    Returns
    -------
    dict
        The study: every key of the schema is present.

    Raises
    ------
    UserError
        An unknown key, an illegal value, or a reference to something that is not configured; the
        message gives the key path, the value and what is legal.
    """
    schema = load_schema()
    errors = list(_Validator(schema).iter_errors(dict(config)))
    if errors:
        raise UserError(explain(errors, schema))
    study: dict[str, Json] = _with_defaults(config, schema, schema)
    check_references(study)
    check_local_checkpoints(study)
    check_columns(study)
    check_subsets(study)
    return study


def missing_paths(study: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """Yield key path and value of each local path of a study where there is nothing.

    Snakemake says nothing of one where results of an earlier path are there already. What a job of
    the study makes is not missed.
    """
    yield from _paths(study, lambda path: is_made(study, path) or _exists(path))


def _paths(study: Mapping[str, Json], legal: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Yield key path and value of each local path that is not legal."""
    paths = FormatChecker(formats=())
    paths.checks("local-path")(lambda path: path is None or legal(path))
    schema = load_schema()
    for error in _Validator(schema, format_checker=paths).iter_errors(dict(study)):
        found = meant(error)
        yield place(found), str(found.instance)


def check_paths(study: Mapping[str, Json]) -> None:
    """Refuse a local path where there is nothing, or no file, or that Snakemake cannot name.

    Raises
    ------
    UserError
        With the key path and the value.
    """
    for where, path in missing_paths(study):
        message = (
            f"{where}: {path!r} does not exist; expected a file or folder (no pipe or device), as "
            "an absolute path or relative to the working folder"
        )
        raise UserError(message)
    for where, path in _paths(study, lambda _: False):
        if where.rpartition(".")[2] not in _FOLDERS and Path(path).is_dir():
            message = f"{where}: {path!r} is a folder; expected a file"
            raise UserError(message)
        reserved = next((name for name in _inputs(where, path) if _RESERVED & set(name)), None)
        if reserved is not None:
            message = (
                f"{where}: {reserved!r} has one of {{ }} < > in its name, which Snakemake takes "
                "for its own; rename it"
            )
            raise UserError(message)


def _inputs(where: str, path: str) -> list[str]:
    """List what jobs name of a local path: itself, and the files of a folder that is one input."""
    key = where.rpartition(".")[2]
    if key in _UNTRACKED:
        return []
    # of the folder of a corpus, lists of known names
    within = visible_files(Path(path)) if key != "folder" and Path(path).is_dir() else []
    return [path, *within]


def check_extent(config: Json) -> None:
    """Refuse a configuration that is endless, or nearly so, once its aliases are written out.

    Raises
    ------
    UserError
        It has too many values or levels.
    """
    waiting = [(config, 1)]
    seen = 0
    while waiting:
        value, level = waiting.pop()
        seen += 1
        if seen > _MOST_VALUES or level > _MOST_LEVELS:
            message = (
                f"config: more than {_MOST_VALUES} values or {_MOST_LEVELS} levels; expected "
                "fewer, counting what aliases (*name) repeat"
            )
            raise UserError(message)
        if isinstance(value, Mapping):
            waiting += [(item, level + 1) for item in value.values()]
        elif isinstance(value, list):
            waiting += [(item, level + 1) for item in value]


def study_or_exit(
    config: Mapping[str, Json], files: Iterable[str | Path], *, main: bool
) -> dict[str, Json]:
    """`resolve_study` for the Snakefile: an error is one line on stderr and exit code 2.

    In the `main` process the keys of the `files` that the configuration was read from and the
    local paths are checked too. A job does without: it fails where a path that it reads itself is
    gone, and not for another's.
    """
    try:
        check_extent(config)
        if main:
            for file in files:
                check_keys(Path(file))
        study = resolve_study(config)
        if main:
            check_paths(study)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    return study


def _exists(path: str) -> bool:
    try:
        # not a pipe or a device, which may never end
        return Path(path).is_file() or Path(path).is_dir()
    except (OSError, ValueError):
        # too long, in a folder that is closed to this user, or no path at all
        return False


def _with_defaults(value: Json, part: Mapping[str, Json], root: Mapping[str, Json]) -> Json:
    """Copy `value`, adding the defaults of the keys that `part` of the schema declares."""
    properties: dict[str, Json] = {}
    others: Json = None
    for branch in _branches(value, part, root):
        properties |= branch.get("properties", {})
        others = branch.get("additionalProperties", others)
    if isinstance(value, list):
        items = part.get("items", {})
        return [_with_defaults(item, items, root) for item in value]
    if not isinstance(value, Mapping):
        return value
    complete = {
        key: _with_defaults(item, properties.get(key) or others or {}, root)
        for key, item in value.items()
    }
    for key, declared in properties.items():
        if key not in complete:
            for branch in _branches(None, declared, root):
                if "default" in branch:
                    complete[key] = _with_defaults(branch["default"], declared, root)
                    break
    return complete


def _branches(
    value: Json, part: Mapping[str, Json], root: Mapping[str, Json]
) -> Iterator[Mapping[str, Json]]:
    """Yield `part` and the definitions that it refers to and that apply to `value`."""
    yield part
    if "$ref" in part:
        definition = root["$defs"][part["$ref"].removeprefix("#/$defs/")]
        yield from _branches(value, definition, root)
    for choice in part.get("allOf", []):
        if _Validator({**choice["if"], "$defs": root["$defs"]}).is_valid(value):
            yield from _branches(value, choice["then"], root)
