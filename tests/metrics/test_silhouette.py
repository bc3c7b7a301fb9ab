"""Silhouettes against scikit-learn, their error bars, their null."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import silhouette_samples, silhouette_score

from groundscope.metrics import distances
from groundscope.metrics.clustering import Scores, score_protocols
from groundscope.metrics.distances import METRICS, Distances
from groundscope.metrics.groups import Floats, Groups, Integers, deal, permuted_labels
from groundscope.metrics.silhouette import Silhouette, score, score_both
from groundscope.metrics.silhouette_coefficients import means_by_group, silhouettes
from groundscope.metrics.silhouette_jackknife import (
    in_several_blocks,
    jackknife_blocks,
    jackknife_intervals,
    left_out,
)
from groundscope.metrics.silhouette_refitted import score_refitted


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(11)


def _labelled(rng: np.random.Generator, count: int, groups: int) -> tuple[Floats, Integers]:
    codes = np.concatenate([np.arange(groups), np.arange(groups), rng.integers(0, groups, count)])
    rows = rng.normal(size=(len(codes), 8)) + 2
    rows[:, 0] += codes
    return rows, codes.astype(np.intp)


def _words(count: int) -> Groups:
    return Groups.of([f"w{number:05d}" for number in range(count)])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("held", [True, False])
def test_agrees_with_scikit_learn(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, metric: str, *, held: bool
) -> None:
    """Every row to 1e-10, with and without all distances in memory, and a group of one row."""
    rows, codes = _labelled(rng, 90, 5)
    codes[0] = 5
    if not held:
        monkeypatch.setattr(distances, "_BLOCK", 7)
    found = silhouettes(Distances(rows, metric), Groups.of(codes))
    np.testing.assert_allclose(found, silhouette_samples(rows, codes, metric=metric), atol=1e-10)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("within", [True, False])
def test_sums_that_have_no_room_together(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, metric: str, *, within: bool
) -> None:
    """Blocks and permutations one after the other give what they give at once."""
    monkeypatch.setattr(distances, "_BLOCK", 7)
    rows, codes = _labelled(rng, 60, 4)
    labels = Groups.of(codes)
    words = _words(len(rows)) if within else Groups.of(np.arange(len(rows)) % 20)
    found = []
    for held in (2**23, 3 * len(rows), 1):
        monkeypatch.setattr(distances, "_HELD", held)
        made = score(Distances(rows, metric), labels, words, exchanged=words, permutations=5)
        found.append([made.interval.low, made.interval.high, made.null.ravel()])
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, same, atol=1e-12)


def test_hand_worked() -> None:
    """Points 0, 1 | 4, 8 on a line: a = 1, 1, 4, 4 and b = 6, 5, 3.5, 7.5."""
    rows = np.array([[0.0], [1.0], [4.0], [8.0]])
    found = silhouettes(Distances(rows, "euclidean"), Groups.of(["a", "a", "b", "b"]))
    np.testing.assert_allclose(found, [5 / 6, 4 / 5, -1 / 8, 7 / 15], rtol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_interval_is_the_jackknife_of_recomputed_silhouettes(
    rng: np.random.Generator, metric: str
) -> None:
    """Leaving a word out by update equals leaving it out and starting over (stratified)."""
    rows, codes = _labelled(rng, 40, 4)
    labels, words = Groups.of(codes), _words(len(rows))
    found = score(Distances(rows, metric), labels, words, exchanged=words)
    variance = np.zeros(5)
    for group in range(4):
        left_out = []
        for row in np.flatnonzero(codes == group):
            kept = np.arange(len(rows)) != row
            scores = silhouette_samples(rows[kept], codes[kept], metric=metric)
            by_group = [scores[codes[kept] == each].mean() for each in range(4)]
            left_out.append([scores.mean(), *by_group])
        values = np.array(left_out)
        variance += (len(values) - 1) * values.var(axis=0)
    np.testing.assert_allclose(found.interval.standard_error, np.sqrt(variance), rtol=1e-8)


@pytest.mark.parametrize("metric", METRICS)
def test_blocks_of_a_group_leave_it_its_part_of_the_mean(
    rng: np.random.Generator, metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its other rows weigh what it has without one word of the block; tokens are unequal."""
    _, by_word = _labelled(rng, 20, 4)
    words = Groups.of(_words(len(by_word)).names.repeat(1 + np.arange(len(by_word)) % 3))
    codes = by_word[words.codes]
    rows, labels = rng.normal(size=(len(codes), 3)) + codes[:, None], Groups.of(codes)
    distances = Distances(rows, metric)
    (sums,) = distances.sums(codes[None], 4)
    blocks, groups = jackknife_blocks(labels, words, rng, 10)
    assert groups is not None
    found = left_out(distances, labels, words, sums, blocks, groups)
    for block, group in enumerate(groups):
        gone, kept = blocks == block, blocks != block
        one_word = gone.sum() / len(np.unique(words.codes[gone]))
        assert gone.sum() > one_word
        left = labels.sizes[group] - gone.sum()
        weights = np.where(codes == group, (labels.sizes[group] - one_word) / left, 1.0)
        runs = []
        for out in [*range(4), None]:
            part = kept & (codes != out) if out is not None else kept
            scores = silhouette_samples(rows[part], codes[part], metric=metric)
            runs.append(np.average(scores, weights=weights[part]))
        means = [scores[codes[kept] == each].mean() for each in range(4)]
        np.testing.assert_allclose(found[:, block], [runs[4], *means, np.mean(runs[:4])], rtol=1e-8)
    for limit in ("silhouette._UNITS", "silhouette_refitted._REFITS"):
        monkeypatch.setattr(f"groundscope.metrics.{limit}", 10)
    (again,) = score_refitted(
        rows, labels, words, "full", [metric], exchanged=words, permutations=0, seed=3
    )
    whole = score(distances, labels, words, exchanged=words, seed=3)
    np.testing.assert_allclose(again.pseudo_values, whole.pseudo_values, rtol=1e-8)


