"""Values of a configuration reach no shell unquoted and name no file outside the results."""

import ast
import json
import re
import subprocess
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from snakemake.utils import format as fill

from groundscope.errors import UserError
from groundscope.plan import figures
from groundscope.plan.config import resolve_study
from groundscope.plan.jobs import Plan

Json = Any

RULES = Path(__file__).parents[2] / "workflow/rules"
NASTY = (
    "two words",
    "'; touch pwned; '",
    '"$(touch pwned)"',
    "`touch pwned`",
    "line\nbreak",
    "trailing\n",
    "../../outside",
    "/etc/passwd",
    "-rf",
    "{wildcards.corpus}",
    "naïve Wörter 言葉",
    "a" * 300,
    "$HOME",
    "a*?[b]",
    "back\\slash",
)
# no argument of a program can hold a NUL, and an empty one is left out by Snakemake
texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1, max_size=40),
)
# Placeholders whose values are numbers, or names that the code or the schema's `name` bounds.
BOUND = re.compile(r"wildcards\.\w+|threads|resources\.batch_percent|params\.kind|table")


def _shells() -> dict[str, str]:
    """Shell command of each rule, by file and position."""
    found = {}
    for file in sorted(RULES.glob("*.smk")):
        blocks = re.findall(r'shell:\n((?: +f?"[^\n]*"\n)+)', file.read_text(encoding="utf-8"))
        for number, block in enumerate(blocks):
            lines = block.strip().splitlines()
            found[f"{file.stem}-{number}"] = "".join(ast.literal_eval(one.strip()) for one in lines)
    return found


SHELLS = _shells()


def test_every_rule_was_found() -> None:
    """There are as many commands as rules that have a shell."""
    text = "".join(file.read_text(encoding="utf-8") for file in RULES.glob("*.smk"))
    assert len(SHELLS) == text.count("shell:") >= 15


@pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
def test_what_is_not_quoted_is_a_number_or_a_checked_name(shell: str) -> None:
    """Only wildcards, which the schema's names bound, and numbers stand bare in a command."""
    for name, spec in re.findall(r"\{([\w.]+)(:\w+)?\}", shell):
        assert spec == ":q" or BOUND.fullmatch(name), name


class _Anything:
    """Whatever is asked for is the same text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __getattr__(self, name: str) -> str:
        return self._text

    def __format__(self, spec: str) -> str:
        filled: str = fill("{value:q}" if spec == "q" else "{value}", value=self._text)
        return filled


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=texts)
def test_a_value_arrives_as_it_is(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Every rule's command, run by bash, hands its program the value and does nothing else."""
    folder = tmp_path_factory.mktemp("shell")
    anything, names = _Anything(text), _Anything("name")
    script = "python() { printf '%s\\0' \"$@\"; }\n"
    for name, shell in SHELLS.items():
        bare = re.sub(r" (&>|2>) \{log:q\}$", "", shell)
        assert bare != shell
        script += fill(
            bare,
            input=anything,
            output=anything,
            params=SimpleNamespace(**{"kind": "cka"}, **_params(bare, text)),
            resources=SimpleNamespace(layers=text, block=text, batch_percent=100),
            wildcards=names,
            threads=2,
        )
        script += f" > {name}\n"
    subprocess.run(["bash", "-euc", script], cwd=folder, check=True)
    assert {file.name for file in folder.iterdir()} == set(SHELLS)
    for name, shell in SHELLS.items():
        words = (folder / name).read_bytes().decode().split("\0")
        assert words.count(text) >= shell.count(":q}") - shell.count("{log:q}")


def _params(shell: str, text: str) -> dict[str, str]:
    names = set(re.findall(r"\{params\.(\w+)", shell)) - {"kind"}
    return dict.fromkeys(names, text)


KINDS = ("results", "corpora", "checkpoints", "models", "labellings", "contrasts")


def _resolve(config: dict[str, Json]) -> tuple[dict[str, Json] | None, str]:
    """Give the study, or why it is refused."""
    try:
        return resolve_study(config), ""
    except UserError as error:
        return None, str(error)


def _study(free: str, **names: str) -> dict[str, Json]:
    """Give a study with `free` wherever a user may write freely, and things so named."""
    named = {kind: names.get(kind, "name") for kind in KINDS}
    model, labelling = named["models"], named["labellings"]
    vectors = {"family": "static", "checkpoint": named["checkpoints"]}
    return {
        "study": {"title": free, "question": free, "caution": free},
        "results": named["results"],
        "corpora": {named["corpora"]: {"kind": "word-list", "words": [free, "cat"]}},
        "checkpoints": {
            named["checkpoints"]: {"source": "folder", "path": free, "format": "vectors"}
        },
        "models": dict.fromkeys([model, "other"], vectors),
        "labellings": {labelling: {"words": free}},
        "analyses": {"silhouette": {"labellings": [labelling]}},
        "contrasts": {named["contrasts"]: {"treated": model, "control": "other"}},
    }


@settings(max_examples=25, deadline=None)
@given(text=texts)
def test_free_text_is_carried_as_json_or_refused_in_one_line(text: str) -> None:
    """Options reach commands as JSON of ASCII characters that reads back as the same value."""
    study, problem = _resolve(_study(text))
    assert "\n" not in problem
    if study is not None:
        options = Plan(study).corpus_options(SimpleNamespace(corpus="name"))
        assert options.isascii()
        assert json.loads(options)["words"] == [text, "cat"]


@settings(max_examples=40, deadline=None)
@given(text=st.one_of(texts, st.from_regex(r"[a-z0-9-]{1,60}\n?")), kind=st.sampled_from(KINDS))
def test_names_stay_in_the_results_folder_or_are_refused_in_one_line(text: str, kind: str) -> None:
    """No name becomes a path outside, with a blank, or too long for a file system."""
    study, problem = _resolve(_study("x", **{kind: text}))
    assert "\n" not in problem
    if study is None:
        return
    plan = Plan(study)
    for path in [*plan.all_embeddings(), *plan.all_tables(), *figures.files(study)]:
        parts = PurePosixPath(path).parts
        assert ".." not in parts
        assert re.fullmatch(r"[A-Za-z0-9_.][A-Za-z0-9_./-]+", path)
        assert max(map(len, parts)) <= 255
