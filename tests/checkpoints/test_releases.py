"""Releases are untrusted pickles: what is refused, how it is said, and that nothing runs."""

import argparse
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import released_layouts as released
import torch
from conversion import convert, load
from released_layouts import TINY
from torch import Tensor

from groundscope.errors import UserError
from groundscope.releases import pickles

State = dict[str, Tensor]


class Touch:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Call `os.mkdir` on load."""
        return os.mkdir, (str(self.path),)


class Evaluate(Touch):
    """Runs code when it is unpickled, through a builtin."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Call `eval` on load."""
        return eval, (f"__import__('os').mkdir({str(self.path)!r})",)


class Build:
    """Has a state that a class of ours takes when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the folder."""
        Path(state["path"]).mkdir()


class Trusting(pickle.Unpickler):
    """What the authors' code uses."""


def nested(path: Path) -> Any:
    """Hide the call inside an otherwise harmless namespace."""
    return argparse.Namespace(layer_use=7, inner={"deep": [Touch(path)]})


def through_pickle(path: Path) -> Any:
    """Hide it in bytes that a harmless-looking call would unpickle."""

    class Inner:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return pickle.loads, (pickle.dumps(Touch(path)),)

    return Inner()


MALICIOUS = [Touch, Evaluate, Build, nested, through_pickle]


@pytest.mark.parametrize("make", MALICIOUS)
def test_malicious_arguments_run_nothing(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    """A call, `eval`, a state setter, one nested in a namespace, one in a pickle: all refused."""
    victim = tmp_path / "victim"
    file = tmp_path / "args.pkl"
    file.write_bytes(pickle.dumps(make(victim)))
    with pytest.raises(UserError, match=r"args\.pkl is refused: it asks for") as caught:
        pickles.read_namespace(file)
    assert not victim.exists()
    assert "\n" not in str(caught.value)
    with file.open("rb") as stream:
        Trusting(stream).load()  # it does harm where nobody looks
    assert victim.exists()


@pytest.mark.parametrize("make", MALICIOUS)
@pytest.mark.parametrize("kind", ["archive", "before PyTorch 1.6"])
def test_malicious_bundles_run_nothing(
    tmp_path: Path, make: Callable[[Path], Any], kind: str
) -> None:
    """The same in both file formats of PyTorch, beside real tensors."""
    victim = tmp_path / "victim"
    file = tmp_path / "best_bundle.pth"
    content = {"dual_encoder": {"weight": torch.ones(2)}, "optimizer": make(victim)}
    torch.save(content, file, _use_new_zipfile_serialization=kind == "archive")
    with pytest.raises(UserError, match="is refused") as caught:
        pickles.read_bundle(file)
    assert not victim.exists()
    assert "\n" not in str(caught.value)


def test_a_compiled_program_is_not_run(tmp_path: Path) -> None:
    """A TorchScript archive is not a checkpoint."""
    file = tmp_path / "best_bundle.pth"
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("archive/constants.pkl", pickle.dumps(()))
        target.writestr("archive/data.pkl", pickle.dumps({}))
        target.writestr("archive/version", "3")
    with pytest.raises(UserError, match="is refused"):
        pickles.read_bundle(file)


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x80\x04.", pickle.dumps([1])])
def test_what_is_no_namespace_is_refused(tmp_path: Path, content: bytes) -> None:
    """Empty, a web page, broken, another object: one line each."""
    file = tmp_path / "args.pkl"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"argparse\.Namespace"):
        pickles.read_namespace(file)


@pytest.fixture(scope="module")
def plus() -> State:
    """Weights of a small FaST-VGS+."""
    return released.random_state(released.fast_vgs(TINY), 1)


def write(folder: Path, content: dict[str, Any], file: str = "best_bundle.pth") -> Path:
    """Write a release around `content`."""
    folder.mkdir()
    released.save_bundle(folder / file, content)
    released.save_arguments(folder / "args.pkl", released.arguments(TINY))
    return folder


