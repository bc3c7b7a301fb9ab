"""Word pairs against a plain loop; intervals and corrections against known values."""

import random
from collections.abc import Sequence
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from scipy.stats import norm, pearsonr, rankdata, spearmanr, t, ttest_rel
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from groundscope.metrics.bootstrap import percentile_interval
from groundscope.metrics.correlation import across_layers
from groundscope.metrics.groups import Groups, permuted_rows
from groundscope.metrics.intervals import draws_interval, proportion_interval, t_interval
from groundscope.metrics.jackknife import degrees_of_freedom, jackknife, pseudo_values
from groundscope.metrics.p_values import holm, permutation_p
from groundscope.metrics.pair_kinds import Draws, draw_pairs
from groundscope.metrics.pair_scores import score_layer
from groundscope.metrics.pair_word_scores import by_word
from groundscope.metrics.paired_difference import paired_difference
from groundscope.metrics.ranks import average_ranks
from groundscope.metrics.similarity import type_means
from groundscope.metrics.spaces import into_space
from groundscope.metrics.word_pairs import (
    Crossed,
    Pairs,
    Sample,
    group_word_pairs,
    sample_rows,
    shuffled_pairs,
)


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(13)


def test_sample_is_that_of_the_standard_library() -> None:
    """Published draws (`random.sample` after seeding) are repeated exactly."""
    random.seed(42)
    assert sample_rows(500, 20, 42).tolist() == random.sample(range(500), 20)
    assert sorted(sample_rows(5, 20, 42)) == list(range(5))


def test_pairs_agree_with_a_loop(rng: np.random.Generator) -> None:
    """Type-pair means, then the mean over type pairs, minus random: as the papers' loop does."""
    words = Groups.of(rng.integers(0, 6, 40))
    features = rng.normal(size=(40, 5))
    draws = draw_pairs(
        words,
        speakers=None,
        relations={"near": [("0", "1"), ("2", "5"), ("0", "zebra")]},
        whole={},
        sample=30,
        seeds=[3, 4],
    )
    scores = score_layer(features, draws, replicates=5, seed=0)
    found = scores["near"]
    unit = features / np.linalg.norm(features, axis=1)[:, None]
    means = []
    for seed in (3, 4):
        rows = sample_rows(40, 30, seed)
        by_type = []
        for first, second in (("0", "1"), ("2", "5")):
            cosines = [
                unit[i] @ unit[j]
                for i, j in product(rows, rows)
                if words.names[words.codes[i]] == first and words.names[words.codes[j]] == second
            ]
            by_type.append(np.mean(cosines))
        means.append(np.mean(by_type))
    np.testing.assert_allclose(found.raw, means, rtol=1e-12)
    codes, by_measure = by_word(found, scores["random"], words)
    base = float((found.raw - found.normalised).mean())
    values, _ = by_measure["normalised"]
    listed = np.isfinite(values)
    assert words.names[codes[listed]].tolist() == ["0", "1", "2", "5"]
    np.testing.assert_allclose(values[listed], found.values[[0, 0, 1, 1]] - base)


def test_shuffled_pairs(rng: np.random.Generator) -> None:
    """Pairs stay within their group, no row meets itself, every row is on the left at most once."""
    groups = Groups.of(rng.integers(0, 5, 60))
    rows = np.arange(60)[::2]
    left, right = shuffled_pairs(rows, groups, rng)
    assert (groups.codes[left] == groups.codes[right]).all()
    assert (left != right).all()
    assert len(set(left)) == len(left) == len(set(right))
    assert set(left) <= set(rows.tolist())
    assert len(left) > 20


