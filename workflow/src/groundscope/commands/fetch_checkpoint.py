"""Bring one checkpoint onto this machine and write its manifest."""

import argparse
from pathlib import Path

from groundscope.checkpoints import Checkpoint, write_manifest
from groundscope.commands import _cli
from groundscope.sources.fetching import fetch


def main() -> None:
    """Fetch into the folder of ``--output``: the manifest, and the files in ``files/``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--options", type=_cli.options, required=True, help="the entry, as JSON")
    parser.add_argument("--name", required=True, help="its name in the section checkpoints")
    parser.add_argument("--output", type=Path, required=True, help="the manifest to write")
    given = parser.parse_args()
    where = f"checkpoints.{given.name}"
    root, files, source = fetch(where, given.options, given.output.parent / "files")
    write_manifest(given.output, Checkpoint(root, given.options["format"], files, source, {}))


if __name__ == "__main__":
    _cli.run(main)
