"""The standard error of CKA: the part of pairs of words, from some pairs, against that of all."""

import numpy as np
import pytest

from groundscope.metrics.alignment import Alignment, compare_layers
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.order import Order
from groundscope.metrics.sources import Source


def _source(rows: Floats) -> Source:
    return Source("rows", rows.shape[1], lambda: rows)


def _align(layers: list[Floats], groups: Groups, *, gram: bool | None = None) -> Alignment:
    left, right = map(_source, layers)
    return compare_layers([left], [right], groups, gram=gram)


def _zipf(words: int, tokens: int, rng: np.random.Generator) -> Groups:
    """Every word once, other tokens by Zipf's law."""
    share = 1 / np.arange(1, words + 1)
    drawn = rng.choice(words, tokens - words, p=share / share.sum())
    return Groups.of([f"w{word:05d}" for word in [*range(words), *drawn]])


def _layers(groups: Groups, rng: np.random.Generator, *, related: bool) -> list[Floats]:
    """Two layers of words and tokens, which share what words have or nothing."""
    words, codes = len(groups), groups.codes
    shared = rng.normal(size=(words, 8))
    layers: list[Floats] = []
    for _ in range(2):
        of_words = shared if related else rng.normal(size=(words, 8))
        rows = of_words @ rng.normal(size=(8, 30)) / 8**0.5 + rng.normal(size=(words, 30)) / 2
        layers.append(rows[codes] + rng.normal(size=(len(codes), 30)) / 2)
    return layers


def _errors(layers: list[Floats], groups: Groups, without: Floats) -> list[float]:
    """Error from all pairs of words, of square matrices, debiased and biased."""
    count, words = len(groups.codes), len(groups)
    order = np.argsort(groups.codes, kind="stable")
    starts = np.cumsum(groups.sizes) - groups.sizes
    grams = []
    for rows in layers:
        centred = (rows - rows.mean(axis=0))[order]
        grams.append(centred @ centred.T)
    errors = []
    for debiased, scores in zip((True, False), without, strict=True):
        a, b = (gram.copy() for gram in grams)
        for gram in (a, b) if debiased else ():
            np.fill_diagonal(gram, 0)
            sums = gram.sum(axis=0)
            gram += sums.sum() / (count - 1) / (count - 2) - (sums[:, None] + sums) / (count - 2)
            np.fill_diagonal(gram, 0)
        aa, bb = np.vdot(a, a), np.vdot(b, b)
        scale = np.sqrt(aa * bb)
        first = a * b / scale - np.vdot(a, b) / scale / 2 * (a**2 / aa + b**2 / bb)
        first = np.add.reduceat(np.add.reduceat(first, starts, axis=0), starts, axis=1)
        np.fill_diagonal(first, 0)
        sums = first.sum(axis=0)
        first -= (sums[:, None] + sums) / (words - 2) - sums.sum() / (words - 1) / (words - 2)
        np.fill_diagonal(first, 0)
        variance = (words - 1) * scores.var()
        errors.append(np.sqrt(max(variance - 2 * np.vdot(first, first), variance / 2)))
    return errors


@pytest.mark.parametrize("gram", [False, True])
@pytest.mark.parametrize("related", [False, True])
@pytest.mark.parametrize("shape", [(60, 1000), (150, 150), (5, 40), (4, 6), (3, 30)])
def test_all_pairs(shape: tuple[int, int], *, related: bool, gram: bool) -> None:
    """Up to 200 words with up to 2048 tokens have the error of all pairs."""
    rng = np.random.default_rng(8)
    groups = _zipf(*shape, rng)
    layers = _layers(groups, rng, related=related)
    found = _align(layers, groups, gram=gram)
    if len(groups) > 3:
        wanted = _errors(layers, groups, found.without[:, 0, 0])
    else:
        wanted = np.sqrt(2 * found.without[:, 0, 0].var(axis=-1))
    np.testing.assert_allclose(found.interval.standard_error[:, 0, 0], wanted, rtol=1e-8)


@pytest.mark.parametrize("related", [False, True])
@pytest.mark.parametrize(
    ("words", "tokens"), [(1500, 4000), (500, 2000), (700, 3000), (300, 3000), (200, 2500), (8, 0)]
)
def test_some_pairs_stand_for_all(words: int, tokens: int, *, related: bool) -> None:
    """Where words or tokens are drawn, debiased and biased errors are near those of all pairs.

    With a part P of pairs in the error's square V, an estimate of P that is off by a share e moves
    the error by ``e P / 2 V``. Over draws of words, e deviates by some 5%, and P is up to V: the
    error is off by some 2.5%, twice which is allowed; up to 2.3% was measured.
    """
    ratios = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        groups = _zipf(words, tokens, rng) if tokens else Groups.of(np.repeat(range(words), 300))
        layers = _layers(groups, rng, related=related)
        found = _align(layers, groups)
        wanted = _errors(layers, groups, found.without[:, 0, 0])
        ratios.append(found.interval.standard_error[:, 0, 0] / wanted)
    np.testing.assert_allclose(ratios, 1, atol=0.05)


@pytest.mark.parametrize("words", [150, 300, 2048, 2500, 9000])
def test_weights_of_pairs(words: int) -> None:
    """Chosen pairs stand for all pairs, whether words are frequent or not, left out or not."""
    rng = np.random.default_rng(9)
    groups = _zipf(words, 3 * words, rng)
    order = Order.of(groups)
    subset = order.subset
    assert subset.weights.sum() == pytest.approx(words * (words - 1))
    assert len(set(subset.groups)) == len(subset.groups) == min(words, 200)
    assert len(subset.rows) <= 2048
    of_each = np.diff(subset.starts, append=len(subset.rows))
    chosen = np.repeat(subset.groups, of_each)
    assert (
        groups.codes[order.rows[subset.rows]] == groups.codes[order.rows[order.starts[chosen]]]
    ).all()
    sizes = order.sizes[subset.groups]
    np.testing.assert_allclose(subset.once * of_each, sizes)
    np.testing.assert_allclose(subset.twice * of_each * (of_each - 1), sizes * (sizes - 1))
