"""Weights of torchaudio's pipelines under their own names, read without torchaudio."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conversion import convert, load, run
from encoder_releases import torchaudio_names
from torch import Tensor
from transformers import Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel

from groundscope.alignment.vocabulary import read_vocabulary
from groundscope.checkpoints import file_digest
from groundscope.encoders.ctc import load_ctc
from groundscope.errors import UserError


def model(mode: str) -> Any:
    """Make a small model of transformers, like the base or like the large releases."""
    torch.manual_seed(3)
    large, wavlm = mode.endswith("large"), mode.startswith("wavlm")
    kinds: tuple[Any, Any] = (WavLMConfig, WavLMModel) if wavlm else (Wav2Vec2Config, Wav2Vec2Model)
    configuration, architecture = kinds
    config = configuration(
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=16,
        intermediate_size=48,
        conv_dim=(16,) * 7,
        conv_bias=large and not wavlm,
        feat_extract_norm="layer" if large else "group",
        do_stable_layer_norm=large,
        mask_time_prob=0.0,
    )
    made = architecture(config)
    for name, weights in made.named_parameters():
        if "gru_rel_pos_const" in name:  # ones at first, which would hide a transposition
            torch.nn.init.normal_(weights)
    return made.eval()


@pytest.mark.parametrize("mode", ["base", "large", "wavlm-base", "wavlm-large"])
def test_all_layers_are_those_of_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Fetched, converted and extracted, each layer equals transformers' on the same weights."""
    original = model(mode)
    folder = tmp_path / "release"
    folder.mkdir()
    torch.save(torchaudio_names(original.state_dict()), folder / "bundle.pth")
    checkpoint = convert(monkeypatch, folder, "torchaudio", tmp_path, blocks=3)
    encoder = load(checkpoint, "speech", ("0", "1", "2", "3"), blocks=3)
    assert encoder.normalizes is mode.endswith("large")
    wave = torch.randn(5_000, generator=torch.Generator().manual_seed(1))
    got = run(encoder, [wave]).layers
    expected: list[Tensor] = []
    for block in original.encoder.layers:
        block.register_forward_pre_hook(lambda _, given: expected.append(given[0]))
    block.register_forward_hook(
        lambda _, given, output: expected.append(output[0] if type(output) is tuple else output)
    )
    with torch.inference_mode():
        original(wave[None])
    for layer, values in enumerate(expected):
        torch.testing.assert_close(got[str(layer)][0], values[0], rtol=1e-5, atol=1e-5)


def test_an_unknown_tensor_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no pipeline has would not be used, so it is not ignored."""
    folder = tmp_path / "release"
    folder.mkdir()
    state = torchaudio_names(model("base").state_dict())
    state["encoder.transformer.layers.0.attention.gate.weight"] = torch.ones(3)
    torch.save(state, folder / "bundle.pth")
    with pytest.raises(UserError, match=r"1 are unexpected .*attention.gate"):
        convert(monkeypatch, folder, "torchaudio", tmp_path)


@pytest.mark.parametrize(("rows", "letters"), [(32, 29), (31, 28)])
def test_the_letter_output_is_kept_where_its_labels_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int, letters: int
) -> None:
    """As a CTC model of transformers it gives the same numbers, without the three unused rows."""
    original = model("large")
    folder = tmp_path / "release"
    folder.mkdir()
    output = torch.nn.Linear(64, rows)
    head = {"aux.weight": output.weight.detach(), "aux.bias": output.bias.detach()}
    torch.save({**torchaudio_names(original.state_dict()), **head}, folder / "model.pt")
    checkpoint = convert(monkeypatch, folder, "torchaudio", tmp_path, blocks=3)
    wave = torch.randn(1, 5_000, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = output(original(wave).last_hidden_state)[0]
    used = [0, *range(4, rows)]
    ctc = load_ctc(checkpoint, torch.device("cpu"))
    got = torch.from_numpy(ctc.log_probabilities(wave[0].numpy()))
    torch.testing.assert_close(got, expected[:, used].log_softmax(-1), rtol=1e-5, atol=1e-5)
    vocabulary = read_vocabulary(checkpoint, ctc.labels)
    assert (ctc.labels, vocabulary.blank) == (letters, 0)
    assert vocabulary.characters["'"] == (24 if letters == 29 else 25)
    assert vocabulary.delimiter == (1 if letters == 29 else None)


def test_code_of_a_ctc_release_is_not_run_but_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning says which class stands in for it; none where a release has no code."""
    folder = tmp_path / "release"
    folder.mkdir()
    head = {"aux.weight": torch.zeros(32, 64), "aux.bias": torch.zeros(32)}
    names = torchaudio_names(model("large").state_dict())
    torch.save({**names, **head}, folder / "model.pt")
    checkpoint = convert(monkeypatch, folder, "torchaudio", tmp_path, blocks=3)
    load_ctc(checkpoint, torch.device("cpu"))
    assert not caplog.records
    path = checkpoint.path("config.json")
    own = {"auto_map": {"AutoModelForCTC": "own.Model"}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **own}))
    files = {**checkpoint.files, "config.json": file_digest(path)}
    load_ctc(replace(checkpoint, files=files), torch.device("cpu"))
    (said,) = [record.getMessage() for record in caplog.records]
    assert "which is not run: it is read as Wav2Vec2ForCTC of transformers" in said


def test_labels_that_are_not_known_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VoxPopuli models have as many outputs as others, for other letters."""
    folder = tmp_path / "release"
    folder.mkdir()
    name = "wav2vec2_voxpopuli_base_10k_asr_en.pt"
    torch.save(torchaudio_names(model("base").state_dict()), folder / name)
    checkpoint = convert(monkeypatch, folder, "torchaudio", tmp_path, blocks=3)
    assert "vocab.json" not in checkpoint.files
    with pytest.raises(UserError, match="has no CTC head"):
        load_ctc(checkpoint, torch.device("cpu"))
