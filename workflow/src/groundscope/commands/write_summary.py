"""Summarise a study in words and numbers: findings, warnings, coverage, provenance."""

import argparse
import html
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from groundscope import tables
from groundscope.checkpoints import read_manifest
from groundscope.commands import _cli
from groundscope.errors import UserError
from groundscope.figures.cautions import noisier, warnings
from groundscope.figures.coverage import coverage
from groundscope.figures.explorer import explorer
from groundscope.figures.findings import sheets
from groundscope.figures.gallery import caption, gallery
from groundscope.figures.methods import methods
from groundscope.figures.page import listed, page
from groundscope.figures.provenance import provenance
from groundscope.figures.references import references
from groundscope.figures.sheet import Sheet
from groundscope.files import atomic
from groundscope.records import lost_words, read_labelled_words
from groundscope.token_table import read_tokens

# The report holds the page as an address in base64, and browsers open none of more than 2 MiB.
_MOST_BYTES = 3 * 2**21 // 4 - 100
_NO_FIGURES = (
    "<p>All of this study's figures together are too large for this page. They are in the other "
    "sections of the report, and in the folder <code>figures</code>.</p>"
)


def _metadata(path: Path) -> dict[str, str]:
    """Read what an embedding file says about itself."""
    try:
        stored = pq.read_metadata(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{path} is not a readable embedding file ({error}): delete it and rerun"
        raise UserError(message) from error
    return {key.decode(): value.decode() for key, value in stored.items()}


def _corpora(
    names: Sequence[str], paths: Sequence[Path]
) -> tuple[Sheet, dict[str, int], dict[str, dict[str, int]]]:
    """Sizes, and by corpus the number of speakers and the tokens of each word."""
    speakers, tokens, rows = {}, {}, []
    for name, path in zip(names, paths, strict=True):
        data = read_tokens(path)
        speakers[name] = len(pc.unique(data.column("speaker").drop_null()))
        counts = pc.value_counts(data.column("word"))
        words, numbers = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
        tokens[name] = dict(zip(words, numbers, strict=True))
        rows.append([name, data.num_rows, len(tokens[name]), speakers[name]])
    heads = ("corpus", "tokens", "words", "speakers")
    note = "Before words that a model lacks are left out."
    return Sheet("Corpora", note, heads, rows), speakers, tokens


def _lost(
    settings: Mapping[str, Any],
    found: Mapping[str, pa.Table],
    words: Mapping[str, Collection[str]],
) -> list[str]:
    """Say which words of the lists that were analysed a corpus lacks."""
    used = {
        (row["corpus"], row["labelling"])
        for name in ("silhouette", "lda", "planes")
        if name in found
        for row in found[name].group_by(["corpus", "labelling"]).aggregate([]).to_pylist()
    }
    groups = settings["analyses"].get("pairs", {}).get("groups")
    if groups and "pairs" in found:
        of = settings["labellings"][groups]["corpora"]
        paired = pc.unique(found["pairs"]["corpus"]).to_pylist()
        used |= {(corpus, groups) for corpus in paired if of == "all" or corpus in of}
    lines = []
    for corpus, labelling in sorted(used):
        options = settings["labellings"].get(labelling, {})
        if "words" in options:
            rows = read_labelled_words(options["words"], options.get("label", "label"))
            if lost := lost_words([(word, label) for _, word, label in rows], words[corpus]):
                lines.append(f"{labelling} in {corpus}: {lost}.")
    return lines


def _sections(
    arguments: argparse.Namespace, found: Mapping[str, pa.Table], corpora: Sheet
) -> dict[str, str]:
    """Figures, planes, methods and references, by title."""
    options = arguments.options
    captions = [
        caption(path.read_text(encoding="utf-8"), entry["wildcards"])
        for entry, path in zip(options["figures"], arguments.captions, strict=True)
    ]
    svgs = [path.read_text(encoding="utf-8") for path in arguments.figures]
    titles = [entry["title"] for entry in options["figures"]]
    sections = {"Figures": gallery(titles, svgs, captions)} if svgs else {}
    planes = explorer(found["planes"]) if "planes" in found else ""
    if planes:
        sections["Words in a plane, layer by layer"] = planes
    text = html.escape(methods(options["settings"], corpora.rows, found))
    sections["Methods"] = f"<p>{text}</p>"
    sections["References"] = listed(references(found))
    return sections


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--tables", required=True, type=Path, nargs="+", help="tables, each named as its content"
    )
    parser.add_argument("--tokens", required=True, type=Path, nargs="+", help="token tables")
    parser.add_argument("--manifests", type=Path, nargs="*", default=[], help="of the weights")
    parser.add_argument("--embeddings", type=Path, nargs="*", default=[], help="one a model")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="SVG files")
    parser.add_argument("--captions", type=Path, nargs="*", default=[], help="one a figure")
    parser.add_argument(
        "--options",
        required=True,
        type=_cli.options,
        help="study (title, question, caution), corpora (names, as --tokens), "
        "figures (title and wildcards, as --figures), settings",
    )
    parser.add_argument("--output", required=True, type=Path, help="HTML page to write")
    return parser.parse_args()


def main() -> None:
    """Read arguments and tables, write the summary, log its warnings."""
    arguments = _arguments()
    options = arguments.options
    found = {path.stem: tables.read_table(path, path.stem) for path in arguments.tables}
    corpora, speakers, tokens = _corpora(options["corpora"], arguments.tokens)
    unequal = {name for name, counts in tokens.items() if noisier(counts.values())}
    analyses = options["settings"]["analyses"]
    cautions = warnings(found, speakers, unequal, analyses)
    for line in cautions:
        logging.warning("too small or too uneven for a claim: %s", line)
    metadata = [_metadata(path) for path in arguments.embeddings]
    manifests = [read_manifest(path) for path in arguments.manifests]
    made_from = provenance(manifests, metadata, options["settings"])
    lacking = found["coverage"].to_pylist()
    covered = coverage(corpora.rows, lacking, metadata)
    lost = _lost(options["settings"], found, tokens)
    covered = replace(covered, sentences=[*covered.sentences, *lost])
    all_sheets = [*sheets(found, analyses), covered, corpora, *made_from]
    sections = _sections(arguments, found, corpora)
    text = page(options["study"], all_sheets, cautions, options["settings"], sections)
    if len(text.encode()) > _MOST_BYTES and "Figures" in sections:
        logging.warning("the figures are left out of the summary, which they make too large")
        sections["Figures"] = _NO_FIGURES
        text = page(options["study"], all_sheets, cautions, options["settings"], sections)
    with atomic(arguments.output) as beside:
        beside.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _cli.run(main)
