"""Summarise a study in words and numbers: findings, warnings, coverage, provenance."""

import argparse
import logging
import platform
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from groundscope import tables
from groundscope.checkpoints import read_manifest
from groundscope.commands import _cli
from groundscope.figures.cautions import warnings
from groundscope.figures.findings import Sheet, sheets
from groundscope.figures.page import page
from groundscope.files import atomic
from groundscope.token_table import read_tokens


def _provenance(manifests: Sequence[Path]) -> Sheet:
    rows = []
    for path in manifests:
        checkpoint = read_manifest(path)
        notes = "; ".join(f"{name}: {found}" for name, found in sorted(checkpoint.notes.items()))
        rows.append([checkpoint.source, checkpoint.format, checkpoint.digest, notes])
    rows.append(["Python", "version", platform.python_version(), ""])
    rows.append(["pyarrow", "version", pa.__version__, ""])
    return Sheet(
        "Provenance",
        "Weights: sha256 over the names and contents of all files. Each embedding file records "
        "what made it, library versions included.",
        ("what", "format", "sha256 or version", "notes"),
        rows,
    )


def _corpora(names: Sequence[str], paths: Sequence[Path]) -> tuple[Sheet, dict[str, int]]:
    speakers, rows = {}, []
    for name, path in zip(names, paths, strict=True):
        data = read_tokens(path)
        speakers[name] = len(pc.unique(data.column("speaker").drop_null()))
        words = len(pc.unique(data.column("word")))
        rows.append([name, data.num_rows, words, speakers[name]])
    heads = ("corpus", "tokens", "words", "speakers")
    return Sheet("Corpora", "Before words that a model lacks are left out.", heads, rows), speakers


def main() -> None:
    """Read arguments and tables, write the summary, log its warnings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tables", required=True, type=Path, nargs="+", help="tables, each named as its content"
    )
    parser.add_argument("--tokens", required=True, type=Path, nargs="+", help="token tables")
    parser.add_argument("--manifests", type=Path, nargs="*", default=[], help="of the weights")
    parser.add_argument(
        "--options",
        required=True,
        type=_cli.options,
        help="study (title, question, caution), corpora (names, as --tokens), settings",
    )
    parser.add_argument("--output", required=True, type=Path, help="HTML page to write")
    arguments = parser.parse_args()
    options = arguments.options
    found = {path.stem: tables.read_table(path, path.stem) for path in arguments.tables}
    corpora, speakers = _corpora(options["corpora"], arguments.tokens)
    cautions = warnings(found, speakers)
    for line in cautions:
        logging.warning("too small for a claim: %s", line)
    all_sheets = [*sheets(found), corpora, _provenance(arguments.manifests)]
    text = page(options["study"], all_sheets, cautions, options["settings"])
    with atomic(arguments.output) as beside:
        beside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _cli.run(main)
