"""Embedding files for tests, written as an extraction writes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundscope.embeddings import writing


def write_embeddings(
    path: str | Path,
    token_ids: Sequence[str] | NDArray[np.str_],
    vectors: NDArray[np.float32],
    metadata: Mapping[str, str],
) -> None:
    """Write all vectors of a layer at once."""
    with writing(path, "vectors of a test") as writer:
        writer.add(np.asarray(token_ids, dtype=np.str_), vectors)
        writer.describe(metadata)
