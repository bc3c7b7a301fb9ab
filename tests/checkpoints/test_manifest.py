"""The manifest stands for the content of a checkpoint, and for nothing else."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from groundscope.checkpoints import Checkpoint, file_digest, read_manifest, write_manifest
from groundscope.errors import UserError


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    """Two files with the same content."""
    root = tmp_path / "model" / "files"
    root.mkdir(parents=True)
    for name in ("a", "b"):
        (root / name).write_bytes(b"same")
    files = {name: file_digest(root / name) for name in ("b", "a")}
    return Checkpoint(root, "huggingface", files, "folder x", {"finite": "every weight"})


def test_the_digest_follows_names_and_contents_only(checkpoint: Checkpoint) -> None:
    """Order, source, place and notes change nothing; a name or a content does."""
    same = Checkpoint(Path("/else"), "x", dict(sorted(checkpoint.files.items())), "y", {})
    assert same.digest == checkpoint.digest
    files = checkpoint.files
    for other in (
        {"a": files["a"], "c": files["b"]},
        {"a": files["a"]},
        {"a": files["a"], "b": "0" * 64},
    ):
        assert replace(checkpoint, files=other).digest != checkpoint.digest


def test_a_folder_can_be_moved_with_its_manifest(tmp_path: Path, checkpoint: Checkpoint) -> None:
    """Files below the manifest are found from where it is."""
    write_manifest(tmp_path / "model" / "manifest.json", checkpoint)
    shutil.move(tmp_path / "model", tmp_path / "moved")
    moved = read_manifest(tmp_path / "moved" / "manifest.json")
    assert moved.path("a").read_bytes() == b"same"
    assert replace(moved, root=checkpoint.root) == checkpoint


def test_what_is_not_there_is_named(tmp_path: Path, checkpoint: Checkpoint) -> None:
    """A file that the checkpoint lacks, one that has gone, another one, and a broken manifest."""
    with pytest.raises(UserError, match="folder x has no file 'c'; it has a, b"):
        checkpoint.path("c")
    (checkpoint.root / "a").unlink()
    with pytest.raises(UserError, match="a is gone since folder x was fetched"):
        checkpoint.path("a")
    (checkpoint.root / "b").write_bytes(b"sane")
    said = r"b has another content than .*manifest\.json says: put the former file back, or delete"
    write_manifest(tmp_path / "manifest.json", checkpoint)
    read = read_manifest(tmp_path / "manifest.json")
    with pytest.raises(UserError, match=said) as caught:
        read.path("b")
    assert str(caught.value).count(str(tmp_path / "manifest.json")) == 2
    assert "\n" not in str(caught.value)
    assert read.path("b", whole=False).read_bytes() == b"sane"
    for content in ("", "{}", json.dumps({"root": "x"})):
        (tmp_path / "manifest.json").write_text(content)
        with pytest.raises(UserError, match="is not a checkpoint manifest: delete it and rerun"):
            read_manifest(tmp_path / "manifest.json")
