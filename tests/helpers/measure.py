"""What the benchmark scripts share: time, peak memory, the machine's matrix product rate."""

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """Wall time in seconds and growth of resident memory at its peak in MiB."""

    seconds: float
    memory_mib: float


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def measure(work: Callable[[], T], repeats: int = 1) -> tuple[T, Measured]:
    """Run `work`, sampling resident memory every 5 ms; the best of `repeats` times counts."""
    start = peak = _resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, _resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - begin)
    done.set()
    watcher.join()
    return result, Measured(min(times), peak - start)


def product_rate(rows: int, features: int) -> float:
    """Measure float64 operations a second of X'Y, the shape that CKA uses."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, rows, features))
    _ = x.T @ y
    _, measured = measure(lambda: x.T @ y, repeats=3)
    return 2 * rows * features**2 / measured.seconds


def show(title: str, lines: list[tuple[str, Measured, str]]) -> None:
    """Print one table: what, time, peak memory, and a remark (ratio, agreement)."""
    sys.stdout.write(f"\n{title}\n")
    for name, measured, remark in lines:
        sys.stdout.write(
            f"  {name:<46} {measured.seconds:9.3f} s {measured.memory_mib:8.0f} MiB  {remark}\n"
        )
