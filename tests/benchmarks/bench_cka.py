"""Linear CKA of all layers x all layers against Gram code, one pair at a time.

Usage: python tests/benchmarks/bench_cka.py [rows] [features] [layers]
"""

import importlib
import sys
from functools import partial

import numpy as np
import torch
from measure import measure, product_rate, show

from groundscope.metrics.alignment import Source, compare_layers
from groundscope.metrics.groups import Floats, Groups


def _gram_code(x: Floats, y: Floats) -> float:
    """Biased linear CKA by centred n x n Gram matrices, as published code does it."""
    grams = []
    for rows in (x, y):
        gram = rows @ rows.T
        means = gram.mean(axis=0)
        means -= means.mean() / 2
        gram -= means[:, None]
        gram -= means
        grams.append(gram)
    scale = np.linalg.norm(grams[0]) * np.linalg.norm(grams[1])
    return float(grams[0].ravel() @ grams[1].ravel() / scale)


def main() -> None:
    """Print the table."""
    given = [*map(int, sys.argv[1:])]
    rows, features, layers = (given + [10_000, 768, 13][len(given) :])[:3]
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(rows, features))

    def load(seed: int) -> Floats:
        noise = np.random.default_rng(seed).normal(size=(rows, features))
        return np.asarray(shared + noise)

    made = {seed: load(seed) for seed in range(2 * layers)}
    sources = [Source("layer", features, partial(made.__getitem__, seed)) for seed in made]
    left, right = sources[:layers], sources[layers:]
    words = Groups.of([f"w{number:06d}" for number in range(rows)])
    theirs = importlib.import_module("ckatorch.core")
    rate = product_rate(rows, features)
    result, ours = measure(partial(compare_layers, left, right, words))
    # X'Y and (X'Y)Y for every pair and every layer with itself
    operations = 4 * rows * features**2 * (layers**2 + 2 * layers)
    share = operations / ours.seconds / rate
    x, y = left[0].load(), right[0].load()
    gram, gram_time = measure(partial(_gram_code, x, y))
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    torch_biased, torch_time = measure(partial(theirs.cka_base, *tensors))
    torch_debiased, debiased_time = measure(partial(theirs.cka_base, *tensors, unbiased=True))
    pairs = layers**2
    lines = [
        (f"groundscope, {pairs} pairs, errors, both", ours, f"{share:.0%} of {rate / 1e9:.0f} GF/s")
    ]
    for name, value, index, measured in (
        ("Gram code, 1 pair, no errors", gram, 1, gram_time),
        ("ckatorch, 1 pair, no errors", float(torch_biased), 1, torch_time),
        ("ckatorch debiased, 1 pair, no errors", float(torch_debiased), 0, debiased_time),
    ):
        ratio = measured.seconds * pairs / ours.seconds
        memory = measured.memory_mib / max(ours.memory_mib, 1)
        off = abs(value - result.estimate[index, 0, 0])
        remark = f"all pairs: {ratio:.0f}x time, {memory:.1f}x memory; differs by {off:.1e}"
        lines.append((name, measured, remark))
    show(f"Linear CKA, n = {rows}, d = {features}, {layers} x {layers} layers", lines)


if __name__ == "__main__":
    main()
