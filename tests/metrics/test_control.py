"""Control tasks: what they give a probe that reads the label, and one that remembers words."""

import numpy as np
import pytest

from groundscope.metrics.control import control_labels, control_tasks, recurring, recurring_folds
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.jackknife import pseudo_values, unit_means
from groundscope.metrics.paired_difference import in_one_repeat, paired_difference
from groundscope.metrics.probing import make_folds, predict

WORDS = Groups.of(np.repeat(np.arange(40), 4))
CLASSES = Groups.of(np.repeat(np.arange(40) % 4, 4))


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(3)


def _scores(rows: Floats, labels: Groups = CLASSES, words: Groups = WORDS) -> dict[str, float]:
    found = control_tasks(rows, labels, words, solver="shrinkage", folds=4, tasks=4, seed=0)
    names = ("seen", "control", "selectivity")
    return dict(zip(names, found.estimate.tolist(), strict=True))


def test_a_representation_of_words_is_not_selective(rng: np.random.Generator) -> None:
    """Vectors that tell words apart, and say nothing of the label, read it as well as a control."""
    rows = 5 * rng.normal(size=(40, 60))[WORDS.codes] + rng.normal(size=(160, 60))
    found = _scores(rows)
    assert min(found["seen"], found["control"]) > 0.95
    assert found["selectivity"] == pytest.approx(0, abs=0.03)


def test_a_representation_of_the_label_is_selective(rng: np.random.Generator) -> None:
    """Vectors that hold the label only leave a control task at chance."""
    rows = 8 * np.eye(4)[CLASSES.codes] + rng.normal(size=(160, 4))
    found = _scores(rows)
    assert found["seen"] > 0.99
    # among the 10 words of a class, the most frequent of 4 random labels is at 4 or so
    assert found["control"] < 0.5
    assert found["selectivity"] == pytest.approx(found["seen"] - found["control"])


def test_contrasts_of_equal_models() -> None:
    """Intervals hold 0 and p is no smaller than it may, though words share labels and folds.

    Of vectors that hold the word and the label, and as much of either in both models.
    """
    rng = np.random.default_rng(3)
    centres = rng.normal(size=(4, 12)) / 2

    def values(seed: int) -> Floats:
        of_word = centres[np.arange(40) % 4] + rng.normal(size=(40, 12))
        rows = of_word[WORDS.codes] + rng.normal(size=(160, 12))
        found = control_tasks(rows, CLASSES, WORDS, solver="svd", folds=4, tasks=3, seed=seed)
        values = [
            [pseudo_values(task.mean(), unit_means(task, WORDS)) for task in measure]
            for measure in found.scores
        ]
        return np.array(values)

    held, small = np.zeros(3, int), np.zeros(3, int)
    for seed in range(200):
        differences = np.stack([*map(in_one_repeat, values(seed) - values(seed))])
        interval, p_value = paired_difference(
            differences, replicates=200, permutations=99, seed=seed
        )
        held += (interval.low <= 0) & (interval.high >= 0)
        small += p_value <= 0.05
    assert (held >= 0.93 * 200).all()
    assert (small <= 0.07 * 200).all()


def test_control_tasks_cannot_be_learned_with_words_apart(rng: np.random.Generator) -> None:
    """Folds that hold words apart put every control task at chance: they have folds of their own.

    Words are told apart without error.
    """
    rows = 5 * rng.normal(size=(40, 60))[WORDS.codes] + rng.normal(size=(160, 60))
    right = []
    for _ in range(10):
        target = control_labels(CLASSES, WORDS, rng)
        predicted = predict(rows, target, make_folds(target, [WORDS], 4, rng), "shrinkage")
        right.append(np.mean(predicted == target.codes))
    assert np.mean(right) < 0.33


