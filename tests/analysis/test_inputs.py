"""What the rows of an analysis are, and what is independent and exchangeable among them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import kstest

from groundscope.analysis.inputs import Selection
from groundscope.analysis.rows import Rows, held_apart, make_rows
from groundscope.errors import UserError
from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Groups, connected, home_of
from groundscope.metrics.silhouette import score

WORDS, SPEAKERS = "abc", ("ann", "ben", "cat", "dan")
SAID = [(word, speaker) for word in WORDS for speaker in SPEAKERS]
SEX = {"ann": "f", "ben": "m", "cat": "f", "dan": "m"}


def _rows(said: Sequence[tuple[str, str | None]], labels: Sequence[str], kind: str) -> Rows:
    words, speakers = zip(*said, strict=True)
    ids = [f"t{number}" for number in range(len(said))]
    columns = {"token_id": ids, "word": words, "speaker": pa.array(speakers, pa.string())}
    return make_rows(Selection(pa.table(columns), 0), kind, labels)


@pytest.mark.parametrize(
    ("labels", "kind", "permuted"),
    [
        ([SEX[speaker] for _, speaker in SAID], "auto", "speaker"),
        # one token of one speaker has the other label
        (["m", *(SEX[speaker] for _, speaker in SAID[1:])], "auto", "word"),
        # the speaker, also by another name
        ([speaker for _, speaker in SAID], "auto", "word"),
        ([speaker.upper() for _, speaker in SAID], "auto", "word"),
        (["ab"[word == "c"] for word, _ in SAID], "tokens", "word"),
        (["ab"[word == "c"] for word, _ in SAID], "auto", "word"),
        ([word for word, _ in SAID], "auto", "rows"),
    ],
)
def test_what_is_permuted(labels: Sequence[str], kind: str, permuted: str) -> None:
    """Speakers where the label is theirs and of several; words, or rows, otherwise."""
    data = _rows(SAID, labels, kind)
    assert data.permuted == permuted
    wanted = {
        "speaker": [speaker for _, speaker in SAID],
        "word": list(WORDS) if data.kind == "types" else [word for word, _ in SAID],
        "rows": [f"t{number}" for number in range(len(SAID))],
    }
    expected = Groups.of(wanted[permuted])
    assert len(data.exchanged) == len(expected)
    assert home_of(data.exchanged, expected) is not None
    # jackknife and folds are of words all the same
    assert len(data.units) == (len(SAID) if permuted == "rows" else len(WORDS))


@pytest.mark.parametrize(
    ("labels", "kind", "apart"),
    [
        ([SEX[speaker] for _, speaker in SAID], "auto", "word+speaker"),
        (["ab"[word == "c"] for word, _ in SAID], "tokens", "word+speaker"),
        ([word for word, _ in SAID], "auto", "speaker"),
        # these types have several speakers; each label has one, who may have several labels
        (["ab"[word == "c"] for word, _ in SAID], "auto", "word"),
        ([speaker for _, speaker in SAID], "auto", "word"),
        ([speaker + "ab"[word == "c"] for word, speaker in SAID], "auto", "word"),
    ],
)
def test_speakers_are_apart_where_they_can_be(labels: Sequence[str], kind: str, apart: str) -> None:
    """One switch for all labellings: where it has no meaning, folds are as without it."""
    data = _rows(SAID, labels, kind)
    name, partitions = held_apart(data, speaker_disjoint=True)
    assert name == apart
    assert any(part is data.speakers for part in partitions) == ("speaker" in apart)
    assert any(part is data.units for part in partitions) == ("word" in apart)
    without = "rows" if apart == "speaker" else "word"
    assert held_apart(data, speaker_disjoint=False)[0] == without


def test_labels_belong_to_speakers_only_where_that_can_be_seen() -> None:
    """Every token by another speaker, or one token without: any label would be of speakers."""
    sexes = [SEX[speaker] for _, speaker in SAID]
    once = [(word, f"{number} {speaker}") for number, (word, speaker) in enumerate(SAID)]
    assert _rows(once, sexes, "auto").permuted == "word"
    unknown = [(SAID[0][0], None), *SAID[1:]]
    assert _rows(unknown, sexes, "auto").permuted == "word"
    # a label of tokens for which speakers were drawn at random is theirs in no draw
    rng = np.random.default_rng(0)
    words = [word for word in WORDS for _ in range(20)]
    for _ in range(50):
        said = [(word, SPEAKERS[rng.integers(4)]) for word in words]
        assert _rows(said, list(rng.permutation(["x", "y"] * 30)), "auto").permuted == "word"


def _same(first: Groups, second: Groups) -> bool:
    return home_of(first, second) is not None and home_of(second, first) is not None


# each speaker has a list of words, and says each of them twice
LISTS = [(f"{speaker}{number % 3}", speaker) for speaker in SPEAKERS for number in range(6)]


@pytest.mark.parametrize("kind", ["auto", "tokens", "types"])
def test_labels_of_speakers_where_each_word_has_one(kind: str) -> None:
    """Then sex does not vary within words, and is no less the speakers': as is their meaning."""
    data = _rows(LISTS, [SEX[speaker] for _, speaker in LISTS], kind)
    assert data.kind == ("types" if kind == "auto" else kind)
    assert data.permuted == "speaker"
    speakers = Groups.of([speaker for word, speaker in LISTS])
    by_type = Groups.of([name[:3] for name in data.words.names])
    assert data.speakers is not None
    assert _same(data.speakers, by_type if data.kind == "types" else speakers)
    assert _same(data.exchanged, data.speakers)
    assert len(data.units) == len(LISTS) / 2
    name, partitions = held_apart(data, speaker_disjoint=True)
    assert (name, partitions) == ("word+speaker", [data.speakers])
    assert held_apart(data, speaker_disjoint=False) == ("word", [data.units])


