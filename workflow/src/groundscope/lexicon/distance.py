"""Distances between pronunciations, one named function for each that the papers use."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist, cpdist

from groundscope.lexicon.features import (
    FEATURES,
    encode_segments,
    segment_edits,
    segment_grid,
)

Phones = Sequence[str]
_PRIVATE_USE = 0xE000  # code points that stand for one phone each


def phone_distance(first: Phones, second: Phones) -> float:
    """Edit distance over phones, divided by the length of the longer pronunciation.

    Choi et al. 2024 (arXiv 2406.08619), and word pairs of Sauter et al. (arXiv 2509.15837).

    Parameters
    ----------
    first, second
        Phone symbols, without stress in the papers.

    Returns
    -------
    float
        0 (equal) to 1.
    """
    return float(Levenshtein.normalized_distance(list(first), list(second)))


def arpabet_distance(first: Phones, second: Phones) -> float:
    """Edit distance over the characters of the written pronunciations, by the longer one.

    Characters are those of the phones joined by blanks; blanks and stress digits count. Word
    groups of Sauter et al. (arXiv 2509.15837).

    Parameters
    ----------
    first, second
        ARPAbet symbols with stress digits.

    Returns
    -------
    float
        0 (equal) to 1.
    """
    return float(Levenshtein.normalized_distance(" ".join(first), " ".join(second)))


def feature_distance(first: Phones, second: Phones) -> float:
    """Edit distance over segments by their articulatory features, divided by the longer length.

    An insertion or deletion costs 1, a substitution the share of the 24 features of PanPhon that
    differ: its ``hamming_feature_edit_distance_div_maxlen``.

    Parameters
    ----------
    first, second
        Phones of the International Phonetic Alphabet, or ARPAbet; stress does not count.

    Returns
    -------
    float
        0 (equal) to 1.
    """
    left, right = encode([first, second], "features")
    return float(pair_distances([left], [right], "features")[0])


def encode(pronunciations: Sequence[Phones], unit: str) -> list[str]:
    """Write pronunciations so that one character is one unit of the edit distance.

    Parameters
    ----------
    pronunciations
        Phone symbols of each word.
    unit
        ``phones`` for `phone_distance`, ``arpabet`` for `arpabet_distance`, ``features`` for
        `feature_distance`.
    """
    if unit == "features":
        return encode_segments(pronunciations)
    if unit == "arpabet":
        return [" ".join(phones) for phones in pronunciations]
    symbols = sorted({phone for phones in pronunciations for phone in phones})
    code = {symbol: chr(_PRIVATE_USE + number) for number, symbol in enumerate(symbols)}
    return ["".join(code[phone] for phone in phones) for phones in pronunciations]


def distances(
    rows: Sequence[str], columns: Sequence[str], unit: str, *, workers: int = 1
) -> NDArray[np.float64]:
    """Compute the distances between encoded pronunciations, shape ``[len(rows), len(columns)]``.

    `rows` and `columns` come from one call of `encode` with `unit`, and neither is empty.
    """
    longer = np.maximum(_lengths(rows)[:, None], _lengths(columns)[None, :])
    if unit == "features":
        return np.asarray(segment_grid(rows, columns) / (FEATURES * longer), dtype=np.float64)
    edits = cdist(rows, columns, scorer=Levenshtein.distance, dtype=np.uint16, workers=workers)
    return np.asarray(edits / longer, dtype=np.float64)


def pair_distances(left: Sequence[str], right: Sequence[str], unit: str) -> NDArray[np.float64]:
    """Compute the distance of each element of `left` to the same element of `right`."""
    longer = np.maximum(_lengths(left), _lengths(right))
    if unit == "features":
        return np.asarray(segment_edits(left, right) / (FEATURES * longer), dtype=np.float64)
    edits = cpdist(left, right, scorer=Levenshtein.distance, dtype=np.uint16)
    return np.asarray(edits / longer, dtype=np.float64)


def _lengths(codes: Sequence[str]) -> NDArray[np.intp]:
    return np.array([len(code) for code in codes], dtype=np.intp)


def near_pairs(
    codes: Sequence[str], near: float, unit: str, *, workers: int = 1
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Find all pairs of encoded pronunciations that are at most `near` apart.

    Only pronunciations whose lengths allow it are compared.

    Parameters
    ----------
    codes
        What `encode` returned.
    near
        Largest distance, 0 to 1. Quotients of integers are compared with it in float64, so that
        0.4 includes 2/5.
    unit
        That `codes` were encoded with.
    workers
        Threads; does not change the result.

    Returns
    -------
    left, right : NDArray[np.intp]
        Indices; both orders of a pair, and each pronunciation with itself.
    distance : NDArray[np.float64]
        Of each pair.
    """
    step = FEATURES if unit == "features" else 1
    lengths = _lengths(codes)
    members = {length: np.flatnonzero(lengths == length) for length in np.unique(lengths).tolist()}
    found: list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]] = []
    for short, rows in members.items():
        for long, columns in members.items():
            limit = _most_edits(step * long, near)
            if long < short or step * (long - short) > limit:
                continue
            own = [codes[row] for row in rows.tolist()], [codes[each] for each in columns.tolist()]
            edits = _edits_up_to(*own, limit, unit, workers)
            first, second = np.nonzero(edits <= limit)
            pairs = rows[first], columns[second], edits[first, second] / (step * long)
            found.append(pairs)
            if long > short:
                found.append((pairs[1], pairs[0], pairs[2]))
    left, right, distance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return left, right, distance


def _edits_up_to(
    rows: Sequence[str], columns: Sequence[str], limit: int, unit: str, workers: int
) -> NDArray[np.integer]:
    """Count edits; those beyond `limit` need not be exact."""
    if unit == "features":
        return segment_grid(rows, columns)
    return np.asarray(
        cdist(
            rows,
            columns,
            scorer=Levenshtein.distance,
            score_cutoff=limit,
            dtype=np.uint16,
            workers=workers,
        )
    )


def _most_edits(length: int, near: float) -> int:
    """Return the largest number of edits of a pronunciation of `length` that is at most `near`."""
    edits = int(near * length) + 1
    while edits / length > near:
        edits -= 1
    return edits
