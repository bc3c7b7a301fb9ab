"""Every kind of figure can be read in print: in one column of a page, and without colour."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pyarrow as pa
import pytest
import result_tables
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from groundscope.figures import (
    change,
    cka_contrasts,
    cka_layers,
    cka_matrices,
    contrasts,
    lda,
    overview,
    pairs,
    planes,
    silhouette,
    silhouette_groups,
    style,
)

# Models of published size, with layers that have names.
LARGE = {
    **{name: [*map(str, range(13)), "cls"] for name in ("fast-vgs-plus", "wav2vec2-base")},
    **{name: [str(k) for k in range(25)] for name in ("vg-bert-large", "bert-large-uncased")},
    "fasttext-crawl": ["0"],
    "log-mel": ["0"],
}
STUDIES = {"default": result_tables.DEFAULT, "large": LARGE}


def _tables(models: Mapping[str, Any]) -> dict[str, pa.Table]:
    of_models = ("cka", "cka_contrasts", "pairs", "lda", "planes")
    found = {name: getattr(result_tables, name)(models) for name in of_models}
    found["silhouette"] = result_tables.silhouette(models, spaces=("full", "pca-8", "lda"))
    found["contrasts"] = result_tables.contrasts()
    found["change_correlation"] = result_tables.change_correlation()
    return found


def _change(found: Mapping[str, pa.Table]) -> Figure:
    rows = [{**row, "labelling": name} for name in ("a", "b", "c", "meaning")
            for row in found["change_correlation"].to_pylist()]  # fmt: skip
    differences = [{**row, "labelling": name} for name in ("a", "b", "c", "meaning")
                   for row in found["contrasts"].to_pylist()]  # fmt: skip
    return change.figure(
        pa.Table.from_pylist(rows, found["change_correlation"].schema),
        result_tables.cka(),
        pa.Table.from_pylist(differences, found["contrasts"].schema),
        {},
    )


DRAW: Mapping[str, Any] = {
    "overview": lambda found: overview.figure(found, {"corpus": "spoken"}),
    "cka": lambda found: cka_matrices.figure(found["cka"], {}),
    "cka_contrasts": lambda found: cka_contrasts.figure(found["cka_contrasts"], {}),
    "cka_layers": lambda found: cka_layers.figure(found["cka"], {}),
    "pairs": lambda found: pairs.figure(found["pairs"], {}),
    "silhouette": lambda found: silhouette.figure(found["silhouette"], {}),
    "silhouette_groups": lambda found: silhouette_groups.figure(
        found["silhouette"], {"classes": {"animals": "concrete", "time": "abstract"}}
    ),
    "planes": lambda found: planes.figure(found["planes"], {}),
    "lda": lambda found: lda.figure(found["lda"], {}),
    "contrasts": lambda found: contrasts.figure(found["contrasts"], {}),
    "change": _change,
}


@pytest.fixture(scope="module", params=STUDIES)
def tables(request: pytest.FixtureRequest) -> dict[str, pa.Table]:
    """Give the tables of a study."""
    return _tables(STUDIES[request.param])


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, Bbox]]:
    """Note what is written into a figure: each line of text, its size in points, its place."""
    found: list[tuple[str, float, Bbox]] = []
    write: Any = RendererAgg.draw_text

    def note(
        self: Any,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        *more: Any,
        **k: Any,
    ) -> None:
        width, height, descent = self.get_text_width_height_descent(s, prop, ismath=False)
        up = height - descent
        ends = (x, y - up, x + width, y + descent)
        steep = (x - up, y - width, x + descent, y)
        if s.strip():
            place = Bbox.from_extents(*(steep if angle else ends))
            found.append((s, prop.get_size_in_points(), place))
        write(self, gc, x, y, s, prop, angle, *more, **k)

    monkeypatch.setattr(RendererAgg, "draw_text", note)
    return found


@pytest.mark.parametrize("kind", DRAW)
def test_figures_are_legible_in_one_column_and_in_grey(
    kind: str, tables: dict[str, pa.Table], written: list[tuple[str, float, Bbox]]
) -> None:
    """88 mm wide, no text below 6 points, none cut off or over another; no name by colour alone."""
    figure = DRAW[kind](tables)
    style.settle(figure)
    written.clear()
    figure.canvas.draw()
    assert figure.get_figwidth() / style.MM == pytest.approx(88)
    assert len(written) > 5
    assert min(size for _, size, _ in written) >= 6
    width, height = figure.get_size_inches() * figure.dpi
    cut = [
        text
        for text, _, place in written
        if place.x0 < 0 or place.y0 < 0 or place.x1 > width + 1 or place.y1 > height + 1
    ]
    assert cut == []
    over = [
        (a, b)
        for (a, _, one), (b, _, other) in combinations(written, 2)
        if one.padded(-1).overlaps(other.padded(-1))
    ]
    assert over == []
    # what a legend names differs in marker, its fill, or the line
    for legend in figure.legends:
        shapes = [
            (line.get_marker(), str(line.get_markerfacecolor()) == "white", line.get_linestyle())
            for line in legend.get_lines()
        ]
        assert len(set(shapes)) == len(shapes)
