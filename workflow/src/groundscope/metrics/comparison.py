"""Any measure of alignment between all layers of two models, over repeated draws of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from groundscope.metrics import alignment
from groundscope.metrics.alignment import Alignment
from groundscope.metrics.any_measure import align, refit
from groundscope.metrics.groups import Floats, Groups, Integers, of_similar_count
from groundscope.metrics.intervals import bounded, t_interval
from groundscope.metrics.p_values import permutation_p
from groundscope.metrics.sources import Source

# of one row a word, by cosines
OF_WORDS = ("rsa", "knn")
MEASURES = ("cka-linear", "cka-rbf", *OF_WORDS)


@dataclass(frozen=True)
class Comparison:
    """Alignment of layers A x layers B by one measure, shape ``[estimators, A, B]`` throughout.

    Attributes
    ----------
    estimators
        ``debiased`` and ``biased`` (CKA), or ``plain``.
    estimate, draw_sd
        Mean and standard deviation over draws; the latter is missing for one draw.
    standard_error, low, high
        Jackknife over word types; its variance is the mean over draws, which is on the safe side
        since draws differ. Limits are cut at 1 and at what the estimate cannot be below: 0 where it
        is biased CKA or a share of neighbours, and -1.
    null_mean, null_high, p_value
        Word types of one side permuted, among those that are means of about as many tokens, and
        their space fitted anew where it depends on their order (`Source.moved`): mean, 95th
        percentile and one-sided p of the first draw; missing without permutations.
    draws
        Draws made.
    first_draw
        Rows of the first draw, as indices, shape ``[n]``.
    """

    estimators: Sequence[str]
    estimate: Floats
    draw_sd: Floats
    standard_error: Floats
    low: Floats
    high: Floats
    null_mean: Floats
    null_high: Floats
    p_value: Floats
    draws: int
    first_draw: Integers


def compare(
    left: Sequence[Source],
    right: Sequence[Source],
    groups: Groups,
    *,
    measure: str,
    sample: int | None = None,
    draws: int = 1,
    tokens: Integers | None = None,
    permutations: int = 0,
    neighbours: int = 10,
    seed: int = 0,
) -> Comparison:
    """Compare all layers of two models.

    Parameters
    ----------
    left, right
        Layers of either model, with the same rows.
    groups
        Word type of each row.
    measure
        One of `MEASURES`.
    sample, draws
        Rows of a random draw (None, or more than there are, takes all rows once), and how often
        they are drawn. All layers share the draws.
    tokens
        Of each word type, if rows are means of them: the mean of few is noisier and so farther from
        all others, in every model. Only words of about as many are then exchangeable.
    permutations
        Of the null line.
    neighbours
        k of ``knn``.
    seed
        Of draws and permutations.

    Raises
    ------
    ValueError
        Unknown measure, or rows that it is not defined for.
    """
    found = each_draw(
        left,
        right,
        groups,
        measure=measure,
        sample=sample,
        draws=draws,
        tokens=tokens,
        permutations=permutations,
        neighbours=neighbours,
        seed=seed,
    )
    # the values without each word are large, and not summarised
    parts = [(rows, replace(result, without=np.empty(0))) for rows, result in found]
    return _summary([result for _, result in parts], parts[0][0], measure)


def each_draw(
    left: Sequence[Source],
    right: Sequence[Source],
    groups: Groups,
    *,
    measure: str,
    sample: int | None = None,
    draws: int = 1,
    every: bool = False,
    tokens: Integers | None = None,
    permutations: int = 0,
    neighbours: int = 10,
    seed: int = 0,
) -> Iterator[tuple[Integers, Alignment]]:
    """Give the rows of each draw, and how alike the layers are on them.

    Parameters and errors are those of `compare`, and `every` that of `alignment.compare_layers`.
    Only the first draw has permutations. Groups that are left out are numbered within the draw.
    """
    count = len(groups.codes)
    rng = np.random.default_rng(seed)
    if sample is None or sample >= count:
        chosen = [np.arange(count)]
    else:
        chosen = [np.sort(rng.choice(count, sample, replace=False)) for _ in range(draws)]
    if measure not in MEASURES:
        message = f"measure must be one of {', '.join(MEASURES)}, got {measure!r}"
        raise ValueError(message)
    if measure in OF_WORDS and len(groups) < count:
        message = f"{measure} is defined on one row a word: it needs rows: types"
        raise ValueError(message)
    for number, rows in enumerate(chosen):
        here = Groups.of(groups.names[groups.codes[rows]])
        first = [_drawn(source, rows, count) for source in left]
        second = first if right is left else [_drawn(source, rows, count) for source in right]
        shuffles = 0 if number else permutations
        strata = None
        if tokens is not None:
            strata = of_similar_count(tokens[np.unique(groups.codes[rows])])
        how: dict[str, Any] = {"measure": measure, "neighbours": neighbours}
        shuffled: dict[str, Any] = {"strata": strata, "permutations": shuffles, "seed": seed}
        result = align(first, second, here, every=every, **how, **shuffled)
        if left[0].refitted is not None:
            result = refit(result, first, second, here, left[0].refitted.blocks, rows, **how)
        yield rows, result


def _drawn(source: Source, rows: Integers, count: int) -> Source:
    if len(rows) == count:
        return source
    load, moved, refitted = source.load, source.moved, source.refitted
    return Source(
        source.name,
        source.features,
        lambda: load()[rows],
        None if moved is None else lambda *null: (features[rows] for features in moved(*null)),
        None if refitted is None else refitted.drawn(rows),
    )


def estimators(estimate: Floats) -> Sequence[str]:
    """Names along the first axis of an `Alignment`."""
    return alignment.ESTIMATORS if len(estimate) > 1 else ("plain",)


def _summary(results: Sequence[Alignment], first_draw: Integers, measure: str) -> Comparison:
    estimates = np.stack([result.estimate for result in results])
    estimate = estimates.mean(axis=0)
    variance = np.mean([result.interval.standard_error**2 for result in results], axis=0)
    names = estimators(estimate)
    # debiased CKA is a cosine of U-centred matrices: it may be negative, and is never above 1
    least = [0.0 if name == "biased" or measure == "knn" else -1.0 for name in names]
    interval = bounded(
        t_interval(estimate, np.sqrt(variance), results[0].degrees),
        np.reshape(least, (-1, 1, 1)),
    )
    missing = np.full(estimate.shape, np.nan)
    null = results[0].null
    known = null.shape[-1] > 0
    return Comparison(
        estimators=names,
        estimate=estimate,
        draw_sd=estimates.std(axis=0, ddof=1) if len(results) > 1 else missing,
        standard_error=interval.standard_error,
        low=interval.low,
        high=interval.high,
        null_mean=null.mean(axis=-1) if known else missing,
        null_high=np.percentile(null, 95, axis=-1) if known else missing,
        p_value=permutation_p(results[0].estimate, null) if known else missing,
        draws=len(results),
        first_draw=first_draw,
    )
