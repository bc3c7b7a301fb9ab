"""Which columns token tables will have, as far as planning can know: named ones, each once."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.plan.targets import dataset_of, has_labels

Json = Any

# Columns of every token table; recordings fill those behind the first six.
_TEXT_COLUMNS = ("token_id", "word", "text", "char_start", "char_end", "phones")
TOKEN_COLUMNS = (*_TEXT_COLUMNS, "speaker", "audio", "start_s", "end_s")
# Columns of the kinds of corpus whose configuration alone decides them.
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "word-list": _TEXT_COLUMNS,
    "synthesized": (*TOKEN_COLUMNS, "sex"),
}
# Not a column, but made from one.
_FIRST_PHONE = "first-phone"
_DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}


def check_columns(study: Mapping[str, Json]) -> None:
    """Refuse a column that the token table of a labelled corpus will not have, or two of one name.

    Columns are known of corpora without files, and of recordings whose manifest is text and here.

    Raises
    ------
    UserError
        With the key, the column, and those that there are.
    """
    for name in study["corpora"]:
        _check_norms(study, name)
    for name in _labellings_in_use(study):
        column = study["labellings"][name].get("column", _FIRST_PHONE)
        for corpus in study["corpora"]:
            legal = _legal(study, corpus) if has_labels(study, name, corpus) else None
            if legal is not None and column not in legal:
                message = (
                    f"labellings.{name}.column: {column!r} is not in corpus {corpus!r}; expected "
                    f"one of {', '.join(legal)}, or `corpora` that have it"
                )
                raise UserError(message)


def _labellings_in_use(study: Mapping[str, Json]) -> set[str]:
    settings = study["analyses"].values()
    of_cka = {one["labelling"] for one in settings if one.get("labelling")}
    return of_cka.union(*(one.get("labellings", ()) for one in settings))


def _legal(study: Mapping[str, Json], name: str) -> list[str] | None:
    """List what a labelling of a corpus can be by; None where planning does not know it."""
    known = _known(study, study["corpora"][name])
    if known is None:
        return None
    return list(dict.fromkeys([*known, *_norms(study["corpora"][name]), _FIRST_PHONE]))


def _known(study: Mapping[str, Json], corpus: Mapping[str, Json]) -> tuple[str, ...] | None:
    """Columns of a corpus beside its norms; None where planning does not know them."""
    if corpus["kind"] == "recordings" and dataset_of(study, corpus["manifest"]) is None:
        return _manifest_columns(Path(corpus["manifest"]))
    return _COLUMNS.get(corpus["kind"])


def _norms(corpus: Mapping[str, Json]) -> list[str]:
    return [column for one in corpus["norms"] for column in one["columns"]]


def _check_norms(study: Mapping[str, Json], name: str) -> None:
    """Refuse norms whose name a column has, or another norm: one of the two would be lost."""
    corpus = study["corpora"][name]
    taken = {*TOKEN_COLUMNS, *(_known(study, corpus) or ())}
    for column in _norms(corpus):
        if column in taken:
            message = (
                f"corpora.{name}.norms: the token table has a column {column!r} already; expected "
                "another name in `columns`"
            )
            raise UserError(message)
        taken.add(column)


def _manifest_columns(manifest: Path) -> tuple[str, ...] | None:
    """Columns that recordings have by a manifest; None if it is not text, not here, or damaged."""
    delimiter = _DELIMITERS.get(manifest.suffix.lower())
    if delimiter is None or not manifest.is_file():
        return None
    with manifest.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        try:
            header = next(csv.reader(stream, delimiter=delimiter), [])
        except csv.Error:
            return None
    # these become start_s and end_s
    further = [name.strip() for name in header if name.strip() not in ("start", "end")]
    return (*TOKEN_COLUMNS, *further)
