"""What is drawn is what the tables say."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import result_tables
from matplotlib.figure import Figure

from groundscope.errors import UserError
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

PAIR = [["whisper", "whisper-random"]]


def _panels(figure: Figure) -> list[Any]:
    # Any: the stubs of lines and images allow every kind of data
    return [box for box in figure.axes if box.get_visible()]


def _curve(box: Any, label: str) -> Any:
    (line,) = [line for line in box.lines if line.get_label() == label]
    return line


def _estimates(table: pa.Table, **keys: str) -> list[float]:
    for name, value in keys.items():
        table = table.filter(pc.equal(table.column(name), value))
    return [float(value) for value in table.column("estimate").to_pylist()]


def test_silhouette_curves_are_the_estimates() -> None:
    """One panel a labelling, one curve a model, at the table's cosine values."""
    table = result_tables.silhouette()
    drawn = _panels(silhouette.figure(table, {"contrasts": PAIR}))
    assert [box.get_title(loc="left").split("\n")[0] for box in drawn] == [
        "meaning · full space",
        "sound · full space",
        "speaker · full space",
    ]
    for box, labelling in zip(drawn, result_tables.LABELLINGS, strict=True):
        for model in result_tables.DEFAULT:
            wanted = _estimates(
                table, model=model, labelling=labelling, metric="cosine", level="overall"
            )
            y = _curve(box, model).get_ydata()
            # a model with one layer is a flat line
            assert list(y) == (wanted * 3 if len(wanted) == 1 else wanted)


def test_one_layer_that_was_asked_for_is_a_point() -> None:
    """Layer 3 alone is a point at 3; layer 0 alone, as static vectors have it, a flat line."""
    table = result_tables.silhouette({"bert": ["3"], "glove": ["0"], "w2v": ["0", "5"]})
    (box, *_) = _panels(silhouette.figure(table, {}))
    assert [round(x) for x in _curve(box, "bert").get_xdata()] == [3]
    low, place, high = _curve(box, "glove").get_xdata()
    assert low == -0.5
    assert 5.5 < place < high == box.get_xlim()[1]


def test_layer_0_is_on_the_axis_only_where_a_model_with_layers_has_it() -> None:
    """Static vectors alone do not make the axis begin before the first layer of the others."""
    table = result_tables.silhouette({"bert": ["1", "2", "3"], "glove": ["0"]})
    (box, *_) = _panels(silhouette.figure(table, {}))
    assert [tick.get_text() for tick in box.get_xticklabels()] == ["1", "2", "3"]
    assert box.get_xlim()[0] == 0.5


def test_another_metric_is_drawn_on_request() -> None:
    """An option chooses other rows of the same table."""
    table = result_tables.silhouette()
    (box, *_) = _panels(silhouette.figure(table, {"metric": "euclidean"}))
    wanted = _estimates(
        table, model="minilm", labelling="meaning", metric="euclidean", level="overall"
    )
    assert list(_curve(box, "minilm").get_ydata()) == wanted


def test_spaces_have_a_scale_each_and_own_subspaces_share_one() -> None:
    """The LDA space of a labelling has a panel for that labelling only; each scale holds all."""
    full = result_tables.silhouette()
    own = pa.concat_tables(
        full.filter(pc.equal(full.column("labelling"), name)).set_column(
            full.column_names.index("space"),
            full.schema.field("space"),
            pa.array([f"lda:{name}"] * pc.sum(pc.equal(full.column("labelling"), name)).as_py()),
        )
        for name in ("meaning", "sound")
    )
    drawn = _panels(silhouette.figure(pa.concat_tables([full, own]), {}))
    assert [box.get_title(loc="left").split("\n")[0] for box in drawn[3:]] == [
        "meaning · LDA, in sample",
        "sound · LDA, in sample",
    ]
    for part in (drawn[:3], drawn[3:]):
        ((low, high),) = {box.get_ylim() for box in part}
        values = [y for box in part for line in box.lines for y in line.get_ydata()]
        assert low < min(values) < max(values) < high


def test_lda_shows_chance_and_the_null() -> None:
    """The dotted line is at chance, the grey band from the null's mean to its 95th percentile."""
    box = _panels(lda.figure(result_tables.lda(), {}))[0]
    chance = 1 / len(result_tables.LABELLINGS["meaning"])
    (line,) = [line for line in box.lines if line.get_linestyle() == ":"]
    assert line.get_ydata() == [chance, chance]
    ends = [part.get_paths()[0].vertices[:, 1] for part in box.collections]
    nulls = [end for end in ends if np.isclose(end.min(), chance)]
    assert len(nulls) == sum(map(len, result_tables.DEFAULT.values()))
    assert all(end.max() == pytest.approx(chance + 0.06) for end in nulls)


