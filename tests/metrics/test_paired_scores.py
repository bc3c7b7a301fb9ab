"""Pseudo-values of words against brute force, and paired differences of scores of real kinds."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import accuracy_score, balanced_accuracy_score, silhouette_score

from groundscope.metrics.accuracies import accuracies, without_words
from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.jackknife import degrees_of_freedom, pseudo_values
from groundscope.metrics.pair_kinds import Draws, draw_pairs
from groundscope.metrics.pair_scores import KindScores, score_layer
from groundscope.metrics.pair_word_scores import by_word
from groundscope.metrics.paired_difference import in_one_repeat, paired_difference
from groundscope.metrics.probing import probe
from groundscope.metrics.silhouette import Silhouette, score, score_both
from groundscope.metrics.silhouette_refitted import score_refitted
from groundscope.metrics.silhouette_runs import score_runs
from groundscope.metrics.word_pairs import group_word_pairs

# words of the nine categories that the papers use
SIZES = (18, 17, 15, 13, 12, 11, 9, 8, 6)
CODES = np.repeat(np.arange(len(SIZES)), SIZES)
LABELS = Groups.of(CODES)
WORDS = Groups.of([f"w{number:03d}" for number in range(len(CODES))])


@cache
def _same_group() -> Draws:
    members = [np.flatnonzero(code == CODES) for code in range(len(SIZES))]
    listed = [
        (str(WORDS.names[i]), str(WORDS.names[j]))
        for group in members
        for i in group
        for j in group
        if i != j
    ]
    whole = {"same-group": listed}
    return draw_pairs(
        WORDS, speakers=None, relations={}, whole=whole, sample=len(CODES), seeds=[0, 1]
    )


def test_pseudo_values_of_words_in_groups() -> None:
    """Mean and error: the silhouette, and the jackknife stratified by group, by scikit-learn."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(14, 3)) + np.repeat(np.eye(3), (4, 4, 6), axis=0)
    codes = np.repeat(np.arange(3), (4, 4, 6))
    words = Groups.of(np.arange(14))
    found = score(Distances(rows, "euclidean"), Groups.of(codes), words, exchanged=words)
    kept = ~np.eye(14, dtype=bool)
    without = np.array([silhouette_score(rows[keep], codes[keep]) for keep in kept])
    variance = sum(
        (size - 1) ** 2 / size * without[codes == code].var(ddof=1)
        for code, size in enumerate((4, 4, 6))
    )
    values = found.pseudo_values[found.blocks]
    assert values.mean() == pytest.approx(silhouette_score(rows, codes))
    assert values.std(ddof=1) / np.sqrt(14) == pytest.approx(np.sqrt(variance))


def _mean_difference(own: Floats, others: Floats) -> float:
    return float(own.mean() - others.mean())


def _area(own: Floats, others: Floats) -> float:
    return float((np.sign(own[:, None] - others).mean() + 1) / 2)


def _tied(rng: np.random.Generator) -> dict[str, KindScores]:
    """Three tokens of each word, in draws; vectors of few values, so that many cosines are ties."""
    words = Groups.of(np.repeat(WORDS.names, 3))
    near = [(f"w{number:03d}", f"w{number + step:03d}") for number in range(25) for step in (1, 9)]
    draws = draw_pairs(
        words, speakers=None, relations={"near": near}, whole={}, sample=250, seeds=[0, 1]
    )
    return score_layer(rng.integers(1, 4, (327, 2)).astype(float), draws, replicates=2, seed=0)


