"""What the tables say, in words and numbers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pyarrow as pa

from groundscope.figures.selection import AT_RANDOM, Row

Tables = Mapping[str, pa.Table]

ALPHA = 0.05


@dataclass(frozen=True)
class Sheet:
    """One table of the summary.

    Attributes
    ----------
    title
        Above it.
    note
        How to read it.
    columns
        Their heads.
    rows
        Cells: text, or numbers, which sort as numbers.
    sentences
        The rows in words.
    """

    title: str
    note: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    sentences: Sequence[str] = ()


def sheets(tables: Tables) -> list[Sheet]:
    """Every finding that `tables` (name -> table) allows; the same rows as the figures'."""
    makers: Mapping[str, Callable[[list[Row]], Sheet]] = {
        "silhouette": _silhouette,
        "lda": _lda,
        "pairs": _pairs,
        "cka": _cka,
        "contrasts": _contrasts,
        "cka_contrasts": _cka_contrasts,
        "change_correlation": _changes,
        "corpus_report": _corpus_report,
    }
    return [
        make(tables[name].to_pylist())
        for name, make in makers.items()
        if name in tables and tables[name].num_rows
    ]


def groups_of(rows: Sequence[Row], *keys: str) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    """Rows of each combination of `keys`, sorted."""

    def key(row: Row) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in keys)

    for values, part in groupby(sorted(rows, key=key), key):
        yield values, list(part)


_SHOWN: Mapping[str, Mapping[str, str]] = {
    "silhouette": {
        "level": "overall",
        "measure": "silhouette",
        "protocol": "all-groups",
        "subset": "all",
        "metric": "cosine",
        "space": "full",
    },
    "lda": {"measure": "accuracy"},
    "pairs": {"measure": "normalised"},
    "cka": {"measure": "cka-linear", "estimator": "debiased", "space": "full"},
}


def shown_rows(name: str, rows: Sequence[Row]) -> list[Row]:
    """Rows of table `name` that the overview and the sentences speak of, pairs at random apart."""
    wanted = dict(_SHOWN[name])
    # of words, where both words and single tokens were compared
    if name == "cka" and any(row["rows"] == "types" for row in rows):
        wanted["rows"] = "types"
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return [row for row in found if row.get("kind") not in AT_RANDOM]


def best(rows: Sequence[Row]) -> Row:
    """Row with the highest estimate; the first of equals."""
    return max(rows, key=lambda row: float(row["estimate"]))


def _interval(row: Row) -> str:
    """Write the ends of the 95% interval."""
    if row["ci_low"] is None or row["ci_high"] is None:
        return "none"
    return f"{written(row['ci_low'])} to {written(row['ci_high'])}"


def written(value: float) -> str:
    """Write a number with three decimals, and zero without a minus."""
    return f"{round(value, 3) + 0.0:.3f}"


def _null(row: Row) -> list[Any]:
    return [row["null_mean"], row["null_high"], row["p_value"]]


_NULL = ("null mean", "null 95%", "p")
_PROBED = ("accuracy", "balanced-accuracy", "selectivity")
_ANALYSIS = {"silhouette": "silhouette by", "lda": "accuracy of", "pairs": "word pairs:"}
_OPTIMISM = (
    "The best layer is chosen among all layers of a model by the same number that is shown, so "
    "that number is optimistic where there are many layers."
)


def _in_words(where: str, what: str, tops: Sequence[tuple[str, Row]]) -> str:
    """Say which models are highest, and which are above their permuted null."""
    _, top = max(tops, key=lambda item: float(item[1]["estimate"]))
    highest = " and ".join(
        f"{model} in layer {row['layer']}"
        for model, row in tops
        if row["estimate"] == top["estimate"]
    )
    tested = [item for item in tops if item[1]["null_high"] is not None]
    above = [model for model, row in tested if row["estimate"] > row["null_high"]]
    null = (
        f"above the 95th percentile of permuted labels in their best layer are "
        f"{', '.join(above) or 'none'} ({len(above)} of {len(tested)} models)"
        if tested
        else "no permuted null was computed"
    )
    return (
        f"{where}: the highest {what} is {top['estimate']:.3f} (95% interval {_interval(top)}), of "
        f"{highest}; {null}."
    )