def test_crossed_pairs(rng: np.random.Generator) -> None:
    """Every token of one word with every token of the other, and none for absent words."""
    words = Groups.of(["a", "b", "a", "c", "b", "b", "zz"])
    unit = rng.normal(size=(7, 3))
    rows = unit * np.arange(1, 8)[:, None]
    unit /= np.linalg.norm(unit, axis=1)[:, None]
    sample = Sample.of(np.arange(1, 7), words)
    found = Crossed.of([sample], words, [("a", "b"), ("c", "a"), ("c", "x"), ("b", "b")])
    assert words.names[found.words].tolist() == [["a", "b"], ["c", "a"]]
    assert found.counts.tolist() == [3, 1]
    expected = [np.mean([unit[2] @ unit[i] for i in (1, 4, 5)]), unit[3] @ unit[2]]
    np.testing.assert_allclose(type_means([found], rows)[0], expected)


def test_frequent_words(rng: np.random.Generator) -> None:
    """Words of very many tokens among words of few: all their token pairs count alike."""
    words = Groups.of(rng.permutation(np.repeat(np.arange(6), [3, 1400, 2, 600, 1, 1100])))
    rows = rng.normal(size=(len(words.codes), 4)) + 1
    found = Crossed.of(
        [Sample.of(np.arange(len(rows)), words)], words, [("1", "3"), ("5", "4"), ("0", "1")]
    )
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    expected = [
        (unit[words.codes == a] @ unit[words.codes == b].T).mean()
        for a, b in ((0, 1), (1, 3), (5, 4))
    ]
    np.testing.assert_allclose(type_means([found], rows)[0], expected)


@pytest.mark.parametrize(
    ("scale", "offset"), [(1e-40, 0), (1e-25, 0), (1, 0), (1e19, 0), (3e37, 0), (1, 1e4)]
)
def test_any_float32_has_its_cosine(rng: np.random.Generator, scale: float, offset: float) -> None:
    """Squares beyond float32, and cosines that differ by 1e-8, agree with extended precision."""
    words = Groups.of(np.repeat(np.arange(30), 4))
    rows = rng.normal(size=(30, 16))[words.codes] + rng.normal(size=(120, 16)) / 2
    rows = (scale * rows + offset).astype(np.float32)
    near = {"near": [(str(word), str(word + 1)) for word in range(29)]}
    draws = draw_pairs(words, speakers=None, relations={}, whole=near, sample=90, seeds=[1, 2])
    found = score_layer(rows, draws, replicates=0, seed=0)
    unit = rows.astype(np.longdouble)
    unit /= np.sqrt((unit**2).sum(axis=1))[:, None]
    distances = {}
    for kind in ("random", "same-word"):
        pairs = draws.kinds[kind]
        assert isinstance(pairs, Pairs)
        # 1 - cosine, which has the digits that a cosine near 1 has not
        each = ((unit[pairs.left] - unit[pairs.right]) ** 2).sum(axis=1).astype(float) / 2
        means = np.bincount(pairs.types, weights=each) / pairs.counts
        distances[kind] = draws.pooled[kind].means(means)
        np.testing.assert_allclose(found[kind].values, 1 - distances[kind], rtol=0, atol=2e-15)
    truth = np.repeat([0, 1], [len(each) for each in distances.values()])
    area = roc_auc_score(truth, -np.concatenate([*distances.values()]))
    assert area > 0.95
    assert found["same-word"].auc == pytest.approx(area, abs=1e-4)
    means = np.stack([unit[words.codes == code].mean(axis=0) for code in range(30)])
    first, second = found["near"].words.T
    expected = (means[first] * means[second]).sum(axis=1).astype(float)
    np.testing.assert_allclose(found["near"].values, expected, rtol=0, atol=2e-15)


def test_auc_is_the_area_under_the_roc_curve(rng: np.random.Generator) -> None:
    """The AUC of same-word against random type pairs is scikit-learn's."""
    words = Groups.of(np.repeat(np.arange(12), 4))
    features = rng.normal(size=(12, 6))[words.codes] + rng.normal(size=(48, 6))
    draws = draw_pairs(words, speakers=None, relations={}, whole={}, sample=48, seeds=[1])
    found = score_layer(features, draws, replicates=200, seed=0)
    same, base = found["same-word"], found["random"]
    truth = np.concatenate([np.ones(len(same.values)), np.zeros(len(base.values))])
    expected = roc_auc_score(truth, np.concatenate([same.values, base.values]))
    assert same.auc == pytest.approx(expected, abs=1e-12)
    assert same.auc_interval is not None
    assert same.auc_interval.low < expected < same.auc_interval.high


