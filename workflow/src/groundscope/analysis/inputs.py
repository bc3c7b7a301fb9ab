"""What every analysis command reads: the selected tokens, their labels, and layers of a model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from groundscope import tables
from groundscope.embeddings import read_embeddings
from groundscope.errors import UserError
from groundscope.files import damaged
from groundscope.metrics.groups import Floats, Groups, Integers, home_of
from groundscope.records import as_text, read_labelled_words
from groundscope.token_table import read_tokens


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
class Selection:
    """Tokens that every compared model has a vector for, and how many tokens are left out."""

    tokens: pa.Table
    missing: int


@dataclass(frozen=True)
class Rows:
    """Rows of the feature matrices of one analysis.

    Attributes
    ----------
    kind
        ``tokens``, or ``types``: the mean over the tokens of each word.
    token_ids, token_words
        Tokens that enter, and their words.
    words, speakers
        Word and speaker of each row; no speakers where rows are types, or where any is missing.
    labels
        Label of each row, if the analysis has a labelling.
    units
        What is independent: the word of each row, or the row itself where the label is the word.
    exchanged
        What is exchangeable under the null of the labels: the units, or the speakers where the
        labels are theirs.
    missing, unlabelled
        Tokens of the corpus that are left out: without a vector in some model, without a label.
    """

    kind: str
    token_ids: NDArray[np.str_]
    token_words: Groups
    words: Groups
    labels: Groups | None
    units: Groups
    exchanged: Groups
    speakers: Groups | None
    missing: int
    unlabelled: int

    @property
    def grouping(self) -> Groups:
        """The labels of an analysis that has a labelling."""
        if self.labels is None:
            message = "this analysis has no labelling"
            raise ValueError(message)
        return self.labels

    @property
    def unit(self) -> str:
        """Name of the units in result tables."""
        single = self.kind == "tokens" and len(self.units) == len(self.token_ids)
        return "rows" if single else "word"

    @property
    def permuted(self) -> str:
        """Name of what is exchanged in result tables."""
        return "speaker" if self.exchanged is self.speakers else self.unit

    @property
    def sizes(self) -> dict[str, int]:
        """Size columns of a result row."""
        own = {"n_tokens": len(self.token_ids), "n_types": len(self.token_words)}
        return {**own, **self.dropped}

    @property
    def dropped(self) -> dict[str, int]:
        """Columns of a result row that say what was left out."""
        return {"missing_tokens": self.missing, "unlabelled_tokens": self.unlabelled}

    def sizes_of(self, rows: Integers) -> dict[str, int]:
        """Size columns of a result row that some of the rows made."""
        words = np.unique(self.words.codes[rows])
        tokens = len(rows) if self.kind == "tokens" else self.token_words.sizes[words].sum()
        return {"n_tokens": int(tokens), "n_types": len(words), **self.dropped}

    def word_scores(
        self, scores: Floats, pseudo: Floats, units: Integers, keys: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Rows of the word_scores table.

        Parameters
        ----------
        scores
            Of the rows, shape ``[n]``.
        pseudo, units
            `statistics.pseudo_values`, and the unit of each word, shape ``[words]``.
        keys
            Further columns.
        """
        home = None if self.labels is None else home_of(self.labels, self.words)
        names = None if home is None or self.labels is None else self.labels.names[home]
        return [
            {
                **keys,
                "label": None if names is None else str(names[code]),
                "word": str(self.words.names[code]),
                "value": float(value),
                "pseudo_value": float(pseudo[unit]),
                "unit": int(unit),
                "n_tokens": int(self.token_words.sizes[code]),
                **self.dropped,
            }
            for code, (value, unit) in enumerate(zip(self.words.means(scores), units, strict=True))
        ]

    def features(self, layer: Layer) -> Floats:
        """Vectors of the rows, ``[n, d]``: tokens as stored, float32; means of types, float64."""
        vectors = read_embeddings(layer.path).aligned(self.token_ids)
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
            with pq.ParquetFile(path) as file:
                metadata, schema = file.metadata.metadata, file.schema_arrow
            stored = {key.decode(): value.decode() for key, value in metadata.items()}
            size = schema.field("vector").type.list_size
            layer = Layer(path, stored["model"], stored["corpus"], stored["layer"], size)
        except (pa.ArrowInvalid, KeyError, AttributeError, OSError) as error:
            raise damaged(path, "embedding file", error) from error
        layers.append(layer)
    sets = sorted({(layer.model, layer.corpus) for layer in layers})
    if len(sets) > 1:
        message = f"expected layers of one model in one corpus, got {sets}"
        raise UserError(message)
    return sorted(layers, key=lambda layer: order_of(layer.layer))


