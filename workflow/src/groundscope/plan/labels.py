"""Whether subsets of groups have a name of their own, and groups that the lists of words have."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.errors import UserError

Json = Any


def check_subsets(study: Mapping[str, Json]) -> None:
    """Refuse a subset called ``all``, and a group that no scored labelling has.

    The latter where all labellings can be read. Lists that are missing, damaged, built by the study
    or no CSV, and columns of token tables, are not known before jobs run; then no group is refused
    here.

    Raises
    ------
    UserError
        With the key, the names, and those that there are.
    """
    settings = study["analyses"].get("silhouette")
    if settings is None or not settings["subsets"]:
        return
    if "all" in settings["subsets"]:
        message = (
            "analyses.silhouette.subsets: 'all' is not legal; expected another name, as that is "
            "the one of all groups of a labelling in the result tables"
        )
        raise UserError(message)
    known: set[str] = set()
    for name in settings["labellings"]:
        labelling = study["labellings"][name]
        words = labelling.get("words")
        if words is None or words.startswith(f"{study['results']}/"):
            return
        file = Path(words)
        if file.suffix != ".csv" or not file.is_file():
            return
        try:
            known |= _labels(file, labelling.get("label", "label"))
        except csv.Error:
            return
    for subset, groups in settings["subsets"].items():
        unknown = [group for group in groups if group not in known]
        if unknown:
            message = (
                f"analyses.silhouette.subsets.{subset}: no labelling has "
                f"{', '.join(map(repr, unknown))}; there are {', '.join(sorted(known))}"
            )
            raise UserError(message)


def _labels(file: Path, column: str) -> set[str]:
    # what is wrong with the file itself, its readers say
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.DictReader(stream)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        return {(row.get(column) or "").strip() for row in reader} - {""}
