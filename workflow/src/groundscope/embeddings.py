"""The embedding file: one vector per word token, of one model's one layer, on one corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from groundscope.errors import UserError
from groundscope.files import atomic, damaged

_ROW_GROUP = 16_384


@dataclass(frozen=True)
class Embeddings:
    """Vectors of word tokens.

    Attributes
    ----------
    token_ids
        Strings, shape ``[n]``, unique.
    vectors
        float32, shape ``[n, d]``, finite.
    metadata
        What made them: family, checkpoint, digest, layer, pooling, ... (all strings).
    """

    token_ids: NDArray[np.str_]
    vectors: NDArray[np.float32]
    metadata: Mapping[str, str]

    def aligned(self, token_ids: Sequence[str] | NDArray[np.str_]) -> NDArray[np.float32]:
        """Vectors of `token_ids`, in that order, shape ``[len(token_ids), d]``.

        Raises
        ------
        UserError
            A token has no vector here; the first few are named.
        """
        wanted = np.asarray(token_ids, dtype=np.str_)
        order = np.argsort(self.token_ids)
        found = np.searchsorted(self.token_ids, wanted, sorter=order)
        rows = order[np.minimum(found, len(order) - 1)] if len(order) else np.zeros(0, np.intp)
        missing = wanted[self.token_ids[rows] != wanted] if len(order) else wanted
        if len(missing):
            message = (
                f"{len(missing)} of {len(wanted)} tokens have no vector in layer "
                f"{self.metadata.get('layer', '?')} of {self.metadata.get('model', '?')}: "
                f"{', '.join(missing[:3])}"
            )
            raise UserError(message)
        return self.vectors[rows]


def write_embeddings(
    path: str | Path,
    token_ids: Sequence[str] | NDArray[np.str_],
    vectors: NDArray[np.float32],
    metadata: Mapping[str, str],
) -> None:
    """Write an embedding file, whole or not at all.

    Parameters
    ----------
    path
        The Parquet file to make.
    token_ids
        Strings, shape ``[n]``.
    vectors
        float32, shape ``[n, d]``.
    metadata
        Written as Parquet key-value metadata.

    Raises
    ------
    UserError
        Duplicate token ids, or a vector that is not finite; the token is named.
    """
    ids = np.asarray(token_ids, dtype=np.str_)
    if vectors.ndim != 2 or len(ids) != len(vectors):
        message = f"expected one vector a token, got {len(ids)} tokens and shape {vectors.shape}"
        raise ValueError(message)
    values, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        twice = str(values[counts > 1][0])
        message = f"token_id {twice!r} occurs {counts.max()} times: it must be unique"
        raise UserError(message)
    finite = np.isfinite(vectors).all(axis=1)
    if not finite.all():
        message = (
            f"the vector of token {str(ids[~finite][0])!r} is not finite (layer "
            f"{metadata.get('layer', '?')} of {metadata.get('model', '?')}); "
            f"{int((~finite).sum())} of {len(ids)} tokens are affected"
        )
        raise UserError(message)
    dimension = vectors.shape[1]
    schema = pa.schema(
        [
            pa.field("token_id", pa.string(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), dimension), nullable=False),
        ],
        metadata=dict(sorted(metadata.items())),
    )
    with (
        atomic(path) as beside,
        pq.ParquetWriter(
            # vectors do not compress: plain pages are faster to write and to read
            beside,
            schema,
            compression="none",
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        ) as writer,
    ):
        for start in range(0, len(ids), _ROW_GROUP):
            block = np.ascontiguousarray(vectors[start : start + _ROW_GROUP], dtype=np.float32)
            column = pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), dimension)
            rows = pa.array(ids[start : start + _ROW_GROUP], pa.string())
            writer.write_table(pa.Table.from_arrays([rows, column], schema=schema))


def read_embeddings(path: str | Path) -> Embeddings:
    """Read an embedding file.

    Raises
    ------
    UserError
        The file is not a readable embedding file.
    """
    try:
        # not read_table, which imports a dataset layer, and pandas where it is installed
        with pq.ParquetFile(path, memory_map=True, page_checksum_verification=True) as file:
            table = file.read()
        vector = table.column("vector").combine_chunks()
        dimension = vector.type.list_size
        flat = vector.flatten() if len(vector) else pa.array([], pa.float32())
        token_ids = np.asarray(table.column("token_id").to_pylist(), dtype=np.str_)
        vectors = flat.to_numpy(zero_copy_only=False).reshape(-1, dimension)
    except (pa.ArrowInvalid, KeyError, AttributeError, OSError) as error:
        raise damaged(path, "embedding file", error) from error
    stored = table.schema.metadata or {}
    metadata = {
        key.decode(): value.decode() for key, value in stored.items() if key != b"ARROW:schema"
    }
    return Embeddings(token_ids, vectors, metadata)


def read_token_ids(path: str | Path) -> NDArray[np.str_]:
    """Read which tokens an embedding file has vectors of, and not the vectors.

    Raises
    ------
    UserError
        The file is not a readable embedding file.
    """
    try:
        with pq.ParquetFile(path) as file:
            return np.asarray(file.read(["token_id"]).column(0).to_pylist(), dtype=np.str_)
    except (pa.ArrowInvalid, IndexError, OSError) as error:
        message = f"{path} is not a readable embedding file ({error}): delete it and rerun"
        raise UserError(message) from error
