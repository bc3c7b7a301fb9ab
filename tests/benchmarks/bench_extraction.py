"""Extraction against the bare forward pass, and against one item and one layer at a time.

Run by hand: ``PYTHONPATH=workflow/src python tests/benchmarks/bench_extraction.py``. All in one
process, on the same clips, with weights of the released sizes drawn at random.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import soundfile
import torch
import transformers
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from groundscope.checkpoints import Checkpoint, file_digest
from groundscope.encoders import speech
from groundscope.encoders.base import AudioEncoder, Request, resolve_options
from groundscope.encoders.batching import batches_by_length
from groundscope.encoders.execution import Execution
from groundscope.encoders.from_audio import extract_audio

CLIPS, SLOW_CLIPS, REPEATS = 64, 6, 3
SECONDS = (0.25, 0.8)
BATCH_SECONDS = 12.8


def _write_clips(folder: Path) -> tuple[pa.Table, list[torch.Tensor]]:
    """Noise of word length: a token table and the normalised waveforms."""
    rng = np.random.default_rng(0)
    paths, waves = [], []
    for number in range(CLIPS):
        samples = rng.standard_normal(int(16_000 * rng.uniform(*SECONDS))).astype(np.float32) / 10
        path = folder / f"{number}.wav"
        soundfile.write(path, samples, 16_000, subtype="FLOAT")
        paths.append(str(path))
        waves.append(torch.from_numpy((samples - samples.mean()) / samples.std()))
    ids = [f"t{number}" for number in range(CLIPS)]
    empty = pa.nulls(CLIPS, pa.float64())
    table = pa.table({"token_id": ids, "audio": paths, "start_s": empty, "end_s": empty})
    return table, waves


def _request(folder: Path, config: Any, layers: int, **options: Any) -> Request:
    """Ask for all layers of an architecture with random weights."""
    folder.mkdir()
    config.save_pretrained(folder)
    digest = file_digest(folder / "config.json")
    checkpoint = Checkpoint(folder, "transformers", {"config.json": digest}, str(folder), {})
    given = {"weights": "random", "normalize": "clip", **options}
    values = resolve_options("bench", "speech", speech.OPTIONS, given)
    names = tuple(str(layer) for layer in range(layers + 1))
    return Request("bench", checkpoint, values, names, torch.device("cpu"))


def _best(run: Callable[[], object]) -> float:
    """Shortest of a few runs, in seconds."""
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


def _bare(model: Any, inputs: list[torch.Tensor]) -> Callable[[], None]:
    """Forward passes over ready inputs and nothing else."""

    def run() -> None:
        with torch.inference_mode():
            for values in inputs:
                model(values)

    return run


def _padded(waves: list[torch.Tensor]) -> list[torch.Tensor]:
    """Batches as extraction makes them."""
    batches = batches_by_length([len(wave) for wave in waves], int(BATCH_SECONDS * 16_000))
    pad = torch.nn.utils.rnn.pad_sequence
    return [pad([waves[index] for index in batch], batch_first=True) for batch in batches]


def _report(
    name: str,
    tokens: pa.Table,
    request: Request,
    encoder: AudioEncoder,
    bare: tuple[Any, list[torch.Tensor]],
    single: tuple[Any, list[torch.Tensor]],
) -> None:
    """Print one line of the table."""
    execution = Execution(batch_seconds=BATCH_SECONDS, workers=2)
    ours = CLIPS / _best(lambda: extract_audio(tokens, encoder, request, execution))
    plain = CLIPS / _best(_bare(*bare))
    layers = len(request.layers) - 1
    slow = SLOW_CLIPS / (_best(_bare(*single)) * layers)
    sys.stdout.write(
        f"{name:18} {ours:10.1f} {plain:10.1f} {ours / plain:9.0%} {slow:10.2f} "
        f"{ours / slow:8.1f}\n"
    )


def main() -> None:
    """Print the table: items/s of extraction, bare model, and the peers' loops."""
    sys.stdout.write(
        f"{torch.get_num_threads()} threads, {CLIPS} clips of {SECONDS[0]}-{SECONDS[1]} s, CPU\n"
        f"{'model':18} {'ours/s':>10} {'bare/s':>10} {'of bare':>9} {'loops/s':>10} {'times':>8}\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokens, waves = _write_clips(folder)
        config: Any = transformers.Wav2Vec2Config()
        request = _request(folder / "w2v2", config, 12)
        model: Any = transformers.Wav2Vec2Model(config).eval()
        single = [wave[None] for wave in waves[:SLOW_CLIPS]]
        encoder = speech.load(request)
        _report("wav2vec2-base", tokens, request, encoder, (model, _padded(waves)), (model, single))
        config = transformers.WhisperConfig(
            d_model=384, encoder_layers=4, encoder_attention_heads=6, encoder_ffn_dim=1536
        )
        request = _request(folder / "whisper", config, 4, window_s=2.0)
        encoder = speech.load(request)
        config.max_source_positions = 100
        model = WhisperEncoder(config).eval()
        mel = [torch.randn(len(batch), 80, 200) for batch in _padded(waves)]
        single = [torch.randn(1, 80, 200) for _ in range(SLOW_CLIPS)]
        _report("whisper-tiny, 2 s", tokens, request, encoder, (model, mel), (model, single))


if __name__ == "__main__":
    main()
