"""What the tables of contrasts say, in words and numbers."""

from collections.abc import Sequence

from groundscope.figures.selection import (
    ABOVE_NULL,
    ALL_GROUPS,
    ALPHA,
    ANISOTROPIC,
    Row,
    above_null,
    of_all_groups,
    shown_rows,
    written,
)
from groundscope.figures.sheet import Sheet, groups_of, interval

# protocol and groups of what the figures show
_FIRST = (["", ""], [*ALL_GROUPS.values()])
_MEASURE = {
    "silhouette": "silhouette by",
    ABOVE_NULL: "silhouette above permuted labels by",
    "accuracy": "accuracy of",
    "auc": "AUC of word pairs of kind",
}


def _difference(top: Row, significant: Sequence[Row], layers: int) -> str:
    what = f"{_MEASURE[top['measure']]} {top['labelling'] or top['kind']}"
    up = sum(row["estimate"] > 0 for row in significant)
    found = [f"higher than {top['control']} in {up}"] if up else []
    down = len(significant) - up
    found += [f"lower than {top['control']} in {down}"] if down else []
    told = " and ".join(found) or f"not significantly different from {top['control']} in any"
    return (
        f"{top['contrast']} in {top['corpus']}, {what}: after Holm correction {top['treated']} is "
        f"{told} of {layers} layers; the greatest difference is "
        f"{written(top['estimate'], '+')} (95% interval {interval(top)}) in layer {top['layer']}."
    )


def _towards(top: Row, significant: Sequence[Row], pairs: int) -> str:
    up = sum(row["estimate"] > 0 for row in significant)
    told = (
        f"more like {top['model_b']} than {top['control']} is in {up} and less in "
        f"{len(significant) - up}"
        if significant
        else f"not significantly more or less like {top['model_b']} than {top['control']} is in any"
    )
    return (
        f"{top['contrast']} in {top['corpus']}: after Holm correction {top['treated']} is {told} "
        f"of {pairs} pairs of layers; the greatest difference in CKA is "
        f"{written(top['estimate'], '+')} (95% interval {interval(top)}) in layer "
        f"{top['layer']}, with layer {top['layer_b']}."
    )


def contrasts(rows: list[Row]) -> Sheet:
    """Sheet of the ``contrasts`` table."""
    cells, sentences = [], []
    first = of_all_groups(rows)
    for keys, part in groups_of(
        above_null(rows),
        *("corpus", "contrast", "analysis", "labelling", "kind", "measure", "metric", "space"),
        *ALL_GROUPS,
    ):
        significant = [row for row in part if row["p_holm"] < ALPHA]
        top = max(part, key=lambda row: abs(row["estimate"]))
        what = [*keys[:3], *("" if key == "None" else key for key in keys[3:])]
        cells.append(
            [*what, top["layer"], top["estimate"], interval(top), top["p_holm"], len(significant),
             len(part), top["n_types"]]
        )  # fmt: skip
        shown = top["metric"] in (None, "cosine") and top["space"] == "full"
        if shown and top["measure"] != ANISOTROPIC and top in first:
            sentences.append(_difference(top, significant, len(part)))
    # what the figures show comes first
    cells.sort(
        key=lambda cell: (cell[2] == "lda" and cell[5] != "accuracy", cell[8:10] not in _FIRST)
    )
    return Sheet(
        "Contrasts: treated minus control, paired over words",
        "The layer with the greatest difference, and how many layers differ (Holm over layers). Of "
        "word pairs, AUC compares between models; normalised cosines depend on anisotropy too. "
        "Silhouettes are above the mean of their permuted null wherever there is one: raw ones, "
        "which are in the table, differ between models without any clustering.",
        ("corpus", "contrast", "analysis", "labelling", "kind", "measure", "metric", "space",
         "protocol", "groups", "layer", "difference", "95% interval", "p (Holm)",
         "layers p < 0.05", "layers", "words"),
        cells,
        sentences,
    )  # fmt: skip


def cka_contrasts(rows: list[Row]) -> Sheet:
    """Sheet of the ``cka_contrasts`` table."""
    cells, sentences = [], []
    shown = shown_rows("cka", rows)
    for keys, part in groups_of(
        rows, "corpus", "contrast", "model_b", "measure", "estimator", "space", "rows"
    ):
        significant = [row for row in part if row["p_holm"] < ALPHA]
        top = max(part, key=lambda row: abs(row["estimate"]))
        cells.append(
            [*keys, top["layer"], top["layer_b"], top["estimate"], interval(top), top["p_holm"],
             len(significant), len(part), top["n_types"]]
        )  # fmt: skip
        if top in shown:
            sentences.append(_towards(top, significant, len(part)))
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


def changes(rows: list[Row]) -> Sheet:
    """Sheet of the ``change_correlation`` table."""
    keys = ("corpus", "contrast", "labelling", "measure", "metric", "space", "cka_space",
            "cka_rows", "correlation")  # fmt: skip
    # the table has every measure, protocol and subset, and each correlation with the other sign
    rows = of_all_groups([row for row in rows if row["cka_measure"] == "cka-linear debiased"])
    cells = [
        [*(row[key] for key in keys), row["estimate"], interval(row), row["p_value"],
         row["n_layers"]]
        for row in rows
        if row["x"] == "change"
    ]  # fmt: skip
    return Sheet(
        "Change against clustering, across layers",
        "1 - CKA (linear, debiased) of treated and control, with their difference in silhouette "
        "(all groups at once, where there are such); in the raw one, which papers correlate, what "
        "permuted labels give differs too. "
        "Layers of one model depend on each other: p takes them as exchangeable and is too small.",
        [*(key.replace("_", " ") for key in keys), "coefficient", "95% interval", "p", "layers"],
        cells,
    )
