"""CKA and its second opinions: published values, independent code, invariances, error bars."""

from collections.abc import Sequence
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import stdtrit
from scipy.stats import kstest, spearmanr
from threadpoolctl import threadpool_limits

from groundscope.metrics import cka, feature_space, gram_alignment, gram_space, kernels, rbf
from groundscope.metrics.alignment import Alignment, compare_layers
from groundscope.metrics.comparison import MEASURES, compare
from groundscope.metrics.groups import Floats, Groups, Integers, permuted_rows
from groundscope.metrics.order import Order
from groundscope.metrics.sources import Source
from groundscope.metrics.threads import one_core_each


def _source(rows: Any) -> Source:
    return Source("rows", rows.shape[1], lambda: rows)


def _words(count: int) -> Groups:
    return Groups.of([f"w{number:05d}" for number in range(count)])


def _align(x: Any, y: Any, groups: Groups | None = None, **options: Any) -> Alignment:
    groups = groups or _words(len(x))
    return compare_layers([_source(x)], [_source(y)], groups, **options)


def _cka(x: Floats, y: Floats, **options: Any) -> Floats:
    return _align(x, y, **options).estimate[:, 0, 0]


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(7)


def _sums(rows: Sequence[kernels.Rows], order: Order) -> gram_space.Sums:
    with one_core_each(1) as pool:
        return gram_space.Tiling(rows, 1, 1, [], order).sums(pool)


def _reference_pair() -> tuple[Floats, Floats]:
    # the reference notebook draws from the legacy generator
    legacy = np.random.RandomState(1337)
    x = legacy.randn(100, 10)
    return x, legacy.randn(100, 10) + x


@pytest.mark.parametrize("gram", [False, True])
def test_reference_values(*, gram: bool) -> None:
    """The printed values of the reference notebook (Kornblith et al. 2019), in either space."""
    debiased, biased = _cka(*_reference_pair(), gram=gram)
    assert round(biased, 5) == 0.55761
    assert round(debiased, 5) == 0.51346
    assert biased == pytest.approx(0.5576132566, abs=1e-10)
    assert debiased == pytest.approx(0.5134564895, abs=1e-10)


def test_reference_value_of_the_rbf_kernel() -> None:
    """The notebook's RBF value, at half the median."""
    x, y = _reference_pair()
    order = Order.of(_words(100))
    rows = [rbf.gaussian(values, order.rows, name="", threshold=0.5) for values in (x, y)]
    both, own_x, own_y = _sums(rows, order).total
    biased = both / np.sqrt(own_x * own_y)
    assert biased == pytest.approx(0.6548311823, abs=1e-10)


@pytest.mark.parametrize("shape", [(61, 20, 30), (25, 40, 8)])
def test_agrees_with_ckatorch(
    ckatorch: ModuleType, rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    """Linear and RBF CKA, debiased and biased; the median of an even number differs there."""
    rows, first, second = shape
    x = rng.normal(size=(rows, first))
    y = x @ rng.normal(size=(first, second)) + rng.normal(size=(rows, second))
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    for kernel in ("linear", "rbf"):
        theirs = [
            float(ckatorch.cka_base(*tensors, kernel=kernel, unbiased=unbiased))
            for unbiased in (True, False)
        ]
        assert _cka(x, y, kernel=kernel) == pytest.approx(theirs, abs=1e-12)


def test_agrees_with_rsatoolbox(rsatoolbox: ModuleType, rng: np.random.Generator) -> None:
    """Biased linear CKA is the whitened cosine of squared Euclidean distance matrices."""
    x = rng.normal(size=(30, 6))
    y = x @ rng.normal(size=(6, 9)) + rng.normal(size=(30, 9))
    rdms = [
        rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(rows), method="euclidean")
        for rows in (x, y)
    ]
    other = float(rsatoolbox.rdm.compare(*rdms, method="cosine_cov")[0, 0])
    assert _cka(x, y)[1] == pytest.approx(other, abs=1e-6)


