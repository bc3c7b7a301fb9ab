"""Captions render without complaint; the text of the report says what the study must say."""

import html
import re
import types
from pathlib import Path
from typing import Any

import pytest
from docutils.core import publish_parts
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, StrictUndefined

from groundscope.plan.figures import KINDS

REPORT = Path(__file__).parents[2] / "workflow/report"
CONFIG: dict[str, Any] = {
    "study": {"title": "Title", "question": "Why?", "caution": "Take care."},
    "corpora": {"spoken": {"kind": "synthesized"}, "read": {"kind": "recordings"}},
    "models": {"whisper": {"family": "speech", "checkpoint": "w"}, "mel": {"family": "log-mel"}},
    "analyses": {"cka": {}, "lda": {}},
}


def _render(file: Path, config: dict[str, Any]) -> str:
    snakemake = types.SimpleNamespace(
        config=config,
        wildcards=types.SimpleNamespace(corpus="spoken", labelling="meaning", model="mel"),
    )
    # blocks are trimmed as snakemake --report does
    environment = Environment(trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined)
    template = environment.from_string(file.read_text(encoding="utf-8"))
    # a warning of docutils is an error here
    parts = publish_parts(
        template.render(snakemake=snakemake),
        writer="html",
        settings_overrides={"halt_level": 2, "report_level": 2},
    )
    return str(parts["body"])


def test_every_figure_has_a_caption() -> None:
    """A kind without caption would fail only when a report is asked for."""
    assert {kind.name for kind in KINDS} | {"workflow", "summary"} == {
        file.stem for file in REPORT.glob("*.rst")
    }


@pytest.mark.parametrize("file", sorted(REPORT.glob("*.rst")), ids=lambda f: f.stem)
def test_captions_render(file: Path) -> None:
    """Template and markup are sound, and nothing of either is left in the text."""
    text = _render(file, CONFIG)
    assert not any(mark in text for mark in ("{{", "{%", ":sub:", "**", "system-message"))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_captions_say_how_to_read(kind: Any) -> None:
    """A caption says how to read the figure and names a reference with its year."""
    text = _render(REPORT / f"{kind.name}.rst", CONFIG)
    assert "How to read it." in text
    assert any(f"({year})" in text for year in range(1930, 2030))


def test_synthetic_speech_is_warned_of_without_a_caution() -> None:
    """The warning comes from the kind of corpus, not from what the study's author wrote."""
    silent = {**CONFIG, "study": {"title": "Title"}}
    assert "no claim about" in _render(REPORT / "workflow.rst", silent)
    recorded = {**silent, "corpora": {"read": {"kind": "recordings"}}}
    assert "no claim about" not in _render(REPORT / "workflow.rst", recorded)


def test_the_caution_is_printed() -> None:
    """What results must not be read as stands on the first page."""
    assert "Take care." in _render(REPORT / "workflow.rst", CONFIG)


LINES = st.sampled_from(
    (
        "",
        "Speech is synthetic.",
        "    indented, then",
        "- no list",
        "1. nor this",
        ".. note:: no directive",
        "a_ `b` *c* |d| \\e **f",
        "ends with::",
        "=====",
        "naïve Wörter 言葉 <b>&",
    )
)


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINES, min_size=1, max_size=5), key=st.sampled_from(["caution", "question"]))
@example(lines=["First.", "", "Second paragraph,", "two lines."], key="caution")
def test_what_an_author_writes_is_text_however_many_lines(lines: list[str], key: str) -> None:
    """Each line arrives as it is written; a caution stands wholly inside its box."""
    study = {"title": "Title", key: "\n".join(lines)}
    recorded = {**CONFIG, "study": study, "corpora": {"read": {"kind": "recordings"}}}
    page = _render(REPORT / "workflow.rst", recorded)
    page = page.partition("<em>How to read the report.</em>")[0]
    box = re.search(r'<div class="admonition warning">.*</div>\n</div>', page, re.DOTALL)
    assert (box is not None) == (key == "caution" and study["caution"] != "")
    for line in filter(None, lines):
        where = page if box is None else box.group()
        assert f'<div class="line">{html.escape(line.strip(), quote=False)}</div>' in where


def test_a_title_is_one_line_of_text() -> None:
    """Marks and line ends in it do not end what is bold."""
    study = {"title": "What does *x*\n\ndo to y_?"}
    assert "<strong>What does *x* do to y_?</strong>" in _render(
        REPORT / "workflow.rst", {**CONFIG, "study": study}
    )
