"""Contrasts of silhouettes: what the null explains, and what it does not."""

from typing import Any

import numpy as np
import pyarrow as pa

from groundscope.analysis.contrasts import contrast_rows
from groundscope.analysis.rows import Rows
from groundscope.analysis.silhouette import word_rows
from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.silhouette import score

CODES = np.repeat(np.arange(6), (18, 14, 12, 9, 7, 5))
LABELS = Groups.of(CODES)
WORDS = Groups.of([f"w{number:02d}" for number in range(len(CODES))])
DATA = Rows("types", WORDS.names, WORDS, WORDS, LABELS, WORDS, WORDS, None, 0, 0)


def _words(model: str, rows: Floats, *, space: str = "full", permutations: int = 49) -> pa.Table:
    found = score(
        Distances(rows, "euclidean"), LABELS, WORDS, exchanged=WORDS, permutations=permutations
    )
    keys = {"corpus": "c", "model": model, "layer": "1", "labelling": "l", "space": space}
    return pa.Table.from_pylist(word_rows(found, {**keys, "metric": "euclidean"}, DATA))


def _contrast(treated: pa.Table, control: pa.Table) -> dict[str, dict[str, Any]]:
    rows = contrast_rows(treated, control, "x", replicates=400, permutations=199, seed=0)
    return {row["measure"]: row for row in rows}


def test_only_what_the_null_leaves_is_a_difference_above_it() -> None:
    """Labels that mean nothing: raw silhouettes of 5 and 100 dimensions differ, those above not.

    Where groups of one of the models are apart, both differ.
    """
    rng = np.random.default_rng(4)
    centres = 2 * rng.normal(size=(6, 5))[CODES]
    raw, held, small, apart = 0, 0, 0, 0
    for _ in range(60):
        low = rng.normal(size=(len(CODES), 5))
        control = _words("control", rng.normal(size=(len(CODES), 100)))
        found = _contrast(_words("treated", low), control)
        above = found["silhouette-above-null"]
        raw += found["silhouette"]["ci_high"] < 0
        held += above["ci_low"] <= 0 <= above["ci_high"]
        small += above["p_value"] <= 0.05
        found = _contrast(_words("treated", low + centres), control)
        apart += min(row["ci_low"] for row in found.values()) > 0
    assert raw >= 0.85 * 60
    assert held >= 0.93 * 60
    assert small <= 0.07 * 60
    assert apart == 60


def test_measures_by_space_and_null() -> None:
    """Raw silhouettes of an LDA space are no measure where there is a null; without one they are.

    Above the null is the raw score minus the mean of the null, of words and of their pseudo-values.
    """
    rows = np.random.default_rng(5).normal(size=(len(CODES), 3))
    both = _words("a", rows).to_pylist()
    raw, above = both[: len(CODES)], both[len(CODES) :]
    null = score(Distances(rows, "euclidean"), LABELS, WORDS, exchanged=WORDS, permutations=49).null
    for one, other in zip(raw, above, strict=True):
        assert (one["measure"], other["measure"]) == ("silhouette", "silhouette-above-null")
        for name in ("value", "pseudo_value"):
            assert np.isclose(one[name] - other[name], null[0].mean())
    for permutations, measure in ((49, "silhouette-above-null"), (0, "silhouette")):
        found = _words("a", rows, space="lda:l", permutations=permutations)
        assert set(found["measure"].to_pylist()) == {measure}