def test_each_model_stands_before_its_own_null() -> None:
    """Where the nulls of two models differ, the grey behind a marker is that of its model."""
    table = result_tables.silhouette({"a": ["0", "1"], "b": ["0", "1"], "c": ["0"]}, groups=False)
    means = {"a": -0.4, "b": 0.0, "c": 0.2}
    rows = [
        {**row, "null_mean": means[row["model"]], "null_high": means[row["model"]] + 0.05}
        for row in table.to_pylist()
    ]
    (box, *_) = _panels(silhouette.figure(pa.Table.from_pylist(rows, table.schema), {}))
    ends = [part.get_paths()[0].get_extents() for part in box.collections]
    for name, mean in means.items():
        # a model with one layer has its marker between the ends of its line
        places = (
            _curve(box, name).get_xdata()[1:2] if name == "c" else _curve(box, name).get_xdata()
        )
        for place in places:
            over = [(e.y0, e.y1) for e in ends if e.x0 < place < e.x1 and e.width < 0.5]
            assert over == [pytest.approx((mean, mean + 0.05))]


def test_groups_in_no_subset_have_a_name_in_the_legend() -> None:
    """A marker without a word beside it says nothing."""
    options = {"labelling": "meaning", "classes": {"animals": "concrete", "time": "abstract"}}
    figure = silhouette_groups.figure(result_tables.silhouette(), options)
    found = [text.get_text() for text in figure.legends[0].get_texts()]
    assert found[:3] == ["abstract", "concrete", "in no subset"]


def test_layer_numbers_do_not_touch_layer_names() -> None:
    """In a small matrix the number beside a named layer makes room for it."""
    models = {name: [*(str(k) for k in range(13)), "cls"] for name in "abcdefg"}
    figure = cka_matrices.figure(result_tables.cka(models), {})
    style.settle(figure)
    for box in _panels(figure):
        areas = (
            [text.get_window_extent() for text in box.get_xticklabels() if text.get_text()]
            if box.images
            else []
        )
        assert not any(a.overlaps(b) for i, a in enumerate(areas) for b in areas[:i])


def test_pairs_leave_out_what_does_not_exist() -> None:
    """Random pairs have a panel for cosines as they are only; the others have three."""
    figure = pairs.figure(result_tables.pairs(), {})
    titles = [box.get_title(loc="left").split("\n")[0] for box in _panels(figure)]
    kinds = ["same-word", "same-group", "same-speaker"]
    assert titles == [*kinds, *kinds, *kinds, "random"]


def test_cka_matrices_hold_every_pair_once() -> None:
    """Five models make a triangle of ten matrices, each cell at the debiased estimate."""
    table = result_tables.cka()
    figure = cka_matrices.figure(table, {})
    images = [box.images[0] for box in _panels(figure) if box.images]
    assert len(images) == 10
    wanted = np.reshape(
        _estimates(table, model_a="whisper", model_b="minilm", estimator="debiased"), (5, 7)
    )
    # the first model is across, the second up
    first = next(image for image in images if image.get_array().shape == (7, 5))
    np.testing.assert_array_equal(first.get_array(), wanted.T)


def test_cka_matrices_share_one_colour_scale() -> None:
    """Equal values have equal colours in all panels, and none is clipped."""
    figure = cka_matrices.figure(result_tables.cka(), {})
    images = [box.images[0] for box in _panels(figure) if box.images]
    (scale,) = {(image.norm.vmin, image.norm.vmax) for image in images}
    values = np.concatenate([image.get_array().ravel() for image in images])
    assert scale[0] <= values.min() <= values.max() <= scale[1]


def test_chosen_pairs_stand_side_by_side() -> None:
    """Two pairs of four models are two matrices, not a triangle."""
    models = {name: ["0", "1", "cls"] for name in "abcd"}
    table = result_tables.cka(models, pairs=[("a", "b"), ("c", "d")])
    figure = cka_matrices.figure(table, {})
    assert sum(bool(box.images) for box in _panels(figure)) == 2


