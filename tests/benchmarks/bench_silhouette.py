"""Cosine silhouettes against scikit-learn, whose time grows with the square of the rows.

One layer is run; the time of 12 is 12 times that, ours and theirs.

Usage: python tests/benchmarks/bench_silhouette.py [rows] [more rows] [groups] [features] [rounds]
"""

import sys
from functools import partial

import numpy as np
from measure import Measured, Row, measure, report
from sklearn.metrics import silhouette_samples

from groundscope.metrics.distances import Distances
from groundscope.metrics.groups import Floats, Groups, Integers
from groundscope.metrics.silhouette import score
from groundscope.metrics.silhouette_coefficients import silhouettes

_LAYERS, _CHECKED = 12, 50


def _expected(vectors: Floats, codes: Integers, row: int) -> float:
    """Silhouette of one row from its distances to all others."""
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    distances = 1 - unit @ unit[row]
    sums, sizes = np.bincount(codes, distances), np.bincount(codes)
    inner = sums[codes[row]] / (sizes[codes[row]] - 1)
    outer = np.delete(sums / sizes, codes[row]).min()
    return float((outer - inner) / max(outer, inner))


def main() -> None:
    """Print the rows of the table."""
    given = [*map(int, sys.argv[1:])]
    rows, more, groups, features, rounds = (given + [10_000, 100_000, 100, 768, 2][len(given) :])[
        :5
    ]
    rng = np.random.default_rng(0)
    codes = rng.integers(0, groups, more)
    vectors = rng.normal(size=(more, features)) + rng.normal(size=(groups, features))[codes] / 4

    def plain(count: int) -> Floats:
        return silhouettes(Distances(vectors[:count], "cosine"), Groups.of(codes[:count]))

    def with_errors(count: int) -> Floats:
        words = Groups.of([f"w{number:07d}" for number in range(count)])
        labels = Groups.of(codes[:count])
        return score(Distances(vectors[:count], "cosine"), labels, words, exchanged=words).rows

    theirs = partial(silhouette_samples, vectors[:rows], codes[:rows], metric="cosine")
    works = {"plain": partial(plain, rows), "errors": partial(with_errors, rows), "peer": theirs}
    found = measure(works, rounds)
    many, slower = measure({"plain": partial(plain, more)}, rounds)["plain"]
    expected, slow = found["peer"]
    off = np.abs(found["plain"][0] - expected).max()
    few = rng.choice(more, _CHECKED, replace=False)
    off_many = max(abs(many[row] - _expected(vectors, codes, row)) for row in few)

    def row(work: str, ours: Measured, count: int, target: float, differs: float) -> Row:
        return Row(
            f"silhouette {work}, n {count}, k {groups}, {_LAYERS} layers",
            "scikit-learn",
            ours.times(_LAYERS),
            slow.times(_LAYERS * (count / rows) ** 2),
            "1 layer" if count == rows else f"1 layer, n {rows}",
            target=target,
            agreement=f"differs by {differs:.0e}",
        )

    report(
        [
            row("of every row", found["plain"][1], rows, 20, float(off)),
            row("of every row", slower, more, 200, float(off_many)),
            row("with jackknife errors", found["errors"][1], rows, 0, float(off)),
        ]
    )


if __name__ == "__main__":
    main()