@pytest.mark.parametrize(("measure", "formula"), [("auc", _area), ("normalised", _mean_difference)])
@pytest.mark.parametrize("kind", ["same-group", "same-word", "near"])
def test_pseudo_values_of_words_in_pairs(
    kind: str, measure: str, formula: Callable[[Floats, Floats], float]
) -> None:
    """A word is left out with its pairs, of the kind and of the random ones, by a plain loop.

    The random ones of the AUC are the kind's own. Words that only these have are left out as well,
    and have no score.
    """
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(len(CODES), 4)) + 1
    scores = (
        score_layer(rows, _same_group(), replicates=2, seed=0)
        if kind == "same-group"
        else _tied(rng)
    )
    found = scores[kind]
    random = found.reference if measure == "auc" else scores["random"]
    codes, by_measure = by_word(found, scores["random"], WORDS)
    of_words, values = by_measure[measure]
    assert set(codes) == {*found.words.ravel(), *scores["random"].words.ravel()}
    listed = np.isin(codes, found.words)
    assert listed.all() == (kind == "same-group")
    own, without = [], []
    for code in codes:
        holds, others = ((each.words == code).any(axis=1) for each in (found, random))
        own.append(formula(found.values[holds], random.values) if holds.any() else np.nan)
        without.append(formula(found.values[~holds], random.values[~others]))
    estimate = found.auc if measure == "auc" else found.normalised.mean()
    if measure == "auc":
        np.testing.assert_allclose(of_words, own, rtol=1e-12)
    np.testing.assert_array_equal(np.isfinite(of_words), listed)
    # pairs of the kind that hold each word
    sizes = np.array([(found.words == code).any(axis=1).sum() for code in codes])
    further = t.ppf(0.975, degrees_of_freedom(sizes)) / t.ppf(0.975, len(codes) - 1)
    expected = estimate + further * (len(codes) - 1) * (np.mean(without) - np.array(without))
    np.testing.assert_allclose(values, expected, rtol=1e-9)
    assert values.mean() == pytest.approx(estimate, rel=1e-12)


def test_one_word_in_every_pair() -> None:
    """Without it nothing is left: its pseudo-value, and so those of all, are missing."""
    words = Groups.of(list("abcde"))
    relations = {"hub": [("a", other) for other in "bcd"]}
    draws = draw_pairs(words, speakers=None, relations=relations, whole={}, sample=5, seeds=[0])
    found = score_layer(np.random.default_rng(0).normal(size=(5, 3)), draws, replicates=2, seed=0)
    codes, by_measure = by_word(found["hub"], found["random"], words)
    assert words.names[codes].tolist() == list("abcde")
    for values, pseudo in by_measure.values():
        assert np.isfinite(values).tolist() == [True] * 4 + [False]
        assert np.isnan(pseudo).all()


@pytest.mark.parametrize(
    ("pairs", "few"),
    [
        ([(0, other) for other in range(1, 21)] + [(21, 22), (23, 24)], True),
        ([(first, first + 1) for first in range(9)], True),
        ([(first, first + 1) for first in range(10)], False),
        ([(2 * pair, 2 * pair + 1) for pair in range(4)], True),
        ([(2 * pair, 2 * pair + 1) for pair in range(5)], False),
    ],
)
def test_few_words_in_effect(pairs: list[tuple[int, int]], *, few: bool) -> None:
    """One word in 20 of 22 pairs, chains, pairs apart: below ten words in effect no contrast.

    The same kinds have no interval of the AUC.
    """
    relations = {"near": [(f"w{first:03d}", f"w{second:03d}") for first, second in pairs]}
    draws = draw_pairs(
        WORDS, speakers=None, relations=relations, whole={}, sample=len(CODES), seeds=[0]
    )
    rows = np.random.default_rng(0).normal(size=(len(CODES), 3))
    found = score_layer(rows, draws, replicates=9, seed=0)
    assert (found["near"].auc_interval is None) == few
    codes, by_measure = by_word(found["near"], found["random"], WORDS)
    for values, pseudo in by_measure.values():
        assert np.isfinite(values).tolist() == np.isin(codes, np.ravel(pairs)).tolist()
        assert np.isnan(pseudo).all() if few else np.isfinite(pseudo).all()