def test_cka_by_layer_pairs_equal_layers() -> None:
    """Layer k with layer k; a model with one layer with every layer of the other."""
    table = result_tables.cka()
    pairs_of = cka_layers.same_layer(
        table.filter(pc.equal(table.column("estimator"), "debiased")).to_pylist()
    )
    assert len(pairs_of) == 10
    rows = pairs_of["whisper", "minilm"]
    assert [(row["layer"], row["layer_b"]) for row in rows] == [(str(k), str(k)) for k in range(5)]
    assert [row["layer"] for row in pairs_of["log-mel", "minilm"]] == [str(k) for k in range(7)]
    assert len(_panels(cka_layers.figure(table, {}))) == 5


def test_contrasts_mark_what_survives_holm() -> None:
    """Markers are open exactly where the corrected p is not below 0.05."""
    (box, *others) = _panels(contrasts.figure(result_tables.contrasts(), {}))
    # normalised cosines of pairs, which do not compare between models, have no panel
    labels = [each.get_ylabel() for each in (box, *others)]
    assert labels == ["Δ AUC", "Δ silhouette\nabove null", "Δ accuracy"]
    curve = _curve(box, "training: whisper minus whisper-random")
    (hollow,) = [
        line
        for line in box.lines
        if line.get_markerfacecolor() == "white" and line.get_color() == curve.get_color()
    ]
    assert list(hollow.get_ydata()) == list(curve.get_ydata())[:2]


def test_contrasts_of_silhouettes_are_above_their_null() -> None:
    """Raw silhouettes have a panel only where nothing else was contrasted."""
    table = result_tables.contrasts()
    raw = [row for row in table.to_pylist() if row["measure"] != "silhouette-above-null"]
    for shown, label in (
        (table, "Δ silhouette\nabove null"),
        (pa.Table.from_pylist(raw, table.schema), "Δ silhouette"),
    ):
        labels = [box.get_ylabel() for box in _panels(contrasts.figure(shown, {}))]
        assert [name for name in labels if "silhouette" in name] == [label]


def test_contrasts_of_some_groups_are_in_the_table_only() -> None:
    """Runs that leave a group out, subsets and balanced accuracy have no panel, and move none."""
    table = result_tables.contrasts()
    shown = [box.get_ylabel() for box in _panels(contrasts.figure(table, {}))]
    found = [
        box.get_ylabel()
        for box in _panels(contrasts.figure(result_tables.with_more_families(table), {}))
    ]
    assert found == shown
    cka, rows = result_tables.cka(), result_tables.change_correlation()
    other = [{**row, "protocol": "leave-one-group-out"} for row in rows.to_pylist()]
    both = pa.concat_tables([rows, pa.Table.from_pylist(other, rows.schema)])
    one, two = (
        _panels(change.figure(correlations, cka, result_tables.with_more_families(table), {}))
        for correlations in (rows, both)
    )
    assert [box.get_title(loc="left") for box in one] == [box.get_title(loc="left") for box in two]
    (points,) = (
        next(line for line in box.lines if line.get_marker() == "o").get_ydata() for box in two
    )
    assert list(points) == _estimates(table, contrast="training", measure="silhouette-above-null")


def test_contrasts_that_only_leave_a_group_out_are_shown() -> None:
    """As in a study of that protocol alone; the head says which silhouettes they are."""
    table = result_tables.contrasts()
    rows = [
        {**row, "protocol": row["protocol"] and "leave-one-group-out"} for row in table.to_pylist()
    ]
    runs = pa.Table.from_pylist(rows, table.schema)
    figures = [contrasts.figure(each, {}) for each in (table, runs)]
    one, two = ([box.get_ylabel() for box in _panels(figure)] for figure in figures)
    assert one == two
    heads = ["".join(text.get_text() for text in figure.texts) for figure in figures]
    assert "all groups at once" in heads[0]
    assert "leaving a group out" in heads[1]


def test_a_contrast_of_one_layer_is_hollow_where_it_is_not_significant() -> None:
    """As markers of several layers are; beside a contrast that has several."""
    table = result_tables.contrasts()
    rows = [row for row in table.to_pylist() if row["contrast"] == "training"]
    one = [row for row in rows if row["layer"] == rows[0]["layer"]]
    for p_value, face in ((0.6, "white"), (0.001, None)):
        flat = [{**row, "contrast": "static", "layer": "0", "p_holm": p_value} for row in one]
        figure = contrasts.figure(pa.Table.from_pylist([*rows, *flat], table.schema), {})
        lines = [line for box in _panels(figure) for line in box.lines]
        faces = {
            line.get_markerfacecolor() for line in lines if str(line.get_label())[:7] == "static:"
        }
        assert (faces == {"white"}) is (face == "white")
        assert faces


