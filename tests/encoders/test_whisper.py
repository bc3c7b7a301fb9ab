"""Whisper's encoder against transformers' feature extractor and model."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
import torch
import transformers
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.base import Sink
from groundscope.encoders.extraction import Extraction
from groundscope.encoders.whisper import WhisperLike
from groundscope.errors import UserError

HF: Any = transformers  # largely untyped
Recordings = list[tuple[Path, NDArray[np.float32]]]
Extract = Callable[..., Extraction]
AsCheckpoint = Callable[[Path], Checkpoint]
MakeTokens = Callable[..., pa.Table]
SPEECH = {"family": "speech"}
LAYERS = ("0", "1", "2")


@pytest.fixture(scope="module")
def model() -> Any:
    """Make a tiny Whisper with a window of 1 s."""
    torch.manual_seed(1)
    config = HF.WhisperConfig(
        d_model=16,
        encoder_layers=2,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_ffn_dim=24,
        max_source_positions=50,
        max_target_positions=8,
        vocab_size=20,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    made = HF.WhisperModel(config).eval()
    made.encoder.layer_norm.bias.data += 1.0
    return made


@pytest.fixture(scope="module")
def checkpoint(
    model: Any, tmp_path_factory: pytest.TempPathFactory, as_checkpoint: AsCheckpoint
) -> Checkpoint:
    """Write it as a release, decoder and all."""
    folder = tmp_path_factory.mktemp("whisper")
    model.save_pretrained(folder)
    return as_checkpoint(folder)


@pytest.fixture
def tokens(recordings: Recordings, make_tokens: MakeTokens) -> pa.Table:
    """Each recording is a word."""
    return make_tokens([{"audio": str(path)} for path, _ in recordings])


def _states(model: Any, samples: NDArray[np.float32], seconds: int) -> list[NDArray[np.float32]]:
    """Hidden states of one clip by transformers alone."""
    extractor = HF.WhisperFeatureExtractor(chunk_length=seconds)
    mel = extractor(samples, sampling_rate=16_000, return_tensors="pt")["input_features"]
    with torch.inference_mode():
        output = model.encoder(mel, output_hidden_states=True)
    return [state[0].numpy() for state in output.hidden_states]


def test_equals_transformers(
    model: Any,
    checkpoint: Checkpoint,
    recordings: Recordings,
    tokens: pa.Table,
    run_extraction: Extract,
) -> None:
    """Every layer of every clip, pooled over frames that hold sound, the last behind its norm."""
    result = run_extraction(tokens, checkpoint, SPEECH, LAYERS)
    for row, (_, samples) in zip(result.rows, recordings, strict=True):
        states = _states(model, samples, 1)
        valid = -(-len(samples) // 320)
        for layer, state in zip(LAYERS, states, strict=True):
            wanted = state[:valid].mean(axis=0)
            np.testing.assert_allclose(result.vectors[layer][row], wanted, rtol=0, atol=2e-5)


def test_decoder_is_left_out_by_name(
    checkpoint: Checkpoint, tokens: pa.Table, run_extraction: Extract
) -> None:
    """All tensors that are not used belong to the decoder, and the file says so."""
    unused = run_extraction(tokens, checkpoint, SPEECH, ("1",)).facts["unused_tensors"].split(", ")
    assert unused
    assert all(name.startswith("decoder.") for name in unused)


def test_encoder_alone_is_a_release_too(
    checkpoint: Checkpoint,
    tmp_path: Path,
    tokens: pa.Table,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
) -> None:
    """Names with any of the prefixes that releases use, or none, give the same vectors."""
    wanted = run_extraction(tokens, checkpoint, SPEECH, ("2",)).vectors["2"]
    tensors = {
        name.removeprefix("encoder."): tensor
        for name, tensor in load_file(checkpoint.path("model.safetensors")).items()
        if name.startswith("encoder.")
    }
    for prefix in ("", "encoder.", "model.encoder."):
        folder = tmp_path / f"as-{prefix}"
        folder.mkdir()
        save_file({prefix + k: v for k, v in tensors.items()}, folder / "model.safetensors")
        (folder / "config.json").write_bytes(checkpoint.path("config.json").read_bytes())
        found = run_extraction(tokens, as_checkpoint(folder), SPEECH, ("2",)).vectors["2"]
        np.testing.assert_array_equal(found, wanted)


def test_a_shorter_window_is_a_shorter_position_table(
    model: Any,
    checkpoint: Checkpoint,
    recordings: Recordings,
    make_tokens: MakeTokens,
    run_extraction: Extract,
) -> None:
    """``window_s`` equals a model whose position table and input are cut."""
    path, samples = recordings[2]
    options = {**SPEECH, "window_s": 0.5}
    result = run_extraction(make_tokens([{"audio": str(path)}]), checkpoint, options, ("2",))
    mel = HF.WhisperFeatureExtractor(chunk_length=1)(
        samples, sampling_rate=16_000, return_tensors="pt"
    )["input_features"][..., :50]
    encoder = model.encoder
    with torch.inference_mode():
        hidden = torch.nn.functional.gelu(encoder.conv1(mel))
        hidden = torch.nn.functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
        hidden = hidden + encoder.embed_positions.weight[:25]
        for block in encoder.layers:
            hidden = block(hidden, None)
        wanted = encoder.layer_norm(hidden)[0, :3].mean(dim=0).numpy()
    np.testing.assert_allclose(result.vectors["2"][0], wanted, rtol=0, atol=2e-5)
    assert result.facts["window_s"] == "0.5"


def test_a_batch_counts_whole_windows(
    checkpoint: Checkpoint,
    tokens: pa.Table,
    run_extraction: Extract,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each clip costs a window however short it is: 3 s hold three of 1 s, not dozens of clips."""
    sizes = []
    forward = WhisperLike.forward

    def counted(self: WhisperLike, batch: Sequence[torch.Tensor], sink: Sink) -> None:
        sizes.append(len(batch))
        forward(self, batch, sink)

    monkeypatch.setattr(WhisperLike, "forward", counted)
    run_extraction(tokens, checkpoint, SPEECH, ("1",), batch_seconds=3.0)
    assert sizes == [3, 3, 3]


def test_what_does_not_fit_is_refused(
    checkpoint: Checkpoint, tmp_path: Path, make_tokens: MakeTokens, run_extraction: Extract
) -> None:
    """A clip beyond the window is never cut silently; a window has limits."""
    path = tmp_path / "long.wav"
    soundfile.write(path, np.full(17_000, 0.1, np.float32), 16_000, subtype="FLOAT")
    tokens = make_tokens([{"audio": str(path)}])
    with pytest.raises(UserError, match=r"token 't0': 1\.062 s do not fit .* window of 1 s"):
        run_extraction(tokens, checkpoint, SPEECH, ("1",))
    words = make_tokens([{"audio": str(path), "start_s": 0.2, "end_s": 0.4}])
    cure = r"max_recording_s to 1, or slicing: audio$"
    with pytest.raises(UserError, match=rf"1\.062 s do not fit .* filters\.{cure}"):
        run_extraction(words, checkpoint, {**SPEECH, "slicing": "features"}, ("1",))
    with pytest.raises(UserError, match=r"window_s: 2 is not within 0\.02 to 1"):
        run_extraction(tokens, checkpoint, {**SPEECH, "window_s": 2.0}, ("1",))