@pytest.mark.parametrize("held", [0, kernels.HELD])
@pytest.mark.parametrize("tokens", [[1], [3], [1, 2, 9]])
def test_feature_and_gram_space_agree(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, tokens: list[int], held: int
) -> None:
    """Estimates, errors and null are the same to 1e-9, one or several tokens a word."""
    monkeypatch.setattr(kernels, "HELD", held)
    groups = Groups.of(np.repeat(np.arange(30), np.resize(tokens, 30)))
    x = rng.normal(size=(len(groups.codes), 12)) + 3
    y = x[:, :7] + rng.normal(size=(len(x), 7))
    feature, gram = (_align(x, y, groups, gram=space, permutations=5) for space in (False, True))
    np.testing.assert_allclose(feature.estimate, gram.estimate, rtol=1e-9)
    np.testing.assert_allclose(
        feature.interval.standard_error, gram.interval.standard_error, rtol=1e-9
    )
    np.testing.assert_allclose(feature.null, gram.null, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("words", "frequent"), [(1000, 300), (3000, 700)])
def test_many_rows_and_a_frequent_word(rng: np.random.Generator, words: int, frequent: int) -> None:
    """Over 4096 rows and 256 or 512 of a word: values as in Gram space to 1e-9, errors to 1e-5."""
    others = rng.permutation(np.resize(np.arange(1, words), 4800 - frequent))
    groups = Groups.of(np.concatenate([np.zeros(frequent, int), others]))
    x = (rng.normal(size=(4800, 8)) + 3).astype(np.float32)
    y = x[:, :5] + rng.normal(size=(4800, 5)).astype(np.float32)
    feature, gram = (_align(x, y, groups, gram=space) for space in (False, True))
    assert len(groups) == words
    np.testing.assert_allclose(feature.estimate, gram.estimate, rtol=1e-9)
    np.testing.assert_allclose(
        feature.interval.standard_error, gram.interval.standard_error, rtol=1e-5
    )


