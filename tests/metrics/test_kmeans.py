"""The adjusted Rand index, and k-means clusters against labels."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from groundscope.metrics.groups import Groups
from groundscope.metrics.kmeans import adjusted_rand, agreement


@pytest.fixture
def rng() -> np.random.Generator:
    """Seeded generator."""
    return np.random.default_rng(2)


def test_agrees_with_scikit_learn(rng: np.random.Generator) -> None:
    """Random partitions, nested ones and trivial ones, to 1e-12."""
    for groups, others in ((3, 4), (2, 9), (1, 1), (5, 1)):
        first, second = rng.integers(0, groups, 60), rng.integers(0, others, 60)
        second[:20] = first[:20] % others
        found = adjusted_rand(first, second)
        assert found == pytest.approx(adjusted_rand_score(first, second), abs=1e-12)


def test_groups_far_apart_are_found_and_noise_is_not(rng: np.random.Generator) -> None:
    """1 for groups far apart whatever the seed; 0 and within the null for noise."""
    labels = Groups.of(np.arange(60) % 4)
    words = Groups.of([f"w{number:02d}" for number in range(60)])
    noise = rng.normal(size=(60, 6))
    apart = noise + 20 * np.eye(4, 6)[labels.codes]
    settings: dict[str, Any] = {"seeds": 5, "restarts": 3, "permutations": 99, "seed": 0}
    values, null = agreement(apart, labels, exchanged=words, **settings)
    assert values == pytest.approx([1.0] * 5)
    assert abs(null.mean()) < 0.02
    values, null = agreement(noise, labels, exchanged=words, **settings)
    assert abs(values.mean()) < 0.1
    assert values.mean() < np.quantile(null, 0.99)
    again, _ = agreement(noise, labels, exchanged=words, **settings)
    assert (values == again).all()


def test_p_is_uniform_under_the_null(rng: np.random.Generator) -> None:
    """Labels of words are exchangeable: the rank of the index among permuted ones is uniform."""
    words = Groups.of(np.repeat(np.arange(24), 2))
    labels = Groups.of(np.repeat(np.arange(24) % 3, 2))
    ranks = []
    for seed in range(150):
        rows = rng.normal(size=(24, 3))[words.codes] + rng.normal(size=(48, 3)) / 4
        values, null = agreement(
            rows, labels, exchanged=words, seeds=1, restarts=1, permutations=19, seed=seed
        )
        ranks.append(np.sum(null > values[0]) + rng.integers(1 + np.sum(null == values[0])))
    counts = np.bincount(np.array(ranks) // 5, minlength=4)
    # chi-squared with 3 degrees of freedom, 99th percentile
    assert ((counts - 37.5) ** 2 / 37.5).sum() < 11.34


def test_too_few_distinct_rows() -> None:
    """Duplicate rows cannot make more clusters than there are distinct ones."""
    rows = np.eye(4)[[0, 0, 0, 1, 1, 1]]
    labels, words = Groups.of([0, 1, 2, 0, 1, 2]), Groups.of(list("abcdef"))
    with pytest.raises(ValueError, match="3 clusters needs as many distinct rows, got 2"):
        agreement(rows, labels, exchanged=words, seeds=1, restarts=1, permutations=0, seed=0)
