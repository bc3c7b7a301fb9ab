"""Phones as articulatory features: how far apart two sounds are, not only whether they differ.

Features are those of PanPhon (Mortensen et al. 2016, aclanthology.org/C16-1328): 24 of each
segment of the International Phonetic Alphabet, each plus, minus or unspecified.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundscope.errors import UserError
from groundscope.lexicon.arpabet import IPA

FEATURES = 24  # of a segment; an edit costs this much, so that all costs are whole numbers
_FIRST = 0xF0000  # code points that stand for one segment each
_CELLS = 1 << 18  # pairs compared at a time
_STRESS = "ˈˌ"
# what espeak-ng and keyboards write for segments that PanPhon has under another sign
_SAME = str.maketrans({"g": "\u0261", ":": "\u02d0", "ᵻ": "ɨ", "ɝ": "ɹ\u0329", "ɚ": "ɹ\u0329"})


def encode_segments(pronunciations: Sequence[Sequence[str]]) -> list[str]:
    """Write pronunciations with one character a segment; a diphthong or affricate is two.

    Parameters
    ----------
    pronunciations
        Phones of each word, IPA or ARPAbet, with or without stress.

    Raises
    ------
    UserError
        PanPhon does not know a phone; it is named.
    """
    code = {phone: _segments(phone) for phones in pronunciations for phone in phones}
    return ["".join(code[phone] for phone in phones) for phones in pronunciations]


def segment_edits(left: Sequence[str], right: Sequence[str]) -> NDArray[np.int64]:
    """Compute the edit distance of each element of `left` to the same element of `right`.

    In 24ths: an insertion or deletion is 24, a substitution the number of features that differ.

    Parameters
    ----------
    left, right
        What `encode_segments` returned.
    """
    edits = np.empty(len(left), dtype=np.int64)
    places: dict[tuple[int, int], list[int]] = {}
    for place, (first, second) in enumerate(zip(left, right, strict=True)):
        places.setdefault((len(first), len(second)), []).append(place)
    for every in places.values():
        for begin in range(0, len(every), _CELLS):
            own = every[begin : begin + _CELLS]
            pairs = (_indices([side[place] for place in own]) for side in (left, right))
            edits[own] = _edits(*pairs)
    return edits


def segment_grid(rows: Sequence[str], columns: Sequence[str]) -> NDArray[np.int64]:
    """Compute `segment_edits` of all rows with all columns, shape ``[len(rows), len(columns)]``."""
    edits = np.empty((len(rows), len(columns)), dtype=np.int64)
    across = _by_length(columns)
    for own in _by_length(rows):
        first = _indices([rows[place] for place in own])[:, None]
        for others in across:
            second = _indices([columns[place] for place in others])[None, :]
            step = max(1, _CELLS // len(others))
            for begin in range(0, len(own), step):
                part = slice(begin, begin + step)
                edits[np.ix_(own[part], others)] = _edits(first[part], second)
    return edits


def _by_length(codes: Sequence[str]) -> list[NDArray[np.intp]]:
    lengths = np.array([len(code) for code in codes], dtype=np.intp)
    return [np.flatnonzero(lengths == length) for length in np.unique(lengths)]


def _indices(codes: Sequence[str]) -> NDArray[np.intp]:
    return np.array([[ord(sign) - _FIRST for sign in code] for code in codes], dtype=np.intp)


def _edits(left: NDArray[np.intp], right: NDArray[np.intp]) -> NDArray[np.int32]:
    """Run Wagner and Fischer's table on all pairs at once; the last axis holds the segments."""
    present = np.unique(np.concatenate([left.ravel(), right.ravel()]))
    vectors = _table()[1][present]
    costs = (vectors[:, None] != vectors[None]).sum(axis=-1, dtype=np.int32)
    left, right = np.searchsorted(present, left), np.searchsorted(present, right)
    shape = np.broadcast_shapes(left.shape[:-1], right.shape[:-1])
    above = [np.full(shape, FEATURES * j, np.int32) for j in range(right.shape[-1] + 1)]
    for i in range(left.shape[-1]):
        row = [np.full(shape, FEATURES * (i + 1), np.int32)]
        for j in range(right.shape[-1]):
            changed = above[j] + costs[left[..., i], right[..., j]]
            row.append(np.minimum(changed, np.minimum(above[j + 1], row[-1]) + FEATURES))
        above = row
    return above[-1]


@cache
def _segments(phone: str) -> str:
    signs, _ = _table()
    base = phone.rstrip("012") if phone[:1].isupper() else phone
    written = IPA.get(base, phone).strip(_STRESS).translate(_SAME)
    segments = _splitter().ipa_segs(written)
    # what is left over would be ignored
    if not segments or len("".join(segments)) != len(_splitter().normalize(written)):
        message = (
            f"unit features: PanPhon does not know the phone {phone!r}; expected IPA or ARPAbet"
        )
        raise UserError(message)
    return "".join(signs[segment] for segment in segments)


@cache
def _table() -> tuple[dict[str, str], NDArray[np.int8]]:
    """Segment -> its sign, and the features of all segments."""
    segments = _splitter().segments
    vectors = np.array([each.numeric() for _, each in segments], dtype=np.int8)
    return {name: chr(_FIRST + place) for place, (name, _) in enumerate(segments)}, vectors


@cache
def _splitter() -> Any:
    from panphon import FeatureTable

    return FeatureTable()