@pytest.mark.parametrize("tokens", [1, 3])
def test_scale_of_many_rows(rng: np.random.Generator, tokens: int) -> None:
    """Over 4096 rows, features of any size that float32 holds have one standard error."""
    groups = Groups.of(np.arange(4200) // tokens)
    x = rng.normal(size=(4200, 6))
    y = x[:, :4] + rng.normal(size=(4200, 4))
    wanted = _align(x, y, groups, gram=True).interval.standard_error
    for first, second in [(-20, -20), (-20, 18), (-9, 9), (0, 0), (9, 9), (18, 18)]:
        a, b = (x * 10.0**first).astype(np.float32), (y * 10.0**second).astype(np.float32)
        found = _align(a, b, groups, gram=False).interval.standard_error
        np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_null_of_the_rbf_kernel(rng: np.random.Generator) -> None:
    """It is the value for rows that are permuted by hand, median and all."""
    x = rng.normal(size=(40, 4))
    y = x[:, :3] + rng.normal(size=(40, 3))
    found = _align(x, y, kernel="rbf", permutations=2, seed=5)
    draws = np.random.default_rng(5)
    for number in range(2):
        moved = y[permuted_rows(_words(40), draws)]
        wanted = _cka(x, moved, kernel="rbf")
        np.testing.assert_allclose(found.null[:, 0, 0, number], wanted, rtol=1e-9)


def test_a_model_with_itself(rng: np.random.Generator) -> None:
    """Layers that are on both sides are as two models with the same vectors."""
    groups = Groups.of(np.repeat(np.arange(25), 2))
    shared = rng.normal(size=(50, 6))
    layers = [_source(shared + rng.normal(size=(50, 6))) for _ in range(3)]
    one, two = (
        compare_layers(layers, other, groups, gram=True, permutations=2)
        for other in (layers, [*layers])
    )
    np.testing.assert_allclose(one.estimate, two.estimate, rtol=1e-12)
    np.testing.assert_allclose(one.interval.low, two.interval.low, rtol=1e-9)
    np.testing.assert_allclose(one.null, two.null, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.diagonal(one.estimate, axis1=1, axis2=2), 1, rtol=1e-12)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_layers_that_do_not_fit_memory(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, kernel: str
) -> None:
    """Two at a time they have the values of all at once."""
    shared = rng.normal(size=(30, 6))
    layers = [_source(shared + rng.normal(size=(30, 6))) for _ in range(5)]
    options: dict[str, Any] = {"kernel": kernel, "gram": True, "permutations": 2}
    whole = compare_layers(layers[:3], layers, _words(30), **options)
    monkeypatch.setattr(gram_alignment, "HELD", 0)
    found = compare_layers(layers[:3], layers, _words(30), **options)
    np.testing.assert_allclose(found.estimate, whole.estimate, rtol=1e-12)
    np.testing.assert_allclose(found.interval.low, whole.interval.low, rtol=1e-9)
    np.testing.assert_allclose(found.null, whole.null, rtol=1e-9, atol=1e-12)


def test_some_words_stand_for_all(rng: np.random.Generator) -> None:
    """Of 3000 words 2048 are left out, the frequent ones among them: the error of all to 4%."""
    sizes = np.maximum(60 // np.arange(1, 3001), 1 + (np.arange(3000) % 3 == 0))
    groups = Groups.of(np.repeat(np.arange(3000), sizes))
    x = rng.normal(size=(3000, 3))[groups.codes] + rng.normal(size=(len(groups.codes), 3)) / 2
    y = x + rng.normal(size=x.shape)
    order = Order.of(groups)
    assert len(order.sizes) == 2048
    assert order.weights.sum() == pytest.approx(3000)
    assert set(order.sizes[order.weights == 1]) == set(sizes[sizes > 1])
    without = []
    for word in range(3000):
        kept = groups.codes != word
        a, b = (rows[kept] - rows[kept].mean(axis=0) for rows in (x, y))
        without.append(((a.T @ b) ** 2).sum() / np.linalg.norm(a.T @ a) / np.linalg.norm(b.T @ b))
    wanted = np.sqrt((2999 / 3000) * np.square(without - np.mean(without)).sum())
    found = _align(x, y, groups)
    assert found.interval.standard_error[1, 0, 0] == pytest.approx(wanted, rel=0.04)


@pytest.mark.parametrize("gram", [False, True])
def test_the_same_bits_on_any_number_of_cores(rng: np.random.Generator, *, gram: bool) -> None:
    """Pairs of layers side by side, on two cores and on three, are those of one after another."""
    groups = Groups.of(rng.integers(0, 200, 1500))
    shared = rng.normal(size=(1500, 20))
    left, right = (
        [_source(shared + rng.normal(size=shared.shape)) for _ in range(count)] for count in (5, 2)
    )
    found = []
    for cores in (1, 2, 3):
        with threadpool_limits(cores, user_api="blas"):
            found.append(compare_layers(left, right, groups, gram=gram, permutations=3))
    for other in found[1:]:
        assert (other.estimate == found[0].estimate).all()
        assert (other.interval.standard_error == found[0].interval.standard_error).all()
        assert (other.null == found[0].null).all()


def test_invariances(rng: np.random.Generator) -> None:
    """Rotation, scale, shift, column and row order change nothing; a linear map does; symmetric."""
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 5))
    y[:, :3] += x[:, :3]
    value = _cka(x, y)
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    order = rng.permutation(40)
    for changed in (x @ rotation, 1e-4 * x, x + 100, x[:, ::-1]):
        np.testing.assert_allclose(_cka(changed, y), value, rtol=1e-9)
    np.testing.assert_allclose(_cka(x[order], y[order]), value, rtol=1e-9)
    np.testing.assert_allclose(_cka(y, x), value, rtol=1e-12)
    np.testing.assert_allclose(_cka(x, 3 * x @ rotation), [1, 1], rtol=1e-12)
    assert abs(_cka(x @ np.diag([1, 1, 1, 1, 1, 20]), y) - value).min() > 0.05


@pytest.mark.parametrize("measure", MEASURES)
def test_a_layer_and_itself_are_no_more_than_alike(measure: str) -> None:
    """Rounding leaves no estimate above 1, nor above the end of its interval."""
    rng = np.random.default_rng(31)
    layers = [_source(rows) for rows in rng.normal(size=(12, 30, 7))]
    found = compare(layers, layers, Groups.of(np.arange(30)), measure=measure, neighbours=5)
    assert found.estimate.max() <= 1.0
    assert (found.estimate <= found.high).all()
    np.testing.assert_allclose(np.diagonal(found.estimate, axis1=1, axis2=2), 1.0, rtol=1e-12)


