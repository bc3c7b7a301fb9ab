"""FaST-VGS(+): released layout in, the published forward pass out."""

import math
from dataclasses import replace
from pathlib import Path

import published_forward
import pytest
import released_layouts as released
import torch
from conversion import convert, load, run
from encoder_releases import write_fast_vgs
from released_layouts import TINY
from torch import Tensor

State = dict[str, Tensor]
PLUS = TINY
NAMED = ("trm2", "cls", "projection")


@pytest.fixture(scope="module")
def state() -> State:
    """Weights of a small FaST-VGS+."""
    return released.random_state(released.fast_vgs(PLUS), 1)


@pytest.fixture
def waves() -> list[Tensor]:
    """Clips of very different lengths, the shortest of one frame only."""
    numbers = torch.Generator().manual_seed(5)
    return [torch.randn(size, generator=numbers) for size in (400, 6123, 16_000, 2_000)]


def test_all_layers_agree_with_the_published_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, waves: list[Tensor]
) -> None:
    """Each of 13 layers, Trm2, CLS and the joint space agree to 1e-5 with code of our own."""
    write_fast_vgs(tmp_path / "release", PLUS, state)
    checkpoint = convert(monkeypatch, tmp_path / "release", "fast-vgs", tmp_path, blocks=12)
    layers = (*map(str, range(13)), *NAMED)
    encoder = load(checkpoint, "fast-vgs", layers, blocks=12)
    for wave in waves:
        got, expected = run(encoder, [wave]), published_forward.fast_vgs(state, PLUS, wave)
        assert set(got.layers) == set(expected)
        for layer, values in expected.items():
            torch.testing.assert_close(
                got.layers[layer][0], values, rtol=1e-5, atol=1e-5, msg=layer
            )
    assert got.rates["8"] == 50
    assert got.rates["trm2"] == 50 / 16
    assert encoder.normalizes is True
    assert encoder.variance_floor == 0
    assert encoder.receptive_field == 400


def test_a_batch_gives_what_each_clip_gives_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, waves: list[Tensor]
) -> None:
    """Padding leaks into no layer: group norm, positions, attention, ResDAVEnet, Trm2."""
    write_fast_vgs(tmp_path / "release", PLUS, state)
    checkpoint = convert(monkeypatch, tmp_path / "release", "fast-vgs", tmp_path)
    encoder = load(checkpoint, "fast-vgs", ("0", "3", "8", "12", *NAMED))
    together = run(encoder, waves).layers
    for item, wave in enumerate(waves):
        for layer, values in run(encoder, [wave]).layers.items():
            torch.testing.assert_close(
                together[layer][item], values[0], rtol=1e-5, atol=1e-5, msg=layer
            )


def test_autocast_changes_precision_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, waves: list[Tensor]
) -> None:
    """Under bfloat16 every layer stays within 3% of its float32 values, in norm."""
    write_fast_vgs(tmp_path / "release", PLUS, state)
    checkpoint = convert(monkeypatch, tmp_path / "release", "fast-vgs", tmp_path)
    encoder = load(checkpoint, "fast-vgs", ("0", "8", "12", *NAMED))
    exact = run(encoder, waves).layers
    with torch.autocast("cpu", torch.bfloat16):
        rough = run(encoder, waves).layers
    for layer, values in exact.items():
        for item, expected in enumerate(values):
            error = (rough[layer][item].float() - expected).norm() / expected.norm()
            assert error < 0.03, f"layer {layer}, item {item}: {error}"


def test_only_what_is_wanted_is_built_and_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, waves: list[Tensor]
) -> None:
    """Layer 3 needs three blocks, Trm2 eight; both give what the whole model gives."""
    write_fast_vgs(tmp_path / "release", PLUS, state)
    checkpoint = convert(monkeypatch, tmp_path / "release", "fast-vgs", tmp_path)
    whole = run(load(checkpoint, "fast-vgs", ("3", "12", "trm2")), waves).layers
    for layer, blocks in (("3", 3), ("trm2", 8)):
        encoder = load(checkpoint, "fast-vgs", (layer,))
        assert len(encoder.branch.speech.encoder.layers) == blocks
        assert torch.equal(run(encoder, waves).layers[layer][1], whole[layer][1])


