"""From a token table and a model to one vector a token and layer.

Each distinct input is computed once: a text with its words, a word of a static file, a clip, an
utterance with its words. One forward pass serves all layers.
"""

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from groundscope.encoders.base import FAMILIES, Request, WordVectors, resolve_options
from groundscope.encoders.execution import Execution
from groundscope.encoders.from_audio import extract_audio
from groundscope.encoders.from_text import extract_text
from groundscope.errors import UserError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Extraction:
    """Vectors of all layers, and what happened on the way.

    Attributes
    ----------
    rows
        For each token its row in the vectors, or -1 if it was dropped; int64 ``[tokens]``.
    vectors
        Layer -> float32 ``[rows, d]``.
    dropped
        Reason -> number of tokens, where there are any.
    facts
        For the metadata.
    """

    rows: NDArray[np.int64]
    vectors: Mapping[str, NDArray[np.float32]]
    dropped: Mapping[str, int]
    facts: Mapping[str, str]


def family_options(model: str, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Import a model's family; check and complete its options.

    Parameters
    ----------
    model
        Name in the configuration, for messages.
    given
        Its section.

    Returns
    -------
    tuple
        The family's module and one value for every option.
    """
    family = str(given.get("family"))
    if family not in FAMILIES:
        message = f"models.{model}.family: {family!r} is not one of {', '.join(FAMILIES)}"
        raise UserError(message)
    module = importlib.import_module(FAMILIES[family])
    return module, resolve_options(model, family, module.OPTIONS, given)


def extract(tokens: pa.Table, family: Any, request: Request, execution: Execution) -> Extraction:
    """Compute the vectors of all tokens.

    Parameters
    ----------
    tokens
        A token table.
    family
        A family's module.
    request
        What to load.
    execution
        How to compute; changes nothing in the result.

    Raises
    ------
    UserError
        Bad weights, options, audio or texts, or no token is left.
    """
    encoder = family.load(request)
    dropped: dict[str, int] = {}
    if family.READS == "word":
        return _spread(tokens, encoder)
    if family.READS == "audio":
        rows, store, dropped, facts = extract_audio(tokens, encoder, request, execution)
    else:
        rows, store, facts = extract_text(tokens, encoder, request, execution)
    if not (rows >= 0).any():
        message = f"models.{request.model}: no token of the corpus is left"
        raise UserError(message)
    facts = {**encoder.facts, **facts}
    return Extraction(rows, store.vectors, {k: n for k, n in dropped.items() if n}, facts)


def _spread(tokens: pa.Table, found: WordVectors) -> Extraction:
    """Spread static vectors over tokens; words without one are dropped, counted and listed."""
    place = {word: row for row, word in enumerate(found.words)}
    words = tokens.column("word").to_pylist()
    missing = sorted({word for word in words if word not in place})
    if not place:
        message = f"none of the corpus's {len(missing)} words has a vector"
        raise UserError(message)
    dropped: dict[str, int] = {}
    if missing:
        more = ", ..." if len(missing) > 10 else ""
        _LOG.warning("%d words have no vector: %s%s", len(missing), ", ".join(missing[:10]), more)
        dropped = {"no vector": sum(word not in place for word in words)}
    rows = np.array([place.get(word, -1) for word in words], dtype=np.int64)
    facts = {**found.facts, "words_without_vector": str(len(missing))}
    return Extraction(rows, {"0": found.vectors}, dropped, facts)
