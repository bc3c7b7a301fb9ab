"""LDA against scikit-learn: predictions, folds, intervals, null."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import balanced_accuracy_score, confusion_matrix
from sklearn.model_selection import StratifiedKFold

from groundscope.metrics.accuracies import accuracies, accuracy_interval
from groundscope.metrics.discriminant import held_out, project
from groundscope.metrics.groups import Floats, Groups, Integers, deal
from groundscope.metrics.probing import Probe, make_folds, predict, probe

THEIRS = {
    "shrinkage": LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    "svd": LinearDiscriminantAnalysis(),
}


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(5)


def _words(count: int) -> Groups:
    return Groups.of([f"w{number:05d}" for number in range(count)])


def _labelled(
    rng: np.random.Generator, rows: int, features: int, classes: int
) -> tuple[Floats, Integers]:
    codes = (np.arange(rows) % classes).astype(np.intp)
    values = rng.normal(size=(rows, features))
    values[:, :classes] += 1.5 * np.eye(classes)[codes]
    return values * np.linspace(0.1, 3, features) + 10, codes


@pytest.mark.parametrize("solver", list(THEIRS))
@pytest.mark.parametrize(
    "shape",
    [(109, 200, 9), (80, 80, 4), (400, 40, 7), (300, 30, 2), (90, 12, 5), (300, 60, 12)],
)
def test_predictions_are_those_of_scikit_learn(
    rng: np.random.Generator, solver: str, shape: tuple[int, int, int]
) -> None:
    """The same class for every held-out row: fewer and more rows than features, two classes."""
    rows, codes = _labelled(rng, *shape)
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(rows, codes))
    found = held_out(rows, codes, shape[2], folds, solver)
    wrong = 0
    for predicted, (train, test) in zip(found, folds, strict=True):
        theirs = THEIRS[solver].fit(rows[train], codes[train]).predict(rows[test])
        assert (predicted == theirs).all()
        wrong += int((theirs != codes[test]).sum())
    assert 0 < wrong < 0.9 * len(rows)


@pytest.mark.parametrize("scale", [1.0, 0.0])
@pytest.mark.parametrize("shape", [(9, 20, 3), (8, 30, 2), (60, 6, 3)])
def test_singular_covariances_are_taken_as_scikit_learn_does(
    rng: np.random.Generator, shape: tuple[int, int, int], scale: float
) -> None:
    """Two training rows a class, which nothing is shrunk in; a feature that never varies."""
    rows, codes = _labelled(rng, *shape)
    rows[:, -1] *= scale
    folds = list(StratifiedKFold(3 if shape[0] < 60 else 5).split(rows, codes))
    found = held_out(rows, codes, shape[2], folds, "shrinkage")
    for predicted, (train, test) in zip(found, folds, strict=True):
        theirs = THEIRS["shrinkage"].fit(rows[train], codes[train]).predict(rows[test])
        assert (predicted == theirs).all()


def test_svd_drops_directions_without_variance(rng: np.random.Generator) -> None:
    """Repeated and constant features change no prediction."""
    rows, codes = _labelled(rng, 300, 10, 3)
    folds = list(StratifiedKFold(3, shuffle=True, random_state=0).split(rows, codes))
    more = np.hstack([rows, rows[:, :4], np.full((300, 1), 7.0)])
    plain, extended = (held_out(each, codes, 3, folds, "svd") for each in (rows, more))
    for a, b, (train, test) in zip(plain, extended, folds, strict=True):
        assert (a == b).all()
        assert (b == THEIRS["svd"].fit(more[train], codes[train]).predict(more[test])).all()


@pytest.mark.parametrize("shape", [(60, 100, 5), (200, 10, 4)])
def test_projection_is_that_of_scikit_learn(
    rng: np.random.Generator, shape: tuple[int, int, int]
) -> None:
    """Distances between projected rows are equal, so every score in the space is."""
    rows, codes = _labelled(rng, *shape)
    ours = project(rows, Groups.of(codes))
    theirs = LinearDiscriminantAnalysis().fit_transform(rows, codes)
    theirs = theirs - theirs.mean(axis=0)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-8 * np.abs(theirs).max())


def _sparse(rng: np.random.Generator, kind: str, shape: tuple[int, int, int]) -> Floats:
    """Rows of so many classes in turn, many of whose features are 0 in all rows of some class."""
    rows, features, classes = shape
    codes = np.arange(rows) % classes
    if kind == "binary":
        shares = 0.6 * rng.random((classes, features)) ** 8
        return (rng.random((rows, features)) < shares[codes]).astype(float)
    centres = 0.8 * rng.normal(size=(classes, features))
    return np.asarray(np.maximum(centres[codes] + rng.normal(size=(rows, features)) - 1.8, 0))


@pytest.mark.parametrize("solver", list(THEIRS))
@pytest.mark.parametrize("kind", ["binary", "rectified"])
@pytest.mark.parametrize("shape", [(120, 400, 4), (120, 60, 4), (24, 60, 2)])
def test_features_that_a_class_has_one_value_of(
    rng: np.random.Generator, solver: str, kind: str, shape: tuple[int, int, int]
) -> None:
    """Rounding is no variance: predictions and projections are scikit-learn's."""
    rows, codes = _sparse(rng, kind, shape), (np.arange(shape[0]) % shape[2]).astype(np.intp)
    labels = Groups.of(codes)
    assert np.mean([rows[codes == code].std(axis=0) == 0 for code in range(shape[2])]) > 0.05
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(rows, codes))
    found = held_out(rows, codes, shape[2], folds, solver)
    for predicted, (train, test) in zip(found, folds, strict=True):
        theirs = THEIRS[solver].fit(rows[train], codes[train]).predict(rows[test])
        assert (predicted == theirs).all()
    # of the classes themselves: no row of a class differs in these
    more = np.hstack([rows, np.eye(shape[2])[codes]])
    ours, theirs = project(more, labels), LinearDiscriminantAnalysis().fit_transform(rows, codes)
    theirs = theirs - theirs.mean(axis=0)
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-8 * np.abs(theirs).max())


