"""Files that appear whole or not at all."""

import fcntl
import glob
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from groundscope.errors import UserError

_unfinished: set[Path] = set()


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it to `path` on success, remove it on failure.

    What a killed process left of an earlier attempt is removed too.

    Parameters
    ----------
    path
        The file to be made. Its folder is created where missing.

    Yields
    ------
    Path
        A temporary file in the same folder, so that the rename is atomic.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name[:100]}."
    descriptor, name = tempfile.mkstemp(prefix=prefix, dir=target.parent)
    beside = Path(name)
    _unfinished.add(beside)
    try:
        # ends with the process, so that others can tell a living attempt from a dead one
        _lock(descriptor)
        _remove_dead(target.parent, prefix, beside)
        yield beside
        # mkstemp makes the file private; results are readable as the umask says
        umask = os.umask(0)
        os.umask(umask)
        beside.chmod(0o666 & ~umask & ~0o002)
        # or a power cut leaves the new name with no content
        with beside.open("rb") as written:
            os.fsync(written.fileno())
        beside.replace(target)
    except OSError as error:
        # Arrow does not say which file it was
        error.filename = error.filename or str(target)
        raise
    finally:
        beside.unlink(missing_ok=True)
        _unfinished.discard(beside)
        os.close(descriptor)


def discard_unfinished() -> None:
    """Remove the files that this process is writing: it is about to end."""
    for path in tuple(_unfinished):
        path.unlink(missing_ok=True)


def damaged(path: str | Path, what: str, error: Exception) -> UserError:
    """Give the error for a file whose content is not `what` it should be.

    Raises
    ------
    OSError
        `error`, where the file system failed: the file may be sound, and nobody should delete it.
    """
    if isinstance(error, OSError) and error.errno:
        raise error
    return UserError(f"{path} is not a readable {what} ({error}): delete it and rerun")


def _lock(descriptor: int) -> bool:
    """Lock a file; False if another process has it, or the file system cannot tell."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove_dead(folder: Path, prefix: str, own: Path) -> None:
    """Remove temporary files of a target whose processes are dead."""
    for other in folder.glob(f"{glob.escape(prefix)}*"):
        if other == own:
            continue
        with suppress(OSError), other.open("rb+") as file:
            if _lock(file.fileno()):
                other.unlink()
