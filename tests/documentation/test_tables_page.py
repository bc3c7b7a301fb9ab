"""The page about tables: its columns are those of the code, its examples run as they stand."""

import ast
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from checkout import ROOT
from pages import blocks

from groundscope import column_reference
from groundscope.columns import schema
from groundscope.commands.summarise_jobs import JOBS
from groundscope.plan.reference import generated_part
from groundscope.tables import ROWS, TABLES, write_table

PAGE = ROOT / "workflow/schemas/tables.md"
EMPTY = {
    pa.string(): "x",
    pa.int64(): 0,
    pa.float64(): 0.0,
}
DUCKDB = "import duckdb, sys; print(duckdb.sql(sys.stdin.read()))"


def test_the_page_has_the_table_of_jobs() -> None:
    """No analysis makes it, and it lies beside those that analyses make."""
    page = PAGE.read_text(encoding="utf-8")
    _, _, section = page.partition("`tables/jobs.parquet`")
    assert all(f"| `{column.name}` | {column.type}" in section for column in JOBS)


def test_the_page_has_every_column() -> None:
    """What the page says of columns is what the code writes now."""
    ((page, wanted),) = column_reference.pages().items()
    assert page == PAGE
    assert generated_part(page) == wanted, "run: python -m groundscope.column_reference"
    assert ROWS.keys() == TABLES.keys()


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Write a CKA table with two numbers of one kind, and one of each other kind."""
    unset = {field.name: EMPTY[field.type] for field in schema(TABLES["cka"])}
    kind = {"measure": "cka-linear", "estimator": "debiased", "space": "full", "rows": "types"}
    rows = [
        {**unset, "model_a": "left", "model_b": "right", "layer_b": "0", **kind, **numbers}
        for numbers in (
            {"layer_a": "1", "estimate": 0.25},
            {"layer_a": "2", "estimate": 0.75},
            {"layer_a": "2", "estimate": 0.9375, "estimator": "biased"},
            {"layer_a": "2", "estimate": 0.9376, "measure": "cka-rbf"},
            {"layer_a": "2", "estimate": 0.9377, "space": "pca-8"},
            {"layer_a": "2", "estimate": 0.9378, "rows": "tokens"},
        )
    ]
    write_table(tmp_path / "results/tables/cka.parquet", "cka", rows)
    return tmp_path


@pytest.mark.parametrize(
    ("number", "shown"), [(0, ["0.25", "0.75"]), (1, ["0.75"])], ids=["pandas", "polars"]
)
def test_the_python_examples_run(results: Path, number: int, shown: list[str]) -> None:
    """Both print the numbers of one kind, and no mean or maximum over kinds."""
    printed = _run(["-c", blocks(PAGE, "python")[number]], results)
    assert all(value in printed for value in shown)
    assert "0.9" not in printed


def test_the_sql_example_runs(results: Path) -> None:
    """DuckDB prints the numbers of one kind, the largest first."""
    (query,) = blocks(PAGE, "sql")
    printed = _run(["-c", DUCKDB], results, query)
    assert printed.index("0.75") < printed.index("0.25")
    assert "0.9" not in printed


def test_every_example_is_three_statements() -> None:
    """What is longer does not get read."""
    for code in blocks(PAGE, "python"):
        assert len(ast.parse(code).body) == 3
    for code in (*blocks(PAGE, "sql"), *blocks(PAGE, "r")):
        assert len(code.splitlines()) == 3


def _run(arguments: list[str], folder: Path, text: str = "") -> str:
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(
        command, cwd=folder, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