def test_angle_obeys_the_triangle_inequality(rng: np.random.Generator) -> None:
    """arccos(biased CKA) is a metric (Williams et al. 2021)."""
    layers = [rng.normal(size=(20, 4)) for _ in range(6)]
    sources = [_source(rows) for rows in layers]
    values = compare_layers(sources, sources, _words(20)).estimate[1]
    angles = np.arccos(np.clip(values, -1, 1))
    assert (angles[:, None, :] <= angles[:, :, None] + angles[None] + 1e-7).all()


def test_noise(rng: np.random.Generator) -> None:
    """With 109 words and 768 features, unrelated layers have biased CKA 0.87, debiased 0."""
    values = np.array([_cka(*rng.normal(size=(2, 109, 768))) for _ in range(20)])
    assert abs(values[:, 0].mean()) < 0.01
    assert np.median(np.abs(values[:, 0])) < 0.02
    assert values[:, 1].mean() == pytest.approx(0.87, abs=0.01)


def test_float32_rows(rng: np.random.Generator) -> None:
    """Single-precision vectors give the double-precision value to 1e-6."""
    x = rng.normal(size=(3000, 40)) + 5
    y = x + rng.normal(size=x.shape)
    single = _cka(*[rows.astype(np.float32).astype(np.float64) for rows in (x, y)])
    np.testing.assert_allclose(single, _cka(x, y), rtol=1e-6)


def _hsic(x: Floats, y: Floats, groups: Groups, *, gram: bool) -> cka.Hsic:
    order = Order.of(groups)
    if not gram:
        a, b = (feature_space.prepare(rows, order, name="") for rows in (x, y))
        return feature_space.hsic(a, b, order)
    rows = [kernels.linear(values, order.rows, name="") for values in (x, y)]
    sums = _sums(rows, order)
    first, second = (
        cka.Centred(each.norms, within, kernels.square(each, order.subset.rows))
        for each, within in zip(rows, sums.within, strict=True)
    )
    return cka.hsic(first, second, order, sums.terms(0, 0, 1))


@pytest.mark.parametrize("gram", [False, True])
def test_left_out_terms_are_those_of_recomputation(rng: np.random.Generator, *, gram: bool) -> None:
    """HSIC without a word equals HSIC computed from the other words' tokens alone."""
    groups = Groups.of(rng.integers(0, 9, 40))
    x, y = rng.normal(size=(40, 6)) + 1, rng.normal(size=(40, 4))
    found = _hsic(x, y, groups, gram=gram)
    order = Order.of(groups)
    for place, start in enumerate(order.starts):
        kept = groups.codes != groups.codes[order.rows[start]]
        whole = _hsic(x[kept], y[kept], Groups.of(groups.codes[kept]), gram=gram).whole
        np.testing.assert_allclose(found.without[:, place], whole, rtol=1e-10)


@pytest.mark.parametrize(("words", "strength"), [(60, 0.05), (109, 0.05), (109, 0.3)])
def test_interval_covers(words: int, strength: float) -> None:
    """95% intervals hold the population's CKA in 93 to 97% of samples."""
    rng = np.random.default_rng(4)
    scale = np.linspace(0.2, 2, 20)
    mixing = rng.normal(size=(20, 20)) * strength
    cross = np.diag(scale**2) @ mixing
    own = mixing.T @ cross + np.eye(20)
    truth = (cross**2).sum() / np.linalg.norm(np.diag(scale**2)) / np.linalg.norm(own)
    hits = 0
    for _ in range(800):
        x = rng.normal(size=(words, 20)) * scale
        interval = _align(x, x @ mixing + rng.normal(size=(words, 20))).interval
        hits += bool(interval.low[0, 0, 0] <= truth <= interval.high[0, 0, 0])
    assert 0.93 <= hits / 800 <= 0.97


