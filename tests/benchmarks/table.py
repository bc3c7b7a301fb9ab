"""Print one table from the rows that benchmarks appended to a file: ``table.py FILE``."""

import sys
from pathlib import Path

from measure import read_rows, show

if __name__ == "__main__":
    show(read_rows(Path(sys.argv[1])))
