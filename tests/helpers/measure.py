"""What the benchmark scripts share: time, peak memory, product rates, and the table of results."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Measured:
    """Wall time in seconds and growth of resident memory at its peak in MiB."""

    seconds: float
    memory_mib: float

    def times(self, factor: float) -> "Measured":
        """Scale the time."""
        return Measured(self.seconds * factor, self.memory_mib)


@dataclass(frozen=True)
class Row:
    """One line of the table: our work and the same work by a peer.

    Attributes
    ----------
    work, peer
        What is done, and by whom else.
    ours, theirs
        Of the whole work.
    scaled
        What was run of the peer's work, where its time is scaled; else empty.
    target
        Least ratio of time; 0 where there is none.
    lighter
        Least ratio of memory; 0 where there is none.
    agreement
        How far the results agree.
    share
        Of the measured rate of matrix products, where products are most of the work.
    bound
        Ratio that products alone would give at that rate, doing nothing else.
    """

    work: str
    peer: str
    ours: Measured
    theirs: Measured
    scaled: str = ""
    target: float = 0.0
    lighter: float = 0.0
    agreement: str = ""
    share: float | None = None
    bound: float | None = None


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def _measure(work: Callable[[], Any]) -> tuple[Any, Measured]:
    """Run `work`, sampling resident memory every 5 ms."""
    start = peak = _resident()
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.005):
            peak = max(peak, _resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    begin = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - begin
    done.set()
    watcher.join()
    return result, Measured(seconds, peak - start)


def measure(
    works: Mapping[str, Callable[[], Any]], rounds: int = 2
) -> dict[str, tuple[Any, Measured]]:
    """Run each work `rounds` times in a row; the shortest time counts, the result of the last run.

    A work of gigabytes may take twice as long the first time, while the machine finds the memory.
    The first growth of memory counts. Ours comes first: a later work may grow into memory that an
    earlier one left.
    """
    found: dict[str, tuple[Any, Measured]] = {}
    for name, work in works.items():
        result, first = _measure(work)
        seconds = first.seconds
        for _ in range(rounds - 1):
            result, again = _measure(work)
            seconds = min(seconds, again.seconds)
        found[name] = result, Measured(seconds, first.memory_mib)
    return found


def product_rate(kind: type, size: int = 1024, depth: int = 768) -> float:
    """Measure operations a second of a matrix product that this machine does well."""
    rng = np.random.default_rng(0)
    x: NDArray[Any] = rng.normal(size=(size, depth)).astype(kind)
    y: NDArray[Any] = rng.normal(size=(size, depth)).astype(kind)
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        _ = x @ y.T
        times.append(time.perf_counter() - begin)
    return 2 * size**2 * depth / min(times)


def report(rows: Sequence[Row]) -> None:
    """Print rows, and append them to the file that GROUNDSCOPE_BENCHMARKS names, if it does."""
    show(rows)
    path = os.environ.get("GROUNDSCOPE_BENCHMARKS")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(row)) + "\n" for row in rows)


def read_rows(path: Path) -> list[Row]:
    """Read what `report` appended."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        row |= {side: Measured(**row[side]) for side in ("ours", "theirs")}
        rows.append(Row(**row))
    return rows


def show_alone(title: str, lines: Sequence[tuple[str, Measured, str]]) -> None:
    """Print what has no peer: work, time, peak memory, and a remark."""
    sys.stdout.write(f"\n{title}\n")
    for name, measured, remark in lines:
        sys.stdout.write(
            f"  {name:<46} {measured.seconds:9.3f} s {measured.memory_mib:8.0f} MiB  {remark}\n"
        )


def show(rows: Sequence[Row]) -> None:
    """Print the table."""
    head = ["work", "peer", "ours", "theirs", "ratio", "target", "MiB", "theirs", "GEMM", "remark"]
    lines = [head]
    for row in rows:
        ratio = row.theirs.seconds / row.ours.seconds
        lighter = row.theirs.memory_mib / max(row.ours.memory_mib, 1.0)
        met = ratio >= row.target and lighter >= row.lighter
        wanted = f"{row.target:.0f}x" + (f", 1/{row.lighter:.0f} MiB" if row.lighter else "")
        remarks = [
            row.agreement,
            f"scaled from {row.scaled}" if row.scaled else "",
            f"memory 1/{lighter:.1f}" if row.lighter else "",
            f"products alone: {row.bound:.0f}x" if row.bound else "",
        ]
        lines.append(
            [
                row.work,
                row.peer,
                f"{row.ours.seconds:.2f} s",
                f"{row.theirs.seconds:.1f} s",
                f"{ratio:.1f}x",
                f"{wanted}: {'met' if met else 'missed'}" if row.target else "-",
                f"{row.ours.memory_mib:.0f}",
                f"{row.theirs.memory_mib:.0f}",
                "" if row.share is None else f"{row.share:.0%}",
                "; ".join(remark for remark in remarks if remark),
            ]
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")
    sys.stdout.flush()
