"""Rows of an analysis: tokens or types, what is independent, and what a null exchanges."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundscope.analysis.inputs import Layer, Selection
from groundscope.embeddings import read_embeddings
from groundscope.errors import UserError
from groundscope.metrics.groups import Floats, Groups, Integers, connected, home_of

_REPEATED = 5


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
        Word and speaker of each row; no speakers where any is missing, or a type has several.
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
    def averaged(self) -> Integers | None:
        """Tokens of each word, where rows are means of them."""
        return self.token_words.sizes if self.kind == "types" else None

    @property
    def unit(self) -> str:
        """Name of the units in result tables."""
        single = self.kind == "tokens" and len(self.units) == len(self.token_ids)
        return "rows" if single else "word"

    @property
    def permuted(self) -> str:
        """Name of what is exchanged in result tables."""
        return self.unit if self.exchanged is self.units else "speaker"

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
        self,
        rows: Integers,
        scores: Floats,
        pseudo: Floats,
        units: Integers,
        keys: dict[str, Any],
    ) -> list[dict[str, Any]]:
        """Rows of the word_scores table.

        Parameters
        ----------
        rows, scores
            Rows that have a score, as indices, and their scores, shape ``[m]``.
        pseudo, units
            `jackknife.pseudo_values`, shape ``[repeats, units]``, and the unit of each of the rows,
            shape ``[m]``.
        keys
            Further columns.
        """
        home = None if self.labels is None else home_of(self.labels, self.words)
        names = None if home is None or self.labels is None else self.labels.names[home]
        codes = self.words.codes[rows]
        counts, sums = np.bincount(codes), np.bincount(codes, scores)
        tokens = counts if self.kind == "tokens" else self.token_words.sizes
        return [
            {
                **keys,
                "label": None if names is None else str(names[code]),
                "word": str(self.words.names[code]),
                "value": float(sums[code] / counts[code]),
                "pseudo_values": pseudo[:, unit].tolist(),
                "unit": int(unit),
                "n_tokens": int(tokens[code]),
                **self.dropped,
            }
            for code, unit in sorted(dict(zip(codes, units, strict=True)).items())
        ]

    def features(self, layer: Layer) -> Floats:
        """Vectors of the rows, ``[n, d]``: tokens as stored, float32; means of types, float64."""
        vectors = read_embeddings(layer.path).aligned(self.token_ids)
        return self.token_words.means(vectors) if self.kind == "types" else vectors


def check_vectors(features: Floats, data: Rows, cure: str = "") -> None:
    """Refuse a zero vector by the name of its token or word.

    Parameters
    ----------
    features, data
        Vectors of the rows, and the rows.
    cure
        What may be done about it, besides leaving out the word.

    Raises
    ------
    ValueError
        A vector is zero, and has no cosine.
    """
    zero = np.flatnonzero(~features.any(axis=1))
    if len(zero):
        row = int(zero[0])
        name = f"word {str(data.words.names[data.words.codes[row]])!r}"
        if data.kind == "tokens":
            name = f"token {str(data.token_ids[row])!r} ({name})"
        message = f"{name} has the zero vector, which has no cosine: leave its word out{cure}"
        raise ValueError(message)


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
        Rows are to be types and the tokens of some word differ in their label; or each word has a
        label of its own, and one has one token.
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
    units = Groups.of(token_ids) if identity and kind == "tokens" else by_word
    known = None if any(one is None for one in speakers) else Groups.of(speakers)
    exchanged = _exchanged(None if identity else marks, units, known)
    if kind == "tokens":
        if identity and by_word.sizes.min() < 2:
            message = (
                f"{str(by_word.names[by_word.sizes.argmin()])!r} has 1 token with a vector; words "
                "that are labels need at least 2: set min_tokens in the filters of the corpus"
            )
            raise UserError(message)
        return Rows(kind, token_ids, by_word, by_word, marks, units, exchanged, known, *dropped)
    own = Groups.of(by_word.names)
    moved = _of_types(exchanged, by_word) if exchanged is not by_word else own
    by_type = _of_types(marks, by_word)
    if moved is None or (marks is not None and by_type is None):
        message = "tokens of some words differ in their label: this labelling needs rows: tokens"
        raise UserError(message)
    of_types = _of_types(known, by_word)
    return Rows(kind, token_ids, by_word, own, by_type, own, moved, of_types, *dropped)


def _of_types(groups: Groups | None, words: Groups) -> Groups | None:
    """Group of each word, or None where the tokens of some word are in several."""
    home = None if groups is None else home_of(groups, words)
    return None if groups is None or home is None else Groups.of(groups.names[home])


def _exchanged(labels: Groups | None, units: Groups, speakers: Groups | None) -> Groups:
    """Units, or the speakers where the label is theirs.

    Then each of them has one label, and some label has several of them: it is not the speaker.
    With one row each they would have one label whatever it is: there must be five rows more than
    speakers, which have one label of two by chance in 3%, or as many more as there are speakers.

    Where words, too, have one label each, it may be theirs or the speakers'. The coarser of them is
    right in either case: speakers where each word has one, words where each speaker says one, and
    what words and speakers connect where neither is so.
    """
    if labels is None or speakers is None:
        return units
    if home_of(labels, units) is not None:
        speakers = connected(units, speakers)
        if len(speakers) == len(units):
            return units
    several = len(speakers.codes) - len(speakers) >= min(_REPEATED, len(speakers))
    theirs = home_of(labels, speakers) is not None and len(labels) < len(speakers)
    return speakers if several and theirs else units


def held_apart(data: Rows, *, speaker_disjoint: bool) -> tuple[str, list[Groups]]:
    """Say what the folds of a probe never share: units of the rows, and speakers if asked.

    Speakers cannot be apart where some row has none (nor has a type with several), or where each
    label has one speaker, who would be on one side. Where each word has one speaker, words are
    apart with them.

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
    nested = home_of(speakers, data.units) is not None
    return "word+speaker", [speakers] if nested else [data.units, speakers]