def order_of(layer: str) -> tuple[int, int, str]:
    """Sort key of a layer's name: numbers first, by value."""
    return (0, int(layer), "") if layer.isdecimal() else (1, 0, layer)


def read_selection(tokens: Path, selected: Path) -> Selection:
    """Rows of the token table that are selected, in the token table's order."""
    table = read_tokens(tokens)
    wanted = tables.read_table(selected, "selection").column("token_id")
    chosen = table.filter(pc.is_in(table.column("token_id"), value_set=wanted))
    if len(chosen) < len(wanted):
        message = f"{selected} names {len(wanted) - len(chosen)} tokens that {tokens} lacks"
        raise UserError(message)
    if len(chosen) == 0:
        message = f"{selected} is empty: no token has a vector in every compared model"
        raise UserError(message)
    return Selection(chosen, len(table) - len(chosen))


def read_word_labels(path: Path, column: str = "label") -> dict[str, str]:
    """Read a labelling: a table with columns word and label (or another that has the labels).

    Raises
    ------
    UserError
        Missing columns, an empty cell, or a word with two labels; the line is named.
    """
    labels: dict[str, str] = {}
    for place, word, label in read_labelled_words(path, column):
        if labels.setdefault(word, label) != label:
            message = f"{place}: {word!r} has two labels"
            raise UserError(message)
    return labels


