"""The summary as one HTML page that needs nothing else: no network, no other file."""

import html
import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from groundscope.figures.explorer import SCRIPT
from groundscope.figures.selection import written
from groundscope.figures.sheet import Sheet

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 84em; padding: 0 1em;
  color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6em; } h2 { font-size: 1.2em; margin-top: 2em; } h3 { font-size: 1em; }
p, li { max-width: 60em; }
.caution, .warnings { border-left: 4px solid #d55e00; background: #fdf3ec; padding: .6em 1em; }
.note { color: #555; } .wide, pre { overflow: auto; max-height: 32em; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .2em .45em; border-bottom: 1px solid #ddd; text-align: left;
  white-space: nowrap; }
th { position: sticky; top: 0; background: #fff; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 2px solid #0072b2; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
td.long { white-space: normal; overflow-wrap: anywhere; min-width: 20em; }
td[data-value] { text-align: right; font-variant-numeric: tabular-nums; }
pre { white-space: pre-wrap; font-size: 12px; background: #f5f5f5; padding: 1em; }
nav { margin-top: 1em; } nav a { margin-right: 1.2em; } a { color: #0072b2; }
figure { margin: 2em 0; display: grid; grid-template-columns: minmax(0, 36em) minmax(0, 1fr);
  gap: 0 2em; } figure h3 { grid-column: 1 / -1; } figure svg { width: 100%; height: auto;
  font-family: "DejaVu Sans", sans-serif; }
figcaption { color: #333; font-size: 14px; }
@media (max-width: 60em) { figure { display: block; } }
figcaption blockquote { font-family: serif; }
.controls label { margin-right: 1em; } #plane-map { width: 100%; max-width: 44em; }
#plane-map text { cursor: default; } #plane-groups { columns: 10em; list-style: none;
  padding: 0; max-width: 44em; }
"""
_SCRIPT = """
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.parentElement, table = head.closest("table");
    const column = head.cellIndex, body = table.tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const order = new Intl.Collator("en", { numeric: true });
    const compare = (a, b) => {
      const x = Number(a), y = Number(b);
      return a !== "" && b !== "" && !isNaN(x) && !isNaN(y) ? x - y : order.compare(a, b);
    };
    const rows = [...body.rows].sort((a, b) => compare(value(a), value(b)));
    body.append(...(up ? rows : rows.reverse()));
  });
}
"""

# Longer texts are wrapped in their cells.
_LONG = 40
# Rows that are seen of a table before it scrolls.
_SEEN = 17
# More rows of a table are left to its file.
_MOST_ROWS = 400


def page(
    study: Mapping[str, str],
    sheets: Sequence[Sheet],
    warnings: Sequence[str],
    settings: Mapping[str, Any],
    sections: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Put the summary together.

    Parameters
    ----------
    study
        ``title``, ``question``, ``caution``.
    sheets
        Tables, in order; the sentences of all come first.
    warnings
        Why the study may not carry its claims.
    settings
        The configuration that made the results.
    sections
        Title -> HTML of what stands between the sentences and the tables.
    """
    title = html.escape(study["title"])
    words = (
        f"<h3>{html.escape(sheet.title.partition(':')[0])}</h3>{listed(sheet.sentences)}"
        for sheet in sheets
        if sheet.sentences
    )
    parts = [
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>",
        f"<p>{html.escape(study['question'])}</p>",
    ]
    if study["caution"]:
        parts.append(f'<p class="caution"><b>Caution.</b> {html.escape(study["caution"])}</p>')
    if warnings:
        head = "<b>Too small or too uneven for a claim</b>"
        parts.append(f'<div class="warnings">{head}{listed(warnings)}</div>')
    heads = ["In words", *sections, *(sheet.title for sheet in sheets), "Settings"]
    links = (f'<a href="#part-{i}">{html.escape(head)}</a>' for i, head in enumerate(heads))
    parts.append(f"<nav>{' '.join(links)}</nav>")
    bodies = ["".join(words), *sections.values(), *map(_sheet, sheets)]
    text = json.dumps(settings, indent=1, sort_keys=True, ensure_ascii=False)
    bodies.append(f"<pre>{html.escape(text)}</pre>")
    for number, (head, body) in enumerate(zip(heads, bodies, strict=True)):
        parts.append(f'<h2 id="part-{number}">{html.escape(head)}</h2>{body}')
    parts.append(f"<script>{_SCRIPT}{SCRIPT}</script></body></html>\n")
    return "\n".join(parts)


def listed(items: Sequence[str]) -> str:
    """Make a list of texts."""
    return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"


def _sheet(sheet: Sheet) -> str:
    heads = "".join(
        f'<th scope="col"><button type="button">{html.escape(name)}</button></th>'
        for name in sheet.columns
    )
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in sheet.rows[:_MOST_ROWS])
    more = f" {len(sheet.rows):,} rows, to scroll." if len(sheet.rows) > _SEEN else ""
    if len(sheet.rows) > _MOST_ROWS:
        more = f" The first {_MOST_ROWS} of {len(sheet.rows):,} rows; all are in the table's file."
    return (
        f'<p class="note">{html.escape(sheet.note)}{more}</p>'
        f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>\n{rows}\n</tbody></table>'
        "</div>"
    )


def _cell(value: Any) -> str:
    if value is None:
        return '<td data-value="">-</td>'
    if isinstance(value, float):
        return f'<td data-value="{value:.6g}">{written(value)}</td>'
    if isinstance(value, int):
        return f'<td data-value="{value}">{value:,}</td>'
    text = str(value)
    kind = ' class="long"' if len(text) > _LONG else ""
    return f"<td{kind}>{html.escape(text)}</td>"
