"""Tables of what is known about words: which are related, and how groups of them meet criteria.

Apart from the result tables, so that a new column of a result makes no word map or group stale.
"""

from pathlib import Path

from groundscope.columns import Column, Rows, write_rows
from groundscope.token_table import CORPUS

WORD_MAP = (
    CORPUS,
    Column("relation", "string", "synonym, near-homophone, true-homophone or same-category"),
    Column("word_a", "string", "left word; both orders of a pair are rows where both hold"),
    Column("word_b", "string", "right word"),
    Column("distance", "float64", "edit distance of pronunciations by the longer one, 0 to 1"),
)

WORD_GROUP_STATISTICS = (
    Column("label", "string", "group"),
    Column("class", "string", "concrete, abstract or mixed"),
    Column("accepted", "bool", "whether it meets every criterion"),
    Column("reason", "string", "criteria that it fails; missing if none", nullable=True),
    Column("n_words", "int64", "words of the group"),
    Column("words", "string", "the words, separated by blanks"),
    Column("concreteness_mean", "float64", "mean rating of its rated words", nullable=True),
    Column("concreteness_sd", "float64", "population deviation of the same", nullable=True),
    Column("cosine_mean", "float64", "mean cosine of its word pairs' vectors", nullable=True),
    Column("cosine_sd", "float64", "population deviation of the same", nullable=True),
    Column("distance_mean", "float64", "mean pronunciation distance, 0 to 1", nullable=True),
    Column("distance_sd", "float64", "population deviation of the same", nullable=True),
)


def write_word_map(path: str | Path, rows: Rows) -> None:
    """Write related words (see `write_rows`)."""
    write_rows(path, WORD_MAP, rows)


def write_word_group_statistics(path: str | Path, rows: Rows) -> None:
    """Write statistics of groups of words (see `write_rows`)."""
    write_rows(path, WORD_GROUP_STATISTICS, rows)
