"""Extract word vectors of one model, one file a layer."""

import argparse
import importlib.metadata
import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from groundscope.blocks import Tally
from groundscope.checkpoints import Checkpoint, file_digest, read_manifest
from groundscope.commands import _cli
from groundscope.embeddings import check_unique, writing
from groundscope.encoders.base import Request
from groundscope.encoders.execution import Execution, find_device
from groundscope.encoders.extraction import Extraction, extract, family_options
from groundscope.errors import UserError
from groundscope.token_table import read_tokens

_LIBRARIES = ("numpy", "pyarrow", "torch", "transformers", "tokenizers", "soundfile", "soxr")


def main() -> None:
    """Run the command."""
    given = _arguments()
    layers = tuple(given.layers.split(","))
    if len(set(layers)) != len(layers) or len(layers) != len(given.output):
        message = f"--layers {given.layers}: expected one --output for each of distinct layers"
        raise UserError(message)
    tokens = read_tokens(given.tokens)
    family, options = family_options(given.model, given.options)
    checkpoint = read_manifest(given.checkpoint) if given.checkpoint else None
    device = find_device(given.device)
    token_ids = tokens.column("token_id").to_numpy(zero_copy_only=False)
    check_unique(token_ids.astype(str))
    words = frozenset(tokens.column("word").unique().to_pylist())
    request = Request(given.model, checkpoint, options, layers, device, words)
    execution = Execution.on(device, given.batch_percent / 100, given.workers)
    about = _metadata(given, request, tokens.num_rows, checkpoint)
    _write(given, about, layers, extract(tokens, family, request, execution, block=given.block))


def _write(
    given: argparse.Namespace,
    about: Mapping[str, str],
    layers: Sequence[str],
    pieces: Iterable[Extraction],
) -> None:
    """Write each piece as it comes, then what made them."""
    tally, facts = Tally(), None
    with ExitStack() as stack:
        writers = {
            layer: stack.enter_context(writing(path, f"layer {layer} of {given.model}"))
            for layer, path in zip(layers, given.output, strict=True)
        }
        for piece in pieces:
            kept = int((piece.rows >= 0).sum())
            tally.add(piece.dropped, piece.counts, kept=kept)
            facts = {f"fact.{name}": value for name, value in piece.facts.items()}
            for layer, writer in writers.items() if kept else ():
                writer.add(*piece.layer(layer))
        if facts is None:
            return
        whole = given.block == (1, 1)
        happened = tally.of_corpus(given.model) if whole else tally.of_block()
        for layer, writer in writers.items():
            writer.describe({**about, **facts, **happened, "layer": layer})


def _metadata(
    given: argparse.Namespace, request: Request, tokens: int, checkpoint: Checkpoint | None
) -> Mapping[str, str]:
    """Everything that made the vectors and is known before, but the layer."""
    return {
        "model": given.model,
        "corpus": given.corpus,
        "family": given.options["family"],
        "checkpoint": checkpoint.source if checkpoint else "none",
        "checkpoint_sha256": checkpoint.digest if checkpoint else "none",
        "tokens_sha256": file_digest(given.tokens),
        "tokens": str(tokens),
        "dtype": "float32",
        "device": request.device.type,
        **{f"option.{name}": str(value) for name, value in request.options.items()},
        "version.python": platform.python_version(),
        **{f"version.{name}": importlib.metadata.version(name) for name in _LIBRARIES},
    }


def _block(text: str) -> tuple[int, int]:
    """Read ``NUMBER/OF`` (an argparse ``type``)."""
    number, of = map(int, text.split("/"))
    if not 1 <= number <= of:
        raise ValueError(text)
    return number, of


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=Path, required=True, help="token table")
    parser.add_argument("--checkpoint", type=Path, nargs="?", help="checkpoint manifest")
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument("--corpus", required=True, help="name of the corpus")
    parser.add_argument("--options", type=_cli.options, required=True, help="the model's section")
    parser.add_argument("--layers", required=True, help="layers, separated by commas")
    parser.add_argument("--batch-percent", type=float, default=100.0, help="of the usual batch")
    parser.add_argument("--block", type=_block, default=(1, 1), help="share of the corpus, as 2/3")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=int, default=2, help="threads that decode audio")
    parser.add_argument("--output", type=Path, nargs="+", required=True, help="one file a layer")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
