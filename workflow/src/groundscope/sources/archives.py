"""Named files out of a zip (wheels are zips) or a tar archive, never outside the target folder."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from groundscope.errors import UserError

_Member = tuple[str, Callable[[], IO[bytes] | None]]


# encryption is a RuntimeError, and an unknown compression one of its kind
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    RuntimeError,
)


def extract(archive: Path, folder: str, target: Path, where: str) -> None:
    """Write what lies below `folder` of an archive into `target`.

    Parameters
    ----------
    archive
        A zip or (compressed) tar file.
    folder
        A folder or one file in the archive, with ``/``; what lies below keeps its path from there.
    target
        An existing folder.
    where
        Names the archive in messages.

    Raises
    ------
    UserError
        No readable archive, no such folder, a path that leaves it, a link or a device.
    """
    wanted = PurePosixPath(folder)
    found = 0
    try:
        for name, open_member in _members(archive):
            path = PurePosixPath(name)
            if path == wanted:
                relative = PurePosixPath(path.name)
            elif path.is_relative_to(wanted):
                relative = path.relative_to(wanted)
            else:
                continue
            _check_inside(where, name, relative)
            stream = open_member()
            if stream is None:
                message = f"{where}: {name!r} is a link or a device, expected a plain file"
                raise UserError(message)
            place = target.joinpath(*relative.parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            with stream, place.open("wb") as output:
                shutil.copyfileobj(stream, output, 1 << 20)
            found += 1
    except (*_DAMAGED, OSError) as error:
        # bz2 and gzip say so of what is damaged
        if isinstance(error, OSError) and error.errno:
            raise
        said = str(error).partition("\n")[0].rstrip(":")
        message = f"{where} is not a readable zip or tar archive ({said})"
        raise UserError(message) from error
    if not found:
        message = f"{where} has nothing below {folder!r}"
        raise UserError(message)


def _members(archive: Path) -> Iterator[_Member]:
    """Names and ways to open them (giving None for what is not a plain file), folders left out."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                plain = stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG)
                if not entry.is_dir():
                    yield entry.filename, partial(opened.open, entry) if plain else _nothing
        return
    with tarfile.open(archive) as packed:
        for member in packed:
            if not member.isdir():
                plain = member.isfile()
                yield member.name, partial(packed.extractfile, member) if plain else _nothing


def _nothing() -> None:
    """Stand in for the content of a link or a device."""


def _check_inside(where: str, name: str, relative: PurePosixPath) -> None:
    """Refuse absolute paths, parent folders, and what other systems read as such."""
    risky = "\\" in name or ":" in name or "\0" in name
    if risky or relative.is_absolute() or ".." in PurePosixPath(name).parts or not relative.parts:
        message = f"{where}: the path {name!r} leaves the folder that it is unpacked to"
        raise UserError(message)