def test_the_wrong_family_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plus: State
) -> None:
    """Each release given as each other format is named in the message."""
    hubert = released.random_state(released.vg_hubert(TINY), 2)
    bert = released.random_state(released.vg_bert(TINY), 2)
    fairseq = released.random_state(released.speech(TINY, "", "encoder.pos_conv"), 2)
    releases = {
        "fast-vgs": ("a FaST-VGS bundle", {"dual_encoder": plus}),
        "vg-hubert": ("a VG-HuBERT bundle", {"dual_encoder": hubert}),
        "vg-bert": ("a VG-BERT checkpoint", {"model": bert}),
        "fairseq": ("an ungrounded fairseq", {"model": fairseq}),
    }
    for name, (description, content) in releases.items():
        folder = write(tmp_path / name, content)
        for kind in ("fast-vgs", "vg-hubert", "vg-bert"):
            if kind == name:
                continue
            with pytest.raises(UserError, match=f"this is {description}.*, expected format {kind}"):
                convert(
                    monkeypatch, folder, kind, tmp_path / f"{name}-{kind}", bundle="best_bundle.pth"
                )
            assert not (tmp_path / f"{name}-{kind}" / "converted" / "manifest.json").exists()


def test_a_checkpoint_of_another_family_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plus: State
) -> None:
    """A converted FaST-VGS under the family vg-hubert, and layers or blocks that it has not."""
    folder = write(tmp_path / "release", {"dual_encoder": plus})
    checkpoint = convert(monkeypatch, folder, "fast-vgs", tmp_path)
    with pytest.raises(UserError, match="it is a 'fast-vgs' model, expected 'vg-hubert'"):
        load(checkpoint, "vg-hubert", ("1",))
    with pytest.raises(UserError, match=r"no layer '13'; this model has 0, 1, .*12, cls, trm2"):
        load(checkpoint, "fast-vgs", ("1", "13"))
    with pytest.raises(UserError, match="blocks is 8, but it has 12"):
        load(checkpoint, "fast-vgs", ("1",), blocks=8)
    with pytest.raises(UserError, match=r"blocks: configured as 8, but .* has 12"):
        convert(monkeypatch, folder, "fast-vgs", tmp_path / "again", blocks=8)


def test_a_truncated_download_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plus: State
) -> None:
    """Wherever the file ends too early, one line says so and nothing is written."""
    folder = write(tmp_path / "release", {"dual_encoder": plus})
    whole = (folder / "best_bundle.pth").read_bytes()
    for share in (0.0, 0.1, 0.5, 0.999):
        (folder / "best_bundle.pth").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(UserError, match="no PyTorch checkpoint, or its download broke off"):
            convert(monkeypatch, folder, "fast-vgs", tmp_path / "out")
    assert not (tmp_path / "out" / "converted").exists()


def _drop(state: State) -> None:
    del state["trm2.output.dense.bias"]


def _add(state: State) -> None:
    state["conv1_trm1_trm3.encoder.layers.12.fc1.bias"] = torch.ones(TINY.inner)


def _reshape(state: State) -> None:
    state["conv2.linear.weight"] = state["conv2.linear.weight"].T.contiguous()


def _overflow(state: State) -> None:
    name = "conv1_trm1_trm3.encoder.layers.3.fc1.weight"
    state[name] = (1e6 * state[name]).half()


def test_weights_in_another_place_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plus: State
) -> None:
    """Weights that were saved again, outside ``dual_encoder``: one line says what is missing."""
    folder = write(tmp_path / "release", {"model": plus})
    with pytest.raises(UserError, match="dual_encoder is not a state dict"):
        convert(monkeypatch, folder, "fast-vgs", tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_drop, r"1 tensors are missing \(trm2.output.dense.bias\) and 0 are unexpected"),
        (_add, r"0 tensors are missing .* 1 are unexpected \(conv1.*layers\.12\.fc1\.bias\)"),
        (_reshape, r"conv2\.linear\.weight has shape \(32, 8\), expected"),
        (_overflow, r"layers\.3\.fc1\.weight has values that are not finite \(half precision"),
    ],
)
def test_wrong_tensors_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plus: State,
    change: Callable[[State], None],
    said: str,
) -> None:
    """Missing, unexpected, of another shape, overflowed in half precision."""
    state = dict(plus)
    change(state)
    folder = write(tmp_path / "release", {"dual_encoder": state})
    with pytest.raises(UserError, match=said):
        convert(monkeypatch, folder, "fast-vgs", tmp_path)


