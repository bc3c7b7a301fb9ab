"""Word pairs against the papers' way: a loop that looks up two rows of a data frame for each pair.

The sizes are those of Choi et al. (2024): 10,000 tokens of some 3,330 words, near-homophones 0.1%
of all pairs of tokens. The loop's time for all pairs is scaled from a slice.

Usage: python tests/benchmarks/bench_pairs.py [tokens] [layers] [rounds]
"""

import importlib
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from measure import Row, measure, report

from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.pair_kinds import draw_pairs, score_layer

_SEEDS = (42, 12, 25, 31, 69)
_SLICE, _TYPES, _SHARE = 3000, 14_000, 0.001


def _related(words: Groups, share: float, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Pairs of words, drawn until their tokens make up a share of all pairs of tokens."""
    first, second = rng.integers(0, len(words), size=(2, len(words) ** 2 // 20))
    sizes = words.sizes[first] * words.sizes[second]
    count = int(np.searchsorted(np.cumsum(sizes), share * len(words.codes) ** 2))
    pairs = zip(words.names[first[:count]], words.names[second[:count]], strict=True)
    return [(str(a), str(b)) for a, b in pairs]


def main() -> None:
    """Print the rows of the table."""
    given = [*map(int, sys.argv[1:])]
    tokens, layers, rounds = (given + [10_000, 12, 3][len(given) :])[:3]
    rng = np.random.default_rng(0)
    frequency = 1 / (np.arange(_TYPES) + 2.7)
    words = Groups.of(rng.choice(_TYPES, tokens, p=frequency / frequency.sum()))
    speakers = Groups.of(rng.integers(0, 80, tokens))
    vectors = [rng.normal(size=(tokens, 768)).astype(np.float32) for _ in range(layers)]
    relations = {
        "near-homophone": _related(words, _SHARE, rng),
        "synonym": _related(words, _SHARE / 4, rng),
    }

    def ours(replicates: int) -> int:
        draws = draw_pairs(
            words, speakers=speakers, relations=relations, whole={}, sample=tokens, seeds=_SEEDS
        )
        scores = [score_layer(rows, draws, replicates=replicates, seed=0) for rows in vectors]
        return sum(each.pairs for each in scores[0].values()) * len(_SEEDS) * layers

    table = importlib.import_module("pandas").DataFrame({"vector": list(vectors[0])})
    left, right = rng.integers(0, tokens, size=(2, _SLICE))

    def loop() -> Floats:
        found = []
        for a, b in zip(left, right, strict=True):
            x, y = table.loc[a, "vector"], table.loc[b, "vector"]
            found.append(float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y))))
        return np.array(found)

    works: dict[str, Callable[[], Any]] = {"plain": partial(ours, 0), "loop": loop}
    found = measure({**works, "bootstrap": partial(ours, 200)}, rounds)
    pairs, fast = found["plain"]
    slow = found["loop"][1].times(pairs / _SLICE)
    work = f"word pairs, 5 seeds, 5 kinds, {layers} layers of {tokens}"
    scaled = f"{_SLICE} of {pairs / 1e6:.1f} million pairs"
    report(
        [
            Row(work, "loop over a data frame", fast, slow, scaled, target=500),
            Row(
                f"{work}, with AUC intervals",
                "loop, which has none",
                found["bootstrap"][1],
                slow,
                scaled,
            ),
        ]
    )


if __name__ == "__main__":
    main()