def test_interval_covers_where_few_words_have_most_tokens() -> None:
    """Words by Zipf's law: the CKA expected of new words with the same numbers of tokens."""
    rng = np.random.default_rng(1)
    groups = Groups.of(np.repeat(np.arange(60), -(-60 // np.arange(1, 61))))
    mixing = rng.normal(size=(5, 5)) * 0.3
    found = []
    for _ in range(400):
        x = rng.normal(size=(60, 5))
        y = x @ mixing + rng.normal(size=(60, 5))
        noise = rng.normal(size=(2, len(groups.codes), 5))
        found.append(_align(x[groups.codes] + noise[0], y[groups.codes] + noise[1], groups))
    truth = np.mean([each.estimate for each in found], axis=0)
    hits = [(each.interval.low <= truth) & (truth <= each.interval.high) for each in found]
    covered = np.mean(hits, axis=0)
    assert ((covered >= 0.93) & (covered <= 0.97)).all()


def test_error_of_tokens_is_that_of_words() -> None:
    """With three tokens a word, the error is the estimate's spread between samples of words."""
    rng = np.random.default_rng(2)
    groups = Groups.of(np.repeat(np.arange(60), 3))
    mixing = rng.normal(size=(10, 10)) * 0.3
    estimates, errors = [], []
    for _ in range(300):
        x = rng.normal(size=(60, 10))
        y = x @ mixing + rng.normal(size=(60, 10))
        noise = rng.normal(size=(2, 180, 10)) / 2
        result = _align(x[groups.codes] + noise[0], y[groups.codes] + noise[1], groups)
        estimates.append(result.estimate[0, 0, 0])
        errors.append(result.interval.standard_error[0, 0, 0])
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(estimates), rel=0.1)


def test_p_is_uniform_under_the_null() -> None:
    """Unrelated layers have uniform p (spread within its steps)."""
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(400):
        x, y = rng.normal(size=(20, 4)), rng.normal(size=(20, 3))
        result = compare(
            [_source(x)],
            [_source(y)],
            _words(20),
            measure="cka-linear",
            permutations=39,
            seed=int(rng.integers(1 << 30)),
        )
        p_values.append(result.p_value[0, 0, 0] - rng.uniform() / 40)
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_words_move_as_a_whole_under_the_null() -> None:
    """With many tokens of few words, permuting tokens would call chance agreement real."""
    rng = np.random.default_rng(5)
    groups = Groups.of(np.repeat(np.arange(8), 20))
    p_values = []
    for _ in range(60):
        x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 3))
        noise = rng.normal(size=(2, 160, 3)) / 10
        result = compare(
            [_source(x[groups.codes] + noise[0])],
            [_source(y[groups.codes] + noise[1])],
            groups,
            measure="cka-linear",
            permutations=39,
        )
        p_values.append(result.p_value[0, 0, 0])
    assert np.mean(np.array(p_values) < 0.05) < 0.15


def test_rsa_is_spearman_of_distances(rng: np.random.Generator) -> None:
    """The value is scipy's, ties included; without a word it is the other words' correlation."""
    x, y = rng.normal(size=(15, 4)), rng.normal(size=(15, 3))
    x[3] = x[2]
    x[9] = x[8]
    upper = np.triu_indices(15, 1)
    distances = [
        np.round(1 - (u := rows / np.linalg.norm(rows, axis=1)[:, None]) @ u.T, 12)[upper]
        for rows in (x, y)
    ]
    result = compare([_source(x)], [_source(y)], _words(15), measure="rsa")
    assert result.estimate[0, 0, 0] == pytest.approx(spearmanr(*distances).statistic, abs=1e-3)


def _by_nearness(rows: Floats) -> Integers:
    """Other words of each word, nearest first, ties by order, shape ``[n, n - 1]``."""
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    similarity = np.round(unit @ unit.T, 12)
    np.fill_diagonal(similarity, -np.inf)
    return np.argsort(-similarity, axis=1, kind="stable")[:, :-1]


