"""Which rows of a result table a figure shows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from groundscope.errors import NothingToDraw, UserError

Row = dict[str, Any]
# kinds of word pairs that the others are compared with
AT_RANDOM = ("random", "different-word")
# measure of word pairs that depends on anisotropy, in which models differ: none to contrast them by
ANISOTROPIC = "normalised"
# groups whose silhouettes the figures, sentences and cautions of contrasts speak of
ALL_GROUPS = {"protocol": "all-groups", "subset": "all"}
# silhouettes of a contrast, minus the mean of their permuted null
ABOVE_NULL = "silhouette-above-null"
# A corrected p below it counts as a difference.
ALPHA = 0.05
# With fewer permutations no one-sided p is 0.05: it is 1 / (1 + permutations) at least.
FEWEST_PERMUTED = 19


@dataclass(frozen=True)
class LayerAxis:
    """Positions of layers on a horizontal axis: numbers at their value, names after them."""

    positions: Mapping[str, float]

    @classmethod
    def of(cls, layers: Iterable[str]) -> "LayerAxis":
        """Axis of `layers`; names keep the order of their first appearance."""
        names = list(dict.fromkeys(layers))
        numbers = sorted((name for name in names if name.isdigit()), key=int)
        positions = {name: float(name) for name in numbers}
        # names stand apart from the stack, and from each other, however long the axis is
        step = max(1.0, len(numbers) / 12)
        spare = positions[numbers[-1]] + 1.5 * step if numbers else 0.0
        for offset, name in enumerate(name for name in names if not name.isdigit()):
            positions[name] = spare + step * offset
        return cls(positions)

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the axis, half a layer outside."""
        return min(self.positions.values()) - 0.5, max(self.positions.values()) + 0.5

    def ticks(self, most: int) -> list[str]:
        """Layers to label: every name, and at most about `most` numbers, evenly spaced."""
        numbers = [name for name in self.positions if name.isdigit()]
        names = [name for name in self.positions if not name.isdigit()]
        span = int(numbers[-1]) - int(numbers[0]) if numbers else 0
        step = next(s for s in (1, 2, 3, 4, 6, 8, 12, 24, 48, 96, 200) if span / s <= most - 1)
        return [name for name in numbers if int(name) % step == 0] + names


def layers_in_order(layers: Iterable[str]) -> list[str]:
    """Distinct layers: numbers by value, names after them by first appearance."""
    positions = LayerAxis.of(layers).positions
    return sorted(positions, key=positions.__getitem__)


_PLANNED = ("corpus", "labelling")


def choose(
    table: pa.Table, name: str, defaults: Mapping[str, str], options: Mapping[str, Any]
) -> tuple[list[Row], dict[str, str]]:
    """Rows of one corpus and one value of each column that would mix numbers of different kinds.

    Parameters
    ----------
    table
        A result table.
    name
        Its name, for messages.
    defaults
        Column -> value that is shown where the options name none; where the table lacks that
        value, the first in the alphabet stands in.
    options
        ``corpus`` and any key of `defaults`; other keys are for the figure.

    Returns
    -------
    rows, shown
        The rows as dictionaries, and what was chosen: column -> value.

    Raises
    ------
    NothingToDraw
        The table is empty, or has no row of the corpus or labelling.
    UserError
        It has no row of another value that the options ask for.
    """
    if not table.num_rows:
        message = f"table {name!r} is empty: there is nothing to draw"
        raise NothingToDraw(message)
    shown: dict[str, str] = {}
    for column in ("corpus", *defaults):
        present = sorted({str(value) for value in table.column(column).to_pylist()})
        wanted = options.get(column)
        if wanted is None:
            default = defaults.get(column)
            wanted = default if default in present else present[0]
        elif wanted not in present:
            message = (
                f"table {name!r} has no rows of {column} {wanted!r}; it has {', '.join(present)}"
            )
            # of a corpus or a labelling that an analysis left out; other values are asked for
            raise (NothingToDraw if column in _PLANNED else UserError)(message)
        shown[column] = str(wanted)
        table = table.filter(pc.equal(table.column(column), shown[column]))
    rows: list[Row] = table.to_pylist()
    return rows, shown


