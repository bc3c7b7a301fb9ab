"""Figures can be told apart without colour, and equal tables give equal files."""

import re
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import result_tables
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb

from groundscope.errors import UserError
from groundscope.figures import cka_matrices, silhouette, style
from groundscope.figures.selection import LayerAxis


def _lightness(colour: str) -> float:
    """CIE L* of an sRGB colour, 0 to 100 (IEC 61966-2-1, CIE 15)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > 216 / 24389 else y * 24389 / 27


def test_neighbouring_colours_differ_in_grey() -> None:
    """Colours that follow each other differ by at least 12 in lightness; none is pale on white."""
    values = [_lightness(colour) for colour in (*style.PALETTE, style.PALETTE[0])]
    assert min(abs(a - b) for a, b in pairwise(values)) >= 12
    assert max(values) <= 75


def test_looks_are_distinct() -> None:
    """Colour and marker together name a model, and within a colour the marker alone does."""
    found = [(look.colour, look.marker) for look in map(style.look, range(91))]
    assert len(set(found)) == 91


def test_looks_differ_without_colour() -> None:
    """Of the first 26, two that share a marker differ by at least 12 in lightness."""
    for a, b in combinations(map(style.look, range(26)), 2):
        assert a.marker != b.marker or abs(_lightness(a.colour) - _lightness(b.colour)) >= 12


def test_equal_steps_of_the_colour_scale_are_equal_steps_in_grey() -> None:
    """From dark to light, nowhere less than half as fast as on the whole."""
    shades = [
        _lightness(to_hex(colour)) for colour in colormaps[cka_matrices.MAP](range(0, 256, 15))
    ]
    steps = [b - a for a, b in pairwise(shades)]
    assert min(steps) >= 0.5 * (shades[-1] - shades[0]) / len(steps)


def test_two_controls_of_one_model_and_a_shared_control() -> None:
    """A control takes the hue of the first contrast that names it; no treated model loses its."""
    looks = style.looks(["a", "b", "c"], [["a", "c"], ["b", "c"]])
    assert looks["c"].colour == looks["a"].colour != looks["b"].colour
    assert [looks[name].control for name in "abc"] == [False, False, True]


def test_a_chain_of_contrasts_has_looks() -> None:
    """A model that is treated in one contrast and control in another is drawn."""
    looks = style.looks(["a", "b", "c"], [["a", "b"], ["b", "c"]])
    assert looks["a"].colour == looks["b"].colour
    assert [looks[name].control for name in "abc"] == [False, True, True]


def test_layers_are_in_order() -> None:
    """Numbers by value, whatever their order in the table; names after them."""
    axis = LayerAxis.of(["10", "cls", "2", "0", "trm2"])
    assert list(axis.positions) == ["0", "2", "10", "cls", "trm2"]
    assert [axis.positions[name] for name in ("0", "2", "10")] == [0.0, 2.0, 10.0]
    assert 10 < axis.positions["cls"] < axis.positions["trm2"]


@pytest.mark.parametrize(("blocks", "wanted"), [(4, 5), (12, 13), (24, 13), (48, 13), (26, 9)])
def test_layer_ticks_are_thinned_evenly(blocks: int, wanted: int) -> None:
    """At most 13 ticks, with one step, from 0 to less than a step before the last layer."""
    ticks = [int(name) for name in LayerAxis.of(map(str, range(blocks + 1))).ticks(13)]
    assert len(ticks) == wanted
    assert len({b - a for a, b in pairwise(ticks)}) == 1
    assert ticks[0] == 0
    assert blocks - ticks[-1] < ticks[1]


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png"])
def test_equal_tables_give_equal_bytes(tmp_path: Path, suffix: str) -> None:
    """Nothing of the moment, the machine or memory addresses gets into a file."""
    paths = [tmp_path / f"{name}{suffix}" for name in ("a", "b")]
    for path in paths:
        figure = silhouette.figure(result_tables.silhouette(groups=False), {})
        style.save(figure, [path])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_fonts_are_embedded_and_text_is_text(tmp_path: Path) -> None:
    """The PDF carries its TrueType font; words can be searched in the SVG."""
    table = result_tables.silhouette(groups=False)
    style.save(silhouette.figure(table, {}), [tmp_path / "a.svg", tmp_path / "a.pdf"])
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"DejaVuSans" in pdf
    assert b"/CreationDate" not in pdf
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert re.search(r"<text[^>]*>whisper-random</text>", svg)
    # larger than in print, with the same contents
    (size,) = re.findall(r'<svg [^>]*width="([\d.]+)pt" [^>]*viewBox="0 0 ([\d.]+)', svg)
    width, shown = map(float, size)
    assert shown == pytest.approx(88 / 25.4 * 72)
    assert width == pytest.approx(1.75 * shown, rel=1e-4)
    assert "<dc:date>" not in svg


def test_other_formats_are_refused(tmp_path: Path) -> None:
    """A suffix that cannot be written reproducibly is an error, and nothing is left behind."""
    figure = silhouette.figure(result_tables.silhouette(groups=False), {})
    with pytest.raises(UserError, match="jpg: figures are written as"):
        style.save(figure, [tmp_path / "a.jpg"])
    assert list(tmp_path.iterdir()) == []


def test_drawing_does_not_load_the_global_state() -> None:
    """Figures are made without pyplot, which would keep them alive and pick a display."""
    sources = Path(style.__file__).parent.glob("*.py")
    assert not any("pyplot" in file.read_text(encoding="utf-8") for file in sources)


def test_markers_say_their_values_in_the_svg(tmp_path: Path) -> None:
    """Each marker of every curve has its own title, in order."""
    table = result_tables.silhouette({"w2v": ["0", "1", "2"]}, groups=False)
    style.save(silhouette.figure(table, {}), [tmp_path / "a.svg"])
    svg = (tmp_path / "a.svg").read_text(encoding="utf-8")
    titles = re.findall(r"<use [^>]*><title>([^<]*)</title></use>", svg)
    rows = [row for row in table.to_pylist() if row["metric"] == "cosine"]
    assert len(titles) == len(rows) == 9
    for title, row in zip(titles, rows, strict=True):
        assert title.startswith(f"w2v, layer {row['layer']}: {row['estimate']:.3f} (95% interval")


def test_texts_that_do_not_fit_their_markers_are_refused(tmp_path: Path) -> None:
    """A text too many is an error, not a wrong value under the pointer."""
    figure = silhouette.figure(result_tables.silhouette({"w2v": ["0", "1"]}, groups=False), {})
    line = next(line for line in figure.axes[0].lines if line.get_label() == "w2v")
    style.hover(line, ["one", "two", "three"])
    with pytest.raises(ValueError, match="2 markers for 3 texts"):
        style.save(figure, [tmp_path / "a.svg"])
