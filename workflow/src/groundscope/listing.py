"""Which files of a folder count: those that are digested, and whose changes are looked for."""

from pathlib import Path


def visible_files(folder: Path) -> list[str]:
    """List the files of a folder, at any depth, but none that is hidden or in a hidden folder.

    Version control and downloads keep their own notes in hidden ones, and touch them when nothing
    has changed.

    Returns
    -------
    list of str
        Paths relative to `folder`, with slashes, sorted.
    """
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)
    )
