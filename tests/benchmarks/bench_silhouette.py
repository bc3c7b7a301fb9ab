"""Cosine silhouettes against scikit-learn.

Usage: python tests/benchmarks/bench_silhouette.py [rows] [groups] [features] [scikit-learn rows]
"""

import sys
from functools import partial

import numpy as np
from measure import Measured, measure, show
from sklearn.metrics import silhouette_samples

from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.silhouette import Distances, score


def main() -> None:
    """Print the table; scikit-learn's time for all rows is scaled by n^2 from the rows it ran."""
    given = [*map(int, sys.argv[1:])]
    rows, groups, features = (given + [10_000, 100, 768][len(given) :])[:3]
    ran = given[3] if len(given) > 3 else rows
    rng = np.random.default_rng(0)
    codes = rng.integers(0, groups, rows)
    vectors = rng.normal(size=(rows, features))
    labels, words = Groups.of(codes), Groups.of([f"w{number:07d}" for number in range(rows)])

    def ours() -> Floats:
        return Distances(vectors, "cosine").silhouettes(labels)

    found, fast = measure(ours, repeats=3)
    _, errors = measure(lambda: score(Distances(vectors, "cosine"), labels, words))
    theirs, slow = measure(partial(silhouette_samples, vectors[:ran], codes[:ran], metric="cosine"))
    scaled = Measured(slow.seconds * (rows / ran) ** 2, slow.memory_mib)
    off = f"scaled from n = {ran}"
    if ran == rows:
        off = f"largest difference {np.abs(found - theirs).max():.1e}"
    show(
        f"Cosine silhouette, n = {rows}, k = {groups}, d = {features}, one layer",
        [
            ("groundscope, every row", fast, f"{scaled.seconds / fast.seconds:.0f}x scikit-learn"),
            ("groundscope, with jackknife errors", errors, ""),
            ("scikit-learn silhouette_samples", scaled, off),
        ],
    )


if __name__ == "__main__":
    main()
