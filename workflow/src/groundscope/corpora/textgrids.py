"""TextGrid files of Praat, the Montreal Forced Aligner and others, read strictly."""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundscope.errors import UserError

_OVERLAP_SLACK = 1e-6  # seconds; writers round times
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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
        # needed by corpora with TextGrids only
        from praatio.utilities import textgrid_io
        from praatio.utilities.errors import PraatioException

        try:
            parsed = textgrid_io.parseTextgridStr(text, includeEmptyIntervals=False)
        except (PraatioException, ValueError, IndexError, KeyError, AttributeError) as error:
            message = f"{path} is not a readable TextGrid (long or short text format)"
            raise UserError(message) from error
        self._tiers: dict[str, Any] = {tier["name"]: tier for tier in parsed["tiers"]}
        if not self._tiers:
            message = f"{path} has no tiers or is no TextGrid"
            raise UserError(message)

    def intervals(self, tier: str) -> list[Interval]:
        """Return the labelled intervals of a tier, in order.

        Raises
        ------
        UserError
            There is no such interval tier (those that exist are named); an interval has no
            length; two overlap.
        """
        found = self._tiers.get(tier)
        if found is None or found["class"] != "IntervalTier":
            names = ", ".join(
                repr(name)
                for name, other in self._tiers.items()
                if other["class"] == "IntervalTier"
            )
            message = f"{self.path} has no interval tier {tier!r}; it has {names or 'none'}"
            raise UserError(message)
        intervals: list[Interval] = []
        for entry in found["entries"]:
            interval = Interval(float(entry[0]), float(entry[1]), str(entry[2]).strip())
            where = f"{self.path}, tier {tier!r}, {interval.label!r} at {interval.start_s} s"
            if interval.end_s <= interval.start_s:
                message = f"{where}: the interval has no length (it ends at {interval.end_s} s)"
                raise UserError(message)
            if intervals and interval.start_s < intervals[-1].end_s - _OVERLAP_SLACK:
                message = f"{where}: overlaps the interval before it, {intervals[-1].label!r}"
                raise UserError(message)
            if interval.label:
                intervals.append(interval)
        return intervals
