"""Words in a plane, to step through: every layer of every model, words under the pointer."""

import json
from typing import Any

import pyarrow as pa

from groundscope.figures import style
from groundscope.figures.selection import LayerAxis, Row, in_order
from groundscope.figures.sheet import groups_of

# Most rows of a plane that are put into the page.
_MOST_ROWS = 1000
# Positions are whole numbers up to this far from the middle.
_SCALE = 1000

_PAGE = """
<div id="explorer"><p class="note">A mark is a word (or a token, where tokens differ in label): its
name shows under the pointer. pca: two principal components, labels unused. lda: discriminant axes,
fitted to these labels: groups look apart even where the vectors hold nothing about them.</p>
<p class="controls">
<label>words <select id="plane"></select></label>
<label>model <select id="plane-model"></select></label>
<label>layer <input id="plane-layer" type="range" min="0" value="0"></label>
<output id="plane-told"></output></p>
<svg id="plane-map" viewBox="-1060 -1060 2120 2120" role="img"
 aria-label="words in a plane"></svg><ul id="plane-groups"></ul></div>
<script type="application/json" id="planes">DATA</script>
"""
SCRIPT = """
const planes = document.getElementById("planes");
if (planes) {
  const { maps, looks } = JSON.parse(planes.textContent);
  const [which, model, slider, told, map, groups] = ["plane", "plane-model", "plane-layer",
    "plane-told", "plane-map", "plane-groups"].map(id => document.getElementById(id));
  const make = (tag, text, more = {}) => {
    const made = document.createElementNS(
      ["option", "li", "span"].includes(tag) ? "http://www.w3.org/1999/xhtml" : map.namespaceURI,
      tag);
    for (const [key, value] of Object.entries(more)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };
  const share = value => value === null ? "a component of the rest" : Math.round(100 * value) + "%";
  const draw = () => {
    const chosen = maps[which.value], found = chosen.models[model.value].layers[slider.value];
    told.textContent = `layer ${found.layer} of ${model.value} · ${chosen.words.length} points · ` +
      `cosine silhouette ${found.silhouette.toFixed(3)} · axes ${share(found.shares[0])}, ` +
      `${share(found.shares[1])}`;
    map.replaceChildren(...chosen.words.map((word, i) => {
      const look = looks[chosen.groups[i] % looks.length];
      const point = make("text", look.sign, { x: found.x[i], y: -found.y[i], fill: look.colour,
        "text-anchor": "middle", "dominant-baseline": "central", "font-size": 44 });
      point.append(make("title", `${word} (${chosen.labels[chosen.groups[i]]})`));
      return point;
    }));
  };
  const layers = () => {
    const own = maps[which.value].models[model.value];
    slider.max = own.layers.length - 1;
    slider.value = own.chosen;
    draw();
  };
  const models = () => {
    const chosen = maps[which.value], before = model.value;
    const names = Object.keys(chosen.models);
    model.replaceChildren(...names.map(name => make("option", name)));
    if (names.includes(before)) model.value = before;
    groups.replaceChildren(...chosen.labels.map((label, i) => {
      const look = looks[i % looks.length];
      const item = make("li", "");
      item.append(make("span", look.sign, { style: `color: ${look.colour}` }), ` ${label}`);
      return item;
    }));
    layers();
  };
  which.append(...maps.map((one, i) => make("option", one.title, { value: i })));
  which.addEventListener("change", models);
  model.addEventListener("change", layers);
  slider.addEventListener("input", draw);
  models();
}
"""
# For the markers of the figures, in their order.
_SIGNS = "●■▲◆▼✚✖◀⬟▶⬧⬢★"


def explorer(planes: pa.Table) -> str:
    """Make the controls and the data of the script; empty without planes.

    Parameters
    ----------
    planes
        The ``planes`` table. Planes of too many rows are left out, and named.
    """
    maps: list[dict[str, Any]] = []
    crowded: list[str] = []
    found = dict(groups_of(planes.to_pylist(), "corpus", "labelling", "space"))
    # principal components first: they are not fitted to the labels
    for keys in sorted(found, key=lambda keys: (keys[0], keys[1], keys[2] != "pca")):
        title = " · ".join(keys) + (" (fitted in sample)" if keys[2] == "lda" else "")
        one = _map(title, found[keys])
        if len(one["words"]) <= _MOST_ROWS:
            maps.append(one)
        else:
            crowded.append(title)
    if not maps:
        return ""
    looks = [
        {"colour": style.look(number).colour, "sign": _SIGNS[number % len(_SIGNS)]}
        for number in range(91)
    ]
    data = json.dumps({"maps": maps, "looks": looks}, separators=(",", ":"), ensure_ascii=False)
    # no text of a user can end the element
    page = _PAGE.replace("DATA", data.replace("<", "\\u003c"))
    note = f"<p>More than {_MOST_ROWS} points, not shown here: {', '.join(crowded)}.</p>"
    return page + (note if crowded else "")


def _map(title: str, rows: list[Row]) -> dict[str, Any]:
    models: dict[str, Any] = {}
    first: list[Row] = []
    for model in in_order(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == model]
        parts: dict[str, list[Row]] = {}
        for row in own:
            parts.setdefault(row["layer"], []).append(row)
        order = sorted(parts, key=LayerAxis.of(parts).positions.__getitem__)
        first = first or parts[order[0]]
        models[model] = {
            "layers": [_layer(parts[name]) for name in order],
            "chosen": next(i for i, name in enumerate(order) if parts[name][0]["chosen"]),
        }
    labels = sorted({row["label"] for row in first})
    return {
        "title": title,
        "labels": [label.replace("_", " ") for label in labels],
        "words": [row["word"] for row in first],
        "groups": [labels.index(row["label"]) for row in first],
        "models": models,
    }


def _layer(rows: list[Row]) -> dict[str, Any]:
    """Positions around the middle, in one scale for both axes."""
    found: dict[str, Any] = {
        "layer": rows[0]["layer"],
        "silhouette": rows[0]["silhouette"],
        "shares": [rows[0]["share_x"], rows[0]["share_y"]],
    }
    ends = {axis: (min(r[axis] for r in rows), max(r[axis] for r in rows)) for axis in "xy"}
    half = max(high - low for low, high in ends.values()) / 2 or 1.0
    for axis, (low, high) in ends.items():
        found[axis] = [round(_SCALE * (row[axis] - (low + high) / 2) / half) for row in rows]
    return found
