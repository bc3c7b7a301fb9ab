"""A job that is told to end says so in one line and leaves no half-written file.

SLURM sends SIGTERM at the time limit and on scancel, and SIGKILL soon after; ``--signal=USR1@120``
asks for an earlier warning.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from groundscope import files, status
from groundscope.commands._job import peak_mib

_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


def end_on_signals() -> None:
    """From now on, end with one line on stderr and exit code 128 + signal."""
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)
    # a thread of its own, because the main one may be in a long product and answers too late
    signal.set_wakeup_fd(wake)
    begin = time.monotonic()
    threading.Thread(target=_end, args=(woken, begin), daemon=True).start()


def _end(woken: int, begin: float) -> None:
    number = os.read(woken, 1)[0]
    try:
        files.discard_unfinished()
        # not the log, whose lock the main thread may hold, nor a GPU, which may not answer
        sys.stderr.write(f"{explanation(number, time.monotonic() - begin)}\n")
        sys.stderr.flush()
    finally:
        # not sys.exit, which waits for threads that may hang on a file system
        os._exit(128 + number)


def explanation(number: int, seconds: float) -> str:
    """Say in one line what happened, how far the job was, what it took, and what to do."""
    job = f"SLURM job {os.environ['SLURM_JOB_ID']} on " if "SLURM_JOB_ID" in os.environ else ""
    node = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    minutes, rest = divmod(round(seconds), 60)
    how_far = f" at {status.reached()}" if status.reached() else ""
    advice = "run the same command again to go on"
    if number != signal.SIGINT:
        advice += (
            "; if this was the time limit and further attempts end so too, ask for more: "
            + " or ".join(_remedies(sys.argv))
        )
    return (
        f"ended by {signal.Signals(number).name} ({job}{node}) after {minutes} min {rest} s"
        f"{how_far}, peak memory {peak_mib():.0f} MiB: nothing half-written is left; {advice}"
    )


def _remedies(command: Sequence[str]) -> list[str]:
    """List what gives a job more time, or less to do."""
    rule, less = Path(command[0]).stem, []
    if rule == "extract_embeddings":
        # as plan.extraction names its rules
        given = dict(pairwise(command))
        layers = given["--layers"].split(",")
        if len(layers) > 1:
            less.append("a smaller layers_per_job")
        less.append("more extraction_blocks")
        rule = "extract_embeddings" if given["--block"].endswith("/1") else "extract_block"
        rule += ("_" + "_".join(layers).replace("-", "_")) * (len(layers) > 1)
    return [f"--set-resources {rule}:runtime=MINUTES", *less]
