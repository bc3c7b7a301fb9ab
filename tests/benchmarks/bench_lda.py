"""Held-out LDA against scikit-learn's cross_val_predict on the same folds.

Usage: python tests/benchmarks/bench_lda.py [rows] [features] [classes] [scikit-learn folds]
"""

import sys
from functools import partial

import numpy as np
from measure import Measured, measure, show
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold

from groundscope.metrics.discriminant import held_out

_FOLDS, _REPEATS = 10, 5


def main() -> None:
    """Print the table; scikit-learn's time for all folds is scaled from the folds it ran."""
    given = [*map(int, sys.argv[1:])]
    rows, features, classes, ran = (given + [10_000, 768, 50, 3][len(given) :])[:4]
    rng = np.random.default_rng(0)
    codes = rng.integers(0, classes, rows)
    vectors = rng.normal(size=(rows, features))
    vectors[:, :classes] += 1.5 * np.eye(classes)[codes]
    folds = [
        fold
        for seed in range(_REPEATS)
        for fold in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(vectors, codes)
    ]
    lines = []
    for solver, model in (
        ("shrinkage", LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
        ("svd", LinearDiscriminantAnalysis()),
    ):
        found, ours = measure(partial(held_out, vectors, codes, classes, folds, solver))

        def theirs(model: LinearDiscriminantAnalysis = model) -> list[np.ndarray]:
            return [
                model.fit(vectors[train], codes[train]).predict(vectors[test])
                for train, test in folds[:ran]
            ]

        expected, part = measure(theirs)
        scaled = Measured(part.seconds * len(folds) / ran, part.memory_mib)
        wrong = sum(int((a != b).sum()) for a, b in zip(found, expected, strict=False))
        ratio = f"{scaled.seconds / ours.seconds:.1f}x; {wrong} predictions differ"
        lines += [(f"groundscope {solver}", ours, ratio), (f"scikit-learn {solver}", scaled, "")]
    show(f"LDA, {_FOLDS} folds x {_REPEATS}, n = {rows}, d = {features}, {classes} classes", lines)


if __name__ == "__main__":
    main()
