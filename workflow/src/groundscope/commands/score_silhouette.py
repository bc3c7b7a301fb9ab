"""Score how well labelled words cluster, in all layers of one model."""

import argparse
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundscope import tables
from groundscope.analysis.inputs import Layer, naming, read_layers, read_selection
from groundscope.analysis.labels import token_labels
from groundscope.analysis.lda_space import has_space
from groundscope.analysis.rows import Rows, check_vectors, make_rows
from groundscope.analysis.silhouette import silhouette_rows, word_rows
from groundscope.commands import _analysis, _cli
from groundscope.errors import UserError
from groundscope.metrics.clustering import FEWEST_LEFT_OUT, Scores, score_protocols
from groundscope.metrics.groups import Floats
from groundscope.metrics.spaces import dimensions

_CHOICES = ("metrics", "protocols", "permutations", "kmeans_seeds", "kmeans_restarts", "seed")
_NOTHING = (
    "silhouette of {!r}: nothing is left to score: cosine needs a space of two dimensions or more "
    "(that of the groups that are left, where one is left out), leave-one-group-out needs "
    f"{FEWEST_LEFT_OUT} groups"
)


def main() -> None:
    """Write the scores of every layer, and on request those of every word."""
    given = _arguments()
    selection = read_selection(given.tokens, given.selected)
    labels = token_labels(selection, given.label_options)
    data = make_rows(selection, given.options["rows"], labels)
    subsets = _own(given.options["subsets"], set(labels), given.labelling)
    if "leave-one-group-out" in given.options["protocols"]:
        _tell_too_few({given.labelling: data.grouping.names.tolist(), **subsets})
    scored = False
    rows: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    for layer in read_layers(given.embeddings):
        features = data.features(layer)
        for space in given.options["spaces"]:
            if space == "lda" and not has_space(layer, features, data, given.labelling):
                continue
            _tell_of_one_dimension(layer, features, data, space, given)
            with naming(f"silhouette of {given.labelling!r} in {layer.name}"):
                if space == "full" and "cosine" in given.options["metrics"]:
                    check_vectors(features, data, ", or take metric euclidean")
                scores = score_protocols(
                    features,
                    data.grouping,
                    data.units,
                    exchanged=data.exchanged,
                    tokens=data.averaged,
                    space=space,
                    subsets=subsets,
                    **{name: given.options[name] for name in _CHOICES},
                )
            _tell_of_few_vectors(layer, scores, space, given)
            scored = True
            keys = {**layer.keys, "labelling": given.labelling}
            keys["space"] = f"lda:{given.labelling}" if space == "lda" else space
            for each in scores:
                named = {**keys, "metric": each.metric}
                rows += silhouette_rows(each, named, data)
                words += word_rows(each, named, data)
    if scored and not rows:
        raise UserError(_NOTHING.format(given.labelling))
    tables.write_table(given.output, "silhouette", rows)
    if given.words:
        tables.write_table(given.words, "word_scores", words)


def _own(
    subsets: Mapping[str, Sequence[str]], labels: set[str | None], labelling: str
) -> dict[str, Sequence[str]]:
    """Give the groups of each subset that some row has; those of two or more are scored.

    A subset may be of another labelling, and a corpus may lack groups that others have.
    """
    own: dict[str, Sequence[str]] = {}
    for name, groups in subsets.items():
        here = [group for group in groups if group in labels]
        if len(here) > 1:
            own[name] = here
        if len(here) < len(groups):
            logging.warning(
                "subset %s: no row of labelling %s is in %s: %s",
                name,
                labelling,
                ", ".join(group for group in groups if group not in labels),
                "scored without" if name in own else "not scored",
            )
    return own


def _tell_too_few(groups: Mapping[str, Sequence[str]]) -> None:
    """Name the labelling and the subsets of which no group can be left out."""
    for name, members in groups.items():
        if len(members) < FEWEST_LEFT_OUT:
            logging.warning(
                "leave-one-group-out needs %d groups, %s has %d: not scored",
                FEWEST_LEFT_OUT,
                name,
                len(members),
            )


def _tell_of_one_dimension(
    layer: Layer, features: Floats, data: Rows, space: str, given: argparse.Namespace
) -> None:
    """Say that a space has no cosine, which `score_protocols` leaves out there."""
    one = dimensions(features.shape[1], space, len(data.grouping)) == 1
    if one and "cosine" in given.options["metrics"]:
        logging.warning(
            "%s: %s of %s has one dimension, in which cosines are 1 or -1: no cosine",
            layer.name,
            space,
            given.labelling,
        )


def _tell_of_few_vectors(
    layer: Layer, scores: Sequence[Scores], space: str, given: argparse.Namespace
) -> None:
    """Say that k-means has too few vectors, where `score_protocols` leaves it out."""
    clustered = {each.metric for each in scores if each.measure == "adjusted-rand"}
    lacking = {each.metric for each in scores} - clustered
    if given.options["kmeans_seeds"] and space != "lda" and lacking:
        logging.warning(
            "%s: fewer different vectors in %s than groups of %s: no adjusted-rand (%s)",
            layer.name,
            space,
            given.labelling,
            ", ".join(sorted(lacking)),
        )


def _arguments() -> argparse.Namespace:
    parser = _analysis.parser(__doc__, labelled=True)
    parser.add_argument("--embeddings", type=Path, nargs="+", required=True, help="layers")
    parser.add_argument("--words", type=Path, help="table of word scores to write")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
