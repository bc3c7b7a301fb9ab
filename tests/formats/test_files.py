"""Files on disk: whole or not at all, and refused where they are not what they should be."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from embedding_files import write_embeddings
from job_log import complaint

from groundscope.checkpoints import Checkpoint, file_digest, read_manifest, write_manifest
from groundscope.columns import Column, read_rows, write_rows
from groundscope.embeddings import check_unique, read_embeddings
from groundscope.errors import UserError
from groundscope.files import atomic

IDS = ["b", "a", "c"]
VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 128 kB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_failure_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    """The old content stays, and nothing lies beside it."""
    target = tmp_path / "file"
    target.write_text("old")

    def write() -> None:
        with atomic(target) as beside:
            beside.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    """The next attempt removes the temporary file of a dead one, and not that of a living one."""
    code = (
        "import sys, time\n"
        "from groundscope.files import atomic\n"
        "with atomic(sys.argv[1]):\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    target = tmp_path / "file"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": "workflow/src"}, cwd=Path(__file__).parents[2],
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    processes[0].kill()
    processes[0].wait()
    with atomic(target) as beside:
        beside.write_text("whole")
    assert target.read_text() == "whole"
    assert len(list(tmp_path.iterdir())) == 2
    processes[1].kill()
    processes[1].wait()
    with atomic(target) as beside:
        beside.write_text("whole")
    assert list(tmp_path.iterdir()) == [target]
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()


def test_files_follow_the_umask_and_are_never_world_writable(tmp_path: Path) -> None:
    """A group that shares a project can read results; no one else can write them."""
    before = os.umask(0o002)
    try:
        with atomic(tmp_path / "file") as beside:
            beside.write_text("x")
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o664


def test_a_full_disk_is_one_line_and_no_file(small_disk: Path) -> None:
    """A command that runs out of space says so, exits with 2 and leaves nothing half-written."""
    code = (
        "import sys, numpy as np\n"
        "from groundscope.commands._cli import run\n"
        "from groundscope.embeddings import writing\n"
        "def main():\n"
        "    with writing(sys.argv[1], 'vectors') as writer:\n"
        "        writer.add(np.arange(1000).astype(str), np.ones((1000, 256), np.float32))\n"
        "run(main)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(small_disk / "layer-0.parquet")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": "workflow/src"}, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    said = complaint(done.stderr)
    assert said.endswith(f"({small_disk / 'layer-0.parquet'})\n")
    assert said.count("\n") == 1
    assert list(small_disk.iterdir()) == []


def test_embeddings_are_joined_by_id_not_by_position(tmp_path: Path) -> None:
    """Vectors come back bit for bit, in the order of the ids that are asked for."""
    write_embeddings(tmp_path / "e.parquet", IDS, VECTORS, {"model": "m", "layer": "3"})
    embeddings = read_embeddings(tmp_path / "e.parquet")
    assert dict(embeddings.metadata) == {"model": "m", "layer": "3"}
    np.testing.assert_array_equal(embeddings.aligned(["a", "b", "b"]), VECTORS[[1, 0, 0]])
    with pytest.raises(UserError, match="1 of 2 tokens have no vector in layer 3 of m: zz"):
        embeddings.aligned(["a", "zz"])


def test_equal_embeddings_are_equal_bytes(tmp_path: Path) -> None:
    """The order of metadata does not show in the file, so contents can be compared by digest."""
    write_embeddings(tmp_path / "1", IDS, VECTORS, {"model": "m", "layer": "3"})
    write_embeddings(tmp_path / "2", IDS, VECTORS, {"layer": "3", "model": "m"})
    assert file_digest(tmp_path / "1") == file_digest(tmp_path / "2")


def test_bad_embeddings_are_refused(tmp_path: Path) -> None:
    """A duplicate id and a vector that is not finite are named; no file appears."""
    with pytest.raises(UserError, match="token_id 'b' occurs 2 times"):
        check_unique(np.array(["b", "b", "c"]))
    broken = VECTORS.copy()
    broken[1, 0] = np.nan
    with pytest.raises(UserError, match="vector of token 'a' is not finite"):
        write_embeddings(tmp_path / "e", IDS, broken, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PAR1 not really PAR1", b"\0" * 100])
def test_a_broken_embedding_file_is_named(tmp_path: Path, content: bytes) -> None:
    """An empty, cut off or foreign file is refused with its path."""
    file = tmp_path / "layer-0.parquet"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"layer-0\.parquet is not a readable embedding file"):
        read_embeddings(file)


def test_a_flipped_bit_is_found(tmp_path: Path) -> None:
    """One wrong bit among the vectors, or in a table, is refused, not computed with."""
    embeddings, table = tmp_path / "layer-0.parquet", tmp_path / "table.parquet"
    vectors = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    write_embeddings(embeddings, IDS, vectors, {})
    column = Column("x", "float64", "a number")
    write_rows(table, [column], {"x": np.random.default_rng(0).normal(size=64)})
    for path in (embeddings, table):
        content = bytearray(path.read_bytes())
        content[300] ^= 1
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"layer-0\.parquet is not a readable .*: delete it"):
        read_embeddings(embeddings)
    with pytest.raises(UserError, match=r"table\.parquet is not a readable .*: delete it"):
        read_rows(table, [column], "table")


def test_a_failing_file_system_does_not_condemn_a_file(tmp_path: Path) -> None:
    """A file that cannot be opened may be sound: nobody is told to delete it."""
    with pytest.raises(FileNotFoundError):
        read_embeddings(tmp_path / "gone.parquet")


def test_the_digest_of_a_checkpoint_is_its_content(tmp_path: Path) -> None:
    """The manifest is the same for the same content, whatever the dates; other bytes change it."""
    (tmp_path / "files").mkdir()
    weights = tmp_path / "files/model.safetensors"

    def manifest() -> bytes:
        files = {"model.safetensors": file_digest(weights)}
        checkpoint = Checkpoint(tmp_path / "files", "huggingface", files, "folder x", {})
        write_manifest(tmp_path / "manifest.json", checkpoint)
        return (tmp_path / "manifest.json").read_bytes()

    weights.write_bytes(b"weights")
    first = manifest()
    weights.write_bytes(b"weights")
    os.utime(weights, (0, 0))
    assert manifest() == first
    weights.write_bytes(b"Weights")
    assert manifest() != first
    assert read_manifest(tmp_path / "manifest.json").path("model.safetensors").samefile(weights)


def test_a_broken_manifest_is_named(tmp_path: Path) -> None:
    """A cut-off manifest is refused with its path."""
    (tmp_path / "manifest.json").write_text('{"root": "files"')
    with pytest.raises(UserError, match=r"manifest\.json is not a checkpoint manifest"):
        read_manifest(tmp_path / "manifest.json")