@pytest.mark.parametrize("solver", list(THEIRS))
@pytest.mark.parametrize("shape", [(60, 100, 3), (300, 20, 3)])
def test_features_that_differ_by_rounding(
    rng: np.random.Generator, solver: str, shape: tuple[int, int, int]
) -> None:
    """As means of different numbers of tokens do: they change no more than constant ones."""
    rows, codes = _labelled(rng, *shape)
    folds = list(StratifiedKFold(4, shuffle=True, random_state=0).split(rows, codes))
    means = np.array([[np.mean(np.full(1 + row % 7, 1e3 / 7))] for row in range(shape[0])])
    means = means * (1 + np.finfo(float).eps * rng.integers(-2, 3, (shape[0], 5)))
    assert (means.std(axis=0) > 0).all()
    flat = np.full_like(means, means[0, 0])
    held, found = (
        held_out(np.hstack([rows, each]), codes, shape[2], folds, solver) for each in (flat, means)
    )
    assert all((a == b).all() for a, b in zip(held, found, strict=True))


def test_no_word_on_both_sides(rng: np.random.Generator) -> None:
    """Words stay whole, every row is tested once, classes are spread evenly."""
    words = Groups.of(np.repeat(np.arange(40), 3))
    labels = Groups.of(np.repeat(np.arange(40) % 4, 3))
    folds = make_folds(labels, [words], 5, rng)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(120))
    for train, test in folds:
        assert not set(words.codes[train]) & set(words.codes[test])
        assert np.bincount(labels.codes[test]).tolist() == [6] * 4


def test_neither_word_nor_speaker_on_both_sides(rng: np.random.Generator) -> None:
    """With two partitions apart, folds share neither, and still test every row once."""
    words = Groups.of(np.repeat(np.arange(20), 6))
    speakers = Groups.of(np.tile(np.arange(6), 20))
    labels = Groups.of(np.repeat(np.arange(20) % 2, 6))
    folds = make_folds(labels, [words, speakers], 3, rng)
    assert len(folds) == 9
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(120))
    for train, test in folds:
        assert not set(words.codes[train]) & set(words.codes[test])
        assert not set(speakers.codes[train]) & set(speakers.codes[test])


def _probe(rows: Floats, labels: Groups, words: Groups, **given: int) -> Probe:
    counts: dict[str, Any] = {"folds": 5, "repeats": 3, "permutations": 0, "seed": 0} | given
    return probe(rows, labels, words, [words], exchanged=words, solver="shrinkage", **counts)


