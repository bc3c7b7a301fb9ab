"""The reference of all columns in ``workflow/schemas/tables.md``, generated from the tables.

``python -m groundscope.column_reference`` rewrites it; ``--check`` only compares.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from groundscope.columns import Column
from groundscope.commands.summarise_jobs import JOBS
from groundscope.plan.reference import ROOT, keep_in_step
from groundscope.tables import ROWS, TABLES
from groundscope.token_table import TOKENS

# Below the results folder; all others are tables/NAME.parquet.
_FILES: Mapping[str, str] = {
    "selection": "corpora/CORPUS/selected.parquet",
    "word_map": "word_map/CORPUS.parquet",
    "word_group_statistics": "word_groups/GROUPS-statistics.parquet",
}


def pages() -> dict[Path, str]:
    """Return the generated part of the page of all columns."""
    return {ROOT / "workflow/schemas/tables.md": "\n" + "\n".join(_sections())}


def _sections() -> Iterator[str]:
    yield _section("tokens", "corpora/CORPUS/tokens.parquet", "a word token of a corpus", TOKENS)
    for name in sorted(TABLES):
        yield _section(name, _FILES.get(name, f"tables/{name}.parquet"), ROWS[name], TABLES[name])
    row = "a rule, or a rule and a model: what its jobs took, which `summarise_jobs` sums up"
    yield _section("jobs", "tables/jobs.parquet", row, JOBS)


def _section(name: str, file: str, row: str, columns: Sequence[Column]) -> str:
    lines = [f"### `{name}`\n", f"`{file}`: a row is {row}.\n"]
    lines += ["| column | type | unit | meaning |", "| --- | --- | --- | --- |"]
    for column in columns:
        kind = f"{column.type} or missing" if column.nullable else column.type
        lines.append(f"| `{column.name}` | {kind} | {column.unit} | {column.meaning} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    keep_in_step(pages())