def _error_of_neighbours(x: Floats, y: Floats, count: int) -> tuple[float, float]:
    """Mean share of neighbours and its error, from square matrices."""
    orders, words = (_by_nearness(x), _by_nearness(y)), len(x)
    a, b = (
        np.array([np.isin(np.arange(words), near[:count]) for near in order], float)
        for order in orders
    )
    width = min(-(-count // 4), words - 1 - count)
    p, q = (
        np.array([inside[i, order[i, count - width : count + width]].mean() for i in range(words)])
        for order, inside in zip(orders, (b, a), strict=True)
    )
    effects = (a * b - p[:, None] * a - q[:, None] * b) / count
    effects -= effects.sum(axis=1, keepdims=True) / (words - 1)
    np.fill_diagonal(effects, 0.0)
    share = (a * b).mean(axis=1) * words / count
    influence = share - share.mean() + effects.sum(axis=0)
    pairs = np.square(effects + effects.T)[np.triu_indices(words, 1)].sum()
    squares = max(np.square(influence).sum() - pairs, pairs)
    return float(share.mean()), float(np.sqrt(squares / (words * (words - 1))))


@pytest.mark.parametrize(("words", "count"), [(24, 5), (24, 1), (9, 6), (6, 3)])
@pytest.mark.parametrize("ties", [False, True])
def test_error_of_neighbours(
    rng: np.random.Generator, words: int, count: int, *, ties: bool
) -> None:
    """It is that of square matrices, down to an edge of one word each side; ties by order."""
    x = rng.normal(size=(words, 4))
    if ties:
        # all of length 1, and cosines are multiples of a half
        halves = np.array(list(product([-0.5, 0.5], repeat=4)))
        x = rng.permutation(np.concatenate([halves, np.eye(4), -np.eye(4)]))[:words]
    y = x + rng.normal(size=x.shape)
    found = compare([_source(x)], [_source(y)], _words(words), measure="knn", neighbours=count)
    share, error = _error_of_neighbours(x, y, count)
    assert found.estimate[0, 0, 0] == pytest.approx(share, rel=1e-12)
    assert found.standard_error[0, 0, 0] == pytest.approx(error, rel=1e-12)


@pytest.mark.parametrize("kind", ["related", "unrelated", "groups"])
def test_interval_of_neighbours_covers(kind: str) -> None:
    """Intervals hold the share expected of so many words, and errors are its deviation."""
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(20, 20)) * 0.3 * (kind != "unrelated")
    centres = 2 * rng.normal(size=(8, 20)) * (kind == "groups")
    found = []
    for _ in range(400):
        x = rng.normal(size=(80, 20)) * np.linspace(0.2, 2, 20) + centres[rng.integers(0, 8, 80)]
        y = x @ mixing + rng.normal(size=x.shape)
        found.append(compare([_source(x)], [_source(y)], _words(80), measure="knn"))
    estimates = np.array([each.estimate for each in found])
    truth = 10 / 79 if kind == "unrelated" else estimates.mean()
    hits = [each.low <= truth <= each.high for each in found]
    assert 0.92 <= np.mean(hits) <= 0.98
    error = np.sqrt(np.mean([each.standard_error**2 for each in found]))
    assert 0.9 <= error / estimates.std() <= 1.15


@pytest.mark.parametrize(
    ("measure", "least"),
    [("cka-linear", [-1, 0]), ("cka-rbf", [-1, 0]), ("rsa", [-1]), ("knn", [0])],
)
def test_limits_are_what_an_estimate_can_be(
    rng: np.random.Generator, measure: str, least: list[int]
) -> None:
    """Of few words intervals are wide: none is beyond 1, or below what the estimator can be."""
    x, y = rng.normal(size=(2, 7, 2))
    near = x + rng.normal(size=(7, 2)) / 4
    found = compare(
        [_source(x)], [_source(y), _source(near)], _words(7), measure=measure, neighbours=1
    )
    half = found.standard_error * stdtrit(6, 0.975)
    lowest = np.reshape(least, (-1, 1, 1))
    np.testing.assert_allclose(found.low, np.maximum(found.estimate - half, lowest), rtol=1e-12)
    np.testing.assert_allclose(found.high, np.minimum(found.estimate + half, 1), rtol=1e-12)
    assert (found.estimate - half < lowest).any()
    assert (found.estimate + half > 1).any()


def test_debiased_cka_is_a_cosine(rng: np.random.Generator) -> None:
    """It is that of U-centred Gram matrices (Szekely and Rizzo 2014): -1 to 1, and both occur."""
    found = []
    for _ in range(50):
        x, y = rng.normal(size=(2, 5, 2))
        centred = []
        for rows in (x, y):
            gram = rows @ rows.T
            np.fill_diagonal(gram, 0)
            sums = gram.sum(axis=0)
            gram -= (sums[:, None] + sums) / 3 - sums.sum() / 12
            np.fill_diagonal(gram, 0)
            centred.append(gram)
        a, b = centred
        value = _cka(x, y)[0]
        assert value == pytest.approx((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
        found.append(value)
    assert min(found) < -0.5
    assert max(found) > 0.8


def test_neighbours_that_leave_no_choice(rng: np.random.Generator) -> None:
    """With k + 2 words each has all others but one for neighbours: too few for an error."""
    x, y = rng.normal(size=(2, 7, 3))
    for count in (5, 6, 7):
        message = f"{count} nearest neighbours with a jackknife need at least {count + 3} words"
        with pytest.raises(ValueError, match=f"{message}, got 7"):
            compare([_source(x)], [_source(y)], _words(7), measure="knn", neighbours=count)


def test_neighbour_overlap(rng: np.random.Generator) -> None:
    """1 for a rotated layer, k / (n - 1) for unrelated ones."""
    x = rng.normal(size=(200, 5))
    rotated = x @ np.linalg.qr(rng.normal(size=(5, 5)))[0]
    other = rng.normal(size=(200, 5))
    result = compare(
        [_source(x)],
        [_source(rotated), _source(other)],
        _words(200),
        measure="knn",
        neighbours=10,
        permutations=20,
    )
    assert result.estimate[0, 0, 0] == 1
    assert result.standard_error[0, 0, 0] == 0
    assert result.estimate[0, 0, 1] == pytest.approx(10 / 199, abs=0.02)
    assert result.null_mean[0, 0, 0] == pytest.approx(10 / 199, abs=0.005)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_rows_without_debiased_hsic(kernel: str) -> None:
    """One-hot rows differ, but no pair is more alike than another: only biased CKA has a value.

    A word that shares its vector is what keeps the others apart, until it is left out.
    """
    other = np.random.default_rng(0).normal(size=(30, 3))
    with pytest.raises(ValueError, match="debiased CKA has no value: the debiased HSIC of the"):
        _cka(np.eye(30), other, kernel=kernel)
    with pytest.raises(ValueError, match="debiased CKA has no value without one word type"):
        _cka(np.eye(29)[[0, *range(29)]], other, kernel=kernel)
    pairs = np.eye(15)[np.arange(30) // 2]
    np.testing.assert_allclose(_cka(pairs, pairs, kernel=kernel), [1, 1], rtol=1e-12)


def test_two_vectors_are_enough(rng: np.random.Generator) -> None:
    """Where neither is that of a single word: CKA is that of a binary feature, from its sums."""
    marks, other = (np.arange(12) % 3 == 0) * 2.0, rng.normal(size=(12, 2))
    covariance = np.square((marks - marks.mean()) @ other).sum()
    spread = np.linalg.norm(np.cov(other.T, bias=True)) * 12 * marks.var() * 12
    found = _cka(np.outer(marks, [3, 4]), other)
    assert found[1] == pytest.approx(covariance / spread, rel=1e-9)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.ones((8, 3)), "all 8 rows are the same vector"),
        (np.eye(3), "at least 4 rows"),
        (np.eye(8)[[0] * 6 + [1, 2]], "debiased CKA has no value without one word type"),
        (np.full((8, 3), np.nan), "not finite"),
        (np.eye(8)[[0] * 7 + [1]], "too few rows differ"),
        (np.eye(8)[[0] * 3000 + [1]], "too few rows differ"),
        (np.eye(8)[[1] + [0] * 3000], "too few rows differ"),
        (
            _reference_pair()[0] * np.where(np.arange(100) > 0, 1, 1e5)[:, None],
            "without one word type less than 1e-12 of the biased HSIC .* is left",
        ),
    ],
)
def test_degenerate_input(rows: Floats, message: str) -> None:
    """What was found and what is needed is said."""
    with pytest.raises(ValueError, match=message):
        _cka(rows, np.random.default_rng(0).normal(size=(len(rows), 3)))


def test_one_word(rng: np.random.Generator) -> None:
    """Tokens of a single word have no jackknife."""
    x = rng.normal(size=(10, 3))
    with pytest.raises(ValueError, match="at least 2 of them, got 1"):
        _align(x, x, Groups.of(["a"] * 10))
