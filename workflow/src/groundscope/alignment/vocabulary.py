"""The labels of a CTC speech model, from the small files of its folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError

_DELIMITER = "|"  # of transformers' tokenizers, unless tokenizer_config.json says otherwise


@dataclass(frozen=True)
class Vocabulary:
    """What the columns of a model's output stand for.

    Attributes
    ----------
    characters
        Character -> column.
    blank
        Column of CTC's blank.
    delimiter
        Column of the label between words; None if the model has none.
    """

    characters: Mapping[str, int]
    blank: int
    delimiter: int | None


def read_vocabulary(checkpoint: Checkpoint, columns: int) -> Vocabulary:
    """Read ``vocab.json``, ``config.json`` and, where it exists, ``tokenizer_config.json``.

    The blank is the label that ``pad_token_id`` of ``config.json`` names: the one that
    transformers trains CTC models with. Labels of several characters (``<s>``) are never used.

    Parameters
    ----------
    checkpoint
        The model.
    columns
        Of its output.

    Raises
    ------
    UserError
        A file is missing or not understood, there is no blank, or there are labels beyond the
        output.
    """
    source = checkpoint.source
    if "vocab.json" not in checkpoint.files:
        message = f"{source} has no vocab.json: a CTC model with a vocabulary is needed to align"
        raise UserError(message)
    labels = _json(checkpoint, "vocab.json")
    if not labels or not all(type(column) is int for column in labels.values()):
        message = (
            f"{checkpoint.path('vocab.json')}: expected label -> column, as one flat mapping "
            "(of a model with a vocabulary for each language, save one language)"
        )
        raise UserError(message)
    blank = _json(checkpoint, "config.json").get("pad_token_id", 0)
    named = [label for label, column in labels.items() if column == blank]
    delimiter = _DELIMITER
    if "tokenizer_config.json" in checkpoint.files:
        settings = _json(checkpoint, "tokenizer_config.json")
        delimiter = settings.get("word_delimiter_token", _DELIMITER)
    if not named or named[0] == delimiter or (len(named[0]) == 1 and named[0].isalnum()):
        found = f"that is {named[0]!r}" if named else "no label has that column"
        message = (
            f"{source}: no blank in the vocabulary: pad_token_id of config.json is {blank}, "
            f"and {found}"
        )
        raise UserError(message)
    beyond = [label for label, column in labels.items() if not 0 <= column < columns]
    if beyond and any(len(label) == 1 for label in beyond):
        message = (
            f"{source}: the model has {columns} outputs, but {beyond[0]!r} of vocab.json has "
            f"column {labels[beyond[0]]}"
        )
        raise UserError(message)
    special = {named[0], delimiter}
    characters = {
        label: column
        for label, column in labels.items()
        if len(label) == 1 and label not in special and column != blank
    }
    if not characters:
        message = f"{source}: the vocabulary has no label that is one character"
        raise UserError(message)
    return Vocabulary(characters, blank, labels.get(delimiter))


def _json(checkpoint: Checkpoint, name: str) -> dict[str, Any]:
    path = checkpoint.path(name)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not readable as JSON ({error})"
        raise UserError(message) from error
    if not isinstance(content, dict):
        message = f"{path}: expected a mapping"
        raise UserError(message)
    return content
