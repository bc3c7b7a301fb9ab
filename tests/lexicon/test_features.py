"""Distance by articulatory features, against PanPhon's own code."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from panphon.distance import Distance

from groundscope.errors import UserError
from groundscope.lexicon.distance import (
    distances,
    encode,
    feature_distance,
    near_pairs,
    pair_distances,
)

# German, Turkish, English and Finnish words in IPA, as separate phones
WORDS = [
    word.split()
    for word in (
        "\u0283 t \u0281 a\u02d0 s \u0259",
        "k \u025b\u02d0 z \u0259",
        "ts v \u0153 l f",
        "\u026f \u0283 \u026f k",
        "t\u0283 i t\u0283 e k",
        "k l \u025c\u02d0 k",
        "a\u026a s",
        "y \u00f8",
        "h y\u02d0 \u028b \u00e6\u02d0",
        "s",
    )
]


@pytest.fixture(scope="module")
def published() -> Distance:
    """PanPhon's own measures."""
    return Distance()


def theirs(published: Distance, first: Sequence[str], second: Sequence[str]) -> float:
    """Give PanPhon's distance of two words."""
    words = "".join(first), "".join(second)
    return float(published.hamming_feature_edit_distance_div_maxlen(*words))


def test_distance_is_panphons(published: Distance) -> None:
    """All pairs of words, one by one, as a list and as a grid, are PanPhon's numbers."""
    expected = np.array([[theirs(published, a, b) for b in WORDS] for a in WORDS])
    single = np.array([[feature_distance(a, b) for b in WORDS] for a in WORDS])
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-12)
    codes = encode(WORDS, "features")
    np.testing.assert_array_equal(distances(codes, codes, "features"), single)
    left, right = zip(*product(codes, codes), strict=True)
    np.testing.assert_array_equal(pair_distances(left, right, "features"), single.ravel())


def test_near_pairs_are_those_of_the_grid() -> None:
    """The search by length misses no pair and finds none twice."""
    codes = encode(WORDS, "features")
    whole = distances(codes, codes, "features")
    for near in (0.1, 0.35, 1.0):
        left, right, apart = near_pairs(codes, near, "features")
        found = dict(zip(zip(left.tolist(), right.tolist(), strict=True), apart, strict=True))
        assert len(found) == len(left)
        assert found == {(i, j): whole[i, j] for i, j in np.argwhere(whole <= near).tolist()}


def test_one_feature_is_one_24th() -> None:
    """B is a voiced P; an insertion costs all; stress and the alphabet do not count."""
    assert feature_distance(["P"], ["B"]) == 1 / 24
    assert feature_distance(["K", "AE1", "T"], ["K", "AE1", "T", "S"]) == 1 / 4
    ipa = ["tʃ", "\u02c8\u00e6", "t"]
    assert feature_distance(["CH", "AE1", "T"], ipa) == 0.0


def test_a_sound_that_is_not_known_is_named() -> None:
    """What PanPhon cannot read is refused, not left out."""
    for phone in ("Q9", "?", "\u02c8", "t?"):
        with pytest.raises(UserError, match="does not know the phone") as caught:
            encode([["t", phone]], "features")
        assert repr(phone) in str(caught.value)
