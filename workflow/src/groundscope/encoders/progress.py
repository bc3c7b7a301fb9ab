"""Progress: a bar on a terminal, a plain line every 30 s in a log."""

import sys
import time
from typing import TextIO

from groundscope import status

_TERMINAL_S, _LOG_S = 0.2, 30.0


class Progress:
    """Counts items and says how fast they go.

    Parameters
    ----------
    total
        Items to come.
    unit
        What they are, in the plural.
    stream
        Where to write; a terminal gets a bar that redraws itself.
    """

    def __init__(self, total: int, unit: str, stream: TextIO | None = None) -> None:
        self._total, self._unit = total, unit
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._begin = self._last = time.monotonic()
        self._done = 0

    def add(self, items: int) -> None:
        """Count `items` more."""
        self._done += items
        status.reach(f"{self._done}/{self._total} {self._unit}")
        now = time.monotonic()
        if now - self._last >= (_TERMINAL_S if self._terminal else _LOG_S):
            self._last = now
            self._write(now)

    def close(self) -> None:
        """Write the final count."""
        self._write(time.monotonic())
        if self._terminal:
            self._stream.write("\n")

    def _write(self, now: float) -> None:
        rate = self._done / max(now - self._begin, 1e-9)
        left = (self._total - self._done) / rate if rate else 0.0
        text = f"{self._done}/{self._total} {self._unit}, {rate:.1f}/s, {_clock(left)} left"
        if self._terminal:
            filled = 30 * self._done // max(self._total, 1)
            text = f"\r[{'#' * filled}{'.' * (30 - filled)}] {text}\x1b[K"
        else:
            text += "\n"
        self._stream.write(text)
        self._stream.flush()


def _clock(seconds: float) -> str:
    """Hours, minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
