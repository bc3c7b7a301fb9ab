"""Fetching from a hub: a small server that speaks its protocol, asked by the real client."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import web
from job_log import complaint

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}",
    "model.safetensors": b"safe",
    "pytorch_model.bin": b"pickle",
    "tokenizer.json": b"tokens",
    "README.md": b"read me",
    "onnx/model.onnx": b"other",
    ".gitattributes": b"",
}


class Hub(http.server.BaseHTTPRequestHandler):
    """One repository ``some/model`` with one commit, one that is gated, nothing else."""

    def do_HEAD(self) -> None:
        """Say what a file is."""
        self._answer(body=False)

    def do_GET(self) -> None:
        """Send a file or facts about the repository."""
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        if "some/gated" in path:
            self._error(403, "GatedRepo")
        elif "some/model" not in path:
            self._error(404, "RepoNotFound")
        elif path.startswith("/api/") and not path.endswith(("main", COMMIT)):
            self._error(404, "RevisionNotFound")
        elif path.startswith("/api/models/some/model/tree/"):
            listing = [
                {"type": "file", "path": name, "size": len(data), "oid": _etag(data)}
                for name, data in FILES.items()
            ]
            self._send(json.dumps(listing).encode(), "application/json", body=body)
        elif path.startswith("/api/"):
            siblings = [{"rfilename": name} for name in FILES]
            facts = {"id": "some/model", "sha": COMMIT, "siblings": siblings, "tags": []}
            self._send(json.dumps(facts).encode(), "application/json", body=body)
        else:
            data = FILES[path.split(f"/resolve/{COMMIT}/")[1]]
            self._send(data, "application/octet-stream", body=body)

    def _send(self, data: bytes, kind: str, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{_etag(data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(data)

    def _error(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def _etag(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Address of the hub."""
    with web.serving(Hub) as address:
        yield address


def fetch(
    endpoint: str, folder: Path, repo: str, revision: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as the client reads the endpoint on import."""
    options = {"source": "hub", "repo": repo, "revision": revision, "format": "huggingface"}
    command = [sys.executable, "-m", "groundscope.commands.fetch_checkpoint", "--name", "tested"]
    command += ["--options", json.dumps(options), "--output", str(folder / "manifest.json")]
    environment = {
        **os.environ,
        "PYTHONPATH": ":".join(sys.path),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(folder / "home"),
        "HF_HUB_DISABLE_XET": "1",
    }
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_weights_configuration_and_tokenizer_arrive_pinned(endpoint: str, tmp_path: Path) -> None:
    """The branch becomes a commit; safetensors only; again by its commit, it is the same."""
    manifests = []
    for name, revision in (("branch", "main"), ("commit", COMMIT)):
        done = fetch(endpoint, tmp_path / name, "some/model", revision)
        assert done.returncode == 0, done.stderr
        manifests.append((tmp_path / name / "manifest.json").read_bytes())
    assert manifests[0] == manifests[1]
    content = json.loads(manifests[0])
    assert set(content["files"]) == {"config.json", "model.safetensors", "tokenizer.json"}
    assert content["source"] == f"hub some/model@{COMMIT}"
    assert not list((tmp_path / "branch" / "files").glob(".*"))


@pytest.mark.parametrize(
    ("repo", "revision", "said"),
    [
        ("some/gated", "main", "some/gated is gated: accept its terms"),
        ("some/nothing", "main", "the hub has no model 'some/nothing' that you may read"),
        ("some/model", "v2", "some/model has no revision 'v2'"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_line(
    endpoint: str, tmp_path: Path, repo: str, revision: str, said: str
) -> None:
    """Gated, missing, no such revision: exit code 2, nothing left."""
    done = fetch(endpoint, tmp_path / "out", repo, revision)
    assert done.returncode == 2
    assert complaint(done.stderr).splitlines()[-1].startswith(f"error: checkpoints.tested: {said}")
    assert complaint(done.stderr).count("\n") == 1
    assert not (tmp_path / "out" / "files").exists()
