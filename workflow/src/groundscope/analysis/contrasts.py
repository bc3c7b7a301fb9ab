"""Rows of the contrasts table, from word scores of two models."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from groundscope.analysis.columns import estimate_columns
from groundscope.errors import UserError
from groundscope.metrics.groups import Floats
from groundscope.metrics.p_values import holm
from groundscope.metrics.paired_difference import in_one_repeat, paired_difference

_FAMILY = (
    *("corpus", "analysis", "labelling", "measure", "kind", "metric", "space"),
    *("protocol", "subset"),
)
_DROPPED = ("missing_tokens", "unlabelled_tokens")
# rows of word_scores that are read at once
_PART = 4096
_TOO_FEW = "no contrast: it needs 3 words, and for pairs 10 words in effect"

Row = dict[str, Any]


class _Word(NamedTuple):
    """A row of word_scores; words of random pairs alone are units without a score."""

    unit: int
    pseudo_values: list[float | None]
    scored: bool
    n_tokens: int
    dropped: tuple[int, ...]


# family -> layer -> word
_Scores = dict[tuple[Any, ...], dict[str, dict[str, _Word]]]


def contrast_rows(
    treated: pa.Table,
    control: pa.Table,
    contrast: str,
    *,
    replicates: int,
    permutations: int,
    seed: int,
) -> list[Row]:
    """Paired differences over words for every analysis and layer that both models have.

    An analysis of fewer than three independent units (words, or blocks of them) in a layer is left
    out with a warning.

    Raises
    ------
    UserError
        A side mixes models, or the two share no analysis and layer with enough units.
    """
    names = {"treated": _model(treated), "control": _model(control), "contrast": contrast}
    first, second = _by_family(treated), _by_family(control)
    rows = []
    for family in first:
        layers = [name for name in first[family] if name in second.get(family, {})]
        part = []
        for layer in layers:
            a, b = first[family][layer], second[family][layer]
            words = sorted(a.keys() & b.keys())
            values = _pseudo_values([a[word] for word in words], [b[word] for word in words])
            if values is None:
                what = " ".join(name for name in family if name)
                logging.warning("%s, layer %s: %s", what, layer, _TOO_FEW)
                continue
            interval, p_value = paired_difference(
                in_one_repeat(values[0] - values[1]),
                replicates=replicates,
                permutations=permutations,
                seed=seed,
            )
            means = values.mean(axis=(1, 2))
            part.append(
                {
                    **dict(zip(_FAMILY, family, strict=True)),
                    **names,
                    "layer": layer,
                    "mean_treated": float(means[0]),
                    "mean_control": float(means[1]),
                    **estimate_columns(means[0] - means[1], interval, (), "bootstrap-t over words"),
                    "p_value": float(p_value),
                    "n_tokens": sum(a[word].n_tokens for word in words),
                    "n_types": len(_scored(a) & _scored(b)),
                    "dropped_types": len(_scored(a) ^ _scored(b)),
                    **dict(zip(_DROPPED, a[words[0]].dropped, strict=True)),
                }
            )
        corrected = holm(np.array([row["p_value"] for row in part]))
        rows += [{**row, "p_holm": float(p)} for row, p in zip(part, corrected, strict=True)]
    if not rows:
        message = (
            f"{names['treated']} and {names['control']} share no analysis and layer with enough "
            "words: nothing can be contrasted"
        )
        raise UserError(message)
    return rows


def _model(scores: pa.Table) -> str:
    models = sorted(set(scores.column("model").to_pylist()))
    if len(models) != 1:
        message = f"a side of a contrast is one model, got {', '.join(models) or 'no scores'}"
        raise UserError(message)
    return str(models[0])


def _by_family(scores: pa.Table) -> _Scores:
    found: _Scores = {}
    # in parts: rows as mappings take many times the memory of what is kept of them
    for part in scores.to_batches(max_chunksize=_PART):
        for row in part.to_pylist():
            family = found.setdefault(tuple(row[key] for key in _FAMILY), {})
            family.setdefault(row["layer"], {})[row["word"]] = _Word(
                row["unit"],
                row["pseudo_values"],
                row["value"] is not None,
                row["n_tokens"],
                tuple(row[name] for name in _DROPPED),
            )
    return found


def _scored(words: Mapping[str, _Word]) -> set[str]:
    return {word for word, row in words.items() if row.scored}


def _pseudo_values(treated: Sequence[_Word], control: Sequence[_Word]) -> Floats | None:
    """Pseudo-values of the units of the same words; None if they are too few, or missing.

    Returns
    -------
    numpy.ndarray or None
        Shape ``[2, repeats, units]``.
    """
    units = {
        one.unit: (one.pseudo_values, other.pseudo_values)
        for one, other in zip(treated, control, strict=True)
    }
    if len(units) < 3:
        return None
    values = np.array(list(units.values()), np.float64).transpose(1, 2, 0)
    return None if np.isnan(values).any() else values