def test_contrasts_of_alignment_are_signed_where_they_survive_holm() -> None:
    """Each cell at its estimate, 0 in the middle of the scale, plus and minus by table."""
    table = result_tables.cka_contrasts()
    figure = cka_contrasts.figure(table, {})
    boxes = [box for box in _panels(figure) if box.images]
    # whisper minus its random twin with three models, the twin minus log-mel with three
    assert len(boxes) == 6
    for box in boxes:
        (image,) = box.images
        assert image.norm.vmin == -image.norm.vmax
    (box,) = [each for each in boxes if each.get_ylabel() == "minilm"]
    rows = [r for r in table.to_pylist() if (r["contrast"], r["model_b"]) == ("a", "minilm")]
    values = box.images[0].get_array()
    assert values.shape == (7, 5)
    signs = {
        (x, y): marker
        for line in box.lines
        if (marker := line.get_marker()) in "+_"
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)
    }
    for row in rows:
        x, y = int(row["layer"]), int(row["layer_b"])
        assert values[y, x] == row["estimate"]
        wanted = "+" if row["estimate"] > 0 else "_"
        assert signs.get((x, y)) == (wanted if row["p_holm"] < 0.05 else None)


def test_change_points_are_cka_and_contrast() -> None:
    """A point a layer: one minus CKA across, difference in silhouette up."""
    cka, differences = result_tables.cka(), result_tables.contrasts()
    figure = change.figure(result_tables.change_correlation(), cka, differences, {})
    (box,) = _panels(figure)
    points = next(line for line in box.lines if line.get_marker() == "o")
    alike = np.reshape(
        _estimates(cka, model_a="whisper", model_b="whisper-random", estimator="debiased"), (5, 5)
    )
    np.testing.assert_allclose(points.get_xdata(), 1 - np.diag(alike), rtol=1e-12)
    assert list(points.get_ydata()) == _estimates(
        differences, contrast="training", measure="silhouette-above-null"
    )


def test_change_by_another_measure_names_it() -> None:
    """Its axis and head say RSA where RSA is across."""
    correlations, cka = result_tables.change_correlation(), result_tables.cka()
    tables = [
        pa.Table.from_pylist([{**row, **values} for row in table.to_pylist()], table.schema)
        for table, values in (
            (correlations, {"cka_measure": "rsa spearman"}),
            (cka, {"measure": "rsa", "estimator": "spearman"}),
        )
    ]
    figure = change.figure(tables[0], tables[1], result_tables.contrasts(), {})
    assert {box.get_xlabel() for box in _panels(figure)} == {"1 - RSA (5 layers)"}
    assert "RSA (spearman)" in "".join(text.get_text() for text in figure.texts)


def test_change_has_a_panel_for_each_space() -> None:
    """A panel for each space of CKA, in which every layer is named."""
    one = result_tables.change_correlation().to_pylist()
    rows = [{**row, "labelling": "meaning", "cka_space": name} for name in "abc" for row in one]
    schema = result_tables.change_correlation().schema
    cka = result_tables.cka().to_pylist()
    alike = [{**row, "space": name} for name in "abc" for row in cka]
    figure = change.figure(
        pa.Table.from_pylist(rows, schema),
        pa.Table.from_pylist(alike, result_tables.cka().schema),
        result_tables.contrasts(),
        {},
    )
    drawn = _panels(figure)
    assert [sorted(text.get_text() for text in box.texts) for box in drawn] == [list("01234")] * 3


def test_the_overview_of_cka_is_of_words_where_both_were_compared() -> None:
    """Higher numbers of single tokens do not stand in for those of words."""
    words = [{**row, "rows": "types"} for row in result_tables.cka().to_pylist()]
    tokens = [{**row, "rows": "tokens", "estimate": 0.99} for row in words]
    table = pa.Table.from_pylist(words + tokens, result_tables.cka().schema)
    (box,) = _panels(overview.figure({"cka": table}, {"corpus": "spoken"}))
    marks = [line.get_xdata()[0] for line in box.lines if line.get_marker() not in ("None", "")]
    assert len(marks) == len(result_tables.DEFAULT)
    assert max(marks) < 0.99


