"""Area under the ROC curve of kinds of word pairs against random pairs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from groundscope.metrics.groups import Floats, Integers


class Similarities(NamedTuple):
    """Similarities ``[t]`` and words ``[t, 2]`` of type pairs."""

    values: Floats
    words: Integers


@dataclass(frozen=True)
class Areas:
    """Chance that a pair of one kind is more similar than a random pair (ties count half).

    Attributes
    ----------
    estimate
        0 to 1; 0.5 for no difference, if random pairs are averaged as those of the kind are.
    resampled
        Bootstrap replicates, those without any pair left out.
    """

    estimate: float
    resampled: Floats


def areas_under_curve(
    kinds: Mapping[str, Similarities], reference: Similarities, counts: Floats
) -> dict[str, Areas]:
    """Area under the ROC curve of each kind against random pairs, with a bootstrap over words.

    A type pair is drawn as often as the product of its words' counts says, one of a word with
    itself as often as the word. Memory does not grow with replicates times pairs.

    Parameters
    ----------
    kinds
        Type pairs of each kind.
    reference
        Random type pairs. They should average as many token pairs as those of the kinds do: where
        cosines are skewed, a mean of several is not above a single one half of the time.
    counts
        Draws of each word in each replicate, shape ``[replicates, words]``.
    """
    ordered, base_words = _in_order(*reference, counts.shape[1])
    ranks, words, resampled = {}, {}, {}
    for kind, (values, pairs) in kinds.items():
        own, words[kind] = _in_order(values, pairs, counts.shape[1])
        below, upto = (np.searchsorted(ordered, own, side=side) for side in ("left", "right"))
        ranks[kind] = below, upto
        resampled[kind] = np.full(len(counts), np.nan)
    cumulated = np.zeros(len(ordered) + 1)
    for replicate, drawn in enumerate(np.pad(counts, ((0, 0), (0, 1)), constant_values=1.0)):
        np.cumsum(drawn[base_words[0]] * drawn[base_words[1]], out=cumulated[1:])
        for kind, (below, upto) in ranks.items():
            weights = drawn[words[kind][0]] * drawn[words[kind][1]]
            total = weights.sum() * cumulated[-1]
            if total > 0:
                # not by BLAS: its threads cost more than such short sums
                reached = np.einsum("i,i->", weights, cumulated[below] + cumulated[upto])
                resampled[kind][replicate] = reached / 2 / total
    return {
        kind: Areas(
            float((below + upto).mean() / 2 / len(ordered)),
            resampled[kind][~np.isnan(resampled[kind])],
        )
        for kind, (below, upto) in ranks.items()
    }


def _in_order(values: Floats, pairs: Integers, one: int) -> tuple[Floats, Integers]:
    """Sorted values and their words, ``[2, t]``; `one` for the second of a word with itself."""
    order = np.argsort(values)
    first, second = pairs[order].T
    return values[order], np.stack([first, np.where(first == second, one, second)])
