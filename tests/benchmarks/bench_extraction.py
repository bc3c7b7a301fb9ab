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

HF: Any = transformers  # largely untyped
CLIPS, SLOW_CLIPS, REPEATS = 64, 3, 3
SECONDS = (0.25, 0.8)
BATCH_SECONDS = 8.0


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
    names = tuple(str(layer) for layer in range(1, layers + 1))
    return Request("bench", checkpoint, values, names, torch.device("cpu"))


def _best(*runs: Callable[[], object]) -> list[float]:
    """Shortest time of each, in seconds; they take turns, so that a busy machine slows all."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(REPEATS):
        for run, taken in zip(runs, times, strict=True):
            begin = time.perf_counter()
            run()
            taken.append(time.perf_counter() - begin)
    return [min(taken) for taken in times]


def _bare(model: Any, inputs: list[torch.Tensor]) -> Callable[[], None]:
    """Forward passes over ready inputs and nothing else."""

    def run() -> None:
        with torch.inference_mode():
            for values in inputs:
                model(values)

    return run


def _loops(model: Any, tokens: pa.Table, mel: Any) -> Callable[[], None]:
    """One clip at a time, the whole model once a layer, as scripts do it."""

    def run() -> None:
        for path in tokens.column("audio").to_pylist()[:SLOW_CLIPS]:
            samples, _ = soundfile.read(path, dtype="float32")
            for layer in range(1, len(model.layers if mel else model.encoder.layers) + 1):
                values = mel(samples) if mel else torch.from_numpy(samples)[None]
                with torch.inference_mode():
                    output = model(values, output_hidden_states=True)
                output.hidden_states[layer][0].mean(dim=0).numpy()

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
    loops: Callable[[], None],
) -> None:
    """Print one line of the table."""
    execution = Execution(batch_seconds=BATCH_SECONDS, workers=2)
    seconds = _best(lambda: extract_audio(tokens, encoder, request, execution), _bare(*bare), loops)
    ours, plain, slow = CLIPS / seconds[0], CLIPS / seconds[1], SLOW_CLIPS / seconds[2]
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
        config: Any = HF.Wav2Vec2Config()
        request = _request(folder / "w2v2", config, 12)
        model: Any = HF.Wav2Vec2Model(config).eval()
        encoder = speech.load(request)
        loops = _loops(model, tokens, None)
        _report("wav2vec2-base", tokens, request, encoder, (model, _padded(waves)), loops)
        config = HF.WhisperConfig(
            d_model=384, encoder_layers=4, encoder_attention_heads=6, encoder_ffn_dim=1536
        )
        request = _request(folder / "whisper", config, 4, window_s=2.0)
        encoder = speech.load(request)
        config.max_source_positions = 100
        kind: Any = WhisperEncoder
        model = kind(config).eval()
        mel = [torch.randn(len(batch), 80, 200) for batch in _padded(waves)]
        loops = _loops(model, tokens, lambda _: torch.randn(1, 80, 200))
        _report("whisper-tiny, 2 s", tokens, request, encoder, (model, mel), loops)


if __name__ == "__main__":
    main()
