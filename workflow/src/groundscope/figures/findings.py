"""What the tables say, in words and numbers."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from groundscope.figures.contrast_findings import changes, cka_contrasts, contrasts
from groundscope.figures.selection import (
    AT_RANDOM,
    FEWEST_PERMUTED,
    Row,
    best,
    of_all_groups,
    written,
)
from groundscope.figures.sheet import Sheet, groups_of, interval

Tables = Mapping[str, pa.Table]


def sheets(tables: Tables, analyses: Mapping[str, Any] | None = None) -> list[Sheet]:
    """Every finding that `tables` allows; the same rows as the figures'.

    Parameters
    ----------
    tables
        Name -> table.
    analyses
        Analysis -> its options, where they are known.
    """
    moved = {name: one.get("permutations") for name, one in (analyses or {}).items()}
    makers: Mapping[str, Callable[[list[Row]], Sheet]] = {
        "silhouette": partial(_silhouette, permutations=moved.get("silhouette")),
        "lda": partial(_lda, permutations=moved.get("lda")),
        "pairs": _pairs,
        "cka": _cka,
        "contrasts": contrasts,
        "cka_contrasts": cka_contrasts,
        "change_correlation": changes,
        "corpus_report": _corpus_report,
    }
    return [
        make(tables[name].to_pylist())
        for name, make in makers.items()
        if name in tables and tables[name].num_rows
    ]


def _null(row: Row) -> list[Any]:
    return [row["null_mean"], row["null_high"], row["p_value"]]


_NULL = ("null mean", "null 95%", "p")
_PROBED = ("accuracy", "balanced-accuracy", "selectivity")
_OPTIMISM = (
    "The best layer is chosen among all layers of a model by the same number that is shown, so "
    "that number is optimistic where there are many layers."
)


def _in_words(
    where: str, what: str, tops: Sequence[tuple[str, Row]], permutations: int | None
) -> str:
    """Say which models are highest, and which differ from their permuted null, by p."""
    _, top = max(tops, key=lambda item: float(item[1]["estimate"]))
    highest = " and ".join(
        f"{model} in layer {row['layer']}"
        for model, row in tops
        if row["estimate"] == top["estimate"]
    )
    tested = [item for item in tops if item[1]["p_value"] is not None]
    above = [model for model, row in tested if row["p_value"] <= 0.05]
    if not tested:
        null = "no permuted null was computed"
    elif permutations is not None and permutations < FEWEST_PERMUTED:
        null = f"with {permutations} permutations of labels no p can be 0.05 or less"
    else:
        null = (
            f"{len(above) or 'none'} of {len(tested)} models above permuted labels at p 0.05 or "
            f"less in the best layer{': ' * bool(above)}{', '.join(above)}"
        )
    return (
        f"{where}: the highest {what} is {written(top['estimate'])} (95% interval "
        f"{interval(top)}), of {highest}; {null}."
    )


def _silhouette(rows: list[Row], permutations: int | None) -> Sheet:
    overall = [row for row in rows if row["level"] == "overall"]
    shown = [row for _, part in groups_of(overall, "measure") for row in of_all_groups(part)]
    cells, sentences = [], []
    for (corpus, labelling, measure, metric, space), part in groups_of(
        shown, "corpus", "labelling", "measure", "metric", "space"
    ):
        tops = [(model, best(own)) for (model,), own in groups_of(part, "model")]
        cells += [
            [corpus, labelling, measure, metric, space, model, row["layer"], row["estimate"],
             interval(row), *_null(row), row["n_types"], row["n_groups"]]
            for model, row in tops
        ]  # fmt: skip
        if (measure, metric, space) == ("silhouette", "cosine", "full"):
            where = f"{labelling} in {corpus}"
            sentences.append(_in_words(where, "cosine silhouette", tops, permutations))
    # what the figures show comes first
    cells.sort(key=lambda cell: (cell[2] != "silhouette", cell[3] != "cosine", cell[4] != "full"))
    return Sheet(
        "Clustering: the best layer of each model",
        "Silhouette: 1 = groups far apart, 0 = none, negative = nearer to another group; of all "
        "groups at once, or the mean without each where there is nothing else. Adjusted "
        "Rand index of k-means clusters and groups: 1 = the same, 0 = chance. " + _OPTIMISM,
        ("corpus", "labelling", "measure", "metric", "space", "model", "best layer", "score",
         "95% interval", *_NULL, "words", "groups"),
        cells,
        sentences,
    )  # fmt: skip


def _lda(rows: list[Row], permutations: int | None) -> Sheet:
    rows = [row for row in rows if row["measure"] in _PROBED]
    cells, sentences = [], []
    for (corpus, labelling, measure, solver), part in groups_of(
        rows, "corpus", "labelling", "measure", "solver"
    ):
        tops = [(model, best(own)) for (model,), own in groups_of(part, "model")]
        cells += [
            [corpus, labelling, measure, solver, model, row["layer"], row["estimate"],
             interval(row), row["chance"], *_null(row), row["n_types"], row["n_classes"],
             row["held_apart"]]
            for model, row in tops
        ]  # fmt: skip
        if measure == "accuracy":
            where = f"{labelling} in {corpus}"
            words = _in_words(where, f"held-out {measure}", tops, permutations)
            chance = tops[0][1]["chance"]
            sentences.append(words if chance is None else f"{words} Chance is {chance:.3f}.")
    return Sheet(
        "Decodability: held-out LDA in the best layer of each model",
        "Share of held-out rows whose label linear discriminant analysis finds. Selectivity, for "
        "labels of words: that share on words seen in training, minus that of random labels of "
        "words; near 0 = no more than memory of words. " + _OPTIMISM,
        ("corpus", "labelling", "measure", "solver", "model", "best layer", "score",
         "95% interval", "chance", *_NULL, "words", "classes", "held apart"),
        cells,
        sentences,
    )  # fmt: skip


def _pairs(rows: list[Row]) -> Sheet:
    rows = [row for row in rows if row["measure"] == "auc" and row["kind"] not in AT_RANDOM]
    cells = [
        [*keys, top["layer"], top["estimate"], interval(top), top["n_pairs"], top["n_types"]]
        for keys, part in groups_of(rows, "corpus", "kind", "model")
        for top in [best(part)]
    ]
    return Sheet(
        "Word pairs: AUC against random pairs, in the best layer of each model",
        "Chance that a pair has a higher cosine than a random pair; 0.5: no difference. "
        + _OPTIMISM,
        ("corpus", "kind", "model", "best layer", "AUC", "95% interval", "pairs", "words"),
        cells,
    )


def _cka(rows: list[Row]) -> Sheet:
    cells = [
        [*keys, top["layer_a"], top["layer_b"], top["estimate"], interval(top), *_null(top),
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


def _corpus_report(rows: list[Row]) -> Sheet:
    keys = ("corpus", "step", "rule", "detail", "unit", "before", "after", "types_before",
            "types_after")  # fmt: skip
    return Sheet(
        "How each corpus came about",
        "What each rule kept, in order.",
        [key.replace("_", " ") for key in keys],
        [[row[key] for key in keys] for row in rows],
    )
