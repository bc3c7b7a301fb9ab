"""The first and the last line of a job's log: where and with what it ran, what it took.

Only the environment variables named here are read, so that no secret can end up in a log.
"""

import importlib.metadata
import logging
import os
import platform
import sys
import time
from pathlib import Path

_LOG = logging.getLogger(__name__)
_LIBRARIES = ("numpy", "scipy", "pyarrow", "torch", "transformers", "matplotlib")
_GIVEN = (
    "SLURM_JOB_ID",
    "SLURM_JOB_PARTITION",
    "SLURM_CPUS_PER_TASK",
    "SLURM_MEM_PER_NODE",
    "SLURM_JOB_GPUS",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
)


def log_begin() -> float:
    """Log host, versions and what was allotted; return the time, for `log_end`."""
    given = [f"{name}={os.environ[name]}" for name in _GIVEN if name in os.environ]
    _LOG.info(
        "on %s, %d CPUs; Python %s, %s; %s",
        platform.node(),
        len(os.sched_getaffinity(0)),
        platform.python_version(),
        ", ".join(f"{name} {found}" for name in _LIBRARIES if (found := _version(name))),
        ", ".join(given) or "no scheduler",
    )
    return time.monotonic()


def log_end(begin: float) -> None:
    """Log wall time and peak memory, of a GPU too where one was used."""
    line = f"ended after {time.monotonic() - begin:.1f} s; peak memory {peak_mib():.0f} MiB"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        gpu = torch.cuda.max_memory_reserved() / 2**20
        line += f"; peak memory of {torch.cuda.get_device_name()} {gpu:.0f} MiB"
    _LOG.info(line)


def peak_mib() -> float:
    """Return the peak resident memory of this process in MiB."""
    # not getrusage, which also counts the process that forked this one
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