@pytest.mark.parametrize(("sample", "seeds"), [(60, [1, 2]), (90, [3])])
def test_auc_of_listed_pairs(rng: np.random.Generator, sample: int, seeds: list[int]) -> None:
    """Random pairs cross the tokens that the kind does: scikit-learn's AUC of a plain loop's means.

    Near words are crossed in each draw, and averaged over draws; the same group over all tokens.
    """
    words = Groups.of(rng.integers(0, 25, 90))
    rows = rng.normal(size=(25, 6))[words.codes] + rng.normal(size=(90, 6))
    names = [str(name) for name in words.names]
    listed = {"near": list(pairwise(names[:15])), "group": [*combinations(names[::2], 2)]}
    draws = draw_pairs(
        words, speakers=words, relations={"near": listed["near"]},
        whole={"group": listed["group"]}, sample=sample, seeds=seeds,
    )  # fmt: skip
    found = score_layer(rows, draws, replicates=0, seed=0)
    unit = rows / np.linalg.norm(rows, axis=1)[:, None]
    name = words.names[words.codes]
    token_pairs = draws.kinds["random"]
    assert isinstance(token_pairs, Pairs)
    drawn = {(name[i], name[j]) for i, j in zip(token_pairs.left, token_pairs.right, strict=True)}
    samples = {
        "near": [sample_rows(90, sample, seed) for seed in seeds], "group": [np.arange(90)]
    }  # fmt: skip

    def crossed(pairs: set[tuple[str, str]], kind: str) -> dict[tuple[str, str], float]:
        means: dict[tuple[str, str], list[float]] = {}
        for (a, b), rows in product(pairs, samples[kind]):
            cosines = [
                unit[i] @ unit[j] for i in rows for j in rows if (name[i], name[j]) == (a, b)
            ]
            if cosines and a != b:
                means.setdefault((a, b), []).append(float(np.mean(cosines)))
        # a pair may be of the kind and random: a tie
        return {pair: round(float(np.mean(values)), 12) for pair, values in means.items()}

    for kind, pairs in listed.items():
        own, others = crossed({*pairs}, kind), crossed(drawn, kind)
        truth = np.repeat([1, 0], [len(own), len(others)])
        area = roc_auc_score(truth, [*own.values(), *others.values()])
        assert found[kind].auc == pytest.approx(area, abs=1e-12)
        codes, by_measure = by_word(found[kind], found["random"], words)
        without = []
        for word in words.names[codes]:
            kept = [[v for pair, v in each.items() if word not in pair] for each in (own, others)]
            truth = np.repeat([1, 0], [len(each) for each in kept])
            without.append(roc_auc_score(truth, np.concatenate(kept)))
        sizes = [sum(word in pair for pair in own) for word in words.names[codes]]
        further = t.ppf(0.975, degrees_of_freedom(np.array(sizes))) / t.ppf(0.975, len(codes) - 1)
        expected = area + further * (len(codes) - 1) * (np.mean(without) - without)
        np.testing.assert_allclose(by_measure["auc"][1], expected, rtol=1e-9)


def test_auc_of_meaningless_pairs() -> None:
    """Groups and relations that mean nothing have 0.5, where tokens differ in how noisy they are.

    The mean of 60 samples may be off by four standard errors, which chance exceeds in 6 of 100,000
    cases. Against random pairs of single tokens it is 0.44 and 0.45, over 20 errors away.
    """
    names = [f"{word:02d}" for word in range(100)]
    words = Groups.of(np.repeat(names, 6))
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        mixed = rng.permutation(names).tolist()
        members = {word: str(place % 8) for place, word in enumerate(mixed[:66])}
        near = [(mixed[place], mixed[place + 1]) for place in range(0, 100, 2)]
        draws = draw_pairs(
            words, speakers=None, relations={"near": near},
            whole={"group": group_word_pairs(members)}, sample=240, seeds=[1, 2, 3],
        )  # fmt: skip
        rows = 0.7 * rng.normal(size=(100, 50))[words.codes] + 2
        rows += np.exp(0.7 * rng.normal(size=(600, 1))) * rng.normal(size=(600, 50))
        scores = score_layer(rows, draws, replicates=0, seed=0)
        found.append([scores[kind].auc for kind in ("near", "group")])
    areas = np.array(found, float)
    errors = areas.std(axis=0, ddof=1) / np.sqrt(len(areas))
    assert (errors < 0.01).all()
    assert (abs(areas.mean(axis=0) - 0.5) < 4 * errors).all()