def in_order(present: Iterable[str], order: Sequence[str] = ()) -> list[str]:
    """Distinct values: those of `order` first, the others by first appearance."""
    found = list(dict.fromkeys(present))
    return [name for name in order if name in found] + [name for name in found if name not in order]


def count(rows: Sequence[Row], column: str) -> str:
    """Give a count that all rows share, or its range."""
    values = [row[column] for row in rows]
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


# Of `vectors`, for the line above a figure.
MEANS = "words: each the mean of its tokens"


def vectors(rows: Sequence[Row]) -> str:
    """How many words entered the rows, as the means of their tokens, or token by token."""
    kinds = sorted({row["rows"] for row in rows})
    words, tokens = count(rows, "n_types"), count(rows, "n_tokens")
    return f"{words} words" if kinds == ["types"] else f"{tokens} tokens of {words} words"


def drawn(rows: Sequence[Row]) -> str:
    """How many words entered the rows of a table with draws, and in how many draws."""
    draws = max(row["draws"] for row in rows)
    means = ", each the mean of its tokens" * (rows[0]["rows"] == "types")
    return f"{vectors(rows)}{means}{f', mean of {draws} draws' * (draws > 1)}"


def intervals(rows: Sequence[Row]) -> str:
    """Say what the bars or bands are, as the table says it."""
    kinds = sorted({row["interval"] for row in rows if row["interval"]})
    return f"95% interval: {'; '.join(kinds)}" if kinds else "no intervals"


def written(value: float, sign: str = "") -> str:
    """Write a number with three decimals, with `sign` ``+`` if it is more; zero without any."""
    rounded = round(value, 3) + 0.0
    return f"{rounded:{sign if rounded else ''}.3f}"


def told(row: Row) -> str:
    """Write the estimate of a row with its interval and, if there is one, its permuted null."""
    text = written(row["estimate"])
    if row["ci_low"] is not None and row["ci_high"] is not None:
        text += f" (95% interval {written(row['ci_low'])} to {written(row['ci_high'])})"
    if row.get("null_high") is not None:
        text += f", permuted {written(row['null_mean'])} to {written(row['null_high'])}"
    return text


_SHOWN: Mapping[str, Mapping[str, str]] = {
    "silhouette": {
        "level": "overall",
        "measure": "silhouette",
        "metric": "cosine",
        "space": "full",
        **ALL_GROUPS,
    },
    "lda": {"measure": "accuracy"},
    "pairs": {"measure": "auc"},
    "cka": {"measure": "cka-linear", "estimator": "debiased", "space": "full"},
}


def shown_rows(name: str, rows: Sequence[Row]) -> list[Row]:
    """Rows of table `name` that the overview and the sentences speak of, pairs at random apart."""
    wanted = dict(_SHOWN[name])
    # of words, where both words and single tokens were compared
    if name == "cka" and any(row["rows"] == "types" for row in rows):
        wanted["rows"] = "types"
    found = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return [row for row in found if row.get("kind") not in AT_RANDOM]


def of_all_groups(rows: Sequence[Row]) -> list[Row]:
    """Keep what figures show of contrasts and correlations: all groups at once, and accuracies.

    Where there are only silhouettes that leave a group out, these stand in.
    """
    protocols = {row["protocol"] for row in rows}
    together = ALL_GROUPS["protocol"] in protocols
    return [
        row
        for row in rows
        if (row.get("analysis") != "lda" or row["measure"] == "accuracy")
        and row["subset"] in (None, ALL_GROUPS["subset"])
        and (row["protocol"] in (None, ALL_GROUPS["protocol"]) or not together)
    ]


def above_null(rows: Sequence[Row]) -> list[Row]:
    """Contrasts without those of raw silhouettes that were also contrasted above their null."""
    above = {_clustering(row) for row in rows if row["measure"] == ABOVE_NULL}
    return [row for row in rows if row["measure"] != "silhouette" or _clustering(row) not in above]


def _clustering(row: Row) -> tuple[Any, ...]:
    keys = ("corpus", "contrast", "labelling", "metric", "space", *ALL_GROUPS)
    return tuple(row[key] for key in keys)


def best(rows: Sequence[Row]) -> Row:
    """Row with the highest estimate; the first of equals."""
    return max(rows, key=lambda row: float(row["estimate"]))