def test_groups_are_sorted_and_shown_at_the_best_layer() -> None:
    """A panel a model; its title names the layer whose overall silhouette is highest."""
    table = result_tables.silhouette()
    options = {"labelling": "meaning", "classes": {"animals": "concrete", "time": "abstract"}}
    drawn = _panels(silhouette_groups.figure(table, options))
    overall = _estimates(
        table, model="minilm", labelling="meaning", metric="cosine", level="overall"
    )
    assert f"minilm\nlayer {np.argmax(overall)}" in [box.get_title(loc="left") for box in drawn]
    labels = [text.get_text() for text in drawn[0].get_yticklabels()]
    # the made-up groups rise in this order, with 4, 5, ... words
    assert labels == [
        f"{name.replace('_', ' ')} ({4 + number})"
        for number, name in enumerate(result_tables.LABELLINGS["meaning"])
    ]


def test_treated_and_control_share_a_hue() -> None:
    """The control is dashed, with open markers, in the colour of the treated model."""
    (box, *_) = _panels(silhouette.figure(result_tables.silhouette(), {"contrasts": PAIR}))
    treated, control = _curve(box, "whisper"), _curve(box, "whisper-random")
    assert treated.get_color() == control.get_color()
    assert treated.get_linestyle() == "-"
    assert control.get_linestyle() == "--"
    assert control.get_markerfacecolor() == "white"


def test_missing_intervals_are_left_out() -> None:
    """Without interval there is a curve and no bar."""
    table = result_tables.silhouette()
    for name in ("ci_low", "ci_high", "interval"):
        field = table.schema.field(name)
        nothing = pa.nulls(len(table), field.type)
        table = table.set_column(table.column_names.index(name), field, nothing)
    with_bars = silhouette.figure(result_tables.silhouette(), {})
    without = silhouette.figure(table, {})
    bars = [sum(len(box.collections) for box in _panels(f)) for f in (with_bars, without)]
    # 3 labellings x 5 models; the null stays
    assert bars[0] - bars[1] == 15
    assert "no intervals" in without.get_suptitle()


def test_one_model_of_one_layer() -> None:
    """The smallest study has a figure, with its one point at the table's value."""
    table = result_tables.silhouette({"glove": ["0"]}, groups=False)
    box = _panels(silhouette.figure(table, {}))[0]
    (value,) = _estimates(table, labelling="meaning", metric="cosine")
    assert list(_curve(box, "glove").get_ydata()) == [value]


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (cka_matrices.figure, "cka"),
        (cka_layers.figure, "cka"),
        (pairs.figure, "pairs"),
        (silhouette.figure, "silhouette"),
        (silhouette_groups.figure, "silhouette"),
        (lda.figure, "lda"),
        (contrasts.figure, "contrasts"),
        (cka_contrasts.figure, "cka_contrasts"),
        (planes.figure, "planes"),
    ],
)
def test_empty_and_wrong_tables_are_refused(draw: Any, name: str) -> None:
    """An empty table, or a corpus that it lacks, is one line that names both."""
    table = getattr(result_tables, name)()
    with pytest.raises(UserError, match=f"'{name}' is empty"):
        draw(table.slice(0, 0), {})
    with pytest.raises(UserError, match="corpus 'nowhere'; it has spoken"):
        draw(table, {"corpus": "nowhere"})


def test_groups_that_were_not_scored_are_refused() -> None:
    """A table without single groups has no figure of them."""
    with pytest.raises(UserError, match="no single groups"):
        silhouette_groups.figure(result_tables.silhouette(groups=False), {})


def test_legend_stays_inside_and_below() -> None:
    """Twenty models: the legend neither leaves the page nor covers a panel."""
    models = {f"a-long-model-name-{k}": [str(i) for i in range(25)] for k in range(20)}
    figure = silhouette.figure(result_tables.silhouette(models, groups=False), {})
    for _ in range(2):
        figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    width, _ = figure.get_size_inches() * figure.dpi
    assert 0 <= legend.x0 < legend.x1 <= width
    assert legend.y0 >= 0
    assert legend.y1 <= min(box.get_tightbbox().y0 for box in _panels(figure))