def test_draw_without_a_pair_of_different_words() -> None:
    """Three tokens of two words, of which the shuffle of seed 23 pairs those of one: refused."""
    words = Groups.of([*"abcd", *"aaaaa"])

    def draw(relations: dict[str, list[tuple[str, str]]]) -> Draws:
        return draw_pairs(words, speakers=None, relations=relations, whole={}, sample=3, seeds=[23])

    assert draw({}).lacking["different-word"] == 1
    with pytest.raises(ValueError, match="no draw has a random pair of different words"):
        draw({"near": [("a", "b")]})


def _every(words: range) -> list[tuple[int, int]]:
    return [*combinations(words, 2)]


@pytest.mark.parametrize(
    ("pairs", "known"),
    [
        ([(2 * k, 2 * k + 1) for k in range(4)], False),
        ([(2 * k, 2 * k + 1) for k in range(5)], True),
        ([(0, k) for k in range(1, 40)], False),
        ([(k % 2, k) for k in range(2, 40)], False),
        ([(k % 3, k) for k in range(3, 40)], True),
        ([(k, k + 1) for k in range(9)], False),
        ([(k, k + 1) for k in range(10)], True),
        (_every(range(9)), False),
        (_every(range(10)), True),
        # a hub with most of the pairs, among many others
        ([*((0, k) for k in range(1, 20)), *((k, k + 1) for k in range(20, 30, 2))], False),
    ],
)
def test_few_words_have_no_auc_interval(
    rng: np.random.Generator, pairs: list[tuple[int, int]], *, known: bool
) -> None:
    """Few pairs, or few words in most pairs: the AUC has no interval."""
    words = Groups.of([f"{word:02d}" for word in range(40)])
    listed = {"near": [(f"{a:02d}", f"{b:02d}") for a, b in pairs]}
    draws = draw_pairs(words, speakers=None, relations=listed, whole={}, sample=40, seeds=[1])
    found = score_layer(rng.normal(size=(40, 5)), draws, replicates=50, seed=0)["near"]
    assert found.auc is not None
    assert (found.auc_interval is not None) == known


@pytest.mark.parametrize(
    "pairs",
    [
        [(2 * k, 2 * k + 1) for k in range(5)],
        [(k % 3, k) for k in range(3, 33)],
        _every(range(10)),
    ],
    ids=["apart", "hubs", "group"],
)
def test_auc_interval_covers(pairs: list[tuple[int, int]]) -> None:
    """With the fewest words that have an interval it holds the mean of the samples in 93% or more.

    Words follow a direction that related ones share, as strongly as each does by chance.
    """
    names = [f"{word:02d}" for word in range(60)]
    listed = {"near": [(names[a], names[b]) for a, b in pairs]}
    words = Groups.of(names)
    draws = draw_pairs(words, speakers=None, relations=listed, whole={}, sample=60, seeds=[1, 2, 3])
    # words that are joined by pairs, however far
    shared = np.arange(60)
    for first, second in pairs:
        shared[shared == shared[second]] = shared[first]
    centres = np.random.default_rng(99).normal(size=(60, 20))[shared]
    related = np.isin(np.arange(60), pairs)
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        strength = rng.uniform(0, 1.5, size=60) * related
        rows = rng.normal(size=(60, 20)) + strength[:, None] * centres
        scores = score_layer(rows, draws, replicates=200, seed=0)["near"]
        assert scores.auc_interval is not None
        found.append((scores.auc, scores.auc_interval.low, scores.auc_interval.high))
    estimates, low, high = np.array(found, float).T
    assert estimates.mean() > 0.65
    assert ((low <= estimates.mean()) & (estimates.mean() <= high)).mean() >= 0.93


