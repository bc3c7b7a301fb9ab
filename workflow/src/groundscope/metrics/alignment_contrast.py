"""Paired difference of how alike two models are with a third, by leaving out one word at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundscope.metrics.comparison import each_draw, estimators
from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.intervals import Interval
from groundscope.metrics.jackknife import pseudo_values
from groundscope.metrics.paired_difference import paired_difference
from groundscope.metrics.sources import Source

# what alignments are accurate to
_ROUNDING = 1e-9
_FLIPS_PER_CELL = 100


@dataclass(frozen=True)
class Influence:
    """What each word does to the alignment of layers A x layers B.

    Attributes
    ----------
    estimators
        ``debiased`` and ``biased`` (CKA), or ``plain``.
    estimate
        Mean over draws, shape ``[estimators, A, B]``.
    without
        The same without each of the words that were drawn, shape ``[estimators, A, B, words]``; of
        ``knn`` to first order (`neighbours.Neighbours.without`); in a fitted space without each
        block of words (`sources.Refitted`).
    draws
        Draws made.
    rows
        Rows of all draws, as indices, shape ``[n]``.
    """

    estimators: Sequence[str]
    estimate: Floats
    without: Floats
    draws: int
    rows: Integers


@dataclass(frozen=True)
class Contrast:
    """Treated minus control of L layers each with B of a third model, ``[estimators, L, B]``.

    Attributes
    ----------
    treated, control
        Alignment with the third model.
    interval
        Of their difference: bootstrap-t over words.
    p_value
        Two-sided, by random signs.
    """

    treated: Floats
    control: Floats
    interval: Interval
    p_value: Floats


def leave_words_out(
    left: Sequence[Source],
    right: Sequence[Source],
    groups: Groups,
    *,
    measure: str,
    sample: int | None = None,
    draws: int = 1,
    neighbours: int = 10,
    seed: int = 0,
) -> Influence:
    """Align all layers of two models, and leave every word out in turn.

    Parameters and errors are those of `comparison.compare`, which gives the same estimates. A word
    that a draw lacks does nothing to it.
    """
    found = each_draw(
        left,
        right,
        groups,
        measure=measure,
        sample=sample,
        draws=draws,
        every=True,
        neighbours=neighbours,
        seed=seed,
    )
    chosen: list[Integers] = []
    units = groups.codes if left[0].refitted is None else left[0].refitted.blocks
    total, effects = np.zeros((1, 1, 1)), np.zeros((1, 1, 1, int(units.max()) + 1))
    drawn = np.zeros(effects.shape[-1], np.bool_)
    for rows, result in found:
        left_out = result.left_out
        if left[0].refitted is None:
            left_out = np.unique(groups.codes[rows])[left_out]
        effect = np.zeros((*result.estimate.shape, len(drawn)))
        effect[..., left_out] = result.without - result.estimate[..., None]
        chosen.append(rows)
        drawn[left_out] = True
        total, effects = total + result.estimate, effects + effect
    estimate = total / len(chosen)
    without = estimate[..., None] + effects[..., drawn] / len(chosen)
    together = np.unique(np.concatenate(chosen))
    return Influence(estimators(estimate), estimate, without, len(chosen), together)


def contrast(found: Influence, *, replicates: int, permutations: int, seed: int) -> Contrast:
    """Subtract the layers of a control from those of a treated model, paired over words.

    The pseudo-values of words are (`jackknife.pseudo_values`): their mean is the difference.
    Values that differ by rounding only, as of layers that training left as they were, are the same.

    Parameters
    ----------
    found
        Of the layers of the treated model, then those of the control, with those of a third one.
    replicates
        Bootstrap replicates.
    permutations
        Random sign flips; at least 100 for each pair of layers, so that Holm's correction for
        all of them does not depend on how few there are.
    seed
        Of both.

    Raises
    ------
    ValueError
        Fewer than 3 words.
    """
    treated, control = np.split(found.estimate, 2, axis=1)
    with_treated, with_control = np.split(found.without, 2, axis=1)
    difference = treated - control
    without = with_treated - with_control
    same = np.maximum(np.abs(without).max(axis=-1), np.abs(difference)) <= _ROUNDING
    difference[same], without[same] = 0.0, 0.0
    interval, p_value = paired_difference(
        pseudo_values(difference, without),
        replicates=replicates,
        permutations=max(permutations, _FLIPS_PER_CELL * difference[0].size),
        seed=seed,
    )
    return Contrast(treated, control, interval, p_value)
