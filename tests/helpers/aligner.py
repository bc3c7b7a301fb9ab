"""Runs align_words on a few rows of a manifest."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from spoken_letters import list_checkpoint

from groundscope.commands import align_words
from groundscope.token_table import read_tokens

Json = Any
OPTIONS: Mapping[str, Json] = {"window_s": 30, "case": "lower", "unspelled": "refuse"}
HEADER = "utterance,audio,speaker,text"


@dataclass(frozen=True)
class Aligner:
    """Runs the command in a folder, in this process.

    Attributes
    ----------
    folder
        With the recordings; the working folder.
    patch
        Sets the command's arguments.
    """

    folder: Path
    patch: pytest.MonkeyPatch

    def run(self, model: Path, *rows: str, header: str = HEADER, **options: Json) -> None:
        """Align the utterances of a manifest with a Hugging Face folder."""
        lines = "\n".join([header, *rows]) + "\n"
        (self.folder / "manifest.csv").write_text(lines, encoding="utf-8")
        given = {"manifest": "manifest.csv", "align": {**OPTIONS, **options}}
        checkpoint = list_checkpoint(model, self.folder / "checkpoint.json")
        arguments = ["--name", "c", "--options", json.dumps(given), "--device", "cpu"]
        arguments += ["--checkpoint", str(checkpoint)]
        arguments += ["--output", "words.parquet", "--report", "report.parquet"]
        self.patch.setattr(sys, "argv", ["align_words", *arguments])
        align_words.main()

    def words(self, model: Path, *rows: str, **options: Json) -> list[dict[str, Json]]:
        """Align; return the tokens."""
        self.run(model, *rows, **options)
        found: list[dict[str, Json]] = read_tokens(self.folder / "words.parquet").to_pylist()
        return found
