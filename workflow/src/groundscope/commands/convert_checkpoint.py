"""Turn a released checkpoint into safetensors and JSON, with only what inference needs."""

import argparse
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from groundscope.checkpoints import Checkpoint, file_digest, read_manifest, write_manifest
from groundscope.commands import _cli
from groundscope.errors import UserError
from groundscope.releases import ctranslate2, fast_vgs, speech_clip, torchaudio, vg_bert, vg_hubert
from groundscope.releases.release import Release

_log = logging.getLogger(__name__)

_Reader = Callable[[Checkpoint, Mapping[str, Any], Checkpoint | None], Release]
_READERS: Mapping[str, _Reader] = {
    "ctranslate2-whisper": ctranslate2.read,
    "fast-vgs": fast_vgs.read,
    "speech-clip": speech_clip.read,
    "torchaudio": torchaudio.read,
    "vg-hubert": vg_hubert.read,
    "vg-bert": vg_bert.read,
}


def main() -> None:
    """Convert into the folder of ``--output``: the manifest, and the files in ``files/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--options", type=_cli.options, required=True, help="the entry, as JSON")
    parser.add_argument("--manifest", type=Path, required=True, help="of the fetched release")
    parser.add_argument("--parent", nargs="?", default="", help="manifest of what it started from")
    parser.add_argument("--output", type=Path, required=True, help="the manifest to write")
    arguments = parser.parse_args()
    fetched = read_manifest(arguments.manifest)
    parent = read_manifest(Path(arguments.parent)) if arguments.parent else None
    kind = arguments.options["format"]
    if kind not in _READERS:
        message = f"format: {kind!r} needs no conversion; these do: {', '.join(_READERS)}"
        raise UserError(message)
    release = _READERS[kind](fetched, arguments.options, parent)
    blocks = arguments.options.get("blocks")
    if blocks not in (None, release.blocks):
        message = f"blocks: configured as {blocks}, but {fetched.source} has {release.blocks}"
        raise UserError(message)
    for check, finding in sorted(release.notes.items()):
        _log.info("%s: %s", check, finding)
    root = arguments.output.parent / "files"
    _write(release, root)
    files = {path.name: file_digest(path) for path in root.iterdir()}
    converted = Checkpoint(root, release.format, files, fetched.source, dict(release.notes))
    write_manifest(arguments.output, converted)


def _write(release: Release, root: Path) -> None:
    """Fill `root`, whole or not at all."""
    from safetensors.torch import save_file

    root.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".convert.", dir=root.parent))
    try:
        config = json.dumps(release.config, indent=1, sort_keys=True) + "\n"
        for name, content in {"config.json": config.encode(), **release.files}.items():
            (staging / name).write_bytes(content)
        tensors = dict(release.tensors)
        save_file(tensors, staging / "model.safetensors", metadata={"format": "pt"})
        shutil.rmtree(root, ignore_errors=True)
        staging.chmod(0o755)
        staging.rename(root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


if __name__ == "__main__":
    _cli.run(main)
