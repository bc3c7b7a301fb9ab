"""Arguments that the analysis commands share."""

import argparse
from pathlib import Path

from groundscope.analysis.inputs import Selection
from groundscope.analysis.labels import token_labels
from groundscope.commands import _cli


def parser(description: str | None, *, labelled: bool) -> argparse.ArgumentParser:
    """Make a parser with the files that every analysis reads and writes.

    Parameters
    ----------
    description
        The command's docstring.
    labelled
        Whether a labelling is required; it is accepted in either case.
    """
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--tokens", type=Path, required=True, help="token table")
    made.add_argument("--selected", type=Path, required=True, help="tokens all models have")
    made.add_argument(
        "--labelling", nargs="?", const="", required=labelled, help="name of the labelling"
    )
    made.add_argument(
        "--label-options", type=_cli.options, default={}, help="the labelling, as configured; JSON"
    )
    made.add_argument("--options", type=_cli.options, required=True, help="options, as JSON")
    made.add_argument("--output", type=Path, required=True, help="table to write")
    return made


def space_labels(given: argparse.Namespace, selection: Selection) -> list[str | None] | None:
    """Label of each token for the LDA space that layers are aligned in; None without one."""
    if "lda" not in given.options["spaces"]:
        return None
    return token_labels(selection, given.label_options)
