"""Order statistics of values that are too many to hold, which a stream gives again and again."""

from collections.abc import Callable, Iterable

import numpy as np

from groundscope.metrics.groups import Floats

# values that are held and sorted; bits that a pass adds to what is known of a value, 63 in all
_FEW = 2**22
_BITS = 21


def two_in_order(
    stream: Callable[[], Iterable[Floats]], count: int, place: int
) -> tuple[float, float]:
    """Find the values that sorting would put at a place and at the next.

    Non-negative numbers are in the order of their bits: each pass counts the values by the next 21
    bits, until those that share the bits of the wanted one are few, or the same. There are at most
    four passes, and the last holds at most 4 million values.

    Parameters
    ----------
    stream
        Gives the values in parts of any shape, float64, not negative (nor ``-0.0``), the same in
        each call.
    count
        Number of values.
    place
        From 0; the last one is next to infinity.
    """
    low, size, before, inside = 0, 1 << 63, 0, count
    while inside > _FEW and size > 1:
        counts = np.zeros(1 << _BITS, np.int64)
        for values in stream():
            offsets = values.view(np.int64) - low
            offsets = offsets[(offsets >= 0) & (offsets < size)]
            counts += np.bincount(offsets >> (size.bit_length() - 1 - _BITS), minlength=1 << _BITS)
        size >>= _BITS
        found = int(np.searchsorted(np.cumsum(counts), place - before, side="right"))
        low += found * size
        before += int(counts[:found].sum())
        inside = int(counts[found])
    kept, following = [], np.inf
    for values in stream():
        offsets = values.view(np.int64) - low
        if size > 1:
            kept.append(values[(offsets >= 0) & (offsets < size)])
        following = min(following, float(values[offsets >= size].min(initial=np.inf)))
    at = place - before
    if size == 1:
        value = float(np.int64(low).view(np.float64))
        return value, value if at + 1 < inside else following
    some = np.concatenate([*kept, [following]])
    some.partition([at, at + 1])
    return float(some[at]), float(some[at + 1])
