"""Linear CKA, debiased and biased, all layers x all layers with standard errors.

Of two models, and of one with itself, which has half of the layers.

Against the code that published CKA (Kornblith et al. 2019, reference notebook: Gram matrices, each
checked for symmetry, copied and centred) and ckatorch, one pair of layers at a time, without
errors; their time for one pair is scaled to all pairs.

Usage: python tests/benchmarks/bench_cka.py [rows] [features] [layers] [rounds]
"""

import importlib
import sys
from functools import partial

import numpy as np
import torch
from measure import Row, measure, product_rate, report

from groundscope.metrics.alignment import compare_layers
from groundscope.metrics.groups import Floats, Groups
from groundscope.metrics.sources import Source


def _centred(gram: Floats, *, debiased: bool) -> Floats:
    if not np.allclose(gram, gram.T):
        message = "not symmetric"
        raise ValueError(message)
    gram = gram.copy()
    count = len(gram)
    if debiased:
        np.fill_diagonal(gram, 0.0)
        means = gram.sum(axis=0, dtype=np.float64) / (count - 2)
        means -= means.sum() / (2 * (count - 1))
    else:
        means = gram.mean(axis=0, dtype=np.float64)
        means -= means.mean() / 2
    gram -= means[:, None]
    gram -= means
    if debiased:
        np.fill_diagonal(gram, 0.0)
    return gram


def _gram_code(x: Floats, y: Floats, *, debiased: bool = False) -> float:
    first, second = (_centred(rows @ rows.T, debiased=debiased) for rows in (x, y))
    scale = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first.ravel().dot(second.ravel()) / scale)


def main() -> None:
    """Print the rows of the table."""
    given = [*map(int, sys.argv[1:])]
    rows, features, layers, rounds = (given + [10_000, 768, 13, 2][len(given) :])[:4]
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(rows, features)).astype(np.float32)
    made = [
        shared + rng.normal(size=(rows, features)).astype(np.float32) for _ in range(2 * layers)
    ]
    sources = [Source("layer", features, partial(made.__getitem__, at)) for at in range(2 * layers)]
    words = Groups.of([f"w{number:06d}" for number in range(rows)])
    first, second = sources[:layers], sources[layers:]
    single = made[0], made[layers]
    double = single[0].astype(np.float64), single[1].astype(np.float64)
    tensors = torch.from_numpy(double[0]), torch.from_numpy(double[1])
    torch_cka = importlib.import_module("ckatorch.core").cka_base
    rate = product_rate(np.float64)
    found = measure(
        {
            "two models": partial(compare_layers, first, second, words),
            "one model": partial(compare_layers, first, first, words),
            "published Gram code": partial(_gram_code, *double),
            "ckatorch": partial(torch_cka, *tensors),
            "published Gram code, debiased": partial(_gram_code, *double, debiased=True),
            "ckatorch, debiased": partial(torch_cka, *tensors, unbiased=True),
            "published Gram code in float32": partial(_gram_code, *single),
        },
        rounds,
    )
    rate = max(rate, product_rate(np.float64))
    result, apart = found.pop("two models")
    _, alone = found.pop("one model")
    table = []
    for models, fast in ((2, apart), (1, alone)):
        # half of every Gram matrix; or X'Y of every pair, once, and half of X'X of every layer
        in_gram_space = rows**2 * features * models * layers
        pairs = 2 * layers**2 + 2 * layers if models == 2 else layers**2
        in_feature_space = rows * features**2 * pairs
        products = min(in_gram_space, in_feature_space) / rate
        for peer, (value, slow) in found.items():
            debiased = peer.endswith("debiased")
            off = abs(float(value) - result.estimate[0 if debiased else 1, 0, 0])
            whole = slow.times(layers**2)
            table.append(
                Row(
                    f"{'debiased' if debiased else 'linear'} CKA {layers} x {layers} of "
                    f"{('one model', 'two models')[models - 1]}, n {rows}",
                    peer,
                    fast,
                    whole,
                    scaled="1 pair",
                    target=0 if peer.endswith("32") else 100,
                    lighter=0 if peer.endswith("32") else 5,
                    agreement=f"differs by {off:.0e}",
                    share=products / fast.seconds,
                    bound=whole.seconds / products,
                )
            )
    sys.stdout.write(f"products: {rate / 1e9:.0f} GF/s\n")
    report(table)


if __name__ == "__main__":
    main()
