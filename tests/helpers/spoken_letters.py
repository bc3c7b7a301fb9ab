"""A small CTC model that spells espeak-ng's words, and sentences whose word times are known."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
import transformers
from numpy.typing import NDArray

from groundscope.checkpoints import Checkpoint, file_digest, write_manifest
from groundscope.corpora.espeak import RATE, Espeak

HF: Any = transformers  # largely untyped
SAMPLE_RATE = 16_000
WORDS = ["animal", "banana", "doctor", "garden", "island", "kitchen"]
WORDS += ["monkey", "paper", "river", "summer", "village", "zebra"]
LETTERS = sorted({letter for word in WORDS for letter in word})
VOCABULARY = {"<pad>": 0, **{letter: index for index, letter in enumerate(LETTERS, start=1)}}
_CHANNELS, _KERNELS, _STRIDES = 64, (160, 20), (16, 20)
_STRIDE = 320
_OFF = ("hidden", "attention", "activation", "feat_proj", "final")

Samples = NDArray[np.float32]
Labels = dict[str, int]


@dataclass(frozen=True)
class Sentence:
    """What is said, its samples (16 kHz), and begin and end of each word in seconds."""

    text: str
    samples: Samples
    times: list[tuple[float, float]]

    def __add__(self, other: "Sentence") -> "Sentence":
        """Say one after the other."""
        later = len(self.samples) / SAMPLE_RATE
        times = [(begin + later, end + later) for begin, end in other.times]
        samples = np.concatenate([self.samples, other.samples])
        return Sentence(f"{self.text} {other.text}", samples, self.times + times)


def sentences(count: int, length: int, seed: int, voice: str = "en-us") -> list[Sentence]:
    """Let espeak-ng say sentences of random words."""
    rng = np.random.default_rng(seed)
    espeak = Espeak()
    drawn = [" ".join(rng.choice(WORDS, size=length)) for _ in range(count)]
    return [_speak(espeak, text, espeak.require_voice(voice)) for text in drawn]


def _speak(espeak: Espeak, text: str, voice: str) -> Sentence:
    spoken = espeak.speak(text, voice)
    samples = np.frombuffer(spoken.samples, "<i2").astype(np.float32) / 32768
    resampled = soxr.resample(samples, RATE, SAMPLE_RATE).astype(np.float32)
    times = [(word.start / RATE, word.end / RATE) for word in spoken.words]
    return Sentence(text, resampled, times)


def untrained(outputs: int = len(VOCABULARY)) -> Any:
    """Make a narrow Wav2Vec2ForCTC whose first convolution is a bank of band filters."""
    torch.manual_seed(0)
    config = HF.Wav2Vec2Config(
        vocab_size=outputs,
        pad_token_id=0,
        hidden_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=192,
        conv_dim=(_CHANNELS, _CHANNELS),
        conv_kernel=_KERNELS,
        conv_stride=_STRIDES,
        num_conv_pos_embeddings=15,
        num_conv_pos_embedding_groups=4,
        mask_time_prob=0.0,
        layerdrop=0.0,
        **{f"{name}_dropout": 0.0 for name in _OFF},
    )
    model = HF.Wav2Vec2ForCTC(config)
    time = (np.arange(_KERNELS[0]) - _KERNELS[0] / 2) / SAMPLE_RATE
    pitch = 700 * (10 ** (np.linspace(150, 2600, _CHANNELS) / 2595) - 1)
    phase = np.tile([0, np.pi / 2], _CHANNELS // 2)[:, None]
    filters = np.hanning(_KERNELS[0]) * np.cos(2 * np.pi * pitch[:, None] * time + phase)
    first = model.wav2vec2.feature_extractor.conv_layers[0].conv
    first.weight.data[:, 0] = torch.from_numpy(filters).float() / 10
    return model


def trained() -> Any:
    """Teach it words, in sentences of three that are joined by twos."""
    heard = sentences(48, 3, seed=1)

    def draw(rng: np.random.Generator) -> list[Sentence]:
        return [heard[one] + heard[other] for one, other in rng.choice(len(heard), (4, 2))]

    return teach(untrained(), draw, VOCABULARY, steps=100)


def teach(
    model: Any, draw: Callable[[np.random.Generator], list[Sentence]], labels: Labels, *, steps: int
) -> Any:
    """Teach a model letters, spread evenly over each word of the sentences drawn for each step."""
    model.train()
    rng = np.random.default_rng(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 3e-3, total_steps=steps, pct_start=0.15
    )
    for _ in range(steps):
        batch = draw(rng)
        waves = [torch.from_numpy(_noisy(each.samples, rng)) for each in batch]
        logits = model(torch.nn.utils.rnn.pad_sequence(waves, batch_first=True)).logits
        targets = torch.zeros(logits.shape[:2], dtype=torch.int64)
        for row, each in zip(targets, batch, strict=True):
            _write_letters(row, each, labels)
        loss: Any = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


def _noisy(samples: Samples, rng: np.random.Generator) -> Samples:
    noisy = samples + rng.normal(0, 0.002, len(samples))
    result: Samples = ((noisy - noisy.mean()) / noisy.std()).astype(np.float32)
    return result


def _write_letters(row: torch.Tensor, sentence: Sentence, labels: Labels) -> None:
    """Write the label of each frame; a blank comes between equal letters."""
    for word, times in zip(sentence.text.split(), sentence.times, strict=True):
        begin, end = (time * SAMPLE_RATE / _STRIDE for time in times)
        edges = np.round(np.linspace(begin, end, len(word) + 1)).astype(int)
        for place, letter in enumerate(word):
            row[edges[place] : edges[place + 1]] = labels[letter]
            if place and word[place - 1] == letter:
                row[edges[place]] = 0


def save(model: Any, folder: Path, labels: Labels = VOCABULARY) -> Path:
    """Save a Hugging Face folder with its vocabulary."""
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(labels), encoding="utf-8")
    settings = {"do_normalize": True, "sampling_rate": SAMPLE_RATE}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def list_checkpoint(folder: Path, manifest: Path) -> Path:
    """Write the manifest of a Hugging Face folder, as `fetch_checkpoint` does."""
    files = {path.name: file_digest(path) for path in folder.iterdir()}
    write_manifest(manifest, Checkpoint(folder, "huggingface", files, str(folder), {}))
    return manifest
