"""A small configuration to vary."""

from typing import Any

import pytest

Json = Any


@pytest.fixture
def config() -> dict[str, Json]:
    """Give a complete configuration, written out as a user would."""
    return {
        "study": {"title": "A study"},
        "corpora": {
            "spoken": {"kind": "recordings", "manifest": "words.csv"},
            "written": {"kind": "word-list", "words": ["cat", "dog"]},
        },
        "checkpoints": {
            "base": {
                "source": "hub",
                "repo": "facebook/wav2vec2-base",
                "revision": "a1",
                "blocks": 2,
            },
            "bert": {"source": "folder", "path": "bert", "blocks": 3},
            "glove": {"source": "folder", "path": "glove.txt", "format": "vectors"},
        },
        "models": {
            "w2v": {"family": "speech", "checkpoint": "base"},
            "bert": {"family": "text", "checkpoint": "bert", "layers": [0, 3]},
            "glove": {"family": "static", "checkpoint": "glove"},
        },
        "labellings": {
            "meaning": {"words": "groups.csv"},
            "speaker": {"column": "speaker", "corpora": ["spoken"]},
        },
        "analyses": {
            "cka": {"pairs": [["w2v", "bert"]]},
            "silhouette": {"labellings": ["meaning", "speaker"]},
        },
    }
