"""Distances between pronunciations, one named function for each that the papers use."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

Phones = Sequence[str]
_PRIVATE_USE = 0xE000  # code points that stand for one phone each
_BLOCK = 1_000  # rows of a distance matrix that are held at a time


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


def encode(pronunciations: Sequence[Phones], unit: str) -> list[str]:
    """Write pronunciations so that one character is one unit of the edit distance.

    Parameters
    ----------
    pronunciations
        Phone symbols of each word.
    unit
        ``phones`` for `phone_distance`, ``arpabet`` for `arpabet_distance`.
    """
    if unit == "arpabet":
        return [" ".join(phones) for phones in pronunciations]
    symbols = sorted({phone for phones in pronunciations for phone in phones})
    code = {symbol: chr(_PRIVATE_USE + number) for number, symbol in enumerate(symbols)}
    return ["".join(code[phone] for phone in phones) for phones in pronunciations]


def distance_rows(
    rows: Sequence[str], columns: Sequence[str], *, workers: int = 1
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Yield blocks of the matrix of distances between encoded pronunciations.

    Parameters
    ----------
    rows, columns
        What `encode` returned (of one call).
    workers
        Threads; does not change the result.

    Yields
    ------
    start : int
        Index of the block's first row.
    block : NDArray[np.float64]
        Shape ``[at most 1000, len(columns)]``. Quotients of integers in float64, so that a
        threshold such as 0.4 includes 2/5.
    """
    lengths = np.array([len(code) for code in columns])
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        edits = cdist(block, columns, scorer=Levenshtein.distance, dtype=np.uint16, workers=workers)
        longer = np.maximum(np.array([len(code) for code in block])[:, None], lengths[None, :])
        yield start, edits / longer


def distances(pronunciations: Sequence[Phones], unit: str) -> NDArray[np.float64]:
    """Distance matrix of a few pronunciations, shape ``[n, n]``; see `encode` for `unit`."""
    codes = encode(pronunciations, unit)
    return np.concatenate([block for _, block in distance_rows(codes, codes)])
