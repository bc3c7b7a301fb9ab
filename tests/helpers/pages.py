"""Code blocks of the project's pages, which tests run as they stand there."""

import re
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of `language` in a page, in their order."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [code for name, code in found if name == language]
