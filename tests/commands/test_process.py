"""The process of a job: it keeps the memory that it frees, and leaves pandas where it is."""

import subprocess
import sys

import pytest

PAGES = """
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
IMPORTS = """
import sys
from groundscope.commands import _cli

def main():
    import pyarrow, sklearn.cluster, transformers
    pyarrow.array(["word"])

{start}
print("pandas" in sys.modules)
"""


def _printed(program: str, start: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program.format(start=start)],
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def test_arrays_that_come_and_go_take_the_same_pages() -> None:
    """Of 800 MiB that are allocated in turn, few pages are asked of the kernel again."""
    ours, theirs = (int(_printed(PAGES, start)) for start in ("_cli.run(main)", "main()"))
    assert ours < theirs - 100_000


@pytest.mark.parametrize(
    ("start", "imported"), [("main()", "True"), ("_cli.run(main)", "False")], ids=["plain", "job"]
)
def test_what_finds_pandas_does_without_it(start: str, imported: str) -> None:
    """Arrow's arrays and scikit-learn import pandas by themselves, and not in a job."""
    assert _printed(IMPORTS, start) == imported