def _silhouette(rows: list[Row]) -> Sheet:
    rows = [
        row
        for row in rows
        if row["level"] == "overall" and row["protocol"] == "all-groups" and row["subset"] == "all"
    ]
    cells, sentences = [], []
    for (corpus, labelling, measure, metric, space), part in groups_of(
        rows, "corpus", "labelling", "measure", "metric", "space"
    ):
        tops = [(model, best(own)) for (model,), own in groups_of(part, "model")]
        cells += [
            [corpus, labelling, measure, metric, space, model, row["layer"], row["estimate"],
             _interval(row), *_null(row), row["n_types"], row["n_groups"]]
            for model, row in tops
        ]  # fmt: skip
        if (measure, metric, space) == ("silhouette", "cosine", "full"):
            sentences.append(_in_words(f"{labelling} in {corpus}", "cosine silhouette", tops))
    # what the figures show comes first
    cells.sort(key=lambda cell: (cell[2] != "silhouette", cell[3] != "cosine", cell[4] != "full"))
    return Sheet(
        "Clustering: the best layer of each model",
        "Silhouette: 1 = groups far apart, 0 = none, negative = nearer to another group. Adjusted "
        "Rand index of k-means clusters and groups: 1 = the same, 0 = chance. " + _OPTIMISM,
        ("corpus", "labelling", "measure", "metric", "space", "model", "best layer", "score",
         "95% interval", *_NULL, "words", "groups"),
        cells,
        sentences,
    )  # fmt: skip


def _lda(rows: list[Row]) -> Sheet:
    rows = [row for row in rows if row["measure"] in _PROBED]
    cells, sentences = [], []
    for (corpus, labelling, measure, solver), part in groups_of(
        rows, "corpus", "labelling", "measure", "solver"
    ):
        tops = [(model, best(own)) for (model,), own in groups_of(part, "model")]
        cells += [
            [corpus, labelling, measure, solver, model, row["layer"], row["estimate"],
             _interval(row), row["chance"], *_null(row), row["n_types"], row["n_classes"],
             row["held_apart"]]
            for model, row in tops
        ]  # fmt: skip
        if measure == "accuracy":
            words = _in_words(f"{labelling} in {corpus}", f"held-out {measure}", tops)
            chance = tops[0][1]["chance"]
            sentences.append(words if chance is None else f"{words} Chance is {chance:.3f}.")
    return Sheet(
        "Decodability: held-out LDA in the best layer of each model",
        "Share of held-out rows whose label linear discriminant analysis finds. " + _OPTIMISM,
        ("corpus", "labelling", "measure", "solver", "model", "best layer", "score",
         "95% interval", "chance", *_NULL, "words", "classes", "held apart"),
        cells,
        sentences,
    )  # fmt: skip


def _pairs(rows: list[Row]) -> Sheet:
    rows = [row for row in rows if row["measure"] == "normalised" and row["kind"] not in AT_RANDOM]
    cells = [
        [*keys, top["layer"], top["estimate"], _interval(top), top["n_pairs"], top["n_types"]]
        for keys, part in groups_of(rows, "corpus", "kind", "model")
        for top in [best(part)]
    ]
    return Sheet(
        "Word pairs: similarity above random pairs, in the best layer of each model",
        "Mean cosine of the pairs minus that of random pairs. " + _OPTIMISM,
        ("corpus", "kind", "model", "best layer", "difference", "95% interval", "pairs", "words"),
        cells,
    )


def _cka(rows: list[Row]) -> Sheet:
    cells = [
        [*keys, top["layer_a"], top["layer_b"], top["estimate"], _interval(top), *_null(top),
         top["n_types"]]
        for keys, part in groups_of(
            rows, "corpus", "measure", "estimator", "space", "rows", "model_a", "model_b"
        )
        for top in [best(part)]
    ]  # fmt: skip
    # what the figures show comes first
    cells.sort(key=lambda cell: (cell[2] == "biased", cell[3] != "full", cell[4] != "types"))
    return Sheet(
        "Alignment: the most similar layers of each pair of models",
        "1 = the same up to rotation and scale, 0 = unrelated (debiased). " + _OPTIMISM,
        ("corpus", "measure", "estimator", "space", "rows", "model a", "model b",
         "layer a", "layer b", "estimate", "95% interval", *_NULL, "words"),
        cells,
    )  # fmt: skip


def _difference(top: Row, significant: Sequence[Row], layers: int) -> str:
    what = f"{_ANALYSIS[top['analysis']]} {top['labelling'] or top['kind']}"
    up = sum(row["estimate"] > 0 for row in significant)
    found = [f"higher than {top['control']} in {up}"] if up else []
    down = len(significant) - up
    found += [f"lower than {top['control']} in {down}"] if down else []
    told = " and ".join(found) or f"not significantly different from {top['control']} in any"
    return (
        f"{top['contrast']} in {top['corpus']}, {what}: after Holm correction {top['treated']} is "
        f"{told} of {layers} layers; the greatest difference is {top['estimate']:+.3f} (95% "
        f"interval {_interval(top)}) in layer {top['layer']}."
    )


