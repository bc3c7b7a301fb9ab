"""Extraction against the bare forward pass, and against one item and one layer at a time.

Run by hand: ``PYTHONPATH=workflow/src python tests/benchmarks/bench_extraction.py``. All in one
process, on the same clips, with weights of the released sizes drawn at random.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import soundfile
import tokenizers
import torch
import transformers
from transformers.models.whisper.modeling_whisper import WhisperEncoder

from groundscope.checkpoints import Checkpoint, file_digest
from groundscope.encoders import speech, text
from groundscope.encoders.base import Request
from groundscope.encoders.batching import batches_by_length
from groundscope.encoders.execution import Execution
from groundscope.encoders.from_audio import extract_audio
from groundscope.encoders.from_text import extract_text
from groundscope.encoders.options import resolve_options

HF: Any = transformers  # largely untyped
# so many words that starting to read is a small part, and so few in the loops
CLIPS = {"wav2vec2": 64, "whisper": 256, "bert": 256}
SLOW_CLIPS, REPEATS = 8, 3
SECONDS = (0.25, 0.8)
LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
}


def _write_clips(folder: Path, count: int) -> tuple[pa.Table, list[torch.Tensor]]:
    """Noise of word length: a token table and the normalised waveforms."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    paths, waves = [], []
    for number in range(count):
        samples = rng.standard_normal(int(16_000 * rng.uniform(*SECONDS))).astype(np.float32) / 10
        path = folder / f"{number}.wav"
        soundfile.write(path, samples, 16_000, subtype="FLOAT")
        paths.append(str(path))
        waves.append(torch.from_numpy((samples - samples.mean()) / samples.std()))
    ids = [f"t{number}" for number in range(count)]
    empty = pa.nulls(count, pa.float64())
    table = pa.table({"token_id": ids, "audio": paths, "start_s": empty, "end_s": empty})
    return table, waves


