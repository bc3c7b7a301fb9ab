"""A command that is told to end: one line that says why and how far, and no half-written file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from job_log import complaint

JOB = {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "c1"}
SOURCES = Path(__file__).parents[2] / "workflow/src"
# a main thread that never answers, as in a long product or on a dead file system
COMMAND = """
import sys, threading
from groundscope import status
from groundscope.commands._cli import run
from groundscope.files import atomic

def main():
    status.reach("12/40 clips")
    with atomic(sys.argv[1]) as beside:
        beside.write_text("half")
        print("ready", flush=True)
        stuck.acquire()

stuck = threading.Semaphore(0)
sys.argv[0] = "extract_embeddings.py"
run(main)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_ends_a_command_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 128 + signal, one line with the cause, the progress and what to do, no file."""
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path / "layer-0.parquet")],
        env={**os.environ, "PYTHONPATH": str(SOURCES), **JOB},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    running.send_signal(number)
    _, said = running.communicate(timeout=30)
    said = complaint(said)
    assert running.returncode == 128 + number
    assert said.startswith(f"ended by {number.name} (SLURM job 7 on c1) after 0 min ")
    assert "at 12/40 clips" in said
    assert ("--set-resources extract_embeddings:runtime=" in said) == (number != signal.SIGINT)
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
