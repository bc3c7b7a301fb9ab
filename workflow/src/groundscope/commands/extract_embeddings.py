"""Extract word vectors of one model, one file a layer."""

import argparse
import importlib.metadata
import json
import logging
import platform
from collections.abc import Mapping
from pathlib import Path

from groundscope.checkpoints import Checkpoint, file_digest, read_manifest
from groundscope.commands import _cli
from groundscope.embeddings import write_embeddings
from groundscope.encoders.base import Request
from groundscope.encoders.execution import Execution
from groundscope.encoders.extraction import Extraction, extract, family_options
from groundscope.errors import UserError
from groundscope.token_table import read_tokens

_LIBRARIES = ("numpy", "pyarrow", "torch", "transformers", "tokenizers", "soundfile", "soxr")


def main() -> None:
    """Run the command."""
    import torch

    given = _arguments()
    layers = tuple(given.layers.split(","))
    if len(set(layers)) != len(layers) or len(layers) != len(given.output):
        message = f"--layers {given.layers}: expected one --output for each of distinct layers"
        raise UserError(message)
    tokens = read_tokens(given.tokens)
    family, options = family_options(given.model, given.options)
    checkpoint = read_manifest(given.checkpoint) if given.checkpoint else None
    available = torch.cuda.is_available()
    if given.device == "cuda" and not available:
        message = "--device cuda: no GPU is visible to this process"
        raise UserError(message)
    device = torch.device("cuda" if available and given.device != "cpu" else "cpu")
    logging.info("device: %s", torch.cuda.get_device_name() if device.type == "cuda" else "CPU")
    words = frozenset(tokens.column("word").to_pylist())
    request = Request(given.model, checkpoint, options, layers, device, words)
    execution = Execution.on(device, given.batch_percent / 100, given.workers)
    result = extract(tokens, family, request, execution)
    kept = result.rows >= 0
    token_ids = tokens.column("token_id").to_numpy(zero_copy_only=False)[kept].astype(str)
    metadata = _metadata(given, request, result, checkpoint)
    for layer, path in zip(layers, given.output, strict=True):
        vectors = result.vectors[layer][result.rows[kept]]
        write_embeddings(path, token_ids, vectors, {**metadata, "layer": layer})


def _metadata(
    given: argparse.Namespace, request: Request, result: Extraction, checkpoint: Checkpoint | None
) -> Mapping[str, str]:
    """Everything that made the vectors, but the layer."""
    return {
        "model": given.model,
        "corpus": given.corpus,
        "family": given.options["family"],
        "checkpoint": checkpoint.source if checkpoint else "none",
        "checkpoint_sha256": checkpoint.digest if checkpoint else "none",
        "tokens_sha256": file_digest(given.tokens),
        "tokens": str(len(result.rows)),
        "tokens_dropped": json.dumps(dict(result.dropped)),
        "dtype": "float32",
        "device": request.device.type,
        **{f"option.{name}": str(value) for name, value in sorted(request.options.items())},
        **{f"fact.{name}": value for name, value in sorted(result.facts.items())},
        "version.python": platform.python_version(),
        **{f"version.{name}": importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=Path, required=True, help="token table")
    parser.add_argument("--checkpoint", type=Path, nargs="?", help="checkpoint manifest")
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument("--corpus", required=True, help="name of the corpus")
    parser.add_argument("--options", type=_cli.options, required=True, help="the model's section")
    parser.add_argument("--layers", required=True, help="layers, separated by commas")
    parser.add_argument("--batch-percent", type=float, default=100.0, help="of the usual batch")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=int, default=2, help="threads that decode audio")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file a layer")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