def test_every_word_recurs(rng: np.random.Generator) -> None:
    """A tested row has another row of its word in training, and every row is tested once."""
    words = Groups.of(
        np.concatenate([np.repeat(np.arange(20), 2), np.repeat(np.arange(20, 26), 9)])
    )
    labels = Groups.of(rng.integers(0, 3, len(words))[words.codes])
    folds = recurring_folds(words, labels, 5, rng)
    for train, test in folds:
        assert set(words.codes[test]) <= set(words.codes[train])
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(94))


def test_control_labels_are_of_words(rng: np.random.Generator) -> None:
    """All tokens of a word have one label, and labels have the shares that they had."""
    labels = Groups.of(np.repeat(["a", "b"], [120, 40]))
    drawn = control_labels(labels, WORDS, rng)
    by_word = drawn.codes.reshape(40, 4)
    assert (by_word == by_word[:, :1]).all()
    assert drawn.sizes.tolist() == [120, 40]


def test_a_rare_label_is_in_every_control_task(rng: np.random.Generator) -> None:
    """Two of 442 rows, less than half a word's share: one word has it, and all are learned."""
    words = Groups.of(np.repeat(np.arange(56), [2] + [8] * 55))
    labels = Groups.of(words.codes == 0)
    _, first = np.unique(words.codes, return_index=True)
    assert np.bincount(control_labels(labels, words, rng).codes[first]).tolist() == [55, 1]
    rows = 5 * rng.normal(size=(56, 30))[words.codes] + rng.normal(size=(442, 30))
    found = _scores(rows, labels, words)
    assert min(found["seen"], found["control"]) > 0.95


def test_words_with_one_token_are_left_out() -> None:
    """They cannot recur; where the word is the label there is no control task at all."""
    words = Groups.of(["a", "a", "b", "c", "c"])
    more, labels = Groups.of(list("aabccdd")), Groups.of(list("xxxyyyy"))
    assert recurring(labels, more).tolist() == [0, 1, 3, 4, 5, 6]
    assert len(recurring(words, words)) == 0
    # of the words that recur one class, or a class each
    assert len(recurring(Groups.of(["x", "x", "y", "x", "x"]), words)) == 0
    assert len(recurring(Groups.of(["x", "x", "x", "y", "y"]), words)) == 0
    with pytest.raises(ValueError, match="5 words of 5 classes have no control task"):
        control_tasks(
            np.eye(5), Groups.of(list("vwxyz")), Groups.of(list("abcde")),
            solver="svd", folds=2, tasks=1, seed=0,
        )  # fmt: skip


def test_labels_that_vary_within_words_have_no_control_task(rng: np.random.Generator) -> None:
    """Each word by each of 4 speakers: vectors of words read them far below chance."""
    speakers = Groups.of(np.tile(np.arange(4), 40))
    rows = 5 * rng.normal(size=(40, 60))[WORDS.codes] + rng.normal(size=(160, 60))
    fold = (WORDS.codes + speakers.codes) % 4
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4)]
    assert np.mean(predict(rows, speakers, folds, "shrinkage") == speakers.codes) < 0.05
    assert len(recurring(speakers, WORDS)) == 0
    assert len(recurring(CLASSES, WORDS)) == 160
    with pytest.raises(ValueError, match="40 words of 4 classes have no control task"):
        _scores(rows, speakers)


def test_interval_of_selectivity_covers() -> None:
    """95% intervals hold the expected selectivity in 93 to 97% of samples of words."""
    rng = np.random.default_rng(1)
    labels = Groups.of(np.repeat(np.arange(60) % 2, 2))
    words = Groups.of(np.repeat(np.arange(60), 2))
    found = []
    for seed in range(700):
        of_word = rng.normal(size=(60, 4))
        of_word[:, 0] += labels.codes[::2]
        rows = of_word[words.codes] + rng.normal(size=(120, 4))
        result = control_tasks(rows, labels, words, solver="svd", folds=2, tasks=2, seed=seed)
        found.append([result.estimate[2], result.intervals[2].low, result.intervals[2].high])
    estimate, low, high = np.array(found).T
    truth = estimate.mean()
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.97