def test_random_weights_do_not_depend_on_the_layers_that_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, waves: list[Tensor]
) -> None:
    """The control draws the whole model: a layer is the same alone, and not the released one."""
    write_fast_vgs(tmp_path / "release", PLUS, state)
    checkpoint = convert(monkeypatch, tmp_path / "release", "fast-vgs", tmp_path)
    options = {"weights": "random", "seed": 4}
    alone = run(load(checkpoint, "fast-vgs", ("2",), **options), waves[1:2]).layers["2"][0]
    whole = run(load(checkpoint, "fast-vgs", ("2", "cls"), **options), waves[1:2]).layers["2"][0]
    assert torch.equal(alone, whole)
    real = run(load(checkpoint, "fast-vgs", ("2",)), waves[1:2]).layers["2"][0]
    assert (alone - real).abs().mean() > 0.1


def test_plain_fast_vgs_has_eight_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waves: list[Tensor]
) -> None:
    """Without the masked speech losses training keeps layer_use + 1 blocks, whatever args says."""
    sizes = replace(PLUS, blocks=8)
    state = released.random_state(released.fast_vgs(sizes), 2)
    write_fast_vgs(tmp_path / "release", sizes, state, numpy_1=True)
    namespace = released.arguments(
        sizes, encoder_layers=12, caption_w2v2_weight=None, libri_w2v2_weight=None, trim_mask=...
    )
    assert not hasattr(namespace, "trim_mask")
    released.save_arguments(tmp_path / "release" / "args.pkl", namespace)
    checkpoint = convert(monkeypatch, tmp_path / "release", "fast-vgs", tmp_path, blocks=8)
    got = run(load(checkpoint, "fast-vgs", ("8", "cls")), waves[2:3]).layers
    expected = published_forward.fast_vgs(state, sizes, waves[2])
    torch.testing.assert_close(got["8"][0], expected["8"], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(got["cls"][0], expected["cls"], rtol=1e-5, atol=1e-5)


def test_prefixes_of_data_parallel_training_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """Keys with ``module.`` give the same converted file, byte for byte."""
    digests = []
    for name, prefix in (("plain", ""), ("parallel", "module.")):
        renamed = {prefix + key: value for key, value in state.items()}
        write_fast_vgs(tmp_path / name, PLUS, renamed)
        done = convert(monkeypatch, tmp_path / name, "fast-vgs", tmp_path / f"{name}-out")
        digests.append(done.digest)
    assert digests[0] == digests[1]


def test_every_released_tensor_is_known_at_full_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 481 + 72 names and shapes of the release pass the strict checks of both commands."""
    shapes, cross = released.fast_vgs(released.FULL), released.cross_encoder(released.FULL)
    assert (len(shapes), len(cross)) == (481, 72)
    elements = sum(math.prod(shape) for shape in shapes.values())
    assert round(elements / 1e6, 1) == 185.0
    folder = tmp_path / "release"
    folder.mkdir()
    content = {"dual_encoder": released.cheap_state(shapes)}
    content["cross_encoder"] = released.cheap_state(cross)
    released.save_bundle(folder / "best_bundle.pth", content, numpy_1=True)
    released.save_arguments(folder / "args.pkl", released.arguments(released.FULL))
    checkpoint = convert(monkeypatch, folder, "fast-vgs", tmp_path, blocks=12)
    assert checkpoint.notes["complete"].startswith("all 360 tensors")
    encoder = load(checkpoint, "fast-vgs", ("1", "cls"))
    assert encoder.facts["check_finite"] == "every weight"
    assert len(encoder.branch.speech.encoder.layers) == 8
