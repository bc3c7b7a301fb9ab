"""The schema in words: what a value may be, and in one line what is wrong with one."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError, relevance

Json = Any
Schema = Mapping[str, Json]

_KINDS = {"object": "mapping", "array": "list", "string": "text"}
# Violations by which a value is none of what an alternative is about, rather than a bad one of it.
_OTHER = frozenset({"type", "const", "enum"})
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}
# Violations of which jsonschema's message says no more than what is expected, in its own terms.
_PLAIN = frozenset({"type", "const", "pattern", "oneOf", *_BOUNDS}) - {"minItems"}


def resolved(part: Schema, root: Schema) -> dict[str, Json]:
    """Return `part` with the definition that it refers to merged in; its own keys win."""
    if "$ref" not in part:
        return dict(part)
    definition = root["$defs"][part["$ref"].removeprefix("#/$defs/")]
    return resolved(definition, root) | {k: v for k, v in part.items() if k != "$ref"}


def as_yaml(value: Json) -> str:
    """Write a value as a user would."""
    return value if isinstance(value, str) and value else json.dumps(value)


def values(part: Schema, root: Schema) -> Iterator[str]:
    """Yield what a value may be, in words: legal values, or kinds of value with their bounds.

    Parameters
    ----------
    part
        Of the schema, itself or a reference.
    root
        The whole schema.
    """
    part = resolved(part, root)
    if "enum" in part:
        yield from (f"`{as_yaml(value)}`" for value in part["enum"])
    elif "const" in part:
        yield f"`{as_yaml(part['const'])}`"
    elif "oneOf" in part and "properties" not in part:
        for choice in part["oneOf"]:
            yield from values(choice, root)
    else:
        kinds = part.get("type", "object")
        for kind in [kinds] if isinstance(kinds, str) else kinds:
            name = _KINDS.get(kind, kind)
            if kind in ("array", "integer", "number"):
                name += _bounds(part)
            entry = part.get({"array": "items", "object": "additionalProperties"}.get(kind, ""))
            of = " or ".join(values(entry, root)) if entry else ""
            nested = kind == "object" and of == "mapping"
            yield f"{name} of {of}" if of and not nested else name


def _bounds(part: Schema) -> str:
    """Say how large a number may be, or how long a list; that a list has an item goes unsaid."""
    said = [
        words.format(part[bound])
        for bound, words in _BOUNDS.items()
        if bound in part and (bound, part[bound]) != ("minItems", 1)
    ]
    return f" ({', '.join(said)})" if said else ""


def explain(errors: Iterable[ValidationError], root: Schema) -> str:
    """Give one line for the violation that says most: where, what, and what is legal."""
    error = meant(max(errors, key=_relevance))
    return f"{place(error)}: {_problem(error, root)}"


def place(error: ValidationError) -> str:
    """Give the key path of a violation."""
    return ".".join(str(part) for part in error.absolute_path) or "config"


def _relevance(error: ValidationError) -> tuple[Json, ...]:
    """Rank as jsonschema does, and where keys are numbers and text too, which do not compare."""
    rank: Json = relevance(error)
    depth, _, *others = rank
    return depth, [str(part) for part in error.path], *others


def meant(error: ValidationError) -> ValidationError:
    """Follow a violation into the alternative that the value was meant for, if there is one."""
    while error.context:
        branches: dict[Json, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        meant = [
            found
            for found in branches.values()
            if not any(inner.validator in _OTHER and not inner.path for inner in found)
        ]
        if len(meant) != 1:
            return error
        error = min(meant[0], key=_relevance)
    return error


def _problem(error: ValidationError, root: Schema) -> str:
    schema: Schema = error.schema if isinstance(error.schema, dict) else {}
    instance: Json = error.instance
    value = _short(instance)
    if error.validator == "additionalProperties":
        legal = sorted(schema.get("properties", {}))
        unknown = next(key for key in instance if key not in legal)
        near = difflib.get_close_matches(str(unknown), legal, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"unknown key {unknown!r}{hint}; legal keys: {', '.join(legal)}"
    if error.validator == "uniqueItems":
        twice = next(item for place, item in enumerate(instance) if item in instance[:place])
        return f"{_short(twice)} is listed twice; expected each item once"
    missing = _missing(error)
    if missing:
        of_all = {"description": schema.get("description", "")}
        of_key = schema.get("properties", {}).get(missing[0], of_all)
        declared = of_key if len(missing) == 1 else of_all
        return f"key {' or '.join(map(repr, missing))} is missing{_expected(declared, root)}"
    if error.validator == "enum":
        legal = [str(item) for item in schema["enum"]]
        return f"{value} is not legal; expected one of {', '.join(legal)}"
    why = "" if error.validator in _PLAIN else f" ({error.message})"
    if error.validator == "oneOf" and not error.context:
        why = " (only one of the alternatives may be given)"
    return f"{value} is not legal{why}{_expected(schema, root)}"


def _missing(error: ValidationError) -> list[str]:
    """List keys of which one is missing: of an object, or of each of its alternatives."""
    lacking = list(error.context or ()) if error.validator == "oneOf" else [error]
    depth = len(error.absolute_path)
    if any(each.validator != "required" or len(each.absolute_path) > depth for each in lacking):
        return []
    keys: Json = [each.validator_value for each in lacking]
    instance: Json = error.instance
    return list(dict.fromkeys(next(key for key in some if key not in instance) for some in keys))


def _expected(part: Schema, root: Schema) -> str:
    """Say what a value may be and what it means; nothing where the schema does not."""
    part = resolved(part, root)
    limits = part.keys() & {"enum", "const", "oneOf", "type"}
    kinds = " or ".join(values(part, root)) if limits else ""
    meaning = " ".join(part.get("description", "").split())
    text = ": ".join(filter(None, (kinds, meaning)))
    return f"; expected {text}" if text else ""


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
