"""What layers of models are compared in: rows, a space, a measure; as the options of cka ask."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, product
from typing import Any

from groundscope.analysis.inputs import Layer, Selection, naming
from groundscope.analysis.lda_space import has_space
from groundscope.analysis.rows import Rows, make_rows
from groundscope.errors import UserError
from groundscope.metrics.comparison import OF_WORDS
from groundscope.metrics.groups import Floats, Integers, of_similar_count
from groundscope.metrics.sources import Refitted, Source
from groundscope.metrics.spaces import (
    dimensions,
    hangs_on_words,
    into_space,
    into_space_again,
    moved_lda_spaces,
    refit_blocks,
)

# of what blocks leave of a layer, for all measures
_HELD = 64 * 2**20


@dataclass(frozen=True)
class Setting:
    """One of the settings that layers are compared in.

    Attributes
    ----------
    measure
        One of `comparison.MEASURES`.
    space
        As tables name it.
    data
        Rows that are compared.
    sides
        Layers of each model, in the space; the same object for models that are the same.
    """

    measure: str
    space: str
    data: Rows
    sides: Sequence[Sequence[Source]]


def settings(
    sides: Sequence[Sequence[Layer]],
    selection: Selection,
    options: Mapping[str, Any],
    labels: Sequence[str | None] | None,
    labelling: str,
) -> Iterator[Setting]:
    """Give every setting; none in the LDA space where a layer has no such space.

    Parameters
    ----------
    sides
        Layers of each model.
    selection
        Tokens that are compared.
    options
        ``rows``, ``spaces``, ``measures``, ``sample``, ``draws`` and ``seed``.
    labels, labelling
        Label of each token for the LDA space, and what the labelling is called.

    Raises
    ------
    UserError
        The models are not of one corpus, `has_space` says so, or no setting has a measure.
    """
    corpora = {layers[0].corpus: layers[0].name for layers in sides}
    if len(corpora) > 1:
        message = f"two corpora cannot be aligned: {', '.join(corpora.values())}"
        raise UserError(message)
    left_out: list[str] = []
    compared = False
    for kind, space in product(options["rows"], options["spaces"]):
        data = make_rows(selection, kind, labels if space == "lda" else None)
        if space == "lda" and not all(
            has_space(one, data.features(one), data, labelling) for one in chain(*sides)
        ):
            continue
        _tell_one_draw(options, data)
        named = f"lda:{labelling}" if space == "lda" else space
        # one jackknife for all layers, whose values without a unit are set against each other
        again = any(_hangs_on_words(layer, data, space) for layer in chain(*sides))
        blocks = refit_blocks(data.words, data.labels, options["seed"]) if again else None
        sources = [[_source(layer, data, space, blocks) for layer in layers] for layers in sides]
        made = [sources[sides.index(layers)] for layers in sides]
        line = any(source.features == 1 for source in chain(*made))
        for measure in _measures(options, kind):
            if line and measure in OF_WORDS:
                left_out.append(f"{measure} in {named}")
                continue
            compared = True
            yield Setting(measure, named, data, made)
    if left_out:
        message = (
            f"cosines of one dimension are 1 or -1: no {', '.join(left_out)}, which needs two "
            "dimensions or more"
        )
        if not compared:
            raise UserError(message)
        logging.warning(message)


def _tell_one_draw(options: Mapping[str, Any], data: Rows) -> None:
    """Say that a sample has all rows: further draws would be the same."""
    count = len(data.words.codes)
    if options["draws"] > 1 and options["sample"] >= count:
        logging.info("sample %d has all %d %s: one draw", options["sample"], count, data.kind)


def _measures(options: Mapping[str, Any], kind: str) -> list[str]:
    """Measures of rows of a kind; those of words are left to types where both are compared."""
    both = len(options["rows"]) > 1
    return [
        measure
        for measure in options["measures"]
        if kind == "types" or not both or measure not in OF_WORDS
    ]


def _hangs_on_words(layer: Layer, data: Rows, space: str) -> bool:
    classes = 0 if data.labels is None else len(data.labels)
    rows, words = len(data.words.codes), len(data.words)
    return hangs_on_words(space, layer.features, rows, words, classes)


def _source(layer: Layer, data: Rows, space: str, blocks: Integers | None) -> Source:
    classes = 0 if data.labels is None else len(data.labels)
    features = dimensions(layer.features, space, classes)
    refitted = None
    if blocks is not None:
        load = partial(_load_without, layer, data, space, blocks)
        small = 8 * len(blocks) * (int(blocks.max()) + 1) * features <= _HELD
        refitted = Refitted(blocks, cache(load) if small else load)
    return Source(
        layer.name,
        features,
        partial(_load, layer, data, space),
        # several measures read the same: fits take longer than comparisons
        cache(partial(_moved, layer, data)) if space == "lda" else None,
        refitted,
    )


def _load(layer: Layer, data: Rows, space: str) -> Floats:
    with naming(layer.name):
        return into_space(data.features(layer), space, data.labels)


def _load_without(layer: Layer, data: Rows, space: str, blocks: Integers, block: int) -> Floats:
    kept = blocks != block
    labels = None if data.labels is None else data.labels.only(kept)
    with naming(f"{layer.name} without some words"):
        return into_space_again(data.features(layer)[kept], space, labels)


def _moved(layer: Layer, data: Rows, permutations: int, seed: int) -> list[Floats]:
    with naming(layer.name):
        features, tokens = data.features(layer), data.averaged
        strata = None if tokens is None else of_similar_count(tokens)
        return [*moved_lda_spaces(features, data.grouping, data.words, permutations, seed, strata)]
