"""Peak memory of the commands that read vectors, beside what plan/resources.py asks for.

Usage: python tests/benchmarks/bench_memory.py [tokens ...] (default 10000 40000)

Synthetic vectors of 256 numbers for tokens of 2,000 words; memory is linear in tokens, so that two
sizes tell what a million takes. Ranks of RSA are quadratic in words, and asked for by tokens.
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from embedding_files import write_embeddings
from measure import Measured, show_alone

from groundscope import tables
from groundscope.plan import resources
from groundscope.plan.config import resolve_study
from groundscope.token_table import write_tokens

Json = Any
_WORDS, _WIDTH = 2000, 256


def write(folder: Path, count: int) -> None:
    """Write a token table, a selection, a labelling, and two layers of two models."""
    rng = np.random.default_rng(0)
    words = [f"word{number}" for number in rng.integers(0, _WORDS, count)]
    ids = [f"{1000 + row // 100}-{row:07d}-{word}" for row, word in enumerate(words)]
    columns: dict[str, Json] = {
        "token_id": ids,
        "word": words,
        "speaker": [str(row % 40) for row in range(count)],
        "audio": [f"/data/{row // 20}.flac" for row in range(count)],
        "start_s": rng.uniform(0, 30, count).round(2),
        "end_s": rng.uniform(30, 60, count).round(2),
        "text": words,
        "char_start": np.zeros(count, np.int64),
        "char_end": np.full(count, 4),
        "phones": ["AH B AH"] * count,
    }
    write_tokens(folder / "tokens.parquet", columns)
    tables.write_table(folder / "selected.parquet", "selection", {"token_id": ids})
    lines = [f"word{number},group{number % 20}" for number in range(_WORDS)]
    (folder / "labels.csv").write_text("\n".join(["word,label", *lines]) + "\n", encoding="utf-8")
    for model in ("left", "right"):
        for layer in ("0", "1"):
            vectors = rng.normal(size=(count, _WIDTH)).astype(np.float32)
            metadata = {"model": model, "corpus": "c", "layer": layer}
            write_embeddings(folder / model / f"layer-{layer}.parquet", ids, vectors, metadata)


def commands(folder: Path) -> dict[str, list[str]]:
    """Give the arguments of each command, with the schema's default options and few draws."""
    names = ("cka", "pairs", "silhouette", "lda")
    study = resolve_study(
        {
            "study": {"title": "x"},
            "corpora": {"c": {"kind": "recordings", "manifest": "m.csv"}},
            "models": {"m": {"family": "log-mel"}},
            "labellings": {"l": {"words": "x"}},
            "analyses": {"cka": {}, "silhouette": {"labellings": ["l"]}, "pairs": {}}
            | {"lda": {"labellings": ["l"], "repeats": 1}},
        }
    )
    few = {"permutations": 2, "draws": 1}
    options = {name: study["analyses"][name] for name in names}
    for found in options.values():
        found.update({key: value for key, value in few.items() if key in found})
    options["cka"]["measures"] = ["cka-linear", "cka-rbf", "rsa", "knn"]
    common = ["--tokens", "tokens.parquet", "--selected", "selected.parquet"]
    common += ["--output", "out.parquet"]
    left, right = ([f"{m}/layer-{k}.parquet" for k in "01"] for m in ("left", "right"))
    listed = ["--label-options", json.dumps({"words": "labels.csv"})]
    labels = ["--labelling", "l", *listed, "--embeddings", *left]
    given = {name: [*common, "--options", json.dumps(found)] for name, found in options.items()}
    selection = ["--corpus", "c", "--tokens", "tokens.parquet", "--embeddings", left[0], right[0]]
    return {
        "select_tokens": [*selection, "--output", "s.parquet", "--coverage", "v.parquet"],
        "compare_cka": [*given["cka"], "--left", *left, "--right", *right],
        "compare_pairs": [*given["pairs"], "--embeddings", *left],
        "score_silhouette": [*given["silhouette"], *labels],
        "score_lda": [*given["lda"], *labels],
    }


class _Inputs(list[str]):
    """Files of an alignment as Snakemake gives them: in order, and by name."""

    def __init__(self, folder: Path) -> None:
        self.tokens = folder / "tokens.parquet"
        super().__init__(map(str, folder.rglob("layer-*.parquet")))


def asked(folder: Path, command: str) -> int:
    """Ask plan/resources.py for the memory of a command, in MB."""
    if command == "select_tokens":
        files = SimpleNamespace(tokens=folder / "tokens.parquet")
        return resources.selection_memory(None, files, 1)
    if command == "compare_cka":
        return resources.alignment_memory(lambda _: math.inf)(None, _Inputs(folder), 1)
    return resources.analysis_memory(None, [str(folder / "left/layer-0.parquet")], 1)


def main() -> None:
    """Print the table."""
    for count in [*map(int, sys.argv[1:])] or [10_000, 40_000]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write(folder, count)
            lines = []
            for command, arguments in commands(folder).items():
                begin = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-m", f"groundscope.commands.{command}", *arguments],
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    check=True,
                )
                seconds = time.perf_counter() - begin
                peak = float(done.stderr.rpartition("peak memory ")[2].split()[0])
                remark = f"asked {asked(folder, command)} MB"
                lines.append((command, Measured(seconds, peak), remark))
        show_alone(f"{count} tokens, layers of {count * _WIDTH * 4 / 1e6:.0f} MB", lines)


if __name__ == "__main__":
    main()