def test_auc_does_not_depend_on_anisotropy(rng: np.random.Generator) -> None:
    """A common direction lifts all cosines near 1; the order of pairs, and the AUC, stay close."""
    words = Groups.of(np.repeat(np.arange(30), 4))
    rows = rng.normal(size=(30, 20))[words.codes] + rng.normal(size=(120, 20))
    draws = draw_pairs(words, speakers=None, relations={}, whole={}, sample=120, seeds=[1])
    plain = score_layer(rows, draws, replicates=2, seed=0)["same-word"]
    shifted = score_layer(rows + 20, draws, replicates=2, seed=0)["same-word"]
    assert shifted.normalised[0] < plain.normalised[0] / 10
    assert shifted.auc == pytest.approx(plain.auc, abs=0.05)


def test_same_draws_for_all_layers(rng: np.random.Generator) -> None:
    """Scoring twice gives the same numbers: pairs are drawn once."""
    words = Groups.of(np.repeat(np.arange(10), 3))
    rows = rng.normal(size=(30, 4))
    draws = draw_pairs(words, speakers=words, relations={}, whole={}, sample=20, seeds=[1, 2])
    first, second = (score_layer(rows, draws, replicates=3, seed=0) for _ in range(2))
    assert {kind: each.raw.tolist() for kind, each in first.items()} == {
        kind: each.raw.tolist() for kind, each in second.items()
    }


@pytest.mark.parametrize(("sample", "same"), [(29, {"group"}), (30, {"group", "near"})])
def test_draws_of_the_same_tokens_have_no_spread(
    rng: np.random.Generator, sample: int, same: set[str]
) -> None:
    """Where a kind takes the same tokens in all draws, only the random pairs differ."""
    words = Groups.of(np.repeat(np.arange(10), 3))
    draws = draw_pairs(
        words,
        speakers=None,
        relations={"near": [("0", "1"), ("2", "5")]},
        whole={"group": [("3", "4"), ("6", "7")]},
        sample=sample,
        seeds=[1, 2, 3],
    )
    found = score_layer(rng.normal(size=(30, 6)), draws, replicates=0, seed=0)
    assert {kind for kind, each in found.items() if np.isnan(each.raw_interval.low)} == same
    spread = pytest.approx(found["random"].raw_interval.standard_error)
    assert all(found[kind].normalised_interval.standard_error == spread for kind in same)


def test_tokens_of_each_kind(rng: np.random.Generator) -> None:
    """What the type pairs of a kind are made of: by a loop over token pairs."""
    words = Groups.of(rng.integers(0, 4, 60))
    speakers = Groups.of(rng.integers(0, 4, 60))
    draws = draw_pairs(words, speakers=speakers, relations={}, whole={}, sample=25, seeds=[1, 2, 3])
    random = draws.kinds["random"]
    for kind in ("random", "same-word", "same-speaker", "different-word"):
        pairs = random if kind == "different-word" else draws.kinds[kind]
        assert isinstance(pairs, Pairs)
        for count in (1, 3):
            entered = set()
            for left, right, draw in zip(
                pairs.left, pairs.right, pairs.draws[pairs.types], strict=True
            ):
                alike = words.codes[left] == words.codes[right]
                if draw < count and not (kind == "different-word" and alike):
                    entered |= {left, right}
            expected = np.bincount(words.codes[[*entered]], minlength=len(words))
            assert draws.tokens(kind, count).tolist() == expected.tolist()
    assert draws.tokens("different-word", 1).sum() < draws.tokens("random", 1).sum() <= 25