def test_labels_within_words(rng: np.random.Generator) -> None:
    """Where labels vary within a word, leaving it out updates several groups at once."""
    words = Groups.of(np.repeat(np.arange(12), 4))
    labels = Groups.of(np.tile(["ann", "ben"], 24))
    rows = rng.normal(size=(48, 5))
    found = score(Distances(rows, "cosine"), labels, words, exchanged=words, permutations=3)
    left_out = []
    for word in range(len(words)):
        kept = words.codes != word
        left_out.append(silhouette_score(rows[kept], labels.codes[kept], metric="cosine"))
    expected = np.sqrt(11 * np.var(left_out))
    assert found.interval.standard_error[0] == pytest.approx(expected, rel=1e-8)


def test_runs_of_labels_within_words(rng: np.random.Generator) -> None:
    """A word left out of all runs, where it has rows of each group."""
    words, labels = Groups.of(np.repeat(np.arange(10), 4)), Groups.of(np.arange(40) % 4)
    rows = rng.normal(size=(40, 5)) + labels.codes[:, None] / 2
    _, found = score_both(
        Distances(rows, "euclidean"), labels, words, exchanged=words, permutations=0, seed=0
    )
    kept = [words.codes != word for word in range(10)]
    left_out = [_mean_of_runs(rows[keep], labels.codes[keep], "full") for keep in kept]
    expected = np.sqrt(9 * np.var(left_out))
    assert found.interval.standard_error[0] == pytest.approx(expected, rel=1e-8)
    each = [silhouette_samples(rows[labels.codes != g], labels.codes[labels.codes != g])
            for g in range(4)]  # fmt: skip
    sums = np.zeros(40)
    for group, scores in enumerate(each):
        sums[labels.codes != group] += scores
    np.testing.assert_allclose(found.rows, sums / 3, atol=1e-12)


def test_many_words_are_left_out_in_blocks_within_their_group() -> None:
    """About 200 blocks, each inside one group, at least two a group."""
    labels = Groups.of(np.arange(1000) % 7)
    blocks, groups = jackknife_blocks(labels, _words(1000), np.random.default_rng(0), 200)
    assert groups is not None
    assert 190 <= len(groups) <= 210
    np.testing.assert_array_equal(groups[blocks], labels.codes)


def _rare_speakers(count: int) -> tuple[Groups, Groups]:
    """Two speakers of all words, and `count` others, each of two words that are said twice."""
    words = _words(120).names.repeat(2)
    speakers = np.arange(240) // 2 % 2
    speakers[: 4 * count : 2] = 2 + np.arange(2 * count) // 2
    return Groups.of([f"s{speaker:02d}" for speaker in speakers]), Groups.of(words)