def test_scores_are_those_of_the_predictions(rng: np.random.Generator) -> None:
    """Accuracy, balanced accuracy and confusion agree with scikit-learn's, one repeat."""
    rows, codes = _labelled(rng, 90, 10, 3)
    codes = np.where(np.arange(90) < 30, 0, codes).astype(np.intp)
    labels, words = Groups.of(codes), _words(90)
    found = _probe(rows, labels, words, repeats=1, seed=4)
    folds = make_folds(labels, [words], 5, np.random.default_rng(4))
    predicted = predict(rows, labels, folds, "shrinkage")
    expected = [np.mean(predicted == codes), balanced_accuracy_score(codes, predicted)]
    np.testing.assert_allclose(found.estimate, expected)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(codes, predicted))
    np.testing.assert_allclose(found.chance, [50 / 90, 1 / 3])


@pytest.mark.parametrize(("words", "classes", "distance"), [(120, 3, 2.0), (108, 6, 4.0)])
def test_interval_covers(words: int, classes: int, distance: float) -> None:
    """95% intervals hold the expected held-out score in 93 to 97% of samples of words."""
    rng = np.random.default_rng(1)
    labels, units = Groups.of(np.arange(words) % classes), _words(words)
    centres = rng.normal(size=(classes, 10)) * distance / np.sqrt(10)
    results = [
        _probe(centres[labels.codes] + rng.normal(size=(words, 10)), labels, units, seed=number)
        for number in range(800)
    ]
    truth = np.mean([result.estimate for result in results], axis=0)
    low = np.array([result.interval.low for result in results])
    high = np.array([result.interval.high for result in results])
    covered = ((low <= truth) & (truth <= high)).mean(axis=0)
    assert ((covered >= 0.93) & (covered <= 0.97)).all()