def test_contrast_of_auc_does_not_depend_on_anisotropy() -> None:
    """Where the treated model tells more, and has a direction that all vectors share.

    On unit vectors such a direction maps each cosine c to (c + s) / (1 + s). That leaves the
    contrast of the AUC as it is, and turns that of the normalised cosine round.
    """
    rng = np.random.default_rng(4)
    words = Groups.of(np.repeat(WORDS.names, 3))
    members = {str(name): str(code) for name, code in zip(WORDS.names, CODES, strict=True)}
    whole = {"same-group": group_word_pairs(members)}
    draws = draw_pairs(
        words, speakers=None, relations={}, whole=whole, sample=len(words.codes), seeds=[0, 1]
    )
    centres = rng.normal(size=(len(SIZES), 30))[np.repeat(CODES, 3)]

    def scores(rows: Floats) -> dict[str, Floats]:
        found = score_layer(rows, draws, replicates=2, seed=0)
        _, values = by_word(found["same-group"], found["random"], words)
        return {measure: pseudo for measure, (_, pseudo) in values.items()}

    def unit(share: float) -> Floats:
        rows = share * centres + rng.normal(size=centres.shape)
        return np.asarray(rows / np.linalg.norm(rows, axis=1)[:, None])

    treated, control = unit(0.45), unit(0.3)
    shifted = np.pad(treated, ((0, 0), (0, 1)), constant_values=3.0)
    plain, common, base = scores(treated), scores(shifted), scores(control)
    np.testing.assert_allclose(common["auc"], plain["auc"], rtol=1e-12)
    assert (plain["auc"] - base["auc"]).mean() > 0.1
    assert (plain["normalised"] - base["normalised"]).mean() > 0.05
    assert (common["normalised"] - base["normalised"]).mean() < -0.05


def _silhouettes(rows: Floats) -> Floats:
    return score(Distances(rows, "cosine"), LABELS, WORDS, exchanged=WORDS).pseudo_values


def _runs(rows: Floats) -> Floats:
    """Leave a group out, in all dimensions."""
    _, runs = score_both(
        Distances(rows, "cosine"), LABELS, WORDS, exchanged=WORDS, permutations=0, seed=0
    )
    return runs.pseudo_values


def _pairs(measure: str, rows: Floats) -> Floats:
    found = score_layer(rows, _same_group(), replicates=2, seed=0)
    _, by_measure = by_word(found["same-group"], found["random"], WORDS)
    _, values = by_measure[measure]
    return values


@pytest.mark.parametrize(
    "scores", [_silhouettes, _runs, partial(_pairs, "auc"), partial(_pairs, "normalised")]
)
def test_contrasts_of_equal_models(scores: Callable[[Floats], Floats]) -> None:
    """Words share groups and pairs; still intervals hold 0, and p is small, no more than it may.

    Scores of words taken as independent would hold it in 66% (pairs) to 88% (silhouettes). Pairs of
    words count twice in a jackknife: it errs on the safe side.
    """
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(len(SIZES), 30)) / 2
    held, small = 0, 0
    for seed in range(300):
        first, second = (
            scores(centres[CODES] + rng.normal(size=(len(CODES), 30)) + 0.2) for _ in range(2)
        )
        interval, p_value = paired_difference(
            first - second, replicates=200, permutations=99, seed=seed
        )
        held += bool(interval.low <= 0 <= interval.high)
        small += bool(p_value <= 0.05)
    assert held >= 0.93 * 300
    assert small <= 0.07 * 300


def test_contrasts_of_equal_models_where_words_are_in_no_group() -> None:
    """Two thirds of the words are in groups, and random pairs hold the others too.

    With words in groups as the only units intervals hold 0 in 88%, and p is at most 0.05 in 13%.
    """
    words = Groups.of([f"w{number:03d}" for number in range(400)])
    members = {str(word): str(place % 8) for place, word in enumerate(words.names[:268])}
    draws = draw_pairs(
        words, speakers=None, relations={}, whole={"same-group": group_word_pairs(members)},
        sample=400, seeds=range(8),
    )  # fmt: skip

    def model(rng: np.random.Generator) -> Floats:
        rows = np.exp(0.7 * rng.normal(size=(400, 1))) * rng.normal(size=(400, 20)) + 1
        found = score_layer(rows, draws, replicates=2, seed=0)
        _, by_measure = by_word(found["same-group"], found["random"], words)
        return np.stack([values for _, values in by_measure.values()])

    held, small = np.zeros(2), np.zeros(2)
    for seed in range(200):
        rng = np.random.default_rng([5, seed])
        interval, p_value = paired_difference(
            model(rng) - model(rng), replicates=200, permutations=99, seed=seed
        )
        held += (interval.low <= 0) & (interval.high >= 0)
        small += p_value <= 0.05
    # of 200 samples at 5%, 18 or more are in 1%
    assert (held >= 183).all()
    assert (small <= 17).all()


