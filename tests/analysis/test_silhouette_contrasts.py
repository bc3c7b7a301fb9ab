"""Contrasts of silhouettes: what the null explains, and what it does not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from sklearn.metrics import silhouette_samples

from groundscope.analysis.contrasts import contrast_rows
from groundscope.analysis.rows import Rows
from groundscope.analysis.silhouette import word_rows
from groundscope.metrics.clustering import PROTOCOLS, Scores, score_protocols
from groundscope.metrics.groups import Floats, Groups

CODES = np.repeat(np.arange(6), (18, 14, 12, 9, 7, 5))
LABELS = Groups.of(CODES)
WORDS = Groups.of([f"w{number:02d}" for number in range(len(CODES))])
DATA = Rows("types", WORDS.names, WORDS, WORDS, LABELS, WORDS, WORDS, None, 0, 0)


def _words(
    model: str,
    rows: Floats,
    *,
    space: str = "full",
    permutations: int = 49,
    protocols: Sequence[str] = ("all-groups",),
    subsets: Mapping[str, Sequence[str]] | None = None,
) -> pa.Table:
    found = score_protocols(
        rows, LABELS, WORDS, exchanged=WORDS, space=space, metrics=["euclidean"],
        protocols=protocols, subsets=subsets or {}, permutations=permutations,
        kmeans_seeds=1, kmeans_restarts=1, seed=0,
    )  # fmt: skip
    keys = {"corpus": "c", "model": model, "layer": "1", "labelling": "l", "metric": "euclidean"}
    keys["space"] = "lda:l" if space == "lda" else space
    return pa.Table.from_pylist([row for each in found for row in word_rows(each, keys, DATA)])


def _contrast(treated: pa.Table, control: pa.Table) -> dict[tuple[str, ...], dict[str, Any]]:
    rows = contrast_rows(treated, control, "x", replicates=400, permutations=199, seed=0)
    found: dict[tuple[str, ...], dict[str, Any]]
    found = {(row["protocol"], row["subset"], row["measure"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_only_what_the_null_leaves_is_a_difference_above_it() -> None:
    """Labels that mean nothing: raw silhouettes of 5 and 100 dimensions differ, those above not.

    So it is for all groups and some of them, at once and leaving one out. Where groups of one of
    the models are apart, both measures differ.
    """
    rng = np.random.default_rng(4)
    centres = 2 * rng.normal(size=(6, 5))[CODES]
    words = partial(
        _words, protocols=PROTOCOLS, subsets={"large": ["0", "1", "2", "3"]}, permutations=49
    )
    families = list(product(PROTOCOLS, ("all", "large")))
    raw, held, small, apart = (Counter[tuple[str, str]]() for _ in range(4))
    for _ in range(60):
        low = rng.normal(size=(len(CODES), 5))
        control = words("control", rng.normal(size=(len(CODES), 100)))
        equal = _contrast(words("treated", low), control)
        better = _contrast(words("treated", low + centres), control)
        for family in families:
            above = equal[*family, "silhouette-above-null"]
            raw[family] += equal[*family, "silhouette"]["ci_high"] < 0
            held[family] += above["ci_low"] <= 0 <= above["ci_high"]
            small[family] += above["p_value"] <= 0.05
            both = (better[*family, name] for name in ("silhouette", "silhouette-above-null"))
            apart[family] += min(row["ci_low"] for row in both) > 0
    for family in families:
        # four groups have fewer words to show it by
        assert family[1] != "all" or raw[family] >= 0.85 * 60
        assert held[family] >= 0.93 * 60
        assert small[family] <= 0.07 * 60
        assert apart[family] == 60


def test_measures_by_space_and_null() -> None:
    """Raw silhouettes are a measure in every space, which published changes are of.

    Above the null is the raw score minus the mean of the null, of words and of their pseudo-values.
    """
    rows = np.random.default_rng(5).normal(size=(len(CODES), 3))
    for protocol, space in (("all-groups", "full"), ("leave-one-group-out", "pca-2")):
        both = _words("a", rows, space=space, protocols=[protocol]).to_pylist()
        raw, above = both[: len(CODES)], both[len(CODES) :]
        scores = score_protocols(
            rows, LABELS, WORDS, exchanged=WORDS, space=space, metrics=["euclidean"],
            protocols=[protocol], subsets={}, permutations=49, kmeans_seeds=0, kmeans_restarts=1,
            seed=0,
        )  # fmt: skip
        for one, other in zip(raw, above, strict=True):
            assert (one["measure"], other["measure"]) == ("silhouette", "silhouette-above-null")
            level = scores[0].null[0].mean()
            assert np.isclose(one["value"] - other["value"], level)
            assert np.isclose(one["pseudo_values"][0] - other["pseudo_values"][0], level)
    for protocol in PROTOCOLS:
        for permutations, above in ((5, {"silhouette-above-null"}), (0, set[str]())):
            found = _words("a", rows, space="lda", permutations=permutations, protocols=[protocol])
            assert set(found["measure"].to_pylist()) == {"silhouette"} | above


def test_words_of_a_subset_are_those_of_its_groups() -> None:
    """Each word of the groups once, with the silhouette that it has among them."""
    rows = np.random.default_rng(6).normal(size=(len(CODES), 3))
    table = _words("a", rows, subsets={"some": ["1", "3", "4"]}, permutations=0)
    found = [row for row in table.to_pylist() if row["subset"] == "some"]
    kept = np.isin(CODES, [1, 3, 4])
    assert [row["word"] for row in found] == WORDS.names[kept].tolist()
    assert [row["label"] for row in found] == CODES[kept].astype(str).tolist()
    expected = silhouette_samples(rows[kept], CODES[kept])
    np.testing.assert_allclose([row["value"] for row in found], expected, atol=1e-12)
    pseudo = np.mean([row["pseudo_values"] for row in found])
    assert pseudo == pytest.approx(expected.mean())


def test_a_word_that_is_a_label_goes_with_its_group() -> None:
    """Pseudo-values come from scores of the other words alone, whose nearest group may be it."""
    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(7), (2, 3, 3, 4, 2, 5, 4))
    rows = rng.normal(size=(7, 3))[codes] + rng.normal(size=(len(codes), 3))
    tokens = Groups.of([f"t{number:02d}" for number in range(len(codes))])
    words = Groups.of([f"w{code}" for code in codes])
    # in another order than the words
    labels = Groups.of([f"l{6 - code}" for code in codes])

    def scores(kept: NDArray[np.bool_]) -> list[Scores]:
        return score_protocols(
            rows[kept], labels.only(kept), tokens.only(kept), exchanged=tokens.only(kept),
            space="full", metrics=["euclidean"], protocols=PROTOCOLS, subsets={}, permutations=0,
            kmeans_seeds=0, kmeans_restarts=1, seed=0,
        )  # fmt: skip

    data = Rows("tokens", tokens.names, words, words, labels, tokens, tokens, None, 0, 0)
    for index, found in enumerate(scores(codes >= 0)):
        made = word_rows(found, {"space": "full"}, data)
        without = np.array([scores(codes != code)[index].estimate[0] for code in range(7)])
        expected = found.estimate[0] + 6 * (without.mean() - without)
        np.testing.assert_allclose([row["pseudo_values"][0] for row in made], expected, atol=1e-12)
