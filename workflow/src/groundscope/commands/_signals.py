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
from pathlib import Path

from groundscope import files, status

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
    files.discard_unfinished()
    sys.stderr.write(f"{explanation(number, time.monotonic() - begin)}\n")
    sys.stderr.flush()
    # not sys.exit, which waits for threads that may hang on a file system
    os._exit(128 + number)


def explanation(number: int, seconds: float) -> str:
    """Say in one line what happened, how far the job was, and what to do."""
    command = Path(sys.argv[0]).stem
    job = f"SLURM job {os.environ['SLURM_JOB_ID']} on " if "SLURM_JOB_ID" in os.environ else ""
    node = os.environ.get("SLURMD_NODENAME") or socket.gethostname()
    minutes, rest = divmod(round(seconds), 60)
    how_far = f" at {status.reached()}" if status.reached() else ""
    advice = "run the same command again to go on"
    if number != signal.SIGINT:
        advice += (
            "; if this was the time limit and further attempts end so too, ask for more: "
            f"--set-resources {command}:runtime=MINUTES"
        )
        if command == "extract_embeddings":
            advice += ", or a smaller layers_per_job"
    return (
        f"ended by {signal.Signals(number).name} ({job}{node}) after "
        f"{minutes} min {rest} s{how_far}: nothing half-written is left; {advice}"
    )
