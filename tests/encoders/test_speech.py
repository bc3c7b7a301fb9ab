"""Loading and layers of speech encoders: strict, truncated, random, refused."""

import itertools
import json
from collections.abc import Callable
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
from torch import Tensor
from torch.nn import functional

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.extraction import Extraction
from groundscope.errors import UserError

HF: Any = transformers  # largely untyped
Recordings = list[tuple[Path, NDArray[np.float32]]]
Extract = Callable[..., Extraction]
AsCheckpoint = Callable[[Path], Checkpoint]
MakeTokens = Callable[..., pa.Table]
LAYERS = ("0", "1", "2", "3")
SPEECH = {"family": "speech", "normalize": "clip"}


def _config(**changes: Any) -> Any:
    size = {
        "hidden_size": 24,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 32,
        "conv_dim": [12] * 7,
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 4,
    }
    return HF.Wav2Vec2Config(**{**size, **changes})


def _save(folder: Path, model: Any) -> Path:
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model() -> Any:
    """Make a tiny wav2vec 2.0."""
    torch.manual_seed(2)
    return HF.Wav2Vec2Model(_config()).eval()


@pytest.fixture
def folder(model: Any, tmp_path: Path) -> Path:
    """Write it as a release that a test may spoil."""
    return _save(tmp_path / "release", model)


@pytest.fixture
def tokens(recordings: Recordings, make_tokens: MakeTokens) -> pa.Table:
    """Each recording is a word."""
    return make_tokens([{"audio": str(path)} for path, _ in recordings])


def _edit(folder: Path, change: Callable[[dict[str, Tensor]], None]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        folder / "model.safetensors",
        metadata={"format": "pt"},
    )


def test_only_needed_blocks_are_built(
    folder: Path, make_request: Callable[..., Any], as_checkpoint: AsCheckpoint
) -> None:
    """A job for layer 1 holds one block."""
    from groundscope.encoders.speech import load

    encoder: Any = load(make_request(as_checkpoint(folder), SPEECH, ("1",)))
    assert len(encoder.tower.model.encoder.layers) == 1


def test_layers_differ(
    folder: Path, tokens: pa.Table, run_extraction: Extract, as_checkpoint: AsCheckpoint
) -> None:
    """Two layers are two tensors."""
    vectors = run_extraction(tokens, as_checkpoint(folder), SPEECH, LAYERS).vectors
    for one, other in itertools.pairwise(LAYERS):
        assert np.abs(vectors[one] - vectors[other]).max() > 1e-2


def test_result_does_not_depend_on_batch_size(
    folder: Path, tokens: pa.Table, run_extraction: Extract, as_checkpoint: AsCheckpoint
) -> None:
    """From one clip a batch to all clips in one."""
    checkpoint = as_checkpoint(folder)
    singles = run_extraction(tokens, checkpoint, SPEECH, ("3",), batch_seconds=0.001)
    for seconds in (0.2, 0.5, 100.0):
        batched = run_extraction(tokens, checkpoint, SPEECH, ("3",), batch_seconds=seconds)
        np.testing.assert_allclose(batched.vectors["3"], singles.vectors["3"], rtol=0, atol=1e-5)


def test_older_release_with_a_head_is_the_same_model(
    folder: Path,
    tmp_path: Path,
    tokens: pa.Table,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
) -> None:
    """A CTC model's pickle with prefixed names, weight-norm names of old and a mask vector."""
    wanted = run_extraction(tokens, as_checkpoint(folder), SPEECH, ("3",))
    tensors = load_file(folder / "model.safetensors")
    old = {
        "wav2vec2."
        + name.replace(".parametrizations.weight.original0", ".weight_g").replace(
            ".parametrizations.weight.original1", ".weight_v"
        ): tensor
        for name, tensor in tensors.items()
    }
    assert any(name.endswith("weight_g") for name in old)
    old["lm_head.weight"], old["lm_head.bias"] = torch.zeros(5, 24), torch.zeros(5)
    release = tmp_path / "old"
    release.mkdir()
    (release / "config.json").write_bytes((folder / "config.json").read_bytes())
    torch.save(old, release / "pytorch_model.bin")
    found = run_extraction(tokens, as_checkpoint(release), SPEECH, ("3",))
    np.testing.assert_array_equal(found.vectors["3"], wanted.vectors["3"])
    unused = found.facts["unused_tensors"].split(", ")
    assert {"lm_head.weight", "lm_head.bias"} <= set(unused)
    assert all("encoder" not in name for name in unused)


