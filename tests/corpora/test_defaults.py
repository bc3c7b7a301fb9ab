"""Loaders, filters and the lexicon have the defaults that the configuration's schema declares."""

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from groundscope.lexicon.crossed_groups import CrossedRules
from groundscope.lexicon.word_groups import PhoneticRules, SemanticRules
from groundscope.lexicon.word_map import Rules
from groundscope.plan.config import load_schema
from groundscope.plan.wording import resolved

Json = Any

PACKAGE = Path(__file__).parents[2] / "workflow/src/groundscope"
DEFINITIONS = {
    "corpora/recordings.py": "corpus_recordings",
    "corpora/librispeech.py": "corpus_librispeech",
    "corpora/aligned_folders.py": "corpus_textgrids",
    "corpora/mald.py": "corpus_mald",
    "corpora/folders.py": "corpus_folders",
    "corpora/captions.py": "corpus_captions",
    "corpora/word_list.py": "corpus_word_list",
    "corpora/synthesized.py": "corpus_synthesized",
    "corpora/filters.py": "filters",
    "lexicon/pronunciations.py": "pronunciations",
    "lexicon/group_sources.py": "word_group_semantic",
    "commands/build_word_map.py": "word_map",
}


def looked_up(file: Path) -> Iterator[tuple[str, Json]]:
    """Yield the keys of ``options.get(key, default)`` in a source, and the defaults."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "options"
        ):
            key, default = (*map(ast.literal_eval, node.args), None)[:2]
            yield key, default


def declared(part: dict[str, Json]) -> Json:
    """Give the default that a property has, itself or by reference; None if there is none."""
    schema = load_schema()
    while "default" not in part and "$ref" in part:
        part = schema["$defs"][part["$ref"].removeprefix("#/$defs/")]
    return part.get("default")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_defaults_of_options(name: str) -> None:
    """Every key that is looked up is declared, and a default is the declared one."""
    properties = load_schema()["$defs"][DEFINITIONS[name]]["properties"]
    found = dict(looked_up(PACKAGE / name))
    assert found.keys() <= properties.keys()
    for key, default in found.items():
        # an option that is left out may be empty in the schema
        assert default == declared(properties[key]) or not (default or declared(properties[key]))


@pytest.mark.parametrize(
    ("rules", "definition"),
    [
        (SemanticRules, "word_group_semantic"),
        (PhoneticRules, "word_group_phonetic"),
        (CrossedRules, "word_group_crossed"),
    ],
)
def test_defaults_of_rules(rules: type, definition: str) -> None:
    """Criteria and thresholds, all of them."""
    schema = load_schema()
    properties = resolved(schema["$defs"][definition]["properties"]["rules"], schema)["properties"]
    assert {key: part["default"] for key, part in properties.items()} == {
        field.name: field.default for field in fields(rules)
    }


def test_defaults_of_the_word_map() -> None:
    """The rules of the papers are the defaults."""
    properties = load_schema()["$defs"]["word_map"]["properties"]
    assert {name: properties[name]["default"] for name in ("near", "unit")} == {
        field.name: field.default for field in fields(Rules)
    }