def _contrasts(rows: list[Row]) -> Sheet:
    cells, sentences = [], []
    for keys, part in groups_of(
        rows, "corpus", "contrast", "analysis", "labelling", "kind", "metric", "space"
    ):
        significant = [row for row in part if row["p_holm"] < ALPHA]
        top = max(part, key=lambda row: abs(row["estimate"]))
        what = [*keys[:3], *("" if key == "None" else key for key in keys[3:])]
        cells.append(
            [*what, top["layer"], top["estimate"], _interval(top), top["p_holm"], len(significant),
             len(part), top["n_types"]]
        )  # fmt: skip
        if top["metric"] in (None, "cosine") and top["space"] == "full":
            sentences.append(_difference(top, significant, len(part)))
    return Sheet(
        "Contrasts: treated minus control, paired over words",
        "The layer with the greatest difference, and how many layers differ (Holm over layers).",
        ("corpus", "contrast", "analysis", "labelling", "kind", "metric", "space", "layer",
         "difference", "95% interval", "p (Holm)", "layers p < 0.05", "layers", "words"),
        cells,
        sentences,
    )  # fmt: skip


def _cka_contrasts(rows: list[Row]) -> Sheet:
    cells, sentences = [], []
    shown = shown_rows("cka", rows)
    for keys, part in groups_of(
        rows, "corpus", "contrast", "model_b", "measure", "estimator", "space", "rows"
    ):
        significant = [row for row in part if row["p_holm"] < ALPHA]
        top = max(part, key=lambda row: abs(row["estimate"]))
        cells.append(
            [*keys, top["layer"], top["layer_b"], top["estimate"], _interval(top), top["p_holm"],
             len(significant), len(part), top["n_types"]]
        )  # fmt: skip
        if top in shown:
            up = sum(row["estimate"] > 0 for row in significant)
            sentences.append(
                f"{top['contrast']} in {top['corpus']}: after Holm correction {top['treated']} is "
                f"more like {top['model_b']} than {top['control']} is in {up} and less in "
                f"{len(significant) - up} of {len(part)} pairs of layers; the greatest difference "
                f"in CKA is {top['estimate']:+.3f} (95% interval {_interval(top)}) in layer "
                f"{top['layer']}, with layer {top['layer_b']}."
            )
    # what the figures show comes first
    cells.sort(key=lambda cell: (cell[4] == "biased", cell[5] != "full", cell[6] != "types"))
    return Sheet(
        "Contrasts of alignment: treated minus control, with a third model",
        "The pair of layers with the greatest difference, and how many pairs differ (Holm over "
        "pairs of layers).",
        ("corpus", "contrast", "third model", "measure", "estimator", "space", "rows", "layer",
         "layer of third", "difference", "95% interval", "p (Holm)", "pairs p < 0.05", "pairs",
         "words"),
        cells,
        sentences,
    )  # fmt: skip


def _changes(rows: list[Row]) -> Sheet:
    keys = ("corpus", "contrast", "labelling", "metric", "space", "cka_space", "cka_rows",
            "correlation")  # fmt: skip
    # the table has every measure, and each correlation a second time with the other sign
    rows = [row for row in rows if row["cka_measure"] == "cka-linear debiased"]
    cells = [
        [*(row[key] for key in keys), row["estimate"], _interval(row), row["p_value"],
         row["n_layers"]]
        for row in rows
        if row["x"] == "change"
    ]  # fmt: skip
    return Sheet(
        "Change against clustering, across layers",
        "1 - CKA (linear, debiased) of treated and control, with their difference in silhouette. "
        "Layers of one model depend on each other: p takes them as exchangeable and is too small.",
        [*(key.replace("_", " ") for key in keys), "coefficient", "95% interval", "p", "layers"],
        cells,
    )


def _corpus_report(rows: list[Row]) -> Sheet:
    keys = ("corpus", "step", "rule", "detail", "unit", "before", "after", "types_before",
            "types_after")  # fmt: skip
    return Sheet(
        "How each corpus came about",
        "What each rule kept, in order.",
        [key.replace("_", " ") for key in keys],
        [[row[key] for key in keys] for row in rows],
    )
