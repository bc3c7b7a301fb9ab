"""What every analysis command reads: the selected tokens, their labels, and layers of a model."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from groundscope import tables
from groundscope.embeddings import read_embeddings
from groundscope.errors import UserError
from groundscope.metrics.groups import Floats, Groups


@dataclass(frozen=True)
class Layer:
    """An embedding file by its own account: model, corpus, layer, and vector length."""

    path: Path
    model: str
    corpus: str
    layer: str
    features: int

    @property
    def name(self) -> str:
        """Name for messages."""
        return f"layer {self.layer} of {self.model} on {self.corpus}"

    @property
    def keys(self) -> dict[str, str]:
        """Key columns of a result row."""
        return {"corpus": self.corpus, "model": self.model, "layer": self.layer}


@dataclass(frozen=True)
class Rows:
    """Rows of the feature matrices of one analysis.

    Attributes
    ----------
    kind
        ``tokens``, or ``types``: the mean over the tokens of each word.
    token_ids, token_words
        Tokens that enter, and their words.
    words
        Word of each row.
    labels
        Label of each row, if the analysis has a labelling.
    """

    kind: str
    token_ids: NDArray[np.str_]
    token_words: Groups
    words: Groups
    labels: Groups | None

    @property
    def sizes(self) -> dict[str, int]:
        """Size columns of a result row."""
        return {"n_tokens": len(self.token_ids), "n_types": len(self.token_words)}

    def features(self, layer: Layer) -> Floats:
        """Vectors of the rows, float64, shape ``[n, d]``."""
        vectors = read_embeddings(layer.path).aligned(self.token_ids).astype(np.float64)
        return self.token_words.means(vectors) if self.kind == "types" else vectors


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Turn a metric's `ValueError` into a `UserError` that says where it arose."""
    try:
        yield
    except ValueError as error:
        message = f"{what}: {error}"
        raise UserError(message) from error


def read_layers(paths: Sequence[Path]) -> list[Layer]:
    """Describe the layers of one model in one corpus, in the order of the model.

    Raises
    ------
    UserError
        A file does not say what it holds, or the files mix models or corpora.
    """
    layers = []
    for path in paths:
        try:
            schema = pq.read_schema(path)
            stored = {key.decode(): value.decode() for key, value in schema.metadata.items()}
            size = schema.field("vector").type.list_size
            layer = Layer(path, stored["model"], stored["corpus"], stored["layer"], size)
        except (pa.ArrowInvalid, KeyError, AttributeError, OSError) as error:
            message = f"{path} is not a readable embedding file ({error}): delete it and rerun"
            raise UserError(message) from error
        layers.append(layer)
    sets = sorted({(layer.model, layer.corpus) for layer in layers})
    if len(sets) > 1:
        message = f"expected layers of one model in one corpus, got {sets}"
        raise UserError(message)
    return sorted(layers, key=lambda layer: order_of(layer.layer))


def order_of(layer: str) -> tuple[int, int, str]:
    """Sort key of a layer's name: numbers first, by value."""
    return (0, int(layer), "") if layer.isdecimal() else (1, 0, layer)


def read_selection(tokens: Path, selected: Path) -> pa.Table:
    """Rows of the token table that are selected, in the token table's order."""
    table = tables.read_table(tokens, "tokens")
    wanted = tables.read_table(selected, "selection").column("token_id")
    chosen = table.filter(pc.is_in(table.column("token_id"), value_set=wanted))
    if len(chosen) < len(wanted):
        message = f"{selected} names {len(wanted) - len(chosen)} tokens that {tokens} lacks"
        raise UserError(message)
    if len(chosen) == 0:
        message = f"{selected} is empty: no token has a vector in every compared model"
        raise UserError(message)
    return chosen


def read_word_labels(path: Path) -> dict[str, str]:
    """Read a labelling: a CSV with columns word and label.

    Raises
    ------
    UserError
        Missing columns, an empty cell, or a word with two labels; the line is named.
    """
    labels: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"word", "label"} <= set(reader.fieldnames or ()):
                message = f"{path}: expected columns word and label, got {reader.fieldnames}"
                raise UserError(message)
            for row in reader:
                word, label = row["word"], row["label"]
                if not word or not label:
                    message = f"{path}, line {reader.line_num}: word or label is empty"
                    raise UserError(message)
                if labels.setdefault(word, label) != label:
                    message = f"{path}, line {reader.line_num}: {word!r} has two labels"
                    raise UserError(message)
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"{path} is not a readable CSV file in UTF-8 ({error})"
        raise UserError(message) from error
    return labels


def token_labels(tokens: pa.Table, files: Sequence[Path], column: str) -> list[str | None]:
    """Label of each token, from a labelling of words (one file) or a column of the token table.

    Raises
    ------
    UserError
        The column does not exist, or no token has a label.
    """
    if files:
        by_word: Mapping[str, str] = read_word_labels(files[0])
        labels = [by_word.get(word) for word in tokens.column("word").to_pylist()]
    elif column in tokens.column_names:
        values = tokens.column(column).to_pylist()
        labels = [None if value is None else str(value) for value in values]
    else:
        message = f"the token table has no column {column!r}; it has {tokens.column_names}"
        raise UserError(message)
    if all(label is None for label in labels):
        message = f"no analysed token has a label in {files[0] if files else column}"
        raise UserError(message)
    return labels


def make_rows(tokens: pa.Table, kind: str, labels: Sequence[str | None] | None = None) -> Rows:
    """Rows of an analysis; tokens without a label are left out where labels are given.

    Raises
    ------
    UserError
        Rows are to be types and some word has several labels.
    """
    words = tokens.column("word").to_numpy(zero_copy_only=False).astype(np.str_)
    token_ids = tokens.column("token_id").to_numpy(zero_copy_only=False).astype(np.str_)
    marks = None
    if labels is not None:
        kept = np.array([label is not None for label in labels])
        words, token_ids = words[kept], token_ids[kept]
        marks = np.array([label for label in labels if label is not None], dtype=np.str_)
    token_words = Groups.of(words)
    if kind == "tokens":
        groups = None if marks is None else Groups.of(marks)
        return Rows(kind, token_ids, token_words, token_words, groups)
    own = Groups.of(token_words.names)
    if marks is None:
        return Rows(kind, token_ids, token_words, own, None)
    of_word = np.empty(len(token_words), marks.dtype)
    of_word[token_words.codes] = marks
    differs = of_word[token_words.codes] != marks
    if differs.any():
        word = words[differs][0]
        message = f"tokens of word {word!r} differ in their label: the labelling needs rows: tokens"
        raise UserError(message)
    return Rows(kind, token_ids, token_words, own, Groups.of(of_word))
