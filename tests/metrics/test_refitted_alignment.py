"""Alignment in fitted spaces: a jackknife that fits the axes anew without each block of words."""

from functools import partial

import numpy as np
import pytest

from groundscope.metrics.alignment_contrast import contrast, leave_words_out
from groundscope.metrics.comparison import MEASURES, compare
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.jackknife import as_of_equal_blocks, jackknife, pseudo_values
from groundscope.metrics.sources import Refitted, Source
from groundscope.metrics.spaces import into_space, refit_blocks


def _words(count: int) -> Groups:
    return Groups.of([f"w{number:03d}" for number in range(count)])


def _source(rows: Floats, space: str, labels: Groups, words: Groups) -> Source:
    fitted_to = labels if space == "lda" else None
    blocks = refit_blocks(words, fitted_to, 5)
    projected = into_space(rows, space, fitted_to)

    def without(block: int) -> Floats:
        kept = blocks != block
        return into_space(rows[kept], space, None if fitted_to is None else labels.only(kept))

    return Source("rows", projected.shape[1], lambda: projected, None, Refitted(blocks, without))


def _plain(rows: Floats) -> Source:
    return Source("rows", rows.shape[1], lambda: rows)


@pytest.mark.parametrize("sample", [None, 30])
@pytest.mark.parametrize("space", ["lda", "pca-3"])
@pytest.mark.parametrize("measure", MEASURES)
def test_jackknife_of_rows_fitted_by_hand(measure: str, space: str, sample: int | None) -> None:
    """Projected without two of 40 words at a time; a draw has its rows of that projection."""
    rng = np.random.default_rng(21)
    words, labels = _words(40), Groups.of(np.arange(40) % 4)
    x, y, z = rng.normal(size=(3, 40, 12))
    y, z = y + x, z + x
    run = partial(leave_words_out, measure=measure, neighbours=5)
    left, right = ([_source(rows, space, labels, words) for rows in side] for side in ([x, y], [z]))
    found = run(left, right, words, sample=sample, draws=2, seed=3)
    blocks = refit_blocks(words, labels if space == "lda" else None, 5)
    assert (np.bincount(blocks) == 2).all()
    drawn = np.random.default_rng(3)
    chosen = [np.arange(40)]
    if sample is not None:
        chosen = [np.sort(drawn.choice(40, sample, replace=False)) for _ in range(2)]
    expected = np.empty((*found.estimate.shape, 20))
    for block in range(20):
        kept = np.flatnonzero(blocks != block)
        a, b, c = (into_space(rows[kept], space, labels.only(kept)) for rows in (x, y, z))
        alone = []
        for rows in chosen:
            here = np.flatnonzero(np.isin(kept, rows))
            models = [_plain(each[here]) for each in (a, b)]
            alone.append(run(models, [_plain(c[here])], words.only(kept[here])).estimate)
        expected[..., block] = np.mean(alone, axis=0)
    effects = found.without - found.without.mean(axis=-1, keepdims=True)
    by_hand = expected - expected.mean(axis=-1, keepdims=True)
    np.testing.assert_allclose(effects, by_hand, atol=1e-9)
    if sample is None:
        error = compare(left, right, words, measure=measure, neighbours=5).standard_error
        np.testing.assert_allclose(error**2, 19 * by_hand.var(axis=-1), rtol=1e-6, atol=1e-12)


def test_unequal_blocks_of_a_mean() -> None:
    """The variance of a mean, whatever the score owes to the number of rows; contrasts agree."""
    rng = np.random.default_rng(22)
    sizes = np.array([1, 2, 2, 5, 6, 6, 9, 9])
    blocks = np.repeat(np.arange(8), sizes)
    count, variances = len(blocks), []
    for _ in range(4000):
        rows = rng.normal(size=count)
        sums = np.bincount(blocks, rows)
        estimate, alone = rows.mean(), (rows.sum() - sums) / (count - sizes)
        without = as_of_equal_blocks(estimate, alone, sizes)
        other = rng.normal(size=8)
        of_sum = as_of_equal_blocks(estimate, alone + other, sizes)
        by_itself = as_of_equal_blocks(0.0, other, sizes)
        np.testing.assert_allclose(of_sum, without + by_itself, atol=1e-12)
        variances.append(jackknife(estimate, without).standard_error ** 2)
        biased = as_of_equal_blocks(estimate + 5 / count, alone + 5 / (count - sizes), sizes)
        np.testing.assert_allclose(biased - biased.mean(), without - without.mean(), atol=1e-12)
    assert np.mean(variances) * count == pytest.approx(1.0, rel=0.04)
    values = pseudo_values(estimate, without)
    assert values.var(ddof=1) / 8 == pytest.approx(variances[-1])


@pytest.mark.parametrize("count", [9, 109, 400])
def test_blocks_have_words_of_all_classes(count: int) -> None:
    """No class loses all of its words, and blocks are the same for all layers."""
    words, labels = _words(count), Groups.of(np.arange(count) % 4)
    blocks = refit_blocks(words, labels, 1)
    np.testing.assert_array_equal(blocks, refit_blocks(words, labels, 1))
    assert (blocks != refit_blocks(words, labels, 2)).any()
    sizes = np.bincount(blocks)
    assert len(sizes) == min(count, 20)
    assert np.ptp(sizes) <= 1
    own = np.histogram2d(labels.codes, blocks, bins=(4, len(sizes)))[0]
    assert (np.ptp(own, axis=1) <= 1).all()
    assert (own.max(axis=1) < labels.sizes).all()


@pytest.mark.parametrize(("count", "features", "classes"), [(60, 50, 2), (109, 80, 9)])
def test_equal_models_near_as_many_features_as_words(
    count: int, features: int, classes: int
) -> None:
    """With axes as given, p was at most 0.05 in 20 and 58% of samples, and intervals too narrow."""
    labels, words = Groups.of(np.arange(count) % classes), _words(count)
    centres = np.random.default_rng(23).normal(size=(classes, features))
    small, found = 0, []
    for seed in range(40):
        rng = np.random.default_rng([24, seed])
        shared = rng.normal(size=(count, features)) + 0.8 * centres[labels.codes]
        models = [
            _source(shared + rng.normal(size=shared.shape), "lda", labels, words) for _ in range(3)
        ]
        influence = leave_words_out(models[:2], models[2:], words, measure="cka-linear")
        p_value = contrast(influence, replicates=200, permutations=199, seed=seed).p_value
        small += int((p_value[0] <= 0.05).sum())
        one = compare(models[:1], models[2:], words, measure="cka-linear")
        found.append([one.estimate[0, 0, 0], one.low[0, 0, 0], one.high[0, 0, 0]])
    estimate, low, high = np.transpose(found)
    assert small <= 4
    assert ((low <= estimate.mean()) & (estimate.mean() <= high)).sum() >= 36


def test_neighbours_of_as_few_words_as_there_may_be() -> None:
    """Of 13 words, without one, ten nearest are all but one: nine are compared there."""
    rng = np.random.default_rng(25)
    words, labels = _words(13), Groups.of(np.arange(13) % 2)
    x, y = rng.normal(size=(2, 13, 6))
    left, right = ([_source(rows, "pca-3", labels, words)] for rows in (x, y))
    found = compare(left, right, words, measure="knn", neighbours=10)
    assert 0 < found.standard_error[0, 0, 0] < 1