@pytest.mark.parametrize("sizes", [(2,) * 10, (2, 2, 2, 8, 8, 8), (2, 3, 3)])
def test_silhouettes_of_groups_of_two_words(sizes: tuple[int, ...]) -> None:
    """Intervals cover the mean and those of groups, those of contrasts of equal models hold 0.

    With each group of two as a stratum of its own they cover the mean in 54, 86 and 90%, and p is
    at most 0.05 in 48, 11 and 8% of contrasts.
    """
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    labels, words = Groups.of(codes), Groups.of(np.arange(len(codes)))
    centres = 2 * rng.normal(size=(len(sizes), 10))

    def model() -> Silhouette:
        rows = centres[codes] + rng.normal(size=(len(codes), 10))
        return score(Distances(rows, "cosine"), labels, words, exchanged=words)

    found = [(model(), model()) for _ in range(200)]
    tests = [
        paired_difference(
            treated.pseudo_values - control.pseudo_values,
            replicates=200, permutations=99, seed=seed,
        )
        for seed, (treated, control) in enumerate(found)
    ]  # fmt: skip
    models = [each for both in found for each in both]
    true = np.mean([each.estimate for each in models], axis=0)
    covers = [(each.interval.low <= true) & (true <= each.interval.high) for each in models]
    assert (np.mean(covers, axis=0) >= 0.93).all()
    assert np.mean([interval.low <= 0 <= interval.high for interval, _ in tests]) >= 0.93
    assert np.mean([p_value <= 0.05 for _, p_value in tests]) <= 0.07


@pytest.mark.parametrize("scores", [score_refitted, score_runs])
@pytest.mark.parametrize("space", ["pca-3", "lda"])
def test_contrasts_of_equal_models_in_a_subspace(
    scores: Callable[..., list[Silhouette]], space: str
) -> None:
    """Axes are fitted anew without each block: intervals hold 0, and p is no smaller than it may.

    With principal components as they are they hold it in 88%. A model whose groups are farther
    apart is ahead.
    """
    rng = np.random.default_rng(1)
    codes = np.repeat(np.arange(4), (12, 10, 8, 6))
    labels, words = Groups.of(codes), Groups.of([f"w{number:02d}" for number in range(36)])
    centres = rng.normal(size=(4, 12))

    def values(apart: float) -> Floats:
        rows = apart * centres[codes] + rng.normal(size=(36, 12))
        (found,) = scores(
            rows, labels, words, space, ["euclidean"], exchanged=words, permutations=0, seed=0
        )
        return found.pseudo_values

    held, small, ahead = 0, 0, 0
    for seed in range(60):
        treated, control = values(1.0), values(1.0)
        interval, p_value = paired_difference(
            treated - control, replicates=200, permutations=99, seed=seed
        )
        held += bool(interval.low <= 0 <= interval.high)
        small += bool(p_value <= 0.05)
        ahead += bool((values(2.0) - control).mean() > 0)
    assert held >= 0.93 * 60
    assert small <= 0.07 * 60
    assert ahead == 60


def _accuracies(rows: Floats, labels: Groups, words: Groups, seed: int) -> Floats:
    found = probe(
        rows, labels, words, [words], exchanged=words,
        solver="svd", folds=3, repeats=3, permutations=0, seed=seed,
    )  # fmt: skip
    repeats = [
        pseudo_values(
            accuracies(correct, labels), without_words(correct, labels, words), sizes=words.sizes
        )
        for correct in found.correct
    ]
    return np.stack(repeats, axis=1)


def _token_silhouettes(rows: Floats, labels: Groups, words: Groups, seed: int) -> Floats:
    found = score(Distances(rows, "cosine"), labels, words, exchanged=words, seed=seed)
    return found.pseudo_values[None, None]


