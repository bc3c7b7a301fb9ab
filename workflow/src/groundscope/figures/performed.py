"""What of the configuration was carried out: that of which the result tables have rows."""

from collections.abc import Mapping
from typing import Any

from groundscope.figures.findings import Tables
from groundscope.figures.selection import AT_RANDOM

# Option that names several -> the column that has these names.
_LISTED = {
    "labellings": "labelling",
    "models": "model",
    "spaces": "space",
    "measures": "measure",
    "protocols": "protocol",
    "subsets": "subset",
}
# Kinds of word pairs that need no word map.
_OWN_KINDS = {*AT_RANDOM, "same-word", "same-group", "same-speaker"}
# Option -> what a row has that comes of it alone, in which column; there may be none of it.
_OPTIONAL = {
    "kmeans_seeds": ("measure", "adjusted-rand"),
    "control_tasks": ("measure", "selectivity"),
    "groups": ("kind", "same-group"),
}


def has_rows(tables: Tables, name: str) -> bool:
    """Whether the study has such a table, and it is not empty."""
    return name in tables and tables[name].num_rows > 0


def found_in(tables: Tables, name: str, column: str) -> set[str]:
    """Values of a column of a table; none if the study has no such table."""
    return set(tables[name].column(column).to_pylist()) if name in tables else set()


def performed(settings: Mapping[str, Any], analysis: str, tables: Tables) -> Mapping[str, Any]:
    """Options of an analysis, without what its table has no row of."""
    options = dict(settings["analyses"][analysis])
    if options.get("models") == "all":
        options["models"] = list(settings["models"])
    for key, column in _LISTED.items():
        if key in options:
            # the name of an LDA space has its labelling
            found = {str(value).partition(":")[0] for value in found_in(tables, analysis, column)}
            options[key] = [name for name in options[key] if name in found]
    if options.get("models") == list(settings["models"]):
        options["models"] = "all"
    for key, (column, value) in _OPTIONAL.items():
        if key in options and value not in found_in(tables, analysis, column):
            options[key] = None
    if analysis == "pairs" and found_in(tables, "pairs", "kind") <= _OWN_KINDS:
        options.pop("word_map", None)
    return options