@pytest.mark.parametrize("blocks", [10, 50])
@pytest.mark.parametrize("seed", range(5))
def test_no_block_has_all_words_of_a_group(blocks: int, seed: int) -> None:
    """Of words whose rows are in several groups, so that a group is never gone; sizes stay."""
    labels, words = _rare_speakers(30)
    rng = np.random.default_rng(seed)
    dealt = deal(labels, words, blocks, rng)
    found = in_several_blocks(dealt, labels, words, rng)
    assert all(len(np.unique(found[labels.codes == group])) > 1 for group in range(32))
    assert (found.reshape(-1, 2) == found[::2, None]).all()
    np.testing.assert_array_equal(np.bincount(found), np.bincount(dealt))
    # without a group of a single block nothing moves, and the generator stays where it is
    state = rng.bit_generator.state
    np.testing.assert_array_equal(in_several_blocks(found, labels, words, rng), found)
    assert rng.bit_generator.state == state


@pytest.mark.parametrize("space", ["full", "lda"])
def test_groups_of_two_words_have_an_interval(rng: np.random.Generator, space: str) -> None:
    """Also where their speaker says few of many words, which are left out in blocks."""
    labels, words = _rare_speakers(30)
    (found,) = score_refitted(
        rng.normal(size=(240, 4)), labels, words, space, ["euclidean"],
        exchanged=words, permutations=0, seed=4,
    )  # fmt: skip
    assert np.isfinite(found.interval.standard_error).all()


