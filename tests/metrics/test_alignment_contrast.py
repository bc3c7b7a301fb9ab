"""Contrasts of alignment against plain recomputation, and on models whose difference is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from groundscope.metrics.alignment_contrast import Contrast, Influence, contrast, leave_words_out
from groundscope.metrics.comparison import MEASURES, compare, each_draw
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.sources import Source


def _sources(*layers: Floats) -> list[Source]:
    def source(rows: Floats) -> Source:
        return Source("rows", rows.shape[1], lambda: rows)

    return [source(rows) for rows in layers]


def _words(count: int) -> Groups:
    return Groups.of([f"w{number:05d}" for number in range(count)])


def _views(rng: np.random.Generator, words: int, *noise: float) -> list[Floats]:
    """Draw views of what words share, in the same axes, each with noise of its own."""
    shared = rng.normal(size=(words, 12)) / np.sqrt(np.arange(1, 13))
    axes = np.random.default_rng(0).normal(size=(12, 20)) / np.sqrt(20)
    return [shared @ axes + rng.normal(size=(words, 20)) * one / np.sqrt(20) for one in noise]


def _debiased(x: Floats, y: Floats) -> float:
    """Linear CKA from U-centred Gram matrices (Szekely and Rizzo 2014)."""
    made = []
    for rows in (x, y):
        gram = rows @ rows.T
        np.fill_diagonal(gram, 0.0)
        count, sums = len(gram), gram.sum(axis=0)
        gram -= (sums[:, None] + sums) / (count - 2)
        gram += sums.sum() / ((count - 1) * (count - 2))
        np.fill_diagonal(gram, 0.0)
        made.append(gram)
    a, b = made
    return float(np.vdot(a, b) / np.sqrt(np.vdot(a, a) * np.vdot(b, b)))


def _contrast(found: Influence, **options: Any) -> Contrast:
    return contrast(found, **{"replicates": 200, "permutations": 99, "seed": 0, **options})


@pytest.mark.parametrize("measure", MEASURES)
def test_treated_minus_control(measure: str) -> None:
    """The alignments are those of a comparison by itself; the other way round signs change."""
    treated, control, third, other = _views(np.random.default_rng(1), 40, 0.5, 1.0, 0.7, 2.0)
    models, right, words = ([treated, other], [control, third]), [third, other], _words(40)
    expected = [
        compare(_sources(*model), _sources(*right), words, measure=measure).estimate
        for model in models
    ]
    found, turned = (
        _contrast(leave_words_out(_sources(*a, *b), _sources(*right), words, measure=measure))
        for a, b in (models, models[::-1])
    )
    np.testing.assert_allclose(found.treated, expected[0], atol=1e-9)
    np.testing.assert_allclose(found.control, expected[1], atol=1e-9)
    np.testing.assert_allclose(found.interval.low, -turned.interval.high, atol=1e-9)
    np.testing.assert_array_equal(found.p_value, turned.p_value)


def test_every_word_is_left_out_of_every_draw() -> None:
    """Mean over draws of CKA of tokens, without each word, of more words than errors look at."""
    rng = np.random.default_rng(2)
    words = Groups.of([f"w{number:05d}" for number in [*range(2100), *[5] * 40, 2099]])
    model, third = (rng.normal(size=(len(words.codes), 3)) for _ in range(2))
    model += third
    drawn: dict[str, Any] = {"measure": "cka-linear", "sample": 2120, "draws": 2, "seed": 3}
    left, right = _sources(model), _sources(third)
    found = leave_words_out(left, right, words, **drawn)
    chosen = [rows for rows, _ in each_draw(left, right, words, **drawn)]
    present = np.unique(words.codes[np.concatenate(chosen)])
    assert found.without.shape == (2, 1, 1, len(present))
    assert (found.without != found.estimate[..., None]).all()
    absent = next(word for word in present if word not in words.codes[chosen[0]])
    for word in (5, 2099, absent):
        kept = [rows[words.codes[rows] != word] for rows in chosen]
        expected = np.mean([_debiased(model[rows], third[rows]) for rows in kept])
        here = found.without[0, 0, 0, np.searchsorted(present, word)]
        assert here == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
def test_layers_that_are_the_same(measure: str) -> None:
    """A layer that training left as it was has no difference, whatever rounding does."""
    same, third = _views(np.random.default_rng(4), 30, 0.5, 1.0)
    turned = (
        same
        if measure == "knn"
        else same @ np.linalg.qr(np.random.default_rng(5).normal(size=(20, 20)))[0]
    )
    found = _contrast(
        leave_words_out(_sources(same, turned), _sources(third), _words(30), measure=measure)
    )
    ends = np.stack([found.interval.low, found.interval.high])
    assert (ends == 0.0).all()
    assert (found.p_value == 1.0).all()


def test_flips_suffice_for_all_pairs_of_layers() -> None:
    """With 99 flips no difference could pass Holm's correction for six pairs of layers."""
    treated, control, third = _views(np.random.default_rng(6), 60, 0.1, 3.0, 0.1)
    left = _sources(*[treated] * 2, *[control] * 2)
    found = _contrast(
        leave_words_out(left, _sources(third, third, third), _words(60), measure="cka-linear")
    )
    np.testing.assert_allclose(found.p_value, 1 / 601)