def test_interval_covers_where_few_words_have_most_tokens() -> None:
    """Words by Zipf's law: the score expected of new words with the same numbers of tokens."""
    rng = np.random.default_rng(1)
    words = Groups.of(np.repeat(np.arange(80), -(-60 // np.arange(1, 81))))
    classes = rng.permutation(np.arange(80) % 3)
    labels = Groups.of(classes[words.codes])
    centres = rng.normal(size=(3, 4)) * 1.25
    results = []
    for number in range(500):
        of_word = centres[classes] + rng.normal(size=(80, 4))
        rows = of_word[words.codes] + rng.normal(size=(len(words.codes), 4))
        results.append(_probe(rows, labels, words, seed=number))
    truth = np.mean([result.estimate for result in results], axis=0)
    low = np.array([result.interval.low for result in results])
    high = np.array([result.interval.high for result in results])
    covered = ((low <= truth) & (truth <= high)).mean(axis=0)
    assert ((covered >= 0.93) & (covered <= 0.97)).all()


@pytest.mark.parametrize("sizes", [(3, 30, 30), (3, 100, 100), (3, 40), (20, 20, 20)])
def test_interval_of_balanced_accuracy_covers(sizes: tuple[int, ...]) -> None:
    """With a class of three words too, which are often all right or all wrong.

    With the variance of a jackknife alone it covers 61 to 74% there.
    """
    codes = np.repeat(np.arange(len(sizes)), sizes)
    labels, words = Groups.of(codes), Groups.of(np.arange(len(codes)))
    rng = np.random.default_rng(4)
    centres = rng.normal(size=(len(sizes), 6))
    centres *= 0.8 / np.sqrt((centres**2).mean())
    results = [
        probe(
            centres[codes] + rng.normal(size=(len(codes), 6)), labels, words, [words],
            exchanged=words, solver="svd", folds=5, repeats=3, permutations=0, seed=0,
        )
        for _ in range(100)
    ]  # fmt: skip
    expected = np.mean([result.estimate[1] for result in results])
    low = np.array([result.interval.low[1] for result in results])
    high = np.array([result.interval.high[1] for result in results])
    assert ((low <= expected) & (expected <= high)).mean() >= 0.93


_SEMANTIC = (19, 19, 13, 13, 10, 10, 9, 8, 8)


def _balanced(right: Floats, sizes: tuple[int, ...]) -> tuple[float, float]:
    """Limits for words, one row each, that are right or wrong in each repeat, ``[r, words]``."""
    codes = np.repeat(np.arange(len(sizes)), sizes)
    labels, words = Groups.of(codes), Groups.of(np.arange(len(codes)))
    estimate = accuracies(right.mean(axis=0), labels)
    found = accuracy_interval(right, labels, words, estimate)
    return float(found.low[1]), float(found.high[1])


@pytest.mark.parametrize("sizes", [_SEMANTIC, (5,) * 9, (12,) * 9])
def test_limits_of_balanced_accuracy_fall_with_each_error(
    rng: np.random.Generator, sizes: tuple[int, ...]
) -> None:
    """One more word that is wrong in one more of 5 repeats never raises a limit, from none on."""
    right = np.ones((5, sum(sizes)))
    limits = [_balanced(right, sizes)]
    for word in rng.permutation(sum(sizes))[:30]:
        for repeat in range(5):
            right[repeat, word] = 0
            limits.append(_balanced(right, sizes))
    assert (np.diff(limits, axis=0) < 1e-9).all()


@pytest.mark.parametrize("word", [0, 108])
def test_one_error_hardly_moves_the_limit_of_balanced_accuracy(word: int) -> None:
    """One of 109 words wrong in 1 of 5 repeats: near the limit without an error, not at .5."""
    right = np.ones((5, 109))
    perfect, _ = _balanced(right, _SEMANTIC)
    right[0, word] = 0
    assert perfect - 0.01 < _balanced(right, _SEMANTIC)[0] < perfect


@pytest.mark.parametrize("sizes", [_SEMANTIC, (5,) * 9])
@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.95, 0.99])
def test_interval_of_balanced_accuracy_covers_near_one(
    rng: np.random.Generator, sizes: tuple[int, ...], accuracy: float
) -> None:
    """Words that are right as often as not, or nearly always, most of them in all repeats alike.

    Below 1 it covered 98.5 to 99.5%, and was three times as wide.
    """
    shape = (0.15 * accuracy, 0.15 * (1 - accuracy), sum(sizes))
    limits = [
        _balanced((rng.random((5, sum(sizes))) < rng.beta(*shape)).astype(np.float64), sizes)
        for _ in range(400)
    ]
    low, high = np.array(limits).T
    assert 0.93 <= ((low <= accuracy) & (accuracy <= high)).mean() <= 0.985


def test_interval_of_a_perfect_score(rng: np.random.Generator) -> None:
    """When every word is right the interval still has a width, and ends at 1."""
    rows, codes = _labelled(rng, 60, 6, 3)
    rows[:, :3] += 30 * np.eye(3)[codes]
    found = _probe(rows, Groups.of(codes), _words(60))
    assert found.estimate[0] == 1
    assert 0.9 < found.interval.low[0] < 0.97
    assert found.interval.high[0] == pytest.approx(1)


def test_p_is_uniform_under_the_null() -> None:
    """Of labels that mean nothing, p is uniform once ties are broken, and never too small.

    Accuracies are multiples of 1 / n, so that they tie with their null; p counts ties against the
    labels. With ties broken at random the rank is exactly uniform if labels are exchangeable.
    """
    rng = np.random.default_rng(6)
    labels, words = Groups.of(np.arange(24) % 2), _words(24)
    p_values, broken = [], []
    for seed in range(300):
        rows = rng.normal(size=(24, 3))
        found = probe(
            rows, labels, words, [words], exchanged=words,
            solver="svd", folds=3, repeats=1, permutations=19, seed=seed,
        )  # fmt: skip
        above = (found.null[0] > found.estimate[0] + 1e-9).sum()
        ties = 19 - above - (found.null[0] < found.estimate[0] - 1e-9).sum()
        p_values.append(found.p_value[0])
        broken.append((above + rng.uniform() * (1 + ties)) / 20)
    assert kstest(broken, "uniform").pvalue > 0.01
    for level in (0.05, 0.2, 0.5):
        share = np.mean(np.array(p_values) <= level + 1e-9)
        assert share <= level + 2.6 * np.sqrt(level * (1 - level) / 300)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0] * 12, "at least 2 classes, got 1"),
        (
            [0] * 11 + [1],
            "class '1' has 1 word with vectors: LDA needs at least 3, or 2 of two rows",
        ),
        ([0] * 10 + [1] * 2, "class '1' has 2 words with vectors: LDA needs at least 3"),
    ],
)
def test_too_few(codes: list[int], message: str) -> None:
    """What was found and what is needed is said."""
    rows = np.random.default_rng(0).normal(size=(12, 3))
    with pytest.raises(ValueError, match=message):
        _probe(rows, Groups.of(codes), _words(12))