def test_a_group_that_is_gone_has_no_interval(rng: np.random.Generator) -> None:
    """Without a block that has all of its rows its mean is missing, and no warning is given."""
    means = means_by_group(np.array([0.5, 0.1]), np.array([0, 2]), np.array([1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(means, [0.3, 0.5, np.nan, 0.1])
    without = rng.normal(size=(3, 4)) / 10
    without[1, 2] = np.nan
    blocks = np.arange(8) % 4
    found = jackknife_intervals(np.zeros(3), without, Groups.of([0, 1] * 4), blocks, None)
    assert np.isnan(found.low).tolist() == [False, True, False]


def _scores(
    rows: Floats,
    codes: Integers,
    *,
    space: str = "full",
    protocols: Sequence[str] = ("all-groups",),
    subsets: Mapping[str, Sequence[str]] | None = None,
    permutations: int = 0,
    kmeans_seeds: int = 0,
) -> list[Scores]:
    return score_protocols(
        rows,
        Groups.of(codes),
        _words(len(rows)),
        exchanged=_words(len(rows)),
        space=space,
        metrics=["euclidean"],
        protocols=protocols,
        subsets=subsets or {},
        permutations=permutations,
        kmeans_seeds=kmeans_seeds,
        kmeans_restarts=3,
        seed=0,
    )


def _in_space(rows: Floats, codes: Integers, space: str) -> float:
    """Mean silhouette in a space that is fitted to the rows, by scikit-learn."""
    if space == "pca-3":
        rows = PCA(3).fit_transform(rows)
    elif space == "lda":
        rows = LinearDiscriminantAnalysis().fit_transform(rows, codes)
    return float(silhouette_score(rows, codes))


def _mean_of_runs(rows: Floats, codes: Integers, space: str) -> float:
    kept = [codes != group for group in np.unique(codes)]
    return float(np.mean([_in_space(rows[keep], codes[keep], space) for keep in kept]))


@pytest.mark.parametrize("space", ["full", "pca-3", "lda"])
def test_leave_one_group_out(rng: np.random.Generator, space: str) -> None:
    """The published protocol: refit the space without the group, Euclidean, mean over the runs.

    The error is the jackknife of that mean, all of it made again without each block of words:
    single words within their groups, or of a subspace few blocks of words of all groups.
    """
    rows, codes = _labelled(rng, 60, 5)
    (found,) = _scores(rows, codes, space=space, protocols=["leave-one-group-out"])
    assert found.estimate[0] == pytest.approx(_mean_of_runs(rows, codes, space), abs=1e-9)
    assert found.n_groups == 4
    assert found.scored is not None
    blocks = found.scored.blocks
    without = np.array(
        [
            _mean_of_runs(rows[blocks != block], codes[blocks != block], space)
            for block in range(blocks.max() + 1)
        ]
    )
    groups = [set(codes[blocks == block].tolist()) for block in range(len(without))]
    if space == "full":
        assert len(without) == len(rows)
        of = np.array([group.pop() for group in groups])
    else:
        assert groups == [set(range(5))] * 10
        of = np.zeros(10)
    variance = sum(
        (np.sum(of == stratum) - 1) * without[of == stratum].var() for stratum in np.unique(of)
    )
    assert found.interval.standard_error[0] == pytest.approx(np.sqrt(variance), rel=1e-6)
    values = found.scored.pseudo_values
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert values.mean() == pytest.approx(found.estimate[0])
    assert error == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_null_of_runs_is_made_of_permuted_labels(rng: np.random.Generator) -> None:
    """In all dimensions each permutation has all runs, as the labels themselves have."""
    rows, codes = _labelled(rng, 30, 4)
    words = _words(len(rows))
    _, runs = score_both(
        Distances(rows, "euclidean"),
        Groups.of(codes),
        words,
        exchanged=words,
        permutations=5,
        seed=0,
    )
    drawn = np.random.default_rng(0)
    jackknife_blocks(Groups.of(codes), words, drawn, 200)
    moved = [permuted_labels(Groups.of(codes), words, drawn).codes for _ in range(5)]
    wanted = [_mean_of_runs(rows, each, "full") for each in moved]
    np.testing.assert_allclose(runs.null, [wanted], atol=1e-9)
    assert runs.p_value[0] == pytest.approx((1 + np.sum(wanted >= runs.estimate[0])) / 6)


@pytest.mark.parametrize("space", ["pca-3", "lda"])
def test_null_of_runs_in_a_subspace_is_known_in_the_mean(
    rng: np.random.Generator, space: str
) -> None:
    """A permutation has one run, each group is left out in turn, and there is no p."""
    rows, codes = _labelled(rng, 30, 4)
    labels, words = Groups.of(codes), _words(len(rows))
    (found,) = _scores(rows, codes, space=space, protocols=["leave-one-group-out"], permutations=6)
    drawn = np.random.default_rng(0)
    deal(labels, words, 12, drawn)
    wanted = []
    for group in (0, 1, 2, 3, 0, 1):
        moved = permuted_labels(labels, words, drawn).codes
        wanted.append(_in_space(rows[moved != group], moved[moved != group], space))
    np.testing.assert_allclose(found.null, [wanted], atol=1e-9)
    assert np.isnan(found.p_value).all()


def test_null_of_an_lda_space_is_fitted_anew(rng: np.random.Generator) -> None:
    """Noise looks clustered in its in-sample LDA space, and so does its null."""
    codes = np.repeat(np.arange(4), 10)
    (found,) = _scores(rng.normal(size=(40, 30)), codes, space="lda", permutations=39)
    assert found.estimate[0] > 0.3
    assert found.null[0].mean() == pytest.approx(found.estimate[0], abs=0.15)
    assert found.p_value[0] > 0.05


def test_subsets(rng: np.random.Generator) -> None:
    """A subset is scored among its own groups; an unknown group is refused."""
    rows, codes = _labelled(rng, 60, 5)
    found = _scores(rows, codes, subsets={"low": ["0", "1", "2"]})
    kept = codes < 3
    assert [each.subset for each in found] == ["all", "low"]
    assert found[1].estimate[0] == pytest.approx(silhouette_score(rows[kept], codes[kept]))
    with pytest.raises(ValueError, match="subset 'x' names groups that no word has: 9"):
        _scores(rows, codes, subsets={"x": ["0", "9"]})


def test_an_axis_has_no_cosine(rng: np.random.Generator) -> None:
    """LDA of two groups, or of the two that are left of three, is scored by Euclidean distance."""
    rows, codes = _labelled(rng, 60, 3)
    labels, words = Groups.of(codes), _words(len(rows))
    both = {"cosine", "euclidean"}
    for space, of_two in (("full", both), ("lda", {"euclidean"})):
        found = score_protocols(
            rows, labels, words, exchanged=words, space=space, metrics=["cosine", "euclidean"],
            protocols=["all-groups", "leave-one-group-out"], subsets={"low": ["0", "1"]},
            permutations=0, kmeans_seeds=0, kmeans_restarts=1, seed=0,
        )  # fmt: skip
        metrics: dict[tuple[str, str], set[str]] = {}
        for each in found:
            metrics.setdefault((each.subset, each.protocol), set()).add(each.metric)
        assert metrics == {
            ("all", "all-groups"): both,
            ("all", "leave-one-group-out"): of_two,
            ("low", "all-groups"): of_two,
        }


@pytest.mark.parametrize(("features", "space"), [(3, "pca-1"), (1, "full")])
def test_one_dimension_has_no_cosine(rng: np.random.Generator, features: int, space: str) -> None:
    """Nor has it any k-means of cosines; distances are those of the single coordinate."""
    rows, codes = rng.normal(size=(40, features)), np.arange(40) % 4
    words = _words(len(rows))
    found = score_protocols(
        rows, Groups.of(codes), words, exchanged=words, space=space,
        metrics=["cosine", "euclidean"], protocols=["all-groups", "leave-one-group-out"],
        subsets={}, permutations=0, kmeans_seeds=1, kmeans_restarts=1, seed=0,
    )  # fmt: skip
    assert [(each.metric, each.measure) for each in found] == [
        ("euclidean", "silhouette"), ("euclidean", "silhouette"), ("euclidean", "adjusted-rand"),
    ]  # fmt: skip
    axis = rows if space == "full" else PCA(1).fit_transform(rows)
    assert found[0].estimate[0] == pytest.approx(silhouette_score(axis, codes))


def _covered(results: Sequence[Silhouette]) -> Floats:
    """How often intervals hold the mean of the estimates, overall and of each group."""
    truth = np.mean([result.estimate for result in results], axis=0)
    low = np.array([result.interval.low for result in results])
    high = np.array([result.interval.high for result in results])
    return np.asarray(((low <= truth) & (truth <= high)).mean(axis=0))


def test_interval_covers() -> None:
    """95% intervals hold the expected silhouette of as many words in 93 to 97% of samples.

    So do those of the mean of runs that leave a group out: t over runs would in some 30%.
    """
    rng = np.random.default_rng(0)
    codes = np.arange(150) % 5
    labels, words = Groups.of(codes), _words(150)
    centres = rng.normal(size=(5, 10)) * np.linspace(0.5, 1.5, 5)[:, None]
    results = [
        score_both(
            Distances(centres[codes] + rng.normal(size=(150, 10)), "cosine"),
            labels,
            words,
            exchanged=words,
            permutations=0,
            seed=0,
        )
        for _ in range(1000)
    ]
    covered = _covered([whole for whole, _ in results])
    assert 0.93 <= covered[0] <= 0.97
    assert 0.93 <= covered[1:].mean() <= 0.97
    (of_runs,) = _covered([runs for _, runs in results])
    assert 0.93 <= of_runs <= 0.97


def test_error_of_many_words_in_many_groups() -> None:
    """Is the deviation between samples where groups have two blocks of their words.

    So it is of runs that leave a group out. A group that counted for its rows without the block
    would have errors of 0.65 times the deviation.
    """
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(90), 5)
    labels, words = Groups.of(codes), _words(len(codes))
    centres = rng.normal(size=(90, 12)) * 1.2
    results = [
        score_both(
            Distances(centres[codes] + rng.normal(size=(len(codes), 12)), "cosine"),
            labels, words, exchanged=words, permutations=0, seed=seed,
        )
        for seed in range(120)
    ]  # fmt: skip
    for found in zip(*results, strict=True):
        assert len(found[0].pseudo_values) == 180
        deviation = np.std([each.estimate[0] for each in found])
        errors = [each.interval.standard_error[0] for each in found]
        # the deviation of 120 samples is known to 6%
        assert 0.85 * deviation < np.sqrt(np.mean(np.square(errors))) < 1.2 * deviation


@pytest.mark.parametrize("metric", METRICS)
def test_interval_of_small_groups_covers(metric: str) -> None:
    """Groups of 5 to 9 words: 93% or more in each, 95 to 98 on average, limits within reach.

    With the degrees of freedom of all words, groups of 5 have 90% by cosine, and limits beyond 1.
    """
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(14), [9, 8, 8, 6] + [5] * 10)
    labels, words = Groups.of(codes), _words(len(codes))
    centres = rng.normal(size=(14, 10)) * 1.5
    results = [
        score(
            Distances(centres[codes] + rng.normal(size=(len(codes), 10)), metric),
            labels,
            words,
            exchanged=words,
        )
        for _ in range(400)
    ]
    covered = _covered(results)
    low = np.array([result.interval.low for result in results])
    high = np.array([result.interval.high for result in results])
    assert covered[1:].min() >= 0.93
    assert 0.95 <= covered[1:].mean() <= 0.98
    assert -1 <= low.min() < high.max() <= 1


def test_p_is_uniform_under_the_null() -> None:
    """Labels of words that mean nothing have uniform p (spread within its steps), on tokens."""
    rng = np.random.default_rng(8)
    words = Groups.of(np.repeat(np.arange(24), 3))
    labels = Groups.of(np.repeat(np.arange(24) % 3, 3))
    p_values = []
    for _ in range(300):
        rows = rng.normal(size=(24, 4))[words.codes] + rng.normal(size=(72, 4)) / 4
        seed = int(rng.integers(1 << 30))
        result = score(
            Distances(rows, "cosine"), labels, words, exchanged=words, permutations=39, seed=seed
        )
        p_values.append(result.p_value[0] - rng.uniform() / 40)
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_words_of_one_vector_in_principal_components(rng: np.random.Generator) -> None:
    """Eleven words of nine vectors vary in eight directions, and in seven without one word.

    Components that take all of the variance change no distance: as in the full space.
    """
    rows = rng.normal(size=(9, 20))[[*range(9), 0, 1]]
    codes, words = np.arange(11) % 3, _words(11)
    (found,) = score_refitted(
        rows, Groups.of(codes), words, "pca-8", ["euclidean"],
        exchanged=words, permutations=5, seed=0,
    )  # fmt: skip
    whole = score(
        Distances(rows, "euclidean"), Groups.of(codes), words, exchanged=words, permutations=5
    )
    np.testing.assert_allclose(found.estimate, whole.estimate, rtol=1e-9)
    np.testing.assert_allclose(
        found.interval.standard_error, whole.interval.standard_error, rtol=1e-7
    )
    for protocols in (["leave-one-group-out"], ["all-groups"]):
        assert len(_scores(rows, codes, space="pca-4", protocols=protocols, permutations=9)) == 1
    with pytest.raises(ValueError, match="vary in 9 directions, these vary in 8"):
        _scores(rows, codes, space="pca-9")


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        ([0, 0, 0, 0], "at least 2 groups, got 1"),
        ([0, 0, 0, 1], "group '1' has 1 word"),
    ],
)
def test_too_few(codes: list[int], message: str) -> None:
    """What was found and what is needed is said."""
    rows = np.random.default_rng(0).normal(size=(4, 2))
    with pytest.raises(ValueError, match=message):
        score(Distances(rows, "cosine"), Groups.of(codes), _words(4), exchanged=_words(4))


