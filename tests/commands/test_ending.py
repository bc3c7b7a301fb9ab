"""A command that is told to end: one line that says why and how far, and no half-written file."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from job_log import complaint

from groundscope.commands._signals import explanation

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
run(main)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_ends_a_command_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """Exit code 128 + signal, one line with the cause, the progress and what to do, no file."""
    running = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(tmp_path / "part.parquet")],
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
    found = re.search(r" at 12/40 clips, peak memory (\d+) MiB: ", said)
    assert found
    assert 10 < int(found[1]) < 200
    assert ("--set-resources" in said) == (number != signal.SIGINT)
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "remedies"),
    [
        ("score_lda.py", "--set-resources score_lda:runtime=MINUTES"),
        (
            "extract_embeddings.py --layers 3 --block 1/1",
            "--set-resources extract_embeddings:runtime=MINUTES or more extraction_blocks",
        ),
        (
            "extract_embeddings.py --layers 0,cls --block 2/8",
            "--set-resources extract_block_0_cls:runtime=MINUTES"
            " or a smaller layers_per_job or more extraction_blocks",
        ),
    ],
)
def test_it_says_what_to_change(
    command: str, remedies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time for the job's own rule; less to do where the study can say so."""
    monkeypatch.setattr(sys, "argv", command.split())
    assert explanation(signal.SIGTERM, 61.0).endswith(f" ask for more: {remedies}")