def _drop(tensors: dict[str, Tensor]) -> None:
    del tensors["encoder.layers.1.attention.k_proj.weight"]


def _add(tensors: dict[str, Tensor]) -> None:
    tensors["encoder.layers.3.attention.k_proj.weight"] = torch.zeros(24, 24)


def _reshape(tensors: dict[str, Tensor]) -> None:
    tensors["encoder.layers.1.attention.k_proj.weight"] = torch.zeros(24, 23)


def _overflow(tensors: dict[str, Tensor]) -> None:
    weight = tensors["encoder.layers.0.attention.k_proj.weight"].clone()
    weight[0, 0] = 1e6
    tensors["encoder.layers.0.attention.k_proj.weight"] = weight.half()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop, r"1 tensors missing \(encoder\.layers\.1\.attention\.k_proj\.weight\)"),
        (_add, r"1 tensors unexpected \(encoder\.layers\.3\.attention\.k_proj\.weight\)"),
        (_reshape, r"1 tensors of another shape \(.*\(24, 23\) for \(24, 24\)\)"),
        (
            _overflow,
            r"encoder\.layers\.0\.attention\.k_proj\.weight has values that are not finite",
        ),
    ],
)
def test_spoilt_weights_are_refused(
    folder: Path,
    make_request: Callable[..., Any],
    as_checkpoint: AsCheckpoint,
    change: Callable[[dict[str, Tensor]], None],
    message: str,
) -> None:
    """Missing, extra, misshapen and overflowed tensors are named, even beyond the layer wanted."""
    from groundscope.encoders.speech import load

    _edit(folder, change)
    with pytest.raises(UserError, match=message):
        load(make_request(as_checkpoint(folder), SPEECH, ("1",)))


def test_truncated_file_and_foreign_pickle_are_refused(
    folder: Path, make_request: Callable[..., Any], as_checkpoint: AsCheckpoint
) -> None:
    """Half a safetensors file, and a pickle that is not tensors only."""
    from groundscope.encoders.speech import load

    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="not a readable file of tensors"):
        load(make_request(as_checkpoint(folder), SPEECH, ("1",)))
    (folder / "model.safetensors").unlink()
    torch.save({"weight": Path("x")}, folder / "pytorch_model.bin")
    with pytest.raises(UserError, match="pickle that holds more than tensors"):
        load(make_request(as_checkpoint(folder), SPEECH, ("1",)))