def test_planes_show_the_layer_that_stands_for_the_model() -> None:
    """Every word of the chosen layer of one model once, the share of both axes stated."""
    table = result_tables.planes()
    options = {"labelling": "meaning", "space": "lda", "model": "whisper"}
    drawn = _panels(planes.figure(table, options))
    assert len(drawn) == 1
    assert drawn[0].get_title(loc="left").startswith("whisper, layer 4\n30 words")
    rows = [
        row
        for row in table.to_pylist()
        if (row["model"], row["layer"], row["labelling"], row["space"])
        == ("whisper", "4", "meaning", "lda")
    ]
    shown = {xy for line in drawn[0].lines for xy in zip(*line.get_data(), strict=True)}
    assert shown == {(row["x"], row["y"]) for row in rows}
    assert "40% of variance between groups" in drawn[0].get_xlabel()
    assert "25%" in drawn[0].get_ylabel()


def test_names_of_words_cover_nothing() -> None:
    """No name lies over another name or over a marker, all are inside; the title counts them."""
    figure = planes.figure(result_tables.planes(), {"labelling": "sound"})
    for box in _panels(figure):
        areas = [text.get_window_extent() for text in box.texts]
        assert areas
        assert not any(a.overlaps(b) for i, a in enumerate(areas) for b in areas[:i])
        spots = [
            box.transData.transform(xy)
            for line in box.lines
            for xy in zip(*line.get_data(), strict=True)
        ]
        assert not any(area.contains(*spot) for area in areas for spot in spots)
        inside = box.get_window_extent()
        assert all(inside.containsx(area.x0) and inside.containsx(area.x1) for area in areas)
        title = box.get_title(loc="left")
        assert f"; {len(areas)} named" in title if len(areas) < 30 else "named" not in title


def test_the_overview_holds_the_best_layer_of_every_model() -> None:
    """Each marker is the highest estimate of the model, and value and layer stand beside it."""
    names = ("silhouette", "lda", "pairs", "cka")
    tables = {name: getattr(result_tables, name)() for name in names}
    drawn = _panels(overview.figure(tables, {"corpus": "spoken", "contrasts": PAIR}))
    # three labellings each, three kinds of pairs, and CKA
    assert len(drawn) == 3 + 3 + 3 + 1
    (box,) = [b for b in drawn if b.get_title(loc="left").startswith("LDA · sound")]
    wanted = [
        _estimates(tables["lda"], model=model, labelling="sound") for model in result_tables.DEFAULT
    ]
    marks = [line for line in box.lines if line.get_marker() not in ("None", "")]
    assert [line.get_xdata()[0] for line in marks] == [max(values) for values in wanted]
    texts = [f"{max(values):.2f} ({np.argmax(values)})" for values in wanted]
    assert [text.get_text() for text in box.texts] == texts
    chance = 1 / len(result_tables.LABELLINGS["sound"])
    (line,) = [line for line in box.lines if line.get_linestyle() == ":"]
    assert list(line.get_xdata()) == [chance, chance]
    # grey: what permuted labels reach, for each model
    bands = [part for part in box.collections if hasattr(part, "get_paths")]
    ends = [band.get_paths()[0].vertices[:, 0] for band in bands]
    assert sum(np.allclose((e.min(), e.max()), (chance, chance + 0.06)) for e in ends) == 5


def test_the_overview_of_another_corpus_is_refused() -> None:
    """A corpus that no table has is one line."""
    with pytest.raises(UserError, match="corpus 'nowhere'"):
        overview.figure({"lda": result_tables.lda()}, {"corpus": "nowhere"})


def test_groups_show_their_null() -> None:
    """Grey reaches from the null's mean to its 95th percentile, for each group."""
    (box, *_) = _panels(
        silhouette_groups.figure(result_tables.silhouette(), {"labelling": "meaning"})
    )
    ends = [part.get_paths()[0].vertices[:, 0] for part in box.collections]
    shown = [(float(e.min()), float(e.max())) for e in ends]
    assert shown.count((-0.06, 0.0)) == 5


def test_every_group_is_inside_its_panel() -> None:
    """Panels share one scale that holds all estimates, and ends where silhouettes do."""
    table = result_tables.silhouette()
    drawn = _panels(silhouette_groups.figure(table, {"labelling": "sound"}))
    (limits,) = {box.get_xlim() for box in drawn}
    places = [x for box in drawn for line in box.lines[1:] for x in line.get_xdata()]
    assert len(places) == len(result_tables.DEFAULT) * len(result_tables.LABELLINGS["sound"])
    assert limits[0] < min(places) < max(places) < limits[1]
    assert limits[0] >= -1.05
    assert limits[1] <= 1.05