def _simulated(
    noise: Sequence[float], measure: str, truth: float, times: int
) -> tuple[float, float]:
    """Shares of samples of 60 words whose interval holds the truth, and whose p is below 0.05."""
    held, small = 0, 0
    for seed in range(times):
        treated, control, third = _views(np.random.default_rng([7, seed]), 60, *noise)
        found = _contrast(
            leave_words_out(
                _sources(treated, control), _sources(third), _words(60), measure=measure
            ),
            seed=seed,
        )
        held += bool(found.interval.low[0] <= truth <= found.interval.high[0])
        small += bool(found.p_value[0] <= 0.05)
    return held / times, small / times


@pytest.mark.parametrize("measure", ["cka-linear", "rsa", "knn"])
def test_equal_models(measure: str) -> None:
    """Intervals hold 0 as often as they should, or a little more, and p is small no more often."""
    held, small = _simulated((1.0, 1.0, 1.0), measure, 0.0, 300)
    assert 0.93 <= held <= 0.99
    assert small <= 0.06


def test_models_that_differ() -> None:
    """Intervals hold the difference of 40,000 words, and p is small in most samples of 60."""
    many = _views(np.random.default_rng(8), 40_000, 0.6, 1.4, 1.0)
    # debiased and biased CKA of so many rows agree
    alike = [
        np.linalg.norm(x.T @ many[2]) ** 2
        / np.linalg.norm(x.T @ x)
        / np.linalg.norm(many[2].T @ many[2])
        for x in (rows - rows.mean(axis=0) for rows in many[:2])
    ]
    held, small = _simulated((0.6, 1.4, 1.0), "cka-linear", float(alike[0] - alike[1]), 200)
    assert 0.93 <= held <= 0.99
    assert small >= 0.8


def test_equal_models_where_few_words_have_most_tokens() -> None:
    """Words by Zipf's law: intervals hold 0, and p is small, no more than it may.

    With intervals of the bootstrap alone they hold it in 91%.
    """
    codes = np.repeat(np.arange(40), -(-80 // np.arange(1, 41)))
    words = Groups.of(codes)
    held, small = 0, 0
    for seed in range(200):
        rng = np.random.default_rng([9, seed])
        models = [
            rows[codes] + rng.normal(size=(len(codes), 20)) / 2 for rows in _views(rng, 40, 1, 1, 1)
        ]
        found = _contrast(
            leave_words_out(
                _sources(*models[:2]), _sources(models[2]), words, measure="cka-linear"
            ),
            seed=seed,
        )
        held += bool(found.interval.low[0] <= 0 <= found.interval.high[0])
        small += bool(found.p_value[0] <= 0.05)
    assert 0.93 * 200 <= held < 200
    assert small <= 0.07 * 200