@pytest.mark.parametrize(
    ("said", "labels"),
    [
        # a meaning that speakers have several of
        (LISTS, ["ab"[word.endswith("0")] for word, _ in LISTS]),
        # each speaker says one word, or all are one speaker
        ([("abcdef"[at % 6], f"{at % 6}") for at in range(24)], ["xy"[at % 2] for at in range(24)]),
        ([("abcd"[at % 4], f"{at % 12}") for at in range(24)], ["xy"[at % 2] for at in range(24)]),
        ([(word, "ann") for word, _ in LISTS], [SEX[speaker] for _, speaker in LISTS]),
        # each sex reads a list
        ([(SEX[one] + word, one) for word, one in SAID], [SEX[speaker] for _, speaker in SAID]),
    ],
)
@pytest.mark.parametrize("kind", ["tokens", "types"])
def test_labels_of_words(said: Sequence[tuple[str, str]], labels: Sequence[str], kind: str) -> None:
    """Where speakers are no coarser, or have several labels, or all those of a label share it."""
    data = _rows(said, labels, kind)
    assert data.permuted == "word"
    assert data.exchanged is data.units


@pytest.mark.parametrize("kind", ["tokens", "types"])
def test_speakers_of_whom_most_say_one_word(kind: str) -> None:
    """Five words more than speakers show that sex is theirs, and four do not."""
    for repeated in (5, 4):
        speakers = [f"{at:02d}" for at in [*range(20), *range(repeated)]]
        said = [(f"w{at:02d}", speaker) for at, speaker in enumerate(speakers)]
        data = _rows(said, ["mf"[int(speaker) % 2] for speaker in speakers], kind)
        assert (data.permuted == "speaker") is (repeated == 5)


@pytest.mark.parametrize("kind", ["tokens", "types"])
def test_speakers_who_share_a_word_count_as_one(kind: str) -> None:
    """One word that two women say does not make sex a label of words."""
    shared = {"cat0": "ann0"}
    said = [(shared.get(word, word), speaker) for word, speaker in LISTS]
    data = _rows(said, [SEX[speaker] for _, speaker in LISTS], kind)
    assert data.permuted == "speaker"
    both = Groups.of([{"cat": "ann"}.get(word[:3], word[:3]) for word, _ in said])
    names = Groups.of([{"cat": "ann"}.get(name[:3], name[:3]) for name in data.words.names])
    assert _same(data.exchanged, names if kind == "types" else both)


def test_a_word_of_one_token_is_no_label() -> None:
    """What helps is a filter of the corpus: no labelling has more than a word of it."""
    said = [*SAID, ("d", "ann")]
    with pytest.raises(UserError, match=r"'d' has 1 token with a vector; .* set min_tokens in"):
        _rows(said, [word for word, _ in said], "auto")
    # one of several in a label is none that matters
    assert _rows(said, ["x" if word in "cd" else word for word, _ in said], "tokens").unit == "word"


def test_connected_rows() -> None:
    """As by joining what overlaps until nothing does."""
    rng = np.random.default_rng(5)
    for _ in range(30):
        first, second = (Groups.of(rng.integers(0, 9, 14)) for _ in range(2))
        apart = [{row} for row in range(14)]
        for part in (first, second):
            for code in range(len(part)):
                together = set(np.flatnonzero(part.codes == code).tolist())
                joined = set().union(*(each for each in apart if each & together))
                apart = [each for each in apart if not each & together] + [joined]
        expected = [next(at for at, each in enumerate(apart) if row in each) for row in range(14)]
        assert _same(connected(first, second), Groups.of(expected))


@pytest.mark.parametrize("numbers", [range(40), [*range(5)] * 8])
def test_p_of_a_label_of_speakers_is_uniform_under_the_null(numbers: Sequence[int]) -> None:
    """Vectors that hold the speaker and nothing of sex, whoever says which words.

    Where each has words of their own these, too, have one label: exchanged, they make p small.
    """
    rng = np.random.default_rng(11)
    who = np.repeat(np.arange(8), 5)
    said = [(f"{number:02d}", f"s{one}") for number, one in zip(numbers, who, strict=True)]
    ranks: dict[str, list[float]] = {"speaker": [], "word": []}
    for seed in range(100):
        labels = ["fm"[half] for half in (rng.permutation(8) % 2)[who]]
        data = _rows(said, labels, "auto")
        rows = 2 * rng.normal(size=(8, 5))[who] + rng.normal(size=(40, 5))
        assert data.permuted == "speaker"
        for name, exchanged in (("speaker", data.exchanged), ("word", data.units)):
            found = score(
                Distances(rows, "cosine"), data.grouping, data.units,
                exchanged=exchanged, permutations=9, seed=seed,
            )  # fmt: skip
            # the same division of speakers may come out again: ties at random
            above, equal = (np.sum(found.null[0] - found.estimate[0] > d) for d in (1e-9, -1e-9))
            ranks[name].append((above + rng.uniform() * (1 + equal - above)) / 10)
    assert kstest(ranks["speaker"], "uniform").pvalue > 0.01
    if len(set(numbers)) == 40:
        assert np.mean(np.array(ranks["word"]) <= 0.1) > 0.7
