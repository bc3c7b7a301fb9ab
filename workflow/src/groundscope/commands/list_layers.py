"""Print, for each configured model, the layers that may be asked for, and what is known of it."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundscope.checkpoints import read_manifest
from groundscope.commands import _cli
from groundscope.encoders import static
from groundscope.plan.local_checkpoints import local_config, named_layers
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
        stored = options.get("checkpoint")
        checkpoint = checkpoints.get(stored, {})
        folder = arguments.results / "checkpoints" / stored if stored else None
        known = _known(folder, options["family"]) if folder else None
        known = known or _before_fetching(options["family"], checkpoint)
        rows.append(_row(name, options, checkpoint, known))
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


def _before_fetching(family: str, checkpoint: Mapping[str, Any]) -> Architecture:
    """Facts from the family alone, or from the configuration of a model on this machine."""
    config = local_config(checkpoint) or {}
    said = Architecture(config.get("model_type"), classes=tuple(config.get("architectures") or ()))
    return RELEASED.get(family, said)


def _named(family: str, known: Architecture) -> tuple[str, ...]:
    """List named layers; with a condition while the architecture is not known."""
    if family == "text" and known.kind is None:
        return tuple(f"{layer} (CLIP only)" for layer in NAMED_LAYERS[family])
    return named_layers(family, known.kind, known.classes)


def _row(
    name: str, options: Mapping[str, Any], checkpoint: Mapping[str, Any], known: Architecture
) -> tuple[str, ...]:
    """Describe one model, empty where nothing is known yet."""
    family = options["family"]
    light = family in LIGHT_FAMILIES
    blocks = 0 if light else checkpoint.get("blocks", known.blocks)
    numbers = "?" if blocks is None else "0" if blocks == 0 else f"0-{blocks}"
    return (
        name,
        family,
        ", ".join((numbers, *_named(family, known))),
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
