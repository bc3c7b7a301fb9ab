"""A tiny study on disk: tokens of labelled words, and layers whose groups are known to separate."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedding_files import write_embeddings

from groundscope import tables
from groundscope.token_table import write_tokens

WORDS = 24
SPEAKERS = ("ann", "ben", "cat")
OPTIONS: dict[str, dict[str, Any]] = {
    "cka": {
        "measures": ["cka-linear"],
        "rows": ["types"],
        "spaces": ["full"],
        "sample": None,
        "draws": 1,
        "permutations": 19,
        "neighbours": 3,
        "seed": 0,
    },
    "pairs": {"sample": 50, "seeds": [1, 2, 3], "bootstrap": 50, "seed": 0},
    "silhouette": {
        "rows": "auto",
        "metrics": ["cosine", "euclidean"],
        "spaces": ["full"],
        "protocols": ["all-groups", "leave-one-group-out"],
        "subsets": {},
        "permutations": 19,
        "kmeans_seeds": 2,
        "kmeans_restarts": 1,
        "seed": 0,
    },
    "lda": {
        "rows": "auto",
        "solver": "shrinkage",
        "folds": 4,
        "repeats": 2,
        "permutations": 9,
        "control_tasks": 0,
        "speaker_disjoint": False,
        "seed": 0,
    },
    "contrasts": {"bootstrap": 200, "permutations": 199, "seed": 0},
}


class Study:
    """Files of the study in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.words = np.array([f"w{number:02d}" for number in range(WORDS)])
        self.word = np.repeat(self.words, len(SPEAKERS))
        self.ids = np.array([f"{w}-{s}" for w in self.words for s in SPEAKERS])
        self.group = np.repeat(np.arange(WORDS) % 4, len(SPEAKERS))
        count = len(self.ids)
        self.tokens = folder / "tokens.parquet"
        write_tokens(
            self.tokens,
            {
                "token_id": self.ids,
                "word": self.word,
                "speaker": list(SPEAKERS) * WORDS,
                "audio": [None] * count,
                "start_s": [None] * count,
                "end_s": [None] * count,
                "text": self.word,
                "char_start": [0] * count,
                "char_end": [3] * count,
                # the first phone is the group's: with stress, and once without any phone
                "phones": [None] + [f"\u02c8{'aeiu'[group]}1 t" for group in self.group[1:]],
            },
        )
        self.labels = folder / "meaning.csv"
        self.label_options = {"words": str(self.labels)}
        lines = [f"{word},g{number % 4}\n" for number, word in enumerate(self.words)]
        self.labels.write_text("word,label\n" + "".join(lines), encoding="utf-8")
        self.selected = folder / "selected.parquet"
        tables.write_table(self.selected, "selection", {"token_id": self.ids})

    def layers(self, model: str, separation: float, seed: int, count: int = 2) -> list[Path]:
        """Write layers in which groups are `separation` apart along their own axis."""
        rng = np.random.default_rng(seed)
        paths = []
        for layer in range(count):
            vectors = rng.normal(size=(len(self.ids), 12))
            of_word = rng.normal(size=(WORDS, 12))
            vectors += np.repeat(of_word, len(SPEAKERS), axis=0)
            vectors[np.arange(len(vectors)), self.group] += separation
            path = self.folder / f"{model}-{layer}.parquet"
            metadata = {"model": model, "corpus": "tiny", "layer": str(layer)}
            write_embeddings(path, self.ids, vectors.astype(np.float32), metadata)
            paths.append(path)
        return paths


def call(
    monkeypatch: pytest.MonkeyPatch, main: Callable[[], None], *arguments: Any, **files: Any
) -> None:
    """Run a command's `main` with its arguments; lists become several arguments."""
    argv = ["command"]
    for name, value in files.items():
        values = value if isinstance(value, list) else [value]
        words = [json.dumps(each) if isinstance(each, dict) else str(each) for each in values]
        argv += [f"--{name.replace('_', '-')}", *words]
    monkeypatch.setattr(sys, "argv", [*argv, *map(str, arguments)])
    main()
