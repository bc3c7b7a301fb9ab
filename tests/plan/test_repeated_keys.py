"""Keys that a configuration file has twice: the last would silently replace the others."""

import json
from pathlib import Path

import pytest
import yaml
from checkout import ROOT
from pages import blocks

from groundscope.errors import UserError
from groundscope.plan.config import study_or_exit
from groundscope.plan.repeated_keys import check_keys

STUDIES = [ROOT / "config.yaml", *sorted((ROOT / "resources/studies").glob("*.yaml"))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", "'a' occurs twice, lines 1 and 3"),
        (
            "models:\n  b: {x: 1}\n  c: {}\n\n  b: {y: 1}\n",
            "'models.b' occurs twice, lines 2 and 5",
        ),
        ("a: {x: 1, x: 2}\n", "'a.x' occurs twice, lines 1 and 1"),
        ("a:\n- {k: 1}\n- {k: 1,\n   'k': 2}\n", "'a.1.k' occurs twice, lines 3 and 4"),
        ("a: &a {x: 1}\nb:\n  <<: *a\n  y: 1\n  y: 2\n", "'b.y' occurs twice, lines 4 and 5"),
        ('{"a": 1,\n "a": 2}\n', "'a' occurs twice, lines 1 and 2"),
        ("a: {}\na: {}\na: {}\n", "'a' occurs twice, lines 1 and 2"),
    ],
)
def test_a_repeated_key_is_named_with_both_lines(tmp_path: Path, text: str, found: str) -> None:
    """At any depth, in blocks, in braces and in lists, quoted or not."""
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        check_keys(file)
    assert str(caught.value) == f"{file}: key {found}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: {x: 1}\nb: {x: 1}\n",
        "1: a\n'1': b\n",  # a number and a text
        "a: &a {x: 1}\nb: &b {y: 1}\nc: {<<: *a, x: 2, y: *b}\n",
        "a: &a {x: 1}\nb: &b {y: 1}\nc:\n  <<: *a\n  <<: *b\n",
        "a: &a\n  b: *a\n",  # a mapping inside itself
        json.dumps({"a": {"b": 1}}, indent="\t"),
    ],
)
def test_keys_that_are_not_the_same_are_legal(tmp_path: Path, text: str) -> None:
    """Anchors, merges that are overruled, and JSON indented with tabs, which YAML does not take."""
    file = tmp_path / "study.yaml"
    file.write_text(text, encoding="utf-8")
    check_keys(file)


@pytest.mark.parametrize("file", STUDIES, ids=lambda file: file.name)
def test_shipped_studies_have_each_key_once(file: Path) -> None:
    """They use anchors and merge keys."""
    check_keys(file)


def test_entries_of_readme_behind_the_default_study_end_the_planning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Pasted at the end, they would replace the sections; a job does not read the files again."""
    (entries,) = (text for text in blocks(ROOT / "README.md", "yaml") if "my-words.csv" in text)
    before = (ROOT / "config.yaml").read_text(encoding="utf-8")
    file = tmp_path / "config.yaml"
    file.write_text(before + "\n" + entries, encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        study_or_exit(yaml.safe_load(before + "\n" + entries), [file], main=True)
    assert caught.value.code == 2
    line = capsys.readouterr().err
    first = before.splitlines().index("corpora:") + 1
    second = before.count("\n") + 2
    assert line == f"error: {file}: key 'corpora' occurs twice, lines {first} and {second}\n"
    study_or_exit(yaml.safe_load(before), [file], main=False)
