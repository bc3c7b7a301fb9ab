"""Run the real fetch and convert commands on a folder, and load the result as extraction does."""

import json
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from groundscope.checkpoints import Checkpoint, read_manifest
from groundscope.commands import convert_checkpoint, fetch_checkpoint
from groundscope.encoders.base import FAMILIES, Request
from groundscope.encoders.options import resolve_options

_COMMANDS = {"fetch": fetch_checkpoint.main, "convert": convert_checkpoint.main}


def command(monkeypatch: pytest.MonkeyPatch, name: str, *arguments: str | Path) -> None:
    """Call a command's `main` in this process."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    _COMMANDS[name]()


def fetch(monkeypatch: pytest.MonkeyPatch, options: Mapping[str, Any], folder: Path) -> Path:
    """Fetch into `folder`; give the manifest's path."""
    manifest = folder / "manifest.json"
    text = json.dumps(options)
    command(monkeypatch, "fetch", "--options", text, "--name", "tested", "--output", manifest)
    return manifest


def convert(
    monkeypatch: pytest.MonkeyPatch,
    released: Path,
    kind: str,
    folder: Path,
    *,
    parent: Path | None = None,
    **options: Any,
) -> Checkpoint:
    """Fetch a local release and convert it below `folder`."""
    local = {"source": "folder", "path": str(released), "format": kind}
    fetched = fetch(monkeypatch, local, folder / "fetched")
    manifest = folder / "converted" / "manifest.json"
    given = json.dumps({"format": kind, **options})
    arguments: list[str | Path] = ["--options", given, "--manifest", fetched, "--output", manifest]
    arguments += ["--parent", parent] if parent else []
    command(monkeypatch, "convert", *arguments)
    return read_manifest(manifest)


def load(checkpoint: Checkpoint | None, family: str, layers: Sequence[str], **options: Any) -> Any:
    """Load an encoder as extraction does."""
    module = import_module(FAMILIES[family])
    values = resolve_options("tested", family, module.OPTIONS, options)
    device = torch.device("cpu")
    return module.load(Request("tested", checkpoint, values, tuple(layers), device))


class Catch:
    """A sink that keeps the valid frames of every item."""

    def __init__(self) -> None:
        self.layers: dict[str, list[Tensor]] = {}
        self.rates: dict[str, float] = {}

    def frames(
        self, layer: str, hidden: Tensor, *, counts: Sequence[int] | None = None, rate: float = 1.0
    ) -> None:
        """Keep ``[time, d]`` of each item."""
        assert layer not in self.layers
        ends = counts if counts is not None else [hidden.shape[1]] * len(hidden)
        self.layers[layer] = [row[:end].clone() for row, end in zip(hidden, ends, strict=True)]
        self.rates[layer] = rate

    def vectors(self, layer: str, vectors: Tensor) -> None:
        """Keep ``[d]`` of each item."""
        assert layer not in self.layers
        self.layers[layer] = list(vectors.clone())


def run(encoder: Any, batch: Any) -> Catch:
    """Run an encoder on a batch of waveforms or ids."""
    sink = Catch()
    with torch.inference_mode():
        encoder.forward(batch, sink)
    return sink