def _write_tokenizer(folder: Path) -> pa.Table:
    """Save a tokenizer that knows all words; return them as tokens."""
    folder.mkdir()
    words = [f"word{number}" for number in range(CLIPS["bert"])]
    pieces = {piece: index for index, piece in enumerate(["[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer: Any = tokenizers.Tokenizer(tokenizers.models.WordLevel(pieces, unk_token="[UNK]"))
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    kind = {"tokenizer_class": "PreTrainedTokenizerFast", "unk_token": "[UNK]"}
    (folder / "tokenizer_config.json").write_text(json.dumps(kind), encoding="utf-8")
    spans = {"char_start": [0] * len(words), "char_end": [len(word) for word in words]}
    return pa.table({"token_id": words, "word": words, "text": words, **spans})


def _request(folder: Path, family: Any, config: Any, layers: int, **options: Any) -> Request:
    """Ask for all layers of an architecture with random weights."""
    folder.mkdir(exist_ok=True)
    config.save_pretrained(folder)
    files = {path.name: file_digest(path) for path in folder.iterdir()}
    checkpoint = Checkpoint(folder, "huggingface", files, str(folder), {})
    given = {"weights": "random", **options}
    values = resolve_options("bench", family.__name__, family.OPTIONS, given)
    names = tuple(str(layer) for layer in range(layers + 1))
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


def _loops(
    model: Any, tokens: pa.Table, mel: Any, *, clips: int = SLOW_CLIPS
) -> Callable[[], None]:
    """One clip at a time, the whole model once a layer, as scripts do it."""

    def run() -> None:
        # some of all lengths: the loops take long, and must not see short clips only
        paths = sorted(
            tokens.column("audio").to_pylist(), key=lambda path: Path(path).stat().st_size
        )
        for path in paths[len(paths) // clips // 2 :: len(paths) // clips]:
            samples, _ = soundfile.read(path, dtype="float32")
            for layer in range(len(model.layers if mel else model.encoder.layers) + 1):
                values = mel(samples) if mel else torch.from_numpy(samples)[None]
                with torch.inference_mode():
                    output = model(values, output_hidden_states=True)
                output.hidden_states[layer][0].mean(dim=0).numpy()

    return run


def _padded(waves: list[torch.Tensor]) -> list[torch.Tensor]:
    """Batches as extraction makes them."""
    budget = int(Execution.batch_seconds * 16_000)
    batches = batches_by_length([len(wave) for wave in waves], budget)
    pad = torch.nn.utils.rnn.pad_sequence
    return [pad([waves[index] for index in batch], batch_first=True) for batch in batches]


def _text_loops(model: Any, encoder: Any, words: list[str]) -> Callable[[], None]:
    """One word at a time, the whole model once a layer."""

    def run() -> None:
        for word in words[:SLOW_CLIPS]:
            for layer in range(len(model.encoder.layer) + 1):
                ids = torch.tensor([encoder.tokenize([word])[0].ids])
                with torch.inference_mode():
                    output = model(ids, output_hidden_states=True)
                output.hidden_states[layer][0, 1:-1].mean(dim=0).numpy()

    return run


def _report(
    name: str,
    words: int,
    ours: Callable[[], object],
    bare: tuple[Any, list[torch.Tensor]],
    loops: Callable[[], None],
    *,
    clips: int = SLOW_CLIPS,
) -> None:
    """Print one line of the table."""
    seconds = _best(ours, _bare(*bare), loops)
    fast, plain, slow = words / seconds[0], words / seconds[1], clips / seconds[2]
    sys.stdout.write(
        f"{name:18} {fast:10.1f} {plain:10.1f} {fast / plain:9.0%} {slow:10.2f} "
        f"{fast / slow:8.1f}\n"
    )


def main() -> None:
    """Print the table: items/s of extraction, bare model, and the peers' loops."""
    sys.stdout.write(
        f"CPU, {torch.get_num_threads()} threads; clips of {SECONDS[0]} to {SECONDS[1]} s\n"
        f"{'model':18} {'ours/s':>10} {'bare/s':>10} {'of bare':>9} {'loops/s':>10} {'times':>8}\n"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokens, waves = _write_clips(folder / "few", CLIPS["wav2vec2"])
        execution = Execution()
        config: Any
        for size, config, blocks, clips in (
            ("base", HF.Wav2Vec2Config(), 12, SLOW_CLIPS),
            ("large", HF.Wav2Vec2Config(**LARGE), 24, 2),
        ):
            request = _request(folder / size, speech, config, blocks, normalize="clip")
            model: Any = HF.Wav2Vec2Model(config).eval()
            encoder = speech.load(request)
            loops = _loops(model, tokens, None, clips=clips)
            ours = partial(extract_audio, tokens, encoder, request, execution)
            bare = (model, _padded(waves))
            _report(f"wav2vec2-{size}", len(waves), ours, bare, loops, clips=clips)
        tokens, waves = _write_clips(folder / "many", CLIPS["whisper"])
        config = HF.WhisperConfig(
            d_model=384, encoder_layers=4, encoder_attention_heads=6, encoder_ffn_dim=1536
        )
        request = _request(folder / "whisper", speech, config, 4, window_s=2.0)
        encoder = speech.load(request)
        config.max_source_positions = 100
        kind: Any = WhisperEncoder
        model = kind(config).eval()
        mel = [torch.randn(len(batch), 80, 200) for batch in _padded(waves)]
        extractor: Any = HF.WhisperFeatureExtractor(chunk_length=2)
        read_mel = partial(extractor, sampling_rate=16_000, return_tensors="pt")
        loops = _loops(model, tokens, lambda clip: read_mel(clip).input_features)
        ours = partial(extract_audio, tokens, encoder, request, execution)
        _report("whisper-tiny, 2 s", len(waves), ours, (model, mel), loops)
        words = _write_tokenizer(folder / "bert")
        config = HF.BertConfig()
        request = _request(folder / "bert", text, config, 12)
        reader = text.load(request)
        model = HF.BertModel(config).eval()
        names = words.column("word").to_pylist()
        ids = torch.tensor([pieces.ids for pieces in reader.tokenize(names)])
        read = partial(extract_text, words, reader, request, Execution())
        loops = _text_loops(model, reader, names)
        _report("BERT-base", len(names), read, (model, [ids]), loops)


if __name__ == "__main__":
    main()