def test_draw_without_a_random_pair() -> None:
    """Four tokens that the shuffle of seed 35 leaves where they are: refused, with the reason."""
    words = Groups.of(np.repeat(np.arange(10), 3))
    with pytest.raises(ValueError, match="a draw of 4 tokens has no random pair"):
        draw_pairs(words, speakers=None, relations={}, whole={}, sample=4, seeds=[1, 35])


def test_threads_change_no_bit(rng: np.random.Generator) -> None:
    """Tokens and pairs that fill several slices score alike on one, two and three cores."""
    words = Groups.of(rng.integers(0, 900, 5000))
    relations = {"near": [(str(word), str(word + 1)) for word in range(800)]}
    draws = draw_pairs(
        words, speakers=None, relations=relations, whole={}, sample=4500, seeds=[1, 2]
    )
    rows = rng.normal(size=(5000, 12)).astype(np.float32)
    found = []
    for cores in (1, 2, 3):
        with threadpool_limits(cores, user_api="blas"):
            scores = score_layer(rows, draws, replicates=9, seed=0)
        found.append(
            {
                kind: (each.values.tolist(), each.auc, each.auc_interval)
                for kind, each in scores.items()
            }
        )
    assert found[0] == found[1] == found[2]


def test_jackknife_of_a_mean(rng: np.random.Generator) -> None:
    """The jackknife error of a mean is the standard error; within strata, that of each."""
    values = rng.normal(size=20)
    without = (values.sum() - values) / 19
    plain = jackknife(values.mean(), without).standard_error
    assert plain == pytest.approx(values.std(ddof=1) / np.sqrt(20))
    with pytest.raises(ValueError, match="at least 2 units in each stratum, got 1"):
        jackknife(values.mean(), without, np.array([0] * 19 + [1], np.intp))


@pytest.mark.parametrize("sizes", [np.ceil(40 / np.arange(1, 41)), [3, 1], [1000, *[1] * 30]])
def test_degrees_of_freedom(sizes: Sequence[float]) -> None:
    """Twice the squared mean over the variance of jackknife variances of normal units (chi^2)."""
    shares = np.array(sizes) / np.sum(sizes)
    values = np.random.default_rng(4).normal(size=(60_000, len(shares)))
    estimate = values @ shares
    without = (estimate[:, None] - values * shares) / (1 - shares)
    variances = jackknife(estimate, without).standard_error ** 2
    expected = 2 * variances.mean() ** 2 / variances.var()
    assert degrees_of_freedom(np.array(sizes)) == pytest.approx(expected, rel=0.04)


def test_degrees_of_freedom_of_equal_units() -> None:
    """Units of one size have one less than their number, to the last bit; any two have one."""
    for units in range(2, 300):
        assert degrees_of_freedom(np.full(units, 7)) == units - 1
    for sizes in ([3, 1], [99, 1], [1_000_000, 1]):
        assert degrees_of_freedom(np.array(sizes)) == pytest.approx(1, abs=1e-8)


def test_pseudo_values_of_unequal_units(rng: np.random.Generator) -> None:
    """The interval of their mean is the t-interval with the degrees of freedom of their sizes."""
    values, sizes = rng.normal(size=12), np.arange(1, 13)
    without = (values @ sizes - values * sizes) / (sizes.sum() - sizes)
    estimate = values @ sizes / sizes.sum()
    found = pseudo_values(float(estimate), without, sizes=sizes)
    assert found.mean() == pytest.approx(estimate)
    error = jackknife(estimate, without).standard_error
    expected = t_interval(estimate, error, degrees_of_freedom(sizes)).high
    assert t_interval(estimate, found.std(ddof=1) / np.sqrt(12), 11).high == pytest.approx(expected)
    np.testing.assert_array_equal(
        pseudo_values(float(estimate), without, sizes=np.full(12, 3)),
        pseudo_values(float(estimate), without),
    )


def test_draws_interval() -> None:
    """Five draws: t with 4 degrees of freedom (2.7764); one draw: missing."""
    interval = draws_interval(np.array([1.0, 2, 3, 4, 5]))
    half = 2.7764451052 * np.sqrt(2.5 / 5)
    assert interval.high == pytest.approx(3 + half)
    assert np.isnan(draws_interval(np.array([1.0])).standard_error)


