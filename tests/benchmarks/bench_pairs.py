"""Word pairs against the papers' way: a loop over the pairs of a data frame.

The sizes are those of Choi et al. (2024): 10,000 tokens of some 3,330 words, near-homophones 0.1%
of all pairs of tokens. For each pair and layer the published loop takes either row of the frame
twice, once for the word and once for the vectors of all layers, and collects cosines by pair of
words. Its time for all pairs is scaled from a slice; listing the pairs, which it does anew for
every layer, is left out. The second loop takes a vector from a frame of one layer, and no words.

Usage: python tests/benchmarks/bench_pairs.py [tokens] [layers] [rounds]
"""

import importlib
import sys
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from measure import Row, measure, report

from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.pair_kinds import draw_pairs
from groundscope.metrics.pair_scores import score_layer

_SEEDS = (42, 12, 25, 31, 69)
_SLICE, _TYPES, _SHARE = 3000, 14_000, 0.001


def _related(words: Groups, share: float, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Pairs of words, drawn until their tokens make up a share of all pairs of tokens."""
    first, second = rng.integers(0, len(words), size=(2, len(words) ** 2 // 20))
    sizes = words.sizes[first] * words.sizes[second]
    count = int(np.searchsorted(np.cumsum(sizes), share * len(words.codes) ** 2))
    pairs = zip(words.names[first[:count]], words.names[second[:count]], strict=True)
    return [(str(a), str(b)) for a, b in pairs]


def _cosine(x: Floats, y: Floats) -> float:
    x, y = np.array(x), np.array(y)
    return float(np.dot(x, y) / (np.linalg.norm(x) * np.linalg.norm(y)))


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

    frame = importlib.import_module("pandas").DataFrame
    columns = {"text": words.names[words.codes], "speaker": speakers.names[speakers.codes]}
    stacks = np.stack(vectors, axis=1)
    table = frame({**columns, "feat": list(stacks)})
    flat = frame({"vector": list(vectors[0])})
    left, right = rng.integers(0, tokens, size=(2, _SLICE))

    def published() -> Floats:
        found = defaultdict(list)
        for a, b in zip(left, right, strict=True):
            pair = table.loc[a].text, table.loc[b].text
            found[pair].append(_cosine(table.loc[a].feat[0], table.loc[b].feat[0]))
        return np.array([np.mean(cosines) for cosines in found.values()])

    def scalar() -> Floats:
        rows = flat.loc
        pairs = zip(left, right, strict=True)
        return np.array([_cosine(rows[a, "vector"], rows[b, "vector"]) for a, b in pairs])

    works: dict[str, Callable[[], Any]] = {
        "plain": partial(ours, 0),
        "published": published,
        "scalar": scalar,
        "bootstrap": partial(ours, 200),
    }
    found = measure(works, rounds)
    pairs = found["plain"][0]
    work = f"word pairs, 5 seeds, 5 kinds, {layers} layers of {tokens}"
    scaled = f"{_SLICE} of {pairs / 1e6:.1f} million pairs"
    table_rows = []
    for name, own, peer, target in (
        (work, "plain", "published", 500),
        (f"{work}, with AUC intervals", "bootstrap", "published", 0),
        (work, "plain", "scalar", 0),
    ):
        slow = found[peer][1].times(pairs / _SLICE)
        said = "published loop" if peer == "published" else "loop over vectors"
        table_rows.append(Row(name, said, found[own][1], slow, scaled, target=target))
    report(table_rows)


if __name__ == "__main__":
    main()
