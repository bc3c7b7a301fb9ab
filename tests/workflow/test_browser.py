"""The report in a headless Chromium: a reader clicks through it, without network or errors."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import CHROMIUM, Browser
from checkout import Checkout

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

_SORT = """(() => {
  const table = [...document.querySelectorAll('h2')]
    .find(h => h.textContent.startsWith('Decodability')).nextElementSibling.nextElementSibling
    .querySelector('table');
  const head = [...table.querySelectorAll('th')].find(h => h.textContent === 'score');
  head.querySelector('button').click();
  return [...table.tBodies[0].rows].map(row => Number(row.cells[head.cellIndex].dataset.value));
})()"""


@pytest.fixture
def browser() -> Iterator[Browser]:
    """Give a fresh browser, and see that nothing was asked of a network and nothing failed."""
    with Browser() as opened:
        yield opened
        assert opened.errors == []
        assert opened.requests
        outside = [url for url in opened.requests if not url.startswith(("file:", "data:"))]
        assert outside == []


def _click(browser: Browser, text: str) -> None:
    """Click the link with that text, as soon as it is there."""
    found = f"[...document.querySelectorAll('a')].find(a => a.textContent.trim() === '{text}')"
    browser.wait(f"!!{found}")
    browser.run(f"{found}.click()")


def _buttons(icon: str) -> str:
    """Script for the buttons with that icon, one a figure."""
    return f"[...document.querySelectorAll('a[iconname={icon}]')]"


def test_a_reader_clicks_through_the_report(report: Path, browser: Browser) -> None:
    """Every category opens, its figures are drawn, their captions show, the summary is inside."""
    assert report.stat().st_size < 20e6
    browser.open(report)
    browser.wait("document.body.innerText.includes('How to read the report.')")
    categories = ("Overview", "Alignment", "Word pairs", "Clustering", "Decodability",
                  "Words in a plane")  # fmt: skip
    for category in categories:
        _click(browser, category)
        # figures that differ in one label share a row, with a switch
        for number in range(browser.wait(f"{_buttons('eye')}.length")):
            browser.wait(f"{_buttons('eye')}.length > {number}")
            browser.run(f"{_buttons('eye')}[{number}].click()")
            shown = "[...document.images].find(i => !i.src.includes('filename=logo.svg'))"
            browser.wait(f"{shown}?.complete && {shown}.naturalWidth > 100")
            browser.run(f"{_buttons('information-circle')}[{number}].click()")
            browser.wait("document.body.innerText.includes('DESCRIPTION')")
            assert browser.run("document.body.innerText.split('DESCRIPTION')[1]"
                               ".includes('How to read it.')")  # fmt: skip
            _click(browser, category)
        _click(browser, "Results")
    _click(browser, "Summary")
    browser.wait("!!document.querySelector('a[iconname=eye]')")
    browser.run("document.querySelector('a[iconname=eye]').click()")
    browser.wait("!!document.querySelector('iframe')?.src.startsWith('data:text/html')")


def test_the_summary_page_works(finished: Checkout, report: Path, browser: Browser) -> None:
    """Links lead somewhere, tables sort, values show, the slider steps through layers."""
    browser.open(finished.folder / "results/tables/summary.html")
    assert browser.run("document.title") == "A tiny study"
    assert (
        browser.run("""[...document.querySelectorAll('nav a')].filter(
        a => !document.getElementById(a.getAttribute('href').slice(1))).length""")
        == 0
    )
    heads = browser.run("[...document.querySelectorAll('h2')].map(h => h.textContent)")
    wanted = {"In words", "Figures", "Methods", "References", "Coverage and dropped words",
              "Provenance: weights", "Provenance: seeds", "Settings"}  # fmt: skip
    assert wanted <= set(heads)
    text = browser.run("document.body.innerText")
    assert "CKA in clips rests on 5 words, fewer than 50" in text
    assert "groups have fewer than 5 words" in text
    # each figure of the study is drawn, with a caption, and its markers say their values; planes
    # are in the explorer instead
    svgs = [
        file
        for file in (finished.folder / "results/figures").rglob("*.svg")
        if not file.name.startswith("planes-")
    ]
    drawn = """[...document.querySelectorAll('figure')].filter(
        f => f.querySelector('svg').getBBox().width > 100 &&
        f.querySelector('svg text') &&
        f.querySelector('figcaption').textContent.includes('How to read it.')).length"""
    assert browser.run(drawn) == len(svgs)
    assert browser.run("document.querySelectorAll('figure use > title').length") > 20
    scores = browser.run(_SORT)
    assert len(scores) > 1
    assert scores == sorted(scores)
    assert browser.run(_SORT) == sorted(scores, reverse=True)
    _explore(browser)


def _explore(browser: Browser) -> None:
    """Step to the other layer of w2v: the text says so and the words move."""
    browser.run("""(() => { const model = document.getElementById('plane-model');
        model.value = 'w2v'; model.dispatchEvent(new Event('change')); })()""")
    places = "[...document.querySelectorAll('#plane-map text')].map(t => t.getAttribute('x'))"
    told = "document.getElementById('plane-told').textContent"
    seen = []
    for layer in (0, 1):
        browser.run(f"""(() => {{ const slider = document.getElementById('plane-layer');
            slider.value = {layer}; slider.dispatchEvent(new Event('input')); }})()""")
        seen.append((browser.run(told).partition(" ·")[0], browser.run(places)))
    assert [text for text, _ in seen] == ["layer 0 of w2v", "layer 2 of w2v"]
    assert len(seen[0][1]) == 5
    assert seen[0][1] != seen[1][1]
    titles = "[...document.querySelectorAll('#plane-map title')].map(t => t.textContent)"
    assert "cat (animal)" in browser.run(titles)