@pytest.mark.parametrize("rows", [120, 300, 2100])
@pytest.mark.parametrize("width", [4, 70])
def test_the_same_vector_in_two_groups(rng: np.random.Generator, rows: int, width: int) -> None:
    """Rows at distance 0 from both groups have exactly 0, with any word left out, and others 1."""
    labels, words = Groups.of(np.arange(rows) % 6), _words(rows)
    vectors = rng.normal(size=(6, width))
    vectors[1] = vectors[0]
    found = score(
        Distances(vectors[labels.codes], "cosine"), labels, words, exchanged=words, permutations=0
    )
    np.testing.assert_allclose(found.estimate[1:], [0, 0, 1, 1, 1, 1], rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.interval.standard_error[1:], 0, atol=1e-12)


@pytest.mark.parametrize("width", [4, 170])
def test_the_same_vector_is_left_without_the_only_other(
    rng: np.random.Generator, width: int
) -> None:
    """What is left of a group without a word may be one vector: by scikit-learn, from zeros."""
    words = Groups.of(np.repeat(np.arange(150), 2))
    labels = Groups.of(words.codes % 5)
    which = np.where(words.codes % 5 < 2, 0, words.codes % 5)
    # one word of the first two groups, which are one vector otherwise
    which[words.codes == 5] = 5
    vectors = rng.normal(size=(6, width))
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    exact = 1 - unit @ unit.T
    np.fill_diagonal(exact, 0)
    exact = exact[which][:, which]
    found = score(Distances(vectors[which], "cosine"), labels, words, exchanged=words)
    variance = np.zeros(6)
    for group in range(5):
        left_out = []
        for word in np.unique(words.codes[labels.codes == group]):
            kept = words.codes != word
            codes = labels.codes[kept]
            scores = silhouette_samples(exact[kept][:, kept], codes, metric="precomputed")
            means = [scores[codes == code].mean() for code in range(5)]
            left_out.append([scores.mean(), *means])
        variance += (len(left_out) - 1) * np.var(left_out, axis=0)
    np.testing.assert_allclose(found.interval.standard_error, np.sqrt(variance), rtol=1e-8)


def test_degenerate_rows() -> None:
    """Rows that are all the same, and a zero vector under cosine, are refused."""
    with pytest.raises(ValueError, match="all 5 rows are the same"):
        Distances(np.ones((5, 2)), "euclidean")
    with pytest.raises(ValueError, match=r"row 2 is the zero vector, .* take metric euclidean"):
        Distances(np.array([[1.0, 0], [0, 1], [0, 0]]), "cosine")
