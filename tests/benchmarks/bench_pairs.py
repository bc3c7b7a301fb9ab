"""Word pairs against the papers' loop, which looks up two table rows for every pair.

Usage: python tests/benchmarks/bench_pairs.py [tokens] [layers]
"""

import sys

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

    def ours() -> int:
        draws = draw_pairs(
            words,
            speakers=speakers,
            relations={"synonym": related[:1500], "near-homophone": related[1500:]},
            whole={},
            sample=tokens,
            seeds=_SEEDS,
        )
        scores = [score_layer(rows, draws, replicates=200, seed=0) for rows in vectors]
        return sum(each.pairs for each in scores[0].values()) * len(_SEEDS) * layers

    pairs, fast = measure(ours)
    table = {f"t{number}": row for number, row in enumerate(vectors[0])}
    left, right = rng.integers(0, tokens, size=(2, _SLICE))

    def loop() -> list[float]:
        found = []
        for a, b in zip(left, right, strict=True):
            x, y = table[f"t{a}"], table[f"t{b}"]
            found.append(float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y))))
        return found

    _, part = measure(loop)
    scaled = Measured(part.seconds * pairs / _SLICE, part.memory_mib)
    show(
        f"Word pairs, 5 seeds, 5 kinds, {layers} layers, {tokens} tokens ({pairs} pairs)",
        [
            ("groundscope, with AUC and bootstrap", fast, f"{scaled.seconds / fast.seconds:.0f}x"),
            (
                "plain loop (dictionary look-up), scaled",
                scaled,
                "papers' loop looks up a data frame",
            ),
        ],
    )


if __name__ == "__main__":
    main()