@pytest.mark.parametrize("scores", [_accuracies, _token_silhouettes])
def test_contrasts_of_equal_models_where_few_words_have_most_tokens(
    scores: Callable[[Floats, Groups, Groups, int], Floats],
) -> None:
    """Words by Zipf's law: intervals hold 0, and p is small, no more than it may.

    With words taken as of equal size, 12% of p are at most 0.05 of accuracies; with intervals of
    the bootstrap alone silhouettes hold 0 in 90%. Balanced accuracies are of the same words, in
    classes of unequal size.
    """
    rng = np.random.default_rng(1)
    words = Groups.of(np.repeat(np.arange(60), -(-60 // np.arange(1, 61))))
    classes = rng.permutation(np.repeat(np.arange(5), (20, 15, 10, 8, 7)))
    labels = Groups.of(classes[words.codes])
    centres = rng.normal(size=(5, 10))

    def model(seed: int) -> Floats:
        of_word = centres[classes] + rng.normal(size=(60, 10))
        rows = of_word[words.codes] + rng.normal(size=(len(words.codes), 10)) / 2
        return scores(rows, labels, words, seed)

    held, small = np.zeros(2, int), np.zeros(2, int)
    for seed in range(200):
        differences = np.stack([*map(in_one_repeat, model(seed) - model(seed))])
        interval, p_value = paired_difference(
            differences, replicates=200, permutations=99, seed=seed
        )
        held += (interval.low <= 0) & (interval.high >= 0)
        small += p_value <= 0.05
    assert (held >= 0.93 * 200).all()
    assert (small <= 0.07 * 200).all()


def test_contrasts_of_equal_models_that_hardly_err() -> None:
    """Where few words are ever wrong, and in few repeats: intervals hold 0, and p is not small.

    With deviations of the first repeat around the mean of all, 10 to 12% of p are at most 0.05;
    with intervals of the bootstrap alone they hold it in 87%.
    """
    words = Groups.of([f"w{number:02d}" for number in range(60)])
    labels = Groups.of(np.arange(60) % 3)
    centres = 3 * np.random.default_rng(0).normal(size=(3, 4))
    held, small, right = np.zeros(2), np.zeros(2), []
    for seed in range(100):
        rng = np.random.default_rng([1, seed])
        first, second = (
            _accuracies(centres[labels.codes] + rng.normal(size=(60, 4)), labels, words, seed)
            for _ in range(2)
        )
        differences = np.stack([*map(in_one_repeat, first - second)])
        interval, p_value = paired_difference(
            differences, replicates=200, permutations=99, seed=seed
        )
        held += (interval.low <= 0) & (interval.high >= 0)
        small += p_value <= 0.05
        right.append(first[0].mean())
    assert 0.95 < np.mean(right) < 0.99
    assert (held >= 93).all()
    assert (small <= 5).all()


def test_differences_in_one_repeat() -> None:
    """Their mean is that of all repeats, and their variance the mean of that within repeats."""
    values = np.random.default_rng(8).normal(size=(4, 20)).cumsum(axis=0)
    found = in_one_repeat(values)
    assert found.mean() == pytest.approx(values.mean())
    assert found.var(ddof=1) == pytest.approx(values.var(axis=1, ddof=1).mean())
    order, mean_order = np.argsort(found), np.argsort(values.mean(axis=0))
    np.testing.assert_array_equal(order, mean_order)
    np.testing.assert_array_equal(in_one_repeat(values[:1]), values[0])
    np.testing.assert_array_equal(in_one_repeat(np.full((3, 5), 0.25)), np.full(5, 0.25))


@pytest.mark.parametrize("within", [True, False])
def test_accuracies_without_each_word(*, within: bool) -> None:
    """Each word left out, by scikit-learn: labels of words, or labels that vary within them."""
    rng = np.random.default_rng(7)
    words = Groups.of(np.repeat(np.arange(12), rng.integers(2, 6, 12)))
    codes = rng.integers(0, 3, len(words.codes)) if within else words.codes % 3
    guesses = np.where(rng.random(len(codes)) < 0.6, codes, rng.integers(0, 3, len(codes)))
    found = without_words((guesses == codes).astype(float), Groups.of(codes), words)
    for word in range(len(words)):
        kept = words.codes != word
        assert found[:, word] == pytest.approx(
            [
                accuracy_score(codes[kept], guesses[kept]),
                balanced_accuracy_score(codes[kept], guesses[kept]),
            ]
        )
