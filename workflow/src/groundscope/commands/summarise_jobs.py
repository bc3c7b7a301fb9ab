"""Sum up what the jobs of a study took: number, time, memory, GPU hours, by rule and model."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundscope.columns import Column, write_rows
from groundscope.commands import _cli
from groundscope.errors import UserError

JOBS = (
    Column("rule", "string", "rule of the workflow"),
    Column("model", "string", "model; missing where the rule is not about one", nullable=True),
    Column("jobs", "int64", "finished jobs, each counted once"),
    Column("wall", "float64", "wall time of all jobs", "h"),
    Column("wall_longest", "float64", "wall time of the longest job", "min"),
    Column("cpu", "float64", "CPU time of all jobs", "h", nullable=True),
    Column("memory", "float64", "highest peak of resident memory", "MB", nullable=True),
    Column("gpu", "float64", "wall time of jobs that ask for a GPU", "h"),
)
# Where the path of a benchmark file has the model.
_EXTRACTIONS = ("extract_embeddings", "extract_block")
_MODEL = {
    **dict.fromkeys((*_EXTRACTIONS, "join_blocks", "compare_pairs"), 1),
    **dict.fromkeys(("score_silhouette", "score_lda"), 2),
}


def main() -> None:
    """Read Snakemake's benchmark files; print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder of benchmark files")
    parser.add_argument("--on-gpu", nargs="*", default=[], help="models that ask for a GPU")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    given = parser.parse_args()
    runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in sorted(given.benchmarks.rglob("*.jsonl")):
        rule, *rest = path.relative_to(given.benchmarks).with_suffix("").parts
        model = rest[_MODEL[rule]] if rule in _MODEL else ""
        runs.setdefault((rule, model), []).append(_last_run(path))
    if not runs:
        message = f"{given.benchmarks} holds no benchmark file: run the study first"
        raise UserError(message)
    rows = [_row(*key, found, given.on_gpu) for key, found in sorted(runs.items())]
    write_rows(given.output, JOBS, rows)
    sys.stdout.write(_text(rows))


def _last_run(path: Path) -> dict[str, Any]:
    """Read the record of a job's last run."""
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    except (ValueError, IndexError) as error:
        message = f"{path} is not a benchmark file ({error}): delete it"
        raise UserError(message) from error
    return record


def _row(
    rule: str, model: str, found: Sequence[dict[str, Any]], on_gpu: Sequence[str]
) -> dict[str, Any]:
    hours = sum(run["s"] for run in found) / 3600
    # jobs shorter than Snakemake's sampling have no such numbers
    cpu = [run["cpu_time"] for run in found if isinstance(run["cpu_time"], float)]
    memory = [run["max_rss"] for run in found if isinstance(run["max_rss"], float)]
    return {
        "rule": rule,
        "model": model or None,
        "jobs": len(found),
        "wall": hours,
        "wall_longest": max(run["s"] for run in found) / 60,
        "cpu": sum(cpu) / 3600 if cpu else None,
        "memory": max(memory, default=None),
        "gpu": hours if rule in _EXTRACTIONS and model in on_gpu else 0.0,
    }


def _text(rows: Sequence[dict[str, Any]]) -> str:
    names = [f"{one.name} ({one.unit})" if one.unit else one.name for one in JOBS]
    cells = [names, *([_cell(value) for value in row.values()] for row in rows)]
    total = {name: sum(row[name] for row in rows) for name in ("jobs", "wall", "gpu")}
    widths = [max(len(line[column]) for line in cells) for column in range(len(JOBS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]
    lines.append(
        f"{total['jobs']} jobs, {total['wall']:.2f} h of wall time, {total['gpu']:.2f} GPU hours"
    )
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    _cli.run(main)
