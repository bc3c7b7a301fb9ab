"""Join the blocks of one layer that several extraction jobs made."""

import argparse
from pathlib import Path

from groundscope.blocks import join_blocks
from groundscope.commands import _cli


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=Path, nargs="+", required=True, help="files, in order")
    parser.add_argument("--output", type=Path, required=True, help="the embedding file")
    given = parser.parse_args()
    join_blocks(given.output, given.blocks)


if __name__ == "__main__":
    _cli.run(main)
