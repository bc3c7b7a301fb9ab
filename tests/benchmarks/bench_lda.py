"""Held-out LDA against scikit-learn on the same folds, some of which scikit-learn runs.

Usage: python tests/benchmarks/bench_lda.py [rows] [features] [classes] [folds it runs] [rounds]
"""

import sys
from functools import partial

import numpy as np
from measure import Row, measure, report
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedKFold

from groundscope.metrics.discriminant import held_out
from groundscope.metrics.groups import Integers

_FOLDS, _REPEATS = 10, 5


def main() -> None:
    """Print the rows of the table."""
    given = [*map(int, sys.argv[1:])]
    rows, features, classes, ran, rounds = (given + [10_000, 768, 50, 2, 2][len(given) :])[:5]
    rng = np.random.default_rng(0)
    codes = rng.integers(0, classes, rows)
    vectors = rng.normal(size=(rows, features))
    vectors[:, :classes] += 1.5 * np.eye(classes)[codes]
    folds = [
        fold
        for seed in range(_REPEATS)
        for fold in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(vectors, codes)
    ]

    def theirs(model: LinearDiscriminantAnalysis) -> list[Integers]:
        return [
            model.fit(vectors[train], codes[train]).predict(vectors[test])
            for train, test in folds[:ran]
        ]

    table = []
    for solver, name, model in (
        ("shrinkage", "lsqr", LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
        ("svd", "svd", LinearDiscriminantAnalysis()),
    ):
        ours = partial(held_out, vectors, codes, classes, folds, solver)
        found = measure({"ours": ours, "theirs": partial(theirs, model)}, rounds)
        (expected, slow), (predicted, fast) = found["theirs"], found["ours"]
        wrong = sum(int((a != b).sum()) for a, b in zip(predicted, expected, strict=False))
        table.append(
            Row(
                f"LDA {solver}, {_FOLDS} folds x {_REPEATS}, n {rows}, {classes} classes",
                f"scikit-learn {name}",
                fast,
                slow.times(len(folds) / ran),
                f"{ran} folds",
                target=10,
                agreement=f"{wrong} predictions differ",
            )
        )
    report(table)


if __name__ == "__main__":
    main()
