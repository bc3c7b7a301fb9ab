"""TextGrid files of Praat, the Montreal Forced Aligner and others, read strictly."""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from groundscope.errors import UserError

_OVERLAP_SLACK = 1e-6  # seconds; writers round times
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Both text formats are the same values in the same order (Praat's manual, "TextGrid file formats"):
# texts in quotes, and numbers that stand alone. What else is between them is for human readers.
_VALUE = re.compile(
    r"""
    "(?P<text>(?:[^"]|"")*+)" | (?P<unclosed>")
    | (?<!\S)(?P<comment>!.*)
    | (?<![^\s=])(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?!\S)
    """,
    re.VERBOSE,
)
_INTERVALS, _POINTS = "IntervalTier", "TextTier"


@dataclass(frozen=True, slots=True)
class Interval:
    """A labelled span, in seconds."""

    start_s: float
    end_s: float
    label: str


class TextGrid:
    """Interval tiers of one file.

    Parameters
    ----------
    path
        Long or short text format.
    encoding
        Of a file without a byte order mark.

    Raises
    ------
    UserError
        The file is no TextGrid, or not in that encoding.
    """

    def __init__(self, path: Path, encoding: str = "utf-8") -> None:
        self.path = path
        content = path.read_bytes()
        marked = next((name for mark, name in _MARKS if content.startswith(mark)), encoding)
        try:
            text = content.decode(marked)
        except UnicodeDecodeError as error:
            message = (
                f"{path} is not {marked} text (byte {error.start}): set the corpus option "
                "encoding, or save it as UTF-8"
            )
            raise UserError(message) from error
        except LookupError as error:
            message = f"encoding: {encoding!r} is unknown; expected a name such as latin-1"
            raise UserError(message) from error
        self._tiers = _read_tiers(text, path)

    def intervals(self, tier: str) -> list[Interval]:
        """Return the labelled intervals of a tier, in order.

        Raises
        ------
        UserError
            There is no such interval tier (those that exist are named), or two; an interval has no
            length or begins before 0 s; two overlap.
        """
        found = [entries for name, entries in self._tiers if name == tier]
        if len(found) != 1:
            names = ", ".join(repr(name) for name, _ in self._tiers) or "none"
            fault = f"{len(found)} interval tiers" if found else "no interval tier"
            message = f"{self.path} has {fault} {tier!r}; it has {names}"
            raise UserError(message)
        intervals: list[Interval] = []
        for interval in found[0]:
            if not interval.label:
                continue
            where = f"{self.path}, tier {tier!r}, {interval.label!r} at {interval.start_s} s"
            if interval.start_s < 0:
                message = f"{where}: the interval begins before its recording"
                raise UserError(message)
            if interval.end_s <= interval.start_s:
                message = f"{where}: the interval has no length (it ends at {interval.end_s} s)"
                raise UserError(message)
            if intervals and interval.start_s < intervals[-1].end_s - _OVERLAP_SLACK:
                message = f"{where}: overlaps the interval before it, {intervals[-1].label!r}"
                raise UserError(message)
            intervals.append(interval)
        return intervals


class _Values:
    """The values of a file, one after the other; ValueError where another kind of value comes."""

    def __init__(self, text: str) -> None:
        found = _VALUE.finditer(text)
        self._rest = (match for match in found if match.lastgroup != "comment")

    def _next(self, kind: str) -> str:
        match = next(self._rest, None)
        if match is None or match.lastgroup != kind:
            raise ValueError
        return match[kind]

    def text(self) -> str:
        return self._next("text").replace('""', '"').strip()

    def seconds(self) -> float:
        return float(self._next("number")) + 0.0  # writers have -0, too

    def count(self) -> int:
        return int(self._next("number"))

    def require_end(self) -> None:
        if next(self._rest, None) is not None:
            raise ValueError


def _read_tiers(text: str, path: Path) -> list[tuple[str, list[Interval]]]:
    """Read the names and intervals of all interval tiers; check all announced numbers of both."""
    values = _Values(text)
    tiers: list[tuple[str, list[Interval]]] = []
    state = "it does not begin as one"
    try:
        if not values.text().startswith("ooTextFile") or values.text() != "TextGrid":
            raise ValueError
        values.seconds(), values.seconds()
        size = values.count()
        for place in range(size):
            state = f"{size} tiers are announced, {place} found"
            kind, name = values.text(), values.text()
            if kind not in (_INTERVALS, _POINTS):
                raise ValueError
            values.seconds(), values.seconds()
            length, entries = values.count(), []
            for number in range(length):
                state = f"tier {name!r}: {length} entries are announced, {number} found"
                start = values.seconds()
                end = values.seconds() if kind == _INTERVALS else start
                entries.append(Interval(start, end, values.text()))
            if kind == _INTERVALS:
                tiers.append((name, entries))
        state = "it has more than it announces" if size else "it has no tiers"
        values.require_end()
        if not size:
            raise ValueError
    except ValueError as error:
        message = f"{path} is no complete TextGrid (long or short text format): {state}"
        raise UserError(message) from error
    return tiers
