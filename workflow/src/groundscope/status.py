"""How far this process is, for whoever has to say so when it is ended."""

_reached = ""


def reach(text: str) -> None:
    """Note how far the work is, such as "12/40 clips"."""
    global _reached
    _reached = text


def reached() -> str:
    """Return what was noted last; empty if nothing was."""
    return _reached
