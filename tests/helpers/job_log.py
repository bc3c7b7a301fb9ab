"""What a command said on stderr, without the lines that every job's log has."""

import re

_USUAL = re.compile(
    r"^\d{4}-\d\d-\d\d [\d:,]+ (on \S+, \d+ CPUs; |device: |ended after ).*\n", re.MULTILINE
)


def complaint(stderr: str) -> str:
    """Leave out host and versions, the device, and the last line, of time and memory."""
    return _USUAL.sub("", stderr)
