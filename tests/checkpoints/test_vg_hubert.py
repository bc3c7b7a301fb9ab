"""VG-HuBERT: released layouts in, the published forward pass out."""

from pathlib import Path

import published_forward
import pytest
import released_layouts as released
import torch
from conversion import convert, fetch, load, run
from released_layouts import TINY
from safetensors.torch import save_file
from torch import Tensor

State = dict[str, Tensor]
NAMED = ("cls", "projection")
ALL = (*map(str, range(13)), *NAMED)


@pytest.fixture(scope="module")
def state() -> State:
    """Weights of a small VG-HuBERT."""
    return released.random_state(released.vg_hubert(TINY), 3)


def write(folder: Path, file: str, content: dict[str, State]) -> None:
    """Write a release of VG-HuBERT."""
    folder.mkdir()
    released.save_bundle(folder / file, content)
    namespace = released.arguments(TINY, layer_use=11, normalize=False, use_audio_cls_token=True)
    released.save_arguments(folder / "args.pkl", namespace)


def waves() -> list[Tensor]:
    """Clips of very different lengths, the shortest of one frame only."""
    numbers = torch.Generator().manual_seed(6)
    return [torch.randn(size, generator=numbers) for size in (9_000, 400, 14_321)]


def test_all_layers_agree_with_the_published_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """Each of 13 layers, CLS and the joint space agree to 1e-5, alone and in a padded batch."""
    write(tmp_path / "release", "best_bundle.pth", {"dual_encoder": state})
    checkpoint = convert(monkeypatch, tmp_path / "release", "vg-hubert", tmp_path, blocks=12)
    encoder = load(checkpoint, "vg-hubert", ALL)
    together = run(encoder, waves()).layers
    for item, wave in enumerate(waves()):
        expected = published_forward.vg_hubert(state, TINY, wave)
        got = run(encoder, [wave]).layers
        assert set(got) == set(expected)
        for layer, values in expected.items():
            torch.testing.assert_close(got[layer][0], values, rtol=1e-5, atol=1e-5, msg=layer)
            torch.testing.assert_close(together[layer][item], values, rtol=1e-5, atol=1e-5)
    assert encoder.normalizes is False


def test_a_lower_layer_builds_only_its_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """Layer 2 alone is what the whole model gives, from two blocks."""
    write(tmp_path / "release", "best_bundle.pth", {"dual_encoder": state})
    checkpoint = convert(monkeypatch, tmp_path / "release", "vg-hubert", tmp_path)
    encoder = load(checkpoint, "vg-hubert", ("2",))
    assert len(encoder.branch.speech.encoder.layers) == 2
    whole = run(load(checkpoint, "vg-hubert", ("2", "cls")), waves()).layers["2"]
    assert torch.equal(run(encoder, waves()).layers["2"][2], whole[2])


@pytest.mark.parametrize(
    ("file", "entry", "prefix"),
    [
        ("snapshot_20.pth", "audio_encoder", ""),
        ("bundle.pth", "dual_encoder", "module.audio_encoder."),
        ("best_bundle.pth", "dual_encoder", "conv1_trm1_conv2_trm2."),
        ("best_bundle.pth", "model", "module."),
    ],
)
def test_every_released_file_and_prefix_gives_the_same_weights(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    state: State,
    file: str,
    entry: str,
    prefix: str,
) -> None:
    """Snapshots and older names hold the audio branch under other names: nothing else differs."""
    write(tmp_path / "usual", "best_bundle.pth", {"dual_encoder": state})
    usual = convert(monkeypatch, tmp_path / "usual", "vg-hubert", tmp_path / "a")
    other = {
        name.replace("audio_encoder.", prefix, 1): tensor
        for name, tensor in state.items()
        if name.startswith(("audio_encoder.", "audio_cls_token_proj."))
    }
    write(tmp_path / "other", file, {entry: other})
    done = convert(monkeypatch, tmp_path / "other", "vg-hubert", tmp_path / "b", bundle=file)
    assert done.digest == usual.digest


@pytest.mark.parametrize(("change", "note"), [(0.0, "all 9 tensors equal"), (1e-3, "1 of 9")])
def test_the_convolutions_are_compared_with_the_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, change: float, note: str
) -> None:
    """Frozen convolutions that equal the parent's are reported so, a changed one is counted."""
    parent = {
        "hubert."
        + name.removeprefix("audio_encoder.")
        .replace(".0.weight", ".conv.weight")
        .replace("layers.0.2.", "layers.0.layer_norm."): tensor.clone()
        for name, tensor in state.items()
        if name.startswith("audio_encoder.feature_extractor.")
    }
    parent["hubert.feature_extractor.conv_layers.3.conv.weight"][0, 0, 0] += change
    write(tmp_path / "release", "best_bundle.pth", {"dual_encoder": state})
    (tmp_path / "parent").mkdir()
    save_file(parent, tmp_path / "parent" / "model.safetensors")
    options = {"source": "folder", "path": str(tmp_path / "parent"), "format": "huggingface"}
    manifest = fetch(monkeypatch, options, tmp_path / "fetched-parent")
    done = convert(monkeypatch, tmp_path / "release", "vg-hubert", tmp_path, parent=manifest)
    assert done.notes["front_end"].startswith(note)
