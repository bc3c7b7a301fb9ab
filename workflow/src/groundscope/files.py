"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it to `path` on success, remove it on failure.

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
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    os.close(descriptor)
    beside = Path(name)
    try:
        yield beside
        # mkstemp makes the file private; results are readable as the umask says
        umask = os.umask(0)
        os.umask(umask)
        beside.chmod(0o666 & ~umask & ~0o002)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
