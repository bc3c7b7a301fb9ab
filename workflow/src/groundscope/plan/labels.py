"""Whether subsets of groups have a name of their own, and groups that the lists of words have."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.errors import UserError
from groundscope.plan.targets import has_labels

Json = Any
# of voices, as `corpora.synthesized` has it
_SEXES = ("F", "M")


def check_subsets(study: Mapping[str, Json]) -> None:
    """Refuse a subset called ``all``, and a group that no scored labelling has.

    The latter where all labellings can be known: lists that are CSV and here, and speakers and
    sexes of voices. Lists that are missing, damaged, built by the study or no CSV, and other
    columns of token tables, are not known before jobs run; then no group is refused here, and the
    summary names those that no labelling had.

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
        labels = _known(study, name)
        if labels is None:
            return
        known |= labels
    for subset, groups in settings["subsets"].items():
        unknown = [group for group in groups if group not in known]
        if unknown:
            message = (
                f"analyses.silhouette.subsets.{subset}: no labelling has "
                f"{', '.join(map(repr, unknown))}; there are {', '.join(sorted(known))}"
            )
            raise UserError(message)


def _known(study: Mapping[str, Json], name: str) -> set[str] | None:
    """Labels that a labelling can give; None where planning does not know them."""
    labelling = study["labellings"][name]
    words = labelling.get("words")
    if words is None:
        return _of_column(study, name, labelling["column"])
    file = Path(words)
    listed = file.suffix.lower() == ".csv" and file.is_file()
    if words.startswith(f"{study['results']}/") or not listed:
        return None
    try:
        return _labels(file, labelling.get("label", "label"))
    except csv.Error:
        return None


def _of_column(study: Mapping[str, Json], name: str, column: str) -> set[str] | None:
    known: set[str] = set()
    for corpus, options in study["corpora"].items():
        if has_labels(study, name, corpus):
            if options["kind"] != "synthesized" or column not in ("speaker", "sex"):
                return None
            known |= set(options["voices"] if column == "speaker" else _SEXES)
    return known


def _labels(file: Path, column: str) -> set[str]:
    # what is wrong with the file itself, its readers say
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.DictReader(stream)
        reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
        return {(row.get(column) or "").strip() for row in reader} - {""}