def test_permutations_that_no_fold_can_train_on_are_drawn_again() -> None:
    """In one of nine some fold has three of the four tokens of a class: nothing is wrong."""
    rows = np.random.default_rng(0).normal(size=(60, 4))
    words, rare = Groups.of(np.arange(60) // 2), Groups.of(np.arange(60) % 16 == 0)

    def scored(permutations: int) -> Probe:
        return probe(
            rows, rare, words, [words], exchanged=words,
            solver="shrinkage", folds=5, repeats=1, permutations=permutations, seed=2,
        )  # fmt: skip

    found, fewer, without = scored(100), scored(99), scored(0)
    assert np.isfinite(found.null).all()
    assert found.null[:, :99].tolist() == fewer.null.tolist()
    assert found.estimate.tolist() == without.estimate.tolist()


def test_folds_that_cannot_train_on_a_rare_class_are_drawn_again() -> None:
    """A label that varies within words is scored whatever the seed, in folds as they should be."""
    rng = np.random.default_rng(0)
    words, labels = (
        Groups.of(np.repeat(np.arange(20), 3)),
        Groups.of([0, 1, 1] * 16 + [2, 1, 0] * 4),
    )
    lacking = 0
    for seed in range(40):
        folds = make_folds(labels, [words], 3, np.random.default_rng(seed))
        assert sorted(np.concatenate([test for _, test in folds])) == list(range(60))
        for train, test in folds:
            assert np.bincount(labels.codes[train], minlength=3).min() >= 2
            assert not set(words.codes[train]) & set(words.codes[test])
        dealt = deal(labels, words, 3, np.random.default_rng(seed))
        lacking += any((labels.codes[dealt != part] == 2).sum() < 2 for part in range(3))
    assert lacking > 3
    _probe(rng.normal(size=(60, 4)), labels, words, folds=3, repeats=20)


def test_folds_too_few_for_a_class() -> None:
    """Three words in two folds leave one: more folds leave two."""
    rows = np.random.default_rng(0).normal(size=(12, 3))
    labels, words = Groups.of([0] * 9 + [1] * 3), _words(12)

    def null(labels: Groups, words: Groups, folds: int) -> Floats:
        return probe(
            rows, labels, words, [words], exchanged=words,
            solver="svd", folds=folds, repeats=1, permutations=3, seed=0,
        ).null  # fmt: skip

    message = r"class '1' has 1 rows to train on in one of 2 folds, .*: use more folds"
    with pytest.raises(ValueError, match=message):
        null(labels, words, 2)
    assert np.isfinite(null(labels, words, 3)).all()
    # two words are enough if the one that is left has two rows
    assert np.isfinite(null(Groups.of([0] * 8 + [1] * 4), Groups.of(np.arange(12) // 2), 2)).all()


def test_a_class_of_one_speaker_held_apart() -> None:
    """More folds do not help: all rows of the speaker are on one side."""
    speakers = Groups.of(np.repeat(np.arange(5), 6))
    labels = Groups.of(
        ["rare" if speaker == 4 else "ab"[k % 2] for k, speaker in enumerate(speakers.codes)]
    )
    rng = np.random.default_rng(0)
    for apart in ([speakers], [_words(30), speakers]):
        with pytest.raises(ValueError, match=r"'rare' has one word or speaker, .*speaker_disjoint"):
            make_folds(labels, apart, 5, rng)


def test_no_permutation_that_folds_can_train_on() -> None:
    """A class of one speaker of three words, among two thousand who say one."""
    speakers = Groups.of([*range(2000), *[2000] * 3])
    labels = Groups.of(np.arange(2003) >= 2000)
    rows, words = np.random.default_rng(0).normal(size=(2003, 2)), _words(2003)
    with pytest.raises(ValueError, match="in 100 permutations of the labels some fold has fewer"):
        probe(
            rows, labels, words, [words], exchanged=speakers,
            solver="svd", folds=3, repeats=1, permutations=20, seed=0,
        )  # fmt: skip