def test_percentiles_of_few_units() -> None:
    """The variance of a bootstrap of five normal values is 4/5 of s^2 / 5: the limits are t's."""
    spread = np.sqrt(4 / 5)
    replicates = spread * norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    found = percentile_interval(replicates, 4)
    assert found.high == pytest.approx(2.7764451052, rel=1e-3)
    assert found.low == pytest.approx(-2.7764451052, rel=1e-3)
    assert found.standard_error == pytest.approx(spread, rel=1e-3)


def test_holm_worked_example() -> None:
    """P = .01, .04, .03, .005 become .03, .06, .06, .02."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


def test_wilson_interval() -> None:
    """8 of 10 with binomial error and many degrees of freedom: 0.490 to 0.943 (Wilson 1927)."""
    interval = proportion_interval(0.8, np.sqrt(0.8 * 0.2 / 10), 10, 10**9)
    assert (round(float(interval.low), 3), round(float(interval.high), 3)) == (0.49, 0.943)


def test_permutation_p_counts_the_observed() -> None:
    """Never zero, and ties count."""
    assert permutation_p(3.0, np.array([1.0, 2, 2.5])) == 0.25
    assert permutation_p(2.0, np.array([1.0, 2, 2.5])) == 0.75


def test_ties_do_not_hang_on_rounding() -> None:
    """One word differs: every flip of the signs ties, whatever rounding left of the others."""
    differences = np.full(60, 2e-14)
    differences[7] = 1.0
    interval, p_value = paired_difference(differences, replicates=200, permutations=99, seed=0)
    assert p_value == 1.0
    assert interval.low < 0 < interval.high


def test_paired_difference(rng: np.random.Generator) -> None:
    """Close to the t-test on normal differences; exact sign flips of three; covers when skewed."""
    differences = rng.normal(size=60) + 0.3
    interval, p_value = paired_difference(differences, replicates=4000, permutations=4000, seed=0)
    theirs = ttest_rel(differences, np.zeros(60))
    assert p_value == pytest.approx(theirs.pvalue, abs=0.015)
    reference = theirs.confidence_interval()
    assert interval.low == pytest.approx(reference.low, abs=0.03)
    assert interval.high == pytest.approx(reference.high, abs=0.03)
    several = np.stack([rng.normal(size=60), differences, np.full(60, 2.0)])
    together, p_values = paired_difference(several, replicates=4000, permutations=4000, seed=0)
    assert together.low[1:] == pytest.approx([interval.low, 2.0], abs=1e-12)
    assert together.high[1:] == pytest.approx([interval.high, 2.0], abs=1e-12)
    assert p_values[1:].tolist() == [p_value, 1 / 4001]
    _, p_value = paired_difference(np.ones(3), replicates=50, permutations=8000, seed=0)
    assert p_value == pytest.approx(0.25, abs=0.02)
    with pytest.raises(ValueError, match="at least 3 units with both scores, got 2"):
        paired_difference(np.ones(2), replicates=5, permutations=5, seed=0)


def test_paired_interval_covers() -> None:
    """95% intervals of a skewed difference hold its mean in 93 to 97% of samples of 40 words."""
    rng = np.random.default_rng(9)
    hits = 0
    for seed in range(600):
        differences = rng.exponential(size=40)
        interval, _ = paired_difference(differences, replicates=400, permutations=1, seed=seed)
        hits += bool(interval.low <= 1 <= interval.high)
    assert 0.93 <= hits / 600 <= 0.97


@pytest.mark.parametrize("kind", ["pearson", "spearman"])
def test_correlation_across_layers(rng: np.random.Generator, kind: str) -> None:
    """Estimate and p agree with scipy's; a sign change of one side turns the estimate round."""
    x = rng.normal(size=13)
    y = x + rng.normal(size=13)
    found = across_layers(x, y, kind, permutations=4000, seed=0)
    theirs = pearsonr(x, y) if kind == "pearson" else spearmanr(x, y)
    assert found.estimate == pytest.approx(theirs.statistic)
    assert found.p_value == pytest.approx(theirs.pvalue, abs=0.02)
    assert found.low < found.estimate < found.high
    turned = across_layers(1 - x, y, kind, permutations=10, seed=0)
    assert turned.estimate == pytest.approx(-found.estimate)
    with pytest.raises(ValueError, match="the same in all 13 layers"):
        across_layers(np.ones(13), y, kind, permutations=10, seed=0)


