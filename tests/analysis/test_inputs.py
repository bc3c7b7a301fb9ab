"""What the rows of an analysis are, and what is independent and exchangeable among them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from groundscope.analysis.inputs import Selection
from groundscope.analysis.rows import Rows, held_apart, make_rows
from groundscope.metrics.groups import Groups, home_of

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
        # types have no speaker; each label has one, who may have several labels
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
