"""SpeechCLIP: a checkpoint as Lightning writes it, in; the published forward pass, out."""

from pathlib import Path
from typing import Any

import published_forward
import pytest
import released_layouts as released
import torch
from conversion import convert, fetch, run
from encoder_releases import ONE_HEAD, write_speech_clip
from safetensors.torch import load_file, save_file
from torch import Tensor

from groundscope.checkpoints import Checkpoint
from groundscope.encoders import speech_clip
from groundscope.encoders.base import Request
from groundscope.encoders.options import resolve_options
from groundscope.errors import UserError

State = dict[str, Tensor]
KINDS: dict[str, dict[str, bool]] = {
    "base, parallel": {},
    "base, cascaded": {"cascaded": True},
    "large, parallel": {"large": True},
    "large, cascaded": {"large": True, "cascaded": True},
}
FRAMES = tuple(map(str, range(13)))


@pytest.fixture(scope="module")
def state() -> State:
    """Weights of a small SpeechCLIP."""
    return released.random_state(released.speech_clip(ONE_HEAD), 9)


def load(checkpoint: Checkpoint, *layers: str) -> Any:
    """Load the encoder."""
    options = resolve_options("tested", "speech-clip", speech_clip.OPTIONS, {})
    return speech_clip.load(Request("tested", checkpoint, options, layers, torch.device("cpu")))


@pytest.mark.parametrize("kind", KINDS)
def test_all_layers_agree_with_the_published_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Blocks, branch and CLIP's space agree to 1e-5, alone and in a padded batch."""
    options = KINDS[kind]
    state = released.random_state(released.speech_clip(ONE_HEAD, **options), 9)
    release = write_speech_clip(tmp_path / "release", state, monkeypatch)
    checkpoint = convert(monkeypatch, release, "speech-clip", tmp_path, blocks=12)
    named = ("branch", "keywords" if "cascaded" in options else "cls", "projection")
    encoder = load(checkpoint, *FRAMES, *named)
    assert encoder.normalizes is ("large" in options)
    numbers = torch.Generator().manual_seed(6)
    waves = [torch.randn(size, generator=numbers) for size in (9_000, 400, 14_321)]
    together = run(encoder, waves).layers
    for item, wave in enumerate(waves):
        expected = published_forward.speech_clip(state, ONE_HEAD, wave, large="large" in options)
        got = run(encoder, [wave]).layers
        assert set(got) == set(expected)
        for layer, values in expected.items():
            torch.testing.assert_close(got[layer][0], values, rtol=1e-5, atol=1e-5, msg=layer)
            torch.testing.assert_close(together[layer][item], values, rtol=1e-5, atol=1e-5)
    alone = load(checkpoint, "2")
    assert len(alone.model.speech.encoder.layers) == 2
    torch.testing.assert_close(run(alone, waves).layers["2"][0], together["2"][0])


def test_a_layer_of_the_other_branch_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """A parallel model has no keywords; what it has is listed."""
    release = write_speech_clip(tmp_path / "release", state, monkeypatch)
    checkpoint = convert(monkeypatch, release, "speech-clip", tmp_path, blocks=12)
    with pytest.raises(UserError, match=r"keywords.* branch, cls, projection"):
        load(checkpoint, "keywords")


def test_a_model_of_two_branches_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """None was released: what is not read is named, not ignored."""
    both = state | released.random_state(released.speech_clip(ONE_HEAD, cascaded=True), 9)
    release = write_speech_clip(tmp_path / "release", both, monkeypatch)
    with pytest.raises(UserError, match=r"unexpected .*parallel_branch"):
        convert(monkeypatch, release, "speech-clip", tmp_path)


def test_the_frozen_hubert_is_compared_with_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """All of HuBERT was frozen: equal weights under transformers' older names are found equal."""
    release = write_speech_clip(tmp_path / "release", state, monkeypatch)
    before = convert(monkeypatch, release, "speech-clip", tmp_path / "before")
    parent = {
        "hubert."
        + name.removeprefix("speech.")
        .replace("parametrizations.weight.original0", "weight_g")
        .replace("parametrizations.weight.original1", "weight_v"): tensor
        for name, tensor in load_file(before.path("model.safetensors")).items()
        if name.startswith("speech.")
    }
    (tmp_path / "hubert").mkdir()
    save_file(parent, tmp_path / "hubert" / "model.safetensors")
    options = {"source": "folder", "path": str(tmp_path / "hubert"), "format": "huggingface"}
    manifest = fetch(monkeypatch, options, tmp_path / "fetched-hubert")
    done = convert(monkeypatch, release, "speech-clip", tmp_path / "after", parent=manifest)
    assert done.notes["frozen"] == "all 210 tensors equal the parent's"
    assert done.digest == before.digest
