"""Weights of torchaudio's pipelines under their own names, read without torchaudio."""

from pathlib import Path
from typing import Any

import pytest
import torch
from conversion import convert, load, run
from encoder_releases import torchaudio_names
from torch import Tensor
from transformers import Wav2Vec2Config, Wav2Vec2Model, WavLMConfig, WavLMModel

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