def test_a_perfect_correlation_has_no_interval(rng: np.random.Generator) -> None:
    """Nor one that rounding leaves a little short of it; one that is nearly so has."""
    for layers in range(4, 30):
        x = rng.normal(size=layers)
        for y in (3 * x + 0.1, 1 - x / 7):
            found = across_layers(x, y, "pearson", permutations=1, seed=0)
            assert np.isnan([found.low, found.high]).all()
    near = across_layers(x, x + 1e-4 * rng.normal(size=layers), "pearson", permutations=1, seed=0)
    assert near.low < near.estimate < near.high < 1


def test_ranks_are_those_of_scipy(rng: np.random.Generator) -> None:
    """Ties, single values and distinct values rank as scipy ranks them."""
    for values in (rng.integers(0, 5, 40).astype(float), rng.normal(size=30), np.ones(1)):
        np.testing.assert_array_equal(average_ranks(values), rankdata(values))


def test_permuted_rows_of_unequal_groups(rng: np.random.Generator) -> None:
    """Every group gets rows of one other group, all of them in turn."""
    groups = Groups.of(["a"] * 5 + ["b"] * 2 + ["c"])
    rows = permuted_rows(groups, rng)
    for code in range(3):
        sources = groups.codes[rows[groups.codes == code]]
        assert len(set(sources)) == 1
    equal = Groups.of(np.repeat(np.arange(6), 2))
    assert sorted(permuted_rows(equal, rng)) == list(range(12))


@pytest.mark.parametrize("shape", [(30, 12), (12, 30)])
def test_principal_components(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    """Distances in the first components are those of an SVD, more or fewer rows than features."""
    rows = rng.normal(size=shape)
    scores = into_space(rows, "pca-4")
    u, s, _ = np.linalg.svd(rows - rows.mean(axis=0))
    expected = u[:, :4] * s[:4]
    np.testing.assert_allclose(scores @ scores.T, expected @ expected.T, atol=1e-9)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("pca-40", "pca-40 needs more rows or features"),
        ("pca-3", "pca-3 .* vary in 3 directions, these vary in 1; take fewer"),
        ("umap", "space must be full, pca-K or lda"),
        ("lda", "space must be full, pca-K or lda"),
    ],
)
def test_impossible_space(space: str, message: str) -> None:
    """A space that the rows do not allow is refused."""
    rows = np.outer(np.arange(10.0), np.ones(20))
    with pytest.raises(ValueError, match=message):
        into_space(rows, space)


def test_different_words(rng: np.random.Generator) -> None:
    """Of the random pairs, those of two words: by a plain loop over the type pairs of each draw."""
    words = Groups.of(rng.integers(0, 5, 60))
    draws = draw_pairs(words, speakers=None, relations={}, whole={}, sample=40, seeds=[1, 2])
    found = score_layer(rng.normal(size=(60, 6)), draws, replicates=2, seed=0)
    random, different = found["random"], found["different-word"]
    by_pair = {tuple(pair): v for pair, v in zip(random.words, random.values, strict=True)}
    pairs = [tuple(pair) for pair in different.words]
    assert set(pairs) == {(a, b) for a, b in by_pair if a != b} < set(by_pair)
    assert different.values.tolist() == [by_pair[pair] for pair in pairs]
    assert different.raw.mean() != random.raw.mean()
    assert (different.normalised == different.raw - random.raw).all()
    assert different.auc is None
