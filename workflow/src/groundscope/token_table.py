"""The token table of a corpus and the report of how it came about.

Apart from the result tables, so that a new column of a result makes no extraction stale.
"""

from pathlib import Path

import pyarrow as pa

from groundscope.columns import Column, Rows, read_rows, schema, write_rows

TOKENS = (
    Column("token_id", "string", "stable name of the word token, unique in the corpus"),
    Column("word", "string", "the word type, as compared between models"),
    Column("speaker", "string", "who speaks", nullable=True),
    Column("audio", "string", "path of the recording; missing in text corpora", nullable=True),
    Column("start_s", "float64", "begin of the word in the recording", "s", nullable=True),
    Column("end_s", "float64", "end of the word in the recording", "s", nullable=True),
    Column("text", "string", "text that the word stands in (the word alone if no context)"),
    Column("char_start", "int64", "begin of the word in `text`", "characters"),
    Column("char_end", "int64", "end of the word in `text` (exclusive)", "characters"),
    Column("phones", "string", "phones, separated by spaces, where known", nullable=True),
)

CORPUS = Column("corpus", "string", "corpus, as named in the configuration")
CORPUS_REPORT = (
    CORPUS,
    Column("step", "int64", "order of the rules, from 1; the last one is the finished corpus"),
    Column("rule", "string", "what kept or dropped something"),
    Column("detail", "string", "setting of the rule, or what it found"),
    Column("unit", "string", "what is counted: tokens, characters, files, speakers, utterances"),
    Column("before", "int64", "how many there were before the rule"),
    Column("after", "int64", "how many there were after it"),
    Column("types_before", "int64", "distinct words before; tokens only", nullable=True),
    Column("types_after", "int64", "distinct words after; tokens only", nullable=True),
)

SCHEMA = schema(TOKENS)


def write_tokens(path: str | Path, rows: Rows, recordings: str = "") -> None:
    """Write a token table; columns beyond `TOKENS` are kept as metadata (see `write_rows`).

    The digest of its `recordings` makes it another file where only a recording is another one, so
    that Snakemake takes what was computed from the old recording for stale.
    """
    write_rows(path, TOKENS, rows, further=True, metadata={"recordings": recordings})


def read_tokens(path: str | Path) -> pa.Table:
    """Read a token table (see `read_rows`)."""
    return read_rows(path, TOKENS, "token table")


def write_corpus_report(path: str | Path, rows: Rows) -> None:
    """Write a corpus report (see `write_rows`)."""
    write_rows(path, CORPUS_REPORT, rows)