def test_half_precision_that_did_not_overflow_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plus: State
) -> None:
    """Weights stored as float16 become the float32 numbers that they stand for."""
    state = {name: each.half() if each.is_floating_point() else each for name, each in plus.items()}
    folder = write(tmp_path / "release", {"dual_encoder": state})
    checkpoint = convert(monkeypatch, folder, "fast-vgs", tmp_path)
    encoder = load(checkpoint, "fast-vgs", ("trm2",))
    kept = encoder.branch.trm2.output.dense.weight
    assert kept.dtype == torch.float32
    assert torch.equal(kept, state["trm2.output.dense.weight"].float())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("__import__('os').getcwd()", "expected a list of three numbers each"),
        ("[(512, 10, 5)] * 10**9", "expected a list of three numbers each"),
        ("[(512, 10)]", "expected a list of three numbers each"),
    ],
)
def test_the_convolutions_in_the_arguments_are_never_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plus: State, text: str, said: str
) -> None:
    """The authors' code calls `eval` on this string; here only lists of numbers pass."""
    folder = write(tmp_path / "release", {"dual_encoder": plus})
    namespace = released.arguments(TINY, conv_feature_layers=text)
    released.save_arguments(folder / "args.pkl", namespace)
    with pytest.raises(UserError, match=said):
        convert(monkeypatch, folder, "fast-vgs", tmp_path)


def test_optimizer_state_stays_on_disk(tmp_path: Path, plus: State) -> None:
    """Tensors are views of the mapped file, so those that nobody uses are never read."""
    file = tmp_path / "best_bundle.pth"
    released.save_bundle(file, {"dual_encoder": {"weight": plus["trm2_proj.weight"]}})
    moments = pickles.read_bundle(file)["optimizer"]["state"][0]["next_m"]
    maps = Path("/proc/self/maps").read_text().splitlines()
    ranges = [line.split()[0].split("-") for line in maps if line.endswith(file.name)]
    place = moments.data_ptr()
    assert any(int(begin, 16) <= place < int(end, 16) for begin, end in ranges)


SOCKETS = """
import sys

def hook(event, arguments):
    if event.startswith("socket.") and event not in ("socket.gethostname",):
        raise RuntimeError(f"opened: {event} {arguments}")

sys.addaudithook(hook)
from pathlib import Path
from groundscope.checkpoints import read_manifest
from conversion import load, run
import torch
encoder = load(read_manifest(Path(sys.argv[1])), "fast-vgs", ("1", "cls"))
print(run(encoder, [torch.ones(4000)]).layers["cls"][0].shape)
"""


def test_loading_opens_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plus: State
) -> None:
    """With every socket forbidden by the interpreter itself, a converted checkpoint loads."""
    folder = write(tmp_path / "release", {"dual_encoder": plus})
    convert(monkeypatch, folder, "fast-vgs", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SOCKETS, str(tmp_path / "converted" / "manifest.json")],
        env={"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "torch.Size([32])\n", done.stderr


def test_the_hook_sees_a_socket() -> None:
    """The proof above would fail if something did open one."""
    script = SOCKETS.split("from pathlib")[0] + "import socket; socket.socket()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert b"opened: socket.__new__" in done.stderr


def test_a_conversion_is_the_same_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plus: State
) -> None:
    """Converted again, also from a release whose unused parts differ, it is the same file."""
    first = write(tmp_path / "a", {"dual_encoder": plus})
    other = dict(plus) | {"visual_cls_token": plus["visual_cls_token"] + 1}
    second = write(tmp_path / "b", {"dual_encoder": other})
    digests = [
        convert(monkeypatch, folder, "fast-vgs", tmp_path / f"{folder.name}-out").digest
        for folder in (first, second)
    ]
    assert digests[0] == digests[1]
