"""Agreement of labels with clusters that are found without them: k-means and the Rand index."""

import numpy as np

from groundscope.metrics.groups import (
    Floats,
    Groups,
    Integers,
    equal_rows,
    of_similar_noise,
    permuted_labels,
)


def adjusted_rand(first: Integers, second: Integers) -> float:
    """Compare two partitions by the adjusted Rand index (Hubert and Arabie 1985, eq. 5).

    ``(S - E) / ((A + B) / 2 - E)``: S pairs of rows are together in both, A in the first, B in the
    second, and ``E = A B / pairs`` is expected of partitions with these sizes. 1 is the same
    partition, 0 what chance gives; two partitions that are trivial in the same way have 1.

    Parameters
    ----------
    first, second
        Group of each row, shape ``[n]``, at least 2 rows.
    """
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)

    def pairs(counts: Floats) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    together, a, b = pairs(table), pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    expected = a * b / (len(first) * (len(first) - 1) / 2)
    greatest = (a + b) / 2
    return 1.0 if greatest == expected else (together - expected) / (greatest - expected)


def has_clusters(rows: Floats, labels: Groups) -> bool:
    """Whether there are as many distinct rows, ``[n, d]``, as labels."""
    return int(equal_rows(rows).max()) + 1 >= len(labels)


def agreement(
    rows: Floats,
    labels: Groups,
    *,
    exchanged: Groups,
    tokens: Integers | None = None,
    seeds: int,
    restarts: int,
    permutations: int,
    seed: int,
) -> tuple[Floats, Floats]:
    """Compare labels with as many k-means clusters by the adjusted Rand index.

    Parameters
    ----------
    rows
        Shape ``[n, d]``; unit vectors where directions are compared.
    labels
        Label of each row.
    exchanged
        Rows whose labels move together under the null (see `permuted_labels`).
    tokens
        Behind each row, if rows are means of them: see `of_similar_noise`, shape ``[n]``.
    seeds
        Runs of k-means, each with another seed.
    restarts
        k-means++ starts of a run (Arthur and Vassilvitskii 2007); the tightest clusters count.
    permutations
        Of the labels, for the null.
    seed
        Of the runs and permutations.

    Returns
    -------
    tuple
        The index of each run, shape ``[seeds]``, and its mean over the runs after each permutation,
        shape ``[permutations]``.

    Raises
    ------
    ValueError
        Fewer distinct rows than labels.
    """
    # takes as long to import as all else that a job of silhouettes needs
    from sklearn.cluster import KMeans

    if not has_clusters(rows, labels):
        distinct = len(np.unique(rows, axis=0))
        message = f"k-means with {len(labels)} clusters needs as many distinct rows, got {distinct}"
        raise ValueError(message)
    rng = np.random.default_rng(seed)
    runs = [
        KMeans(len(labels), n_init=restarts, random_state=int(start)).fit_predict(rows)
        for start in rng.integers(1 << 31, size=seeds)
    ]
    values = np.array([adjusted_rand(labels.codes, run) for run in runs])
    null = np.empty(permutations)
    alike = of_similar_noise(exchanged, tokens)
    for index in range(permutations):
        codes = permuted_labels(labels, exchanged, rng, alike).codes
        null[index] = np.mean([adjusted_rand(codes, run) for run in runs])
    return values, null
