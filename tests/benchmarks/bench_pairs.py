"""Word pairs against the papers' way: a loop that looks up two rows of a data frame for each pair.

Usage: python tests/benchmarks/bench_pairs.py [tokens] [layers]
"""

import importlib
import sys
from functools import partial

import numpy as np
from measure import Measured, measure, show

from groundscope.metrics.groups import Groups
from groundscope.metrics.pair_kinds import draw_pairs, score_layer

_SEEDS = (42, 12, 25, 31, 69)
_SLICE = 2000


def main() -> None:
    """Print the table; the loop's time for all pairs is scaled from 2,000 pairs."""
    given = [*map(int, sys.argv[1:])]
    tokens, layers = (given + [10_000, 12][len(given) :])[:2]
    rng = np.random.default_rng(0)
    words = Groups.of((rng.pareto(1.0, tokens) * 300).astype(np.intp) % 3300)
    speakers = Groups.of(rng.integers(0, 80, tokens))
    vectors = [rng.normal(size=(tokens, 768)) for _ in range(layers)]
    names = words.names
    related = [(str(a), str(b)) for a, b in rng.choice(names, size=(3000, 2)) if a != b]

    def ours(replicates: int) -> int:
        draws = draw_pairs(
            words,
            speakers=speakers,
            relations={"synonym": related[:1500], "near-homophone": related[1500:]},
            whole={},
            sample=tokens,
            seeds=_SEEDS,
        )
        scores = [score_layer(rows, draws, replicates=replicates, seed=0) for rows in vectors]
        return sum(each.pairs for each in scores[0].values()) * len(_SEEDS) * layers

    pairs, fast = measure(partial(ours, 0))
    _, full = measure(partial(ours, 200))
    table = importlib.import_module("pandas").DataFrame({"vector": list(vectors[0])})
    left, right = rng.integers(0, tokens, size=(2, _SLICE))

    def loop() -> list[float]:
        found = []
        for a, b in zip(left, right, strict=True):
            x, y = table.loc[a, "vector"], table.loc[b, "vector"]
            found.append(float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y))))
        return found

    _, part = measure(loop)
    scaled = Measured(part.seconds * pairs / _SLICE, part.memory_mib)
    show(
        f"Word pairs, 5 seeds, 5 kinds, {layers} layers, {tokens} tokens ({pairs} pairs)",
        [
            ("groundscope", fast, f"{scaled.seconds / fast.seconds:.0f}x"),
            ("groundscope, with bootstrap of the AUC", full, ""),
            ("loop over a data frame, scaled", scaled, f"from {_SLICE} pairs"),
        ],
    )


if __name__ == "__main__":
    main()
