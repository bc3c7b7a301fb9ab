"""Score how well held-out LDA reads a labelling, in all layers of one model."""

import argparse
import logging
from pathlib import Path
from typing import Any

from groundscope import tables
from groundscope.analysis.inputs import naming, read_layers, read_selection
from groundscope.analysis.labels import token_labels
from groundscope.analysis.lda import (
    confusion_rows,
    control_rows,
    control_word_rows,
    lda_rows,
    word_rows,
)
from groundscope.analysis.rows import Rows, held_apart, make_rows
from groundscope.commands import _analysis, _cli
from groundscope.metrics.control import control_tasks, recurring
from groundscope.metrics.probing import check_rows, probe
from groundscope.metrics.variation import varies_within

_CHOICES = ("solver", "folds", "repeats", "permutations", "seed")


def main() -> None:
    """Write the scores of every layer, and on request those of words and the confusions."""
    given = _arguments()
    selection = read_selection(given.tokens, given.selected)
    labels = token_labels(selection, given.label_options)
    data = make_rows(selection, given.options["rows"], labels)
    apart, partitions = held_apart(data, speaker_disjoint=given.options["speaker_disjoint"])
    if given.options["speaker_disjoint"] and "speaker" not in apart:
        logging.info("speakers are not held apart for %s", given.labelling)
    # words told apart across speakers: a shuffled label, too, is to be found in several speakers
    exchanged = partitions[0] if apart == "speaker" else data.exchanged
    choices = {name: given.options[name] for name in _CHOICES}
    spoken = make_rows(selection, "tokens", labels)
    tasks = _control_options(given.options, spoken, given.labelling)
    rows: list[dict[str, Any]] = []
    words: list[dict[str, Any]] = []
    confusions: list[dict[str, Any]] = []
    for layer in read_layers(given.embeddings):
        with naming(f"LDA of {given.labelling!r} in {layer.name}"):
            features = check_rows(data.features(layer))
        if not varies_within(features, data.grouping):
            logging.warning(
                "%s: the rows of each class of %s are one vector, not scored",
                layer.name,
                given.labelling,
            )
            continue
        with naming(f"LDA of {given.labelling!r} in {layer.name}"):
            result = probe(
                features,
                data.grouping,
                data.units,
                partitions,
                exchanged=exchanged,
                tokens=data.averaged,
                **choices,
            )
        keys = {**layer.keys, "labelling": given.labelling}
        fixed = {name: given.options[name] for name in ("solver", "folds", "repeats")}
        rows += lda_rows(result, {**keys, **fixed, "held_apart": apart}, data)
        if tasks["tasks"]:
            with naming(f"control tasks of {given.labelling!r} in {layer.name}"):
                control = control_tasks(
                    spoken.features(layer), spoken.grouping, spoken.words, **tasks
                )
            fixed["repeats"] = tasks["tasks"]
            rows += control_rows(control, {**keys, **fixed}, spoken)
            words += control_word_rows(control, keys, spoken)
        words += word_rows(result, keys, data)
        confusions += confusion_rows(result, keys, data)
    tables.write_table(given.output, "lda", rows)
    if given.words:
        tables.write_table(given.words, "word_scores", words)
    if given.confusion:
        tables.write_table(given.confusion, "confusion", confusions)


def _control_options(options: dict[str, Any], spoken: Rows, labelling: str) -> dict[str, Any]:
    """Options of the control tasks; none where `recurring` has no rows."""
    tasks = options["control_tasks"]
    if tasks and not len(recurring(spoken.grouping, spoken.words)):
        logging.info(
            "no control tasks of %s: no word recurs, it varies within words, or words that "
            "recur have one label, or one each",
            labelling,
        )
        tasks = 0
    return {"tasks": tasks, **{name: options[name] for name in ("solver", "folds", "seed")}}


def _arguments() -> argparse.Namespace:
    parser = _analysis.parser(__doc__, labelled=True)
    parser.add_argument("--embeddings", type=Path, nargs="+", required=True, help="layers")
    parser.add_argument("--words", type=Path, help="table of word scores to write")
    parser.add_argument("--confusion", type=Path, help="confusion table to write")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
