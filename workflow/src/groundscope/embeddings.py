"""The embedding file: one vector per word token, of one model's one layer, on one corpus."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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


class EmbeddingWriter:
    """Writes an embedding file piece by piece; see `writing`.

    Parameters
    ----------
    path
        The file to write to.
    named
        What the vectors are, for messages.
    """

    def __init__(self, path: Path, named: str) -> None:
        self._path, self._named = path, named
        self._writer: pq.ParquetWriter | None = None
        self._metadata: Mapping[str, str] = {}

    def add(self, token_ids: NDArray[np.str_], vectors: NDArray[np.float32]) -> None:
        """Write the next vectors, in row groups of their own: equal pieces give equal bytes.

        Raises
        ------
        UserError
            A vector is not finite; its token is named.
        """
        if vectors.ndim != 2 or len(token_ids) != len(vectors):
            shape = vectors.shape
            message = f"expected one vector a token, got {len(token_ids)} tokens and shape {shape}"
            raise ValueError(message)
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            first = str(token_ids[~finite][0])
            message = (
                f"the vector of token {first!r} is not finite ({self._named}); "
                f"{int((~finite).sum())} of {len(token_ids)} tokens are affected"
            )
            raise UserError(message)
        dimension = vectors.shape[1]
        writer = self._open(dimension)
        for start in range(0, len(token_ids), _ROW_GROUP):
            block = np.ascontiguousarray(vectors[start : start + _ROW_GROUP], dtype=np.float32)
            column = pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), dimension)
            rows = pa.array(token_ids[start : start + _ROW_GROUP], pa.string())
            writer.write_table(pa.Table.from_arrays([rows, column], schema=_schema(dimension)))

    def describe(self, metadata: Mapping[str, str]) -> None:
        """Set the key-value metadata, which is written last."""
        self._metadata = metadata

    def close(self) -> None:
        """Write the end of the file; without vectors it holds a table of no rows."""
        writer = self._open(0)
        writer.add_key_value_metadata(dict(sorted(self._metadata.items())))
        writer.close()

    def abandon(self) -> None:
        """Let go of an unfinished file."""
        if self._writer is not None:
            self._writer.close()

    def _open(self, dimension: int) -> pq.ParquetWriter:
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                # vectors do not compress: plain pages are faster to write and to read
                self._path,
                _schema(dimension),
                compression="none",
                use_dictionary=False,
                write_statistics=False,
                write_page_checksum=True,
            )
        return self._writer


def _schema(dimension: int) -> pa.Schema:
    vector = pa.list_(pa.float32(), dimension)
    return pa.schema(
        [
            pa.field("token_id", pa.string(), nullable=False),
            pa.field("vector", vector, nullable=False),
        ]
    )


@contextmanager
def writing(path: str | Path, named: str) -> Iterator[EmbeddingWriter]:
    """Yield a writer of an embedding file, which appears whole or not at all.

    The vectors `named` so in messages are added in pieces, so that none but the last is held.
    Whoever adds them sees to it that no token occurs twice: `check_unique`.
    """
    with atomic(path) as beside:
        writer = EmbeddingWriter(beside, named)
        try:
            yield writer
            writer.close()
        finally:
            writer.abandon()


def check_unique(token_ids: NDArray[np.str_]) -> None:
    """Refuse tokens of the same name.

    Raises
    ------
    UserError
        The first of them is named.
    """
    values, counts = np.unique(token_ids, return_counts=True)
    if (counts > 1).any():
        twice = str(values[counts > 1][0])
        message = f"token_id {twice!r} occurs {counts.max()} times: it must be unique"
        raise UserError(message)


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
            token_ids, vectors = _content(file.read())
            stored = file.metadata.metadata
    except (pa.ArrowInvalid, KeyError, AttributeError, OSError) as error:
        raise damaged(path, "embedding file", error) from error
    return Embeddings(token_ids, vectors, _decoded(stored))


def read_pieces(path: str | Path) -> Iterator[tuple[NDArray[np.str_], NDArray[np.float32]]]:
    """Read an embedding file row group by row group; none but the last is held.

    Yields
    ------
    tuple
        Token ids ``[n]`` and their vectors ``[n, d]``.

    Raises
    ------
    UserError
        The file is not a readable embedding file.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                yield _content(file.read_row_group(group))
    except (pa.ArrowInvalid, KeyError, AttributeError, OSError) as error:
        raise damaged(path, "embedding file", error) from error


def read_metadata(path: str | Path) -> Mapping[str, str]:
    """Read what made an embedding file, and not the vectors.

    Raises
    ------
    UserError
        The file is not a readable embedding file.
    """
    try:
        return _decoded(pq.read_metadata(path).metadata)
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, "embedding file", error) from error


def _content(table: pa.Table) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    vector = table.column("vector").combine_chunks()
    flat = vector.flatten() if len(vector) else pa.array([], pa.float32())
    token_ids = np.asarray(table.column("token_id").to_pylist(), dtype=np.str_)
    return token_ids, flat.to_numpy(zero_copy_only=False).reshape(
        len(vector), vector.type.list_size
    )


def _decoded(stored: Mapping[bytes, bytes] | None) -> dict[str, str]:
    return {
        key.decode(): value.decode()
        for key, value in (stored or {}).items()
        if key != b"ARROW:schema"
    }


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