@pytest.mark.parametrize(
    ("options", "layers", "message"),
    [
        ({}, ("4",), r"models\.tiny\.layers: no layer '4'; this model has 0, 1, 2, 3"),
        ({}, ("-1",), "no layer '-1'"),
        ({"blocks": 12}, ("1",), "blocks is 12, but it has 3"),
        ({"window_s": 2.0}, ("1",), "only Whisper has a window"),
        ({"final_norm": "after"}, ("1",), "no norm stands behind the last block"),
        ({"pieces": "mean"}, ("1",), "family speech has no such option; it has blocks, final_norm"),
        ({"pooling": "max"}, ("1",), "'max' is not one of mean, centre, centroid"),
        ({"seed": 1.5}, ("1",), "1.5 is not of type int"),
        ({"seed": True}, ("1",), "True is not of type int"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    folder: Path,
    make_request: Callable[..., Any],
    as_checkpoint: AsCheckpoint,
    options: dict[str, Any],
    layers: tuple[str, ...],
    message: str,
) -> None:
    """Each in one line that says what would be legal."""
    from groundscope.encoders.speech import load

    with pytest.raises(UserError, match=message):
        load(make_request(as_checkpoint(folder), {**SPEECH, **options}, layers))


def test_a_text_checkpoint_is_named(
    tmp_path: Path, make_request: Callable[..., Any], as_checkpoint: AsCheckpoint
) -> None:
    """The wrong family says what the checkpoint is."""
    from groundscope.encoders.speech import load

    config = HF.GPT2Config(n_embd=8, n_layer=1, n_head=2, vocab_size=10)
    folder = _save(tmp_path, HF.GPT2Model(config))
    with pytest.raises(UserError, match="its checkpoint is a 'gpt2' model"):
        load(make_request(as_checkpoint(folder), SPEECH, ("1",)))


def test_random_weights(
    folder: Path, tokens: pa.Table, run_extraction: Extract, as_checkpoint: AsCheckpoint
) -> None:
    """A seed gives the same vectors whatever layers are wanted; another seed gives others."""
    (folder / "model.safetensors").unlink()
    checkpoint = as_checkpoint(folder)
    options = {**SPEECH, "weights": "random", "seed": 4}
    torch.manual_seed(99)
    all_layers = run_extraction(tokens, checkpoint, options, LAYERS).vectors
    alone = run_extraction(tokens, checkpoint, options, ("2",)).vectors
    other = run_extraction(tokens, checkpoint, {**options, "seed": 5}, ("2",)).vectors
    np.testing.assert_array_equal(all_layers["2"], alone["2"])
    assert np.abs(other["2"] - alone["2"]).max() > 1e-2


def test_random_weights_are_as_transformers_starts_them(
    folder: Path, make_request: Callable[..., Any], as_checkpoint: AsCheckpoint
) -> None:
    """The seeded model equals the one that transformers makes from the same seed."""
    from groundscope.encoders.speech import load

    options = {**SPEECH, "weights": "random", "seed": 7}
    encoder: Any = load(make_request(as_checkpoint(folder), options, ("3",)))
    torch.manual_seed(7)
    fresh = HF.Wav2Vec2Model(_config(mask_time_prob=0.0))
    wanted = fresh.state_dict()
    conv = "encoder.pos_conv_embed.conv"
    wanted[f"{conv}.weight"] = fresh.get_submodule(conv).weight
    for name, tensor in encoder.tower.model.state_dict().items():
        name = name.replace("layer_norm.norm.", "layer_norm.")
        torch.testing.assert_close(tensor, wanted[name].detach(), rtol=0, atol=0)


def test_final_norm_can_be_chosen(
    tmp_path: Path,
    recordings: Recordings,
    tokens: pa.Table,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
) -> None:
    """Pre-norm models: the last layer before their last norm, or behind it on request."""
    torch.manual_seed(3)
    changes = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
    model = HF.Wav2Vec2Model(_config(**changes)).eval()
    model.encoder.layer_norm.bias.data += 1.0
    checkpoint = as_checkpoint(_save(tmp_path, model))
    values = torch.from_numpy(recordings[-1][1])[None]
    with torch.inference_mode():
        output = model(values, output_hidden_states=True)
    after, before = output.last_hidden_state[0], output.hidden_states[-1][0]
    for choice, wanted in (("default", before), ("before", before), ("after", after)):
        options = {"family": "speech", "normalize": "none", "final_norm": choice}
        result = run_extraction(tokens, checkpoint, options, ("3",))
        found = result.vectors["3"][result.rows[-1]]
        np.testing.assert_allclose(found, wanted.mean(dim=0).numpy(), rtol=0, atol=1e-5)
        expected = "after" if choice == "after" else "before"
        assert result.facts["last_layer"] == f"{expected} encoder.layer_norm"


def test_unknown_normalisation_must_be_chosen(
    folder: Path, tokens: pa.Table, run_extraction: Extract, as_checkpoint: AsCheckpoint
) -> None:
    """Without preprocessor_config.json nobody guesses; with it, it decides."""
    options = {"family": "speech"}
    with pytest.raises(UserError, match=r"models\.tiny\.normalize: the checkpoint does not say"):
        run_extraction(tokens, as_checkpoint(folder), options, ("1",))
    for flag, same in ((True, "clip"), (False, "none")):
        settings = json.dumps({"do_normalize": flag})
        (folder / "preprocessor_config.json").write_text(settings, encoding="utf-8")
        checkpoint = as_checkpoint(folder)
        found = run_extraction(tokens, checkpoint, options, ("1",))
        wanted = run_extraction(tokens, checkpoint, {**options, "normalize": same}, ("1",))
        np.testing.assert_array_equal(found.vectors["1"], wanted.vectors["1"])
        assert found.facts["normalization"] == same


def test_words_in_an_utterance_pool_their_own_frames(
    folder: Path,
    model: Any,
    tmp_path: Path,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
) -> None:
    """A word at 10.0 s pools frames from 500 on, of the utterance run once and whole."""
    rng = np.random.default_rng(6)
    samples = (rng.standard_normal(176_000) * 0.1).astype(np.float32)
    path = tmp_path / "utterance.wav"
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    spans = {(10.0, 10.2): (500, 510), (0.305, 0.309): (15, 16), (10.985, 11.0): (548, 549)}
    rows = [{"audio": str(path), "start_s": begin, "end_s": end} for begin, end in spans]
    tokens = make_tokens([*rows, {"audio": str(path)}, rows[0]])
    options = {"family": "speech", "normalize": "none", "slicing": "features"}
    result = run_extraction(tokens, as_checkpoint(folder), options, ("2",))
    assert result.rows.tolist() == [0, 1, 2, 3, 0]
    with torch.inference_mode():
        states = model(torch.from_numpy(samples)[None], output_hidden_states=True).hidden_states
    frames = states[2][0].numpy()
    assert len(frames) == 549
    for row, (first, last) in enumerate([*spans.values(), (0, 549)]):
        found = result.vectors["2"][row]
        np.testing.assert_allclose(found, frames[first:last].mean(axis=0), rtol=0, atol=1e-5)


def test_utterance_normalisation_comes_before_the_cut(
    folder: Path,
    tmp_path: Path,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
) -> None:
    """Cutting a normalised file and normalising the cut differ, each as stated."""
    rng = np.random.default_rng(8)
    loud = np.linspace(0.01, 0.5, 16_000)
    samples = (rng.standard_normal(16_000) * loud + 0.1).astype(np.float32)
    normed = ((samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)).astype(np.float32)
    cut = samples[4000:8000]
    cut_normed = ((cut - cut.mean()) / np.sqrt(cut.var() + 1e-7)).astype(np.float32)
    checkpoint = as_checkpoint(folder)
    rows = []
    for name, data in (("raw", samples), ("utterance", normed[4000:8000]), ("clip", cut_normed)):
        soundfile.write(tmp_path / f"{name}.wav", data, 16_000, subtype="FLOAT")
        rows.append({"audio": str(tmp_path / f"{name}.wav")})
    span = {**rows[0], "start_s": 0.25, "end_s": 0.5}
    for choice, reference in (("utterance", rows[1]), ("clip", rows[2])):
        options = {"family": "speech", "normalize": choice}
        found = run_extraction(make_tokens([span]), checkpoint, options, ("1",))
        plain = {"family": "speech", "normalize": "none"}
        wanted = run_extraction(make_tokens([reference]), checkpoint, plain, ("1",))
        np.testing.assert_allclose(found.vectors["1"], wanted.vectors["1"], rtol=0, atol=1e-5)


def test_bfloat16_is_close(
    folder: Path, tokens: pa.Table, run_extraction: Extract, as_checkpoint: AsCheckpoint
) -> None:
    """Autocast changes vectors by no more than its 8 bits of precision explain, and does so."""
    checkpoint = as_checkpoint(folder)
    exact = run_extraction(tokens, checkpoint, SPEECH, ("3",)).vectors["3"]
    options = {**SPEECH, "precision": "bfloat16"}
    coarse = run_extraction(tokens, checkpoint, options, ("3",)).vectors["3"]
    error = np.linalg.norm(coarse - exact, axis=1) / np.linalg.norm(exact, axis=1)
    assert 1e-4 < error.max() < 0.03


@pytest.mark.parametrize(("kernel", "groups"), [(16, 1), (16, 4), (128, 1), (128, 16)])
@pytest.mark.parametrize("channels", [2, 4, 6, 8, 12, 16, 48])
def test_convolutions_in_bfloat16(channels: int, kernel: int, groups: int) -> None:
    """Few channels a group, as in position convolutions, lose 8 bits' precision and no more."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, channels * groups, 50, generator=generator)
    weight = torch.randn(channels * groups, channels, kernel, generator=generator)
    exact = functional.conv1d(x, weight, padding=kernel // 2, groups=groups)
    with torch.autocast("cpu", torch.bfloat16):
        found = functional.conv1d(x, weight, padding=kernel // 2, groups=groups)
    assert found.dtype == torch.bfloat16
    assert (found.float() - exact).norm() / exact.norm() < 2**-8
