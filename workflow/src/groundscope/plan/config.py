"""From what the user wrote to a complete, checked study: defaults filled in, errors in one line."""

import difflib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, relevance

from groundscope.errors import UserError
from groundscope.plan.labels import check_subsets
from groundscope.plan.local_checkpoints import check_local_checkpoints
from groundscope.plan.targets import check_references
from groundscope.plan.token_columns import check_columns

Json = Any

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
    errors = sorted(Draft202012Validator(schema).iter_errors(dict(config)), key=relevance)
    if errors:
        raise UserError(_explain(errors[-1]))
    study: dict[str, Json] = _with_defaults(config, schema, schema)
    check_references(study)
    check_local_checkpoints(study)
    check_columns(study)
    check_subsets(study)
    return study


def study_or_exit(config: Mapping[str, Json]) -> dict[str, Json]:
    """`resolve_study` for the Snakefile: an error is one line on stderr and exit code 2."""
    try:
        return resolve_study(config)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)


def _explain(error: ValidationError) -> str:
    """One line for one schema violation."""
    # the branch that the value was meant for says more than the list of all branches
    while error.context:
        error = min(error.context, key=relevance)
    where = ".".join(str(part) for part in error.absolute_path) or "config"
    schema: Mapping[str, Json] = error.schema if isinstance(error.schema, dict) else {}
    instance: Json = error.instance
    value = _short(instance)
    if error.validator == "additionalProperties":
        legal = sorted(schema.get("properties", {}))
        unknown = next(key for key in instance if key not in legal)
        near = difflib.get_close_matches(str(unknown), legal, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"{where}: unknown key {unknown!r}{hint}; legal keys: {', '.join(legal)}"
    if error.validator == "required":
        missing = [key for key in schema["required"] if key not in instance]
        return f"{where}: key {missing[0]!r} is missing; expected {_expected(schema, missing[0])}"
    if error.validator == "enum":
        legal = [str(item) for item in schema["enum"]]
        return f"{where}: {value} is not legal; expected one of {', '.join(legal)}"
    if error.validator == "uniqueItems":
        twice = next(item for place, item in enumerate(instance) if item in instance[:place])
        return f"{where}: {_short(twice)} is listed twice; expected each item once"
    if error.validator == "pattern":
        meaning = schema.get("description", f"pattern {schema['pattern']}")
        return f"{where}: {value} is not legal; expected: {meaning}"
    return f"{where}: {value} is not legal ({error.message}); expected: {_expected(schema)}"


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _expected(schema: Mapping[str, Json], key: str | None = None) -> str:
    part = schema if key is None else schema.get("properties", {}).get(key, {})
    return str(part.get("description", part.get("type", part.get("const", "a value"))))


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
        if Draft202012Validator({**choice["if"], "$defs": root["$defs"]}).is_valid(value):
            yield from _branches(value, choice["then"], root)
