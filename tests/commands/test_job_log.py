"""What a job's log says about itself, and the table of what all jobs took."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from groundscope.columns import write_rows
from groundscope.commands import _cli, summarise_jobs
from groundscope.errors import UserError

ROOT = Path(__file__).parents[2]


def _benchmark(folder: Path, name: str, **record: object) -> None:
    path = folder / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")


def test_jobs_are_summed_by_rule_and_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two layers of a model are one row; only models on a GPU have GPU hours."""
    folder = tmp_path / "benchmarks"
    extraction = "extract_embeddings/clips"
    _benchmark(folder, f"{extraction}/w2v/layer-0", s=1800.0, cpu_time=900.0, max_rss=500.0)
    _benchmark(folder, f"{extraction}/w2v/layer-1", s=5400.0, cpu_time=900.0, max_rss=700.0)
    _benchmark(folder, f"{extraction}/glove/layer-0", s=360.0, cpu_time="NA", max_rss="NA")
    _benchmark(folder, "write_summary", s=36.0, cpu_time=1.0, max_rss=80.0)
    output = tmp_path / "jobs.parquet"
    files = ["--benchmarks", str(folder), "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["summarise_jobs", "--on-gpu", "w2v", *files])
    summarise_jobs.main()
    rows = {(row["rule"], row["model"]): row for row in pq.ParquetFile(output).read().to_pylist()}
    speech = rows["extract_embeddings", "w2v"]
    assert (speech["jobs"], speech["wall"], speech["gpu"]) == (2, 2.0, 2.0)
    assert (speech["wall_longest"], speech["memory"], speech["cpu"]) == (90.0, 700.0, 0.5)
    static = rows["extract_embeddings", "glove"]
    assert (static["wall"], static["gpu"], static["memory"]) == (0.1, 0.0, None)
    assert rows["write_summary", None]["jobs"] == 1
    assert "4 jobs, 2.11 h of wall time, 2.00 GPU hours" in capsys.readouterr().out


def test_a_broken_benchmark_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty file, or no file at all, is one line that names the place."""
    (tmp_path / "a.jsonl").touch()
    files = ["--benchmarks", str(tmp_path), "--output", str(tmp_path / "x.parquet")]
    monkeypatch.setattr(sys, "argv", ["summarise_jobs", *files])
    with pytest.raises(UserError, match=r"a\.jsonl is not a benchmark file"):
        summarise_jobs.main()
    (tmp_path / "a.jsonl").unlink()
    with pytest.raises(UserError, match="holds no benchmark file"):
        summarise_jobs.main()


def test_a_log_begins_and_ends_with_where_and_what(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Host, versions and allotment first, time and peak memory last, also where the job fails."""
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "4000")
    monkeypatch.setattr(logging.root, "handlers", [])

    def fail() -> None:
        message = "no such thing"
        raise UserError(message)

    with pytest.raises(SystemExit):
        _cli.run(fail)
    first, *_, problem, last = capsys.readouterr().err.splitlines()
    assert os.uname().nodename in first
    assert "SLURM_MEM_PER_NODE=4000" in first
    assert "numpy" in first
    assert problem == "error: no such thing"
    assert "ended after" in last
    assert "peak memory" in last


def test_a_log_holds_no_secret_of_the_environment(tmp_path: Path) -> None:
    """Tokens and passwords of the environment do not show, whatever they are called."""
    secrets = {"HF_TOKEN": "hf_abcdef", "SLURM_JWT": "eyJ0abc", "AWS_SECRET_ACCESS_KEY": "wJalr"}
    (tmp_path / "a.jsonl").write_text(json.dumps({"s": 1.0, "cpu_time": 1.0, "max_rss": 1.0}))
    command = ["-m", "groundscope.commands.summarise_jobs", "--benchmarks", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *command, "--output", str(tmp_path / "jobs.parquet")],
        env={**os.environ, **secrets, "PYTHONPATH": str(ROOT / "workflow/src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ended after" in done.stderr
    for secret in secrets.values():
        assert secret not in done.stdout + done.stderr


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o000, 0o664)])
def test_results_are_for_the_group_and_never_for_all_to_write(
    tmp_path: Path, umask: int, mode: int
) -> None:
    """A table is as readable as the umask says, and not world-writable under any umask."""
    output = tmp_path / "jobs.parquet"
    before = os.umask(umask)
    try:
        write_rows(output, summarise_jobs.JOBS, [])
    finally:
        os.umask(before)
    assert output.stat().st_mode & 0o777 == mode
