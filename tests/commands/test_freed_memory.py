"""A job keeps the memory that it frees."""

import subprocess
import sys

PROGRAM = """
import resource
import numpy as np
from groundscope.commands import _cli

def main():
    for _ in range(100):
        arrays = [np.ones(2**18) for _ in range(4)]
        del arrays

{start}
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def _page_faults(start: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(start=start)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def test_arrays_that_come_and_go_take_the_same_pages() -> None:
    """Of 800 MiB that are allocated in turn, few pages are asked of the kernel again."""
    assert _page_faults("_cli.run(main)") < _page_faults("main()") - 100_000
