"""VG-BERT: the released layout in, the published forward pass out."""

from pathlib import Path

import published_forward
import pytest
import released_layouts as released
import torch
from conversion import convert, fetch, load, run
from released_layouts import FULL, TINY
from torch import Tensor

from groundscope.errors import UserError

State = dict[str, Tensor]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "sax", "##o", "##phone", "player", "dog"]
VOCABULARY = WORDS + [f"[unused{index}]" for index in range(TINY.vocabulary - len(WORDS))]
BERT = "module.language_model.language_model."


@pytest.fixture(scope="module")
def state() -> State:
    """Weights of a small VG-BERT (heads of BERT have 64 values: a narrow one has one head)."""
    return released.random_state(released.vg_bert(TINY), 4)


def write(folder: Path, state: State, *, vocabulary: bool = True) -> Path:
    """Write a release; the vocabulary is the user's addition."""
    folder.mkdir()
    torch.save(state, folder / "best_model.pth")
    if vocabulary:
        (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return folder


@pytest.mark.parametrize("segment", [0, 1])
def test_all_layers_agree_with_the_published_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, segment: int
) -> None:
    """13 layers and the joint space agree to 1e-5 with code of our own, for both segment ids."""
    release = write(tmp_path / "release", state)
    checkpoint = convert(monkeypatch, release, "vg-bert", tmp_path, blocks=12)
    layers = (*map(str, range(13)), "projection")
    encoder = load(checkpoint, "vg-bert", layers, token_type_id=segment, blocks=12)
    pieces = encoder.tokenize(["Saxophone player", "dog dog dog"])
    ids = torch.tensor([each.ids for each in pieces if len(each.ids) == 6][:1])
    got = run(encoder, ids).layers
    sizes = released.Sizes(**{**TINY.__dict__, "heads": 1})
    expected = published_forward.vg_bert(state, sizes, ids[0], segment)
    assert set(got) == set(expected)
    for layer, values in expected.items():
        torch.testing.assert_close(got[layer][0], values, rtol=1e-5, atol=1e-5, msg=layer)


def test_words_are_found_in_their_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """Offsets point at the characters of each piece, special tokens at none."""
    checkpoint = convert(monkeypatch, write(tmp_path / "release", state), "vg-bert", tmp_path)
    encoder = load(checkpoint, "vg-bert", ("1",))
    (pieces,) = encoder.tokenize(["Saxophone player"])
    assert pieces.ids == (2, 5, 6, 7, 8, 3)
    assert pieces.offsets == ((0, 0), (0, 3), (3, 4), (4, 9), (10, 16), (0, 0))
    assert len(encoder.model.bert.encoder.layer) == 1


@pytest.mark.parametrize("layer", [3, 4])
def test_frozen_parts_are_compared_with_the_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State, layer: int
) -> None:
    """A value matrix that differs in block 4 is found, in block 5 it is training; keys always."""
    parent = {
        name.removeprefix(BERT).replace("LayerNorm.weight", "LayerNorm.gamma"): tensor.clone()
        for name, tensor in state.items()
        if name.startswith(BERT) and "position_ids" not in name
    }
    parent[f"encoder.layer.{layer}.attention.self.value.weight"] += 1
    parent["encoder.layer.11.attention.self.key.bias"] += 1
    folder = tmp_path / "bert"
    folder.mkdir()
    torch.save(
        {f"bert.{name}": each for name, each in parent.items()}, folder / "pytorch_model.bin"
    )
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    options = {"source": "folder", "path": str(folder), "format": "huggingface"}
    manifest = fetch(monkeypatch, options, tmp_path / "fetched-bert")
    release = write(tmp_path / "release", state, vocabulary=False)
    done = convert(monkeypatch, release, "vg-bert", tmp_path, parent=manifest)
    found = "1 of 69 tensors differ" if layer == 3 else "all 69 tensors equal"
    assert done.notes["frozen"].startswith(found)
    assert done.notes["frozen_queries_and_keys"].startswith("1 of 48 tensors differ")
    assert "vocab.txt" in done.files


def test_every_released_tensor_is_known_at_full_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 259 tensors and the old buffer pass; 12 heads follow from the width."""
    shapes = released.vg_bert(FULL)
    assert len(shapes) == 259 + 1
    weights = {name: shape for name, shape in shapes.items() if "position_ids" not in name}
    elements = sum(torch.Size(shape).numel() for shape in weights.values())
    assert round(elements / 1e6, 1) == 136.1
    release = write(tmp_path / "release", released.cheap_state(shapes))
    words = VOCABULARY + [f"[more{index}]" for index in range(FULL.vocabulary - len(VOCABULARY))]
    (release / "vocab.txt").write_text("\n".join(words) + "\n")
    checkpoint = convert(monkeypatch, release, "vg-bert", tmp_path, blocks=12)
    assert checkpoint.notes["complete"].startswith("all 202 tensors")
    encoder = load(checkpoint, "vg-bert", ("2",))
    assert encoder.model.bert.config.num_attention_heads == 12
    assert encoder.longest == 512


def test_a_missing_vocabulary_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """The release has no vocabulary: the message says which one and where to put it."""
    release = write(tmp_path / "release", state, vocabulary=False)
    with pytest.raises(UserError, match=r"put vocab\.txt of bert-base-uncased beside"):
        convert(monkeypatch, release, "vg-bert", tmp_path)


def test_a_vocabulary_of_another_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    """A vocabulary of another size would give every word the vector of another one."""
    release = write(tmp_path / "release", state)
    (release / "vocab.txt").write_text("\n".join(VOCABULARY[:-1]) + "\n")
    checkpoint = convert(monkeypatch, release, "vg-bert", tmp_path)
    with pytest.raises(UserError, match="vocabulary has 39 pieces, the model 40"):
        load(checkpoint, "vg-bert", ("1",))
