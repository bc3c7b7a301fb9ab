"""Print, for each configured model, the layers that may be asked for, and what is known of it."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundscope.checkpoints import read_manifest
from groundscope.commands import _cli
from groundscope.encoders import static
from groundscope.plan.targets import LIGHT_FAMILIES, NAMED_LAYERS
from groundscope.releases.architecture import RELEASED, Architecture, describe

_HEADER = ("model", "family", "layers", "width", "parameters", "frames/s", "one frame sees")


def main() -> None:
    """Print a table; what only the weights' own files know appears once they are fetched."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--options", type=_cli.options, required=True, help="sections models and checkpoints"
    )
    parser.add_argument(
        "--results", type=Path, required=True, help="results folder, where weights may already be"
    )
    arguments = parser.parse_args()
    checkpoints = arguments.options.get("checkpoints", {})
    rows: list[tuple[str, ...]] = [_HEADER]
    for name, options in arguments.options["models"].items():
        checkpoint = options.get("checkpoint")
        folder = arguments.results / "checkpoints" / checkpoint if checkpoint else None
        known = _known(folder, options["family"]) if folder else None
        known = known or RELEASED.get(options["family"], Architecture())
        rows.append(_row(name, options, checkpoints.get(checkpoint, {}), known))
    sys.stdout.write(_table(rows))


def _known(folder: Path, family: str) -> Architecture | None:
    """Facts from the files of a checkpoint, converted or as fetched; None before that."""
    manifests = (folder / stage / "manifest.json" for stage in ("converted", "fetched"))
    found = next((path for path in manifests if path.exists()), None)
    if found is None:
        return None
    checkpoint = read_manifest(found)
    if family == "static":
        return Architecture(width=static.dimension(checkpoint))
    return describe(checkpoint)


def _row(
    name: str, options: Mapping[str, Any], checkpoint: Mapping[str, Any], known: Architecture
) -> tuple[str, ...]:
    """Describe one model, empty where nothing is known yet."""
    family = options["family"]
    light = family in LIGHT_FAMILIES
    blocks = 0 if light else checkpoint.get("blocks", known.blocks)
    numbers = "?" if blocks is None else "0" if blocks == 0 else f"0-{blocks}"
    named = NAMED_LAYERS.get(family, ())
    if family == "text" and known.kind not in (None, "clip", "clip_text_model"):
        named = ()
    return (
        name,
        family,
        ", ".join((numbers, *named)),
        "" if known.width is None else str(known.width),
        "" if known.parameters is None else f"{known.parameters / 1e6:.1f} M",
        "" if known.frame_rate is None else f"{known.frame_rate:g}",
        "" if known.receptive_field_ms is None else f"{known.receptive_field_ms:g} ms",
    )


def _table(rows: Sequence[Sequence[str]]) -> str:
    """Columns under each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    _cli.run(main)
