"""The schema's options of a model are those that its family has."""

import importlib
from typing import Any

import pytest

from groundscope.encoders.base import FAMILIES
from groundscope.plan.config import load_schema
from groundscope.plan.references import FORMATS

Json = Any
STRUCTURE = {"family", "checkpoint", "layers", "corpora"}


@pytest.mark.parametrize("family", FAMILIES)
def test_schema_and_family_agree(family: str) -> None:
    """Same options, same defaults, same legal values; `blocks` comes from the checkpoint."""
    schema = load_schema()
    section = schema["$defs"][f"model_{family.replace('-', '_')}"]["properties"]
    declared = {key: value for key, value in section.items() if key not in STRUCTURE}
    legal = dict(importlib.import_module(FAMILIES[family]).OPTIONS)
    legal.pop("blocks", None)
    assert set(declared) == set(legal)
    for name, option in legal.items():
        part: dict[str, Json] = declared[name]
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].removeprefix("#/$defs/")]
        assert part["default"] == option.default, name
        assert tuple(part.get("enum", ())) == option.choices, name


def test_every_format_has_a_family_that_reads_it() -> None:
    """Planning holds each family with a checkpoint against the formats of the schema."""
    formats = load_schema()["$defs"]["format"]["enum"]
    assert {each for one in FORMATS.values() for each in one} == set(formats)
    assert set(FORMATS) == set(FAMILIES) - {"log-mel"}
