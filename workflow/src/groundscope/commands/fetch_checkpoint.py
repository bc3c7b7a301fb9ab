"""Bring one checkpoint onto this machine and write its manifest."""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from groundscope.checkpoints import Checkpoint, file_digest, write_manifest
from groundscope.commands import _cli
from groundscope.errors import UserError
from groundscope.sources import hub, url, wheel

_SOURCES: Mapping[str, Callable[[str, Mapping[str, Any], Path], str]] = {
    "wheel": wheel.fetch,
    "hub": hub.fetch,
    "url": url.fetch,
}


def main() -> None:
    """Fetch into the folder of ``--output``: the manifest, and the files in ``files/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--options", type=_cli.options, required=True, help="the entry, as JSON")
    parser.add_argument("--name", required=True, help="its name in the section checkpoints")
    parser.add_argument("--output", type=Path, required=True, help="the manifest to write")
    arguments = parser.parse_args()
    options, where = arguments.options, f"checkpoints.{arguments.name}"
    if options["source"] == "folder":
        root, names = _local(where, Path(options["path"]))
        source = f"folder {options['path']}"
    else:
        root = arguments.output.parent / "files"
        source = _download(where, options, root)
        names = _names(root)
    files = {name: file_digest(root / name) for name in names}
    write_manifest(arguments.output, Checkpoint(root, options["format"], files, source, {}))


def _local(where: str, path: Path) -> tuple[Path, list[str]]:
    """Root and names of files that are already here."""
    if path.is_file():
        return path.resolve().parent, [path.resolve().name]
    names = _names(path) if path.is_dir() else []
    if not names:
        message = f"{where}.path: {path} is not a file or a folder with files"
        raise UserError(message)
    return path.resolve(), names


def _names(root: Path) -> list[str]:
    """Files below `root`, hidden ones left out."""
    paths = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(
        path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)
    )


def _download(where: str, options: Mapping[str, Any], root: Path) -> str:
    """Fill `root`, whole or not at all."""
    root.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".fetch.", dir=root.parent))
    try:
        source = _SOURCES[options["source"]](where, options, staging)
        shutil.rmtree(root, ignore_errors=True)
        staging.chmod(0o755)
        staging.rename(root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return source


if __name__ == "__main__":
    _cli.run(main)
