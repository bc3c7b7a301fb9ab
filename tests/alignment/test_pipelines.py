"""Every pipeline of torchaudio by name: its own model, cut small, through conversion and back."""

from pathlib import Path
from typing import Any

import pytest
import torch
from conversion import convert, load, run

from groundscope.encoders.audio import unit_variance

# torchaudio/pipelines/_wav2vec2/impl.py; a test holds the list against the installed one
NAMES = (
    "HUBERT_ASR_LARGE",
    "HUBERT_ASR_XLARGE",
    "HUBERT_BASE",
    "HUBERT_LARGE",
    "HUBERT_XLARGE",
    "MMS_FA",
    "VOXPOPULI_ASR_BASE_10K_DE",
    "VOXPOPULI_ASR_BASE_10K_EN",
    "VOXPOPULI_ASR_BASE_10K_ES",
    "VOXPOPULI_ASR_BASE_10K_FR",
    "VOXPOPULI_ASR_BASE_10K_IT",
    "WAV2VEC2_ASR_BASE_100H",
    "WAV2VEC2_ASR_BASE_10M",
    "WAV2VEC2_ASR_BASE_960H",
    "WAV2VEC2_ASR_LARGE_100H",
    "WAV2VEC2_ASR_LARGE_10M",
    "WAV2VEC2_ASR_LARGE_960H",
    "WAV2VEC2_ASR_LARGE_LV60K_100H",
    "WAV2VEC2_ASR_LARGE_LV60K_10M",
    "WAV2VEC2_ASR_LARGE_LV60K_960H",
    "WAV2VEC2_BASE",
    "WAV2VEC2_LARGE",
    "WAV2VEC2_LARGE_LV60K",
    "WAV2VEC2_XLSR53",
    "WAV2VEC2_XLSR_1B",
    "WAV2VEC2_XLSR_2B",
    "WAV2VEC2_XLSR_300M",
    "WAVLM_BASE",
    "WAVLM_BASE_PLUS",
    "WAVLM_LARGE",
)


def pipeline(name: str) -> Any:
    """Give torchaudio's description of a release."""
    from torchaudio import pipelines

    return getattr(pipelines, name)


def model(bundle: Any) -> Any:
    """Build torchaudio's model of a release, two blocks deep, with random weights.

    Base models keep their width, which tells how many heads they have; all others have 16.
    """
    from torchaudio import models

    given = dict(bundle._params)
    convolutions = [(16, kernel, stride) for _, kernel, stride in _front_end(given)]
    given |= {"extractor_conv_layer_config": convolutions, "encoder_num_layers": 2}
    given |= {"encoder_ff_interm_features": 48, "encoder_layer_drop": 0.0}
    if given["encoder_embed_dim"] != 768:
        given["encoder_embed_dim"] = 64
    kinds = {"Wav2Vec2": models.wav2vec2_model, "WavLM": models.wavlm_model}
    torch.manual_seed(3)
    made = kinds[bundle._model_type](**given).eval()
    for weights in made.parameters():
        if weights.ndim == 1:  # norms and biases that are ones and zeros would hide an exchange
            torch.nn.init.normal_(weights, mean=1.0, std=0.1)
    return made


def _front_end(given: dict[str, Any]) -> Any:
    return given["extractor_conv_layer_config"] or [
        *((512, 10, 5), *[(512, 3, 2)] * 4),
        *[(512, 2, 2)] * 2,
    ]


@pytest.mark.usefixtures("torchaudio")
def test_the_list_is_torchaudio_s_own() -> None:
    """No pipeline of the installed release is left out."""
    from torchaudio import pipelines

    kind = pipelines.Wav2Vec2Bundle
    own = {name for name in dir(pipelines) if isinstance(getattr(pipelines, name), kind)}
    assert own == set(NAMES)


@pytest.mark.usefixtures("torchaudio")
@pytest.mark.parametrize("name", NAMES)
def test_layers_are_those_of_torchaudio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The release's file, with the rows that torchaudio drops, gives what its own model gives.

    Of a quiet recording, whose level depends on what is added to the variance.
    """
    from torchaudio.pipelines._wav2vec2.utils import _extend_model

    bundle = pipeline(name)
    original = model(bundle)
    state = dict(original.state_dict())
    dropped = getattr(bundle, "_remove_aux_axis", ())
    for part in ("weight", "bias") if dropped else ():
        rows = list(state[f"aux.{part}"])
        for axis in sorted(dropped):
            rows.insert(axis, torch.full_like(rows[0], 9.0))
        state[f"aux.{part}"] = torch.stack(rows)
    folder = tmp_path / "release"
    folder.mkdir()
    torch.save(state, folder / Path(bundle._path).name)
    checkpoint = convert(monkeypatch, folder, "torchaudio", tmp_path, blocks=2)
    encoder = load(checkpoint, "speech", ("1", "2"), blocks=2)
    assert encoder.normalizes is bundle._normalize_waveform
    wave = 0.003 * torch.randn(5_000, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        whole = _extend_model(original, bundle._normalize_waveform)
        expected, _ = whole.extract_features(wave[None])
    if encoder.normalizes:
        wave = torch.from_numpy(unit_variance(wave.numpy(), encoder.variance_floor, name))
    got = run(encoder, [wave]).layers
    for layer, values in enumerate(expected, start=1):
        torch.testing.assert_close(got[str(layer)][0], values[0], rtol=1e-5, atol=1e-5)