def read_word_map(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Read word pairs by relation: a Parquet table with columns word_a, word_b, relation.

    Raises
    ------
    UserError
        The file is not such a table.
    """
    try:
        table = pq.read_table(path, columns=["word_a", "word_b", "relation"])
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, "word map", error) from error
    if table.num_columns < 3:
        message = f"{path} is no word map: expected columns word_a, word_b, relation"
        raise UserError(message)
    relations: dict[str, list[tuple[str, str]]] = {}
    for row in table.to_pylist():
        relations.setdefault(row["relation"], []).append((row["word_a"], row["word_b"]))
    return relations


def token_labels(
    selection: Selection, files: Sequence[Path], options: Mapping[str, Any]
) -> list[str | None]:
    """Label of each token, from a labelling of words (one file) or a column of the token table.

    Parameters
    ----------
    selection
        Selected rows of the token table.
    files
        The file of words and labels, if there is one.
    options
        ``label``, the file's column of labels; ``column`` of the token table, or ``first-phone``;
        ``min_words`` that a label must have.

    Raises
    ------
    UserError
        The column does not exist, or no token has a label.
    """
    tokens = selection.tokens
    words = tokens.column("word").to_pylist()
    column = options.get("column", "")
    if files:
        by_word = read_word_labels(files[0], options.get("label", "label"))
        labels = [by_word.get(word) for word in words]
    elif column == "first-phone":
        spoken = tokens.column("phones").to_pylist()
        labels = [_first_phone(phones) for phones in spoken]
    elif column in tokens.column_names:
        values = tokens.column(column).to_pylist()
        labels = [None if value is None else as_text(value) for value in values]
    else:
        message = (
            f"labellings: the token table has no column {column!r}; it has "
            f"{', '.join(tokens.column_names)}"
        )
        raise UserError(message)
    members: dict[str | None, set[str]] = {}
    for word, label in zip(words, labels, strict=True):
        members.setdefault(label, set()).add(word)
    fewest = options.get("min_words", 1)
    labels = [label if len(members[label]) >= fewest else None for label in labels]
    if all(label is None for label in labels):
        of_enough = f" of at least {fewest} words" if fewest > 1 else ""
        message = f"no analysed token has a label{of_enough} in {files[0] if files else column}"
        raise UserError(message)
    return labels


def _first_phone(phones: str | None) -> str | None:
    """First phone without its stress, which is a mark in IPA and a digit in ARPAbet."""
    listed = (phones or "").split()
    return listed[0].strip("\u02c8\u02cc0123456789") if listed else None


def make_rows(selection: Selection, kind: str, labels: Sequence[str | None] | None = None) -> Rows:
    """Make the rows of an analysis; tokens without a label are left out where labels are given.

    Parameters
    ----------
    selection
        Selected rows of the token table.
    kind
        ``tokens``, ``types``, or ``auto``: types where all tokens of every word share a label,
        unless each word has a label of its own.
    labels
        Label of each token, or None.

    Raises
    ------
    UserError
        Rows are to be types and the tokens of some word differ in their label.
    """
    tokens = selection.tokens
    words = np.asarray(tokens.column("word").to_pylist(), np.str_)
    token_ids = np.asarray(tokens.column("token_id").to_pylist(), np.str_)
    speakers = np.asarray(tokens.column("speaker").to_pylist(), np.object_)
    marks = None
    if labels is not None:
        kept = np.array([label is not None for label in labels])
        words, token_ids, speakers = words[kept], token_ids[kept], speakers[kept]
        marks = Groups.of([label for label in labels if label is not None])
    by_word = Groups.of(words)
    dropped = selection.missing, len(tokens) - len(words)
    home = None if marks is None else home_of(marks, by_word)
    identity = marks is not None and home is not None and len(marks) == len(by_word)
    if kind == "auto":
        mixed = marks is not None and home is None
        kind = "tokens" if mixed or identity else "types"
    if kind == "tokens":
        units = Groups.of(token_ids) if identity else by_word
        known = None if any(one is None for one in speakers) else Groups.of(speakers)
        exchanged = _exchanged(marks, units, known)
        return Rows(kind, token_ids, by_word, by_word, marks, units, exchanged, known, *dropped)
    own = Groups.of(by_word.names)
    if marks is None:
        return Rows(kind, token_ids, by_word, own, None, own, own, None, *dropped)
    if home is None:
        message = "tokens of some words differ in their label: this labelling needs rows: tokens"
        raise UserError(message)
    by_type = Groups.of(marks.names[home])
    return Rows(kind, token_ids, by_word, own, by_type, own, own, None, *dropped)


def _exchanged(labels: Groups | None, units: Groups, speakers: Groups | None) -> Groups:
    """Units, or the speakers where a label that varies within units is theirs.

    Then each of them has one label, and some label has several of them: it is not the speaker.
    With one row each they would have one label whatever it is, so that two on average are needed.
    """
    if labels is None or speakers is None or home_of(labels, units) is not None:
        return units
    several = 2 * len(speakers) <= len(speakers.codes)
    theirs = home_of(labels, speakers) is not None and len(labels) < len(speakers)
    return speakers if several and theirs else units


def held_apart(data: Rows, *, speaker_disjoint: bool) -> tuple[str, list[Groups]]:
    """Say what the folds of a probe never share: units of the rows, and speakers if asked.

    Speakers cannot be apart where some row has none (a type has none), or where each label has one
    speaker, who would be on one side.

    Returns
    -------
    tuple
        A name for the result table (``rows``, ``word``, ``speaker``, ``word+speaker``), and the
        partitions.
    """
    speakers = data.speakers
    if not speaker_disjoint or speakers is None or home_of(speakers, data.grouping) is not None:
        return data.unit, [data.units]
    if data.unit == "rows":
        return "speaker", [speakers]
    return "word+speaker", [data.units, speakers]
