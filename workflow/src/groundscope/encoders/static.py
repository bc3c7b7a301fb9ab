"""Static word vectors: GloVe and fastText text, word2vec binary, ``.npy`` with an index of words.

Files are streamed and only the corpus's words are kept. Of a word that occurs twice, the first
vector counts. Words are compared as they are written, and where that finds none, in Unicode's form
C, which those of corpora are in.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.base import Request, WordVectors, check_layers
from groundscope.encoders.options import Option
from groundscope.errors import UserError
from groundscope.spelling import composed

READS = "word"
OPTIONS: Mapping[str, Option] = {}

_Entry = tuple[bytes, NDArray[np.float32]]
_BLOCK = 1 << 22
_LONGEST_WORD = 10_000
_LONGEST_NUMBER = 12
_MARK = b"\xef\xbb\xbf"  # byte order mark, with which some editors begin a text


def load(request: Request) -> WordVectors:
    """Look up the corpus's words (see `encoders.base`)."""
    check_layers(request.model, request.layers, WordVectors.layers)
    if request.checkpoint is None:
        message = f"models.{request.model}.checkpoint: missing; this family needs one"
        raise UserError(message)
    wanted = frozenset(word.encode() for word in request.words)
    path, form, entries = _open(request.checkpoint, wanted, whole=True)
    written: dict[bytes, NDArray[np.float32]] = {}
    otherwise: dict[bytes, NDArray[np.float32]] = {}
    found = list(entries)
    for word, vector in found:
        if word in wanted:
            written.setdefault(word, vector)
        else:
            otherwise.setdefault(_composed(word), vector)
    kept = otherwise | written
    for word, vector in kept.items():
        if not np.isfinite(vector).all():
            message = f"{path}: the vector of {word.decode()!r} is not finite"
            raise UserError(message)
    facts = {"format": form, "duplicate_entries": str(len(found) - len(kept))}
    vectors = np.stack(list(kept.values())) if kept else np.zeros((0, 1), np.float32)
    return WordVectors(tuple(word.decode() for word in kept), vectors, facts)


def _is_wanted(word: bytes, wanted: frozenset[bytes]) -> bool:
    """Whether a word is one of `wanted`, as it is written or composed."""
    return word in wanted or (not word.isascii() and _composed(word) in wanted)


def _composed(word: bytes) -> bytes:
    """Return a word in Unicode's form C; as it is where it is not UTF-8."""
    try:
        return composed(word.decode()).encode()
    except UnicodeDecodeError:
        return word


def dimension(checkpoint: Checkpoint) -> int:
    """Dimension of the vectors, from the beginning of their file.

    Raises
    ------
    UserError
        The files are no vectors.
    """
    path, form, _ = _open(checkpoint, frozenset(), whole=False)
    if form == "npy":
        return int(_matrix(path).shape[-1])
    header = _header(path)
    if header is not None:
        return header[1]
    with _opened(path) as stream:
        return stream.readline().rstrip().count(b" ")


def _open(
    checkpoint: Checkpoint, wanted: frozenset[bytes], *, whole: bool
) -> tuple[Path, str, Iterator[_Entry]]:
    """Find out what the files are."""
    names = sorted(checkpoint.files)
    matrices = [name for name in names if name.endswith(".npy")]
    if matrices:
        indices = [name for name in names if name.endswith((".txt", ".parquet"))]
        if len(matrices) != 1 or len(indices) != 1:
            message = (
                f"{checkpoint.source}: expected one .npy and one index (.txt or .parquet), "
                f"got {', '.join(names)}"
            )
            raise UserError(message)
        path = checkpoint.path(matrices[0], whole=whole)
        index = checkpoint.path(indices[0], whole=whole)
        return path, "npy", _matrix_entries(path, index, wanted)
    tables = [name for name in names if name.endswith((".txt", ".vec", ".bin"))]
    if len(tables) != 1:
        message = (
            f"{checkpoint.source}: expected one file of vectors (.txt, .vec, .bin, or .npy with "
            f"an index), got {', '.join(names)}"
        )
        raise UserError(message)
    path = checkpoint.path(tables[0], whole=whole)
    header = _header(path)
    if header is None:
        return path, "text", _text_entries(path, None, wanted)
    if _is_text(path, header[1]):
        return path, "text with header", _text_entries(path, header, wanted)
    return path, "word2vec binary", _binary_entries(path, header, wanted)


def _opened(path: Path) -> BinaryIO:
    """Open a file behind its byte order mark, if it has one."""
    stream = path.open("rb")
    if stream.read(len(_MARK)) != _MARK:
        stream.seek(0)
    return stream


def _header(path: Path) -> tuple[int, int] | None:
    """Count and dimension from a first line of two integers, if there is one."""
    with _opened(path) as stream:
        fields = stream.readline(_LONGEST_WORD).split()
    if len(fields) == 2 and all(field.isdigit() for field in fields):
        if max(map(len, fields)) > _LONGEST_NUMBER:
            message = f"{path}: its first line has a number of more than {_LONGEST_NUMBER} digits"
            raise UserError(message)
        return int(fields[0]), int(fields[1])
    return None


def _is_text(path: Path, dimension: int) -> bool:
    """Whether the record behind the header is a line of a word and numbers."""
    with _opened(path) as stream:
        stream.readline()
        fields = stream.readline(_LONGEST_WORD + 40 * dimension).split()
    try:
        np.array(fields[-dimension:], dtype=np.float64)
    except ValueError:
        return False
    return len(fields) > dimension


def _text_entries(
    path: Path, header: tuple[int, int] | None, wanted: frozenset[bytes]
) -> Iterator[_Entry]:
    """Wanted entries of a text file; the word is what stands before the last d fields.

    A word can have blanks, so that ``cat`` and a number too many are a word ``cat 1`` with a
    vector. Where nothing else in the file is a vector of ``cat``, that is taken for a mistake.
    """
    dimension = header[1] if header else 0
    rows = 0
    found: set[bytes] = set()
    longer: dict[bytes, int] = {}
    with _opened(path) as stream:
        if header:
            stream.readline()
        for number, line in enumerate(stream, start=2 if header else 1):
            bare = line.rstrip()
            if not dimension:
                dimension = bare.count(b" ")
            if bare.count(b" ") < dimension or not dimension:
                _refuse_line(path, number, dimension)
            rows += 1
            word, *values = bare.rsplit(b" ", dimension)
            if _is_wanted(word, wanted):
                found.add(_composed(word))
                yield word, _vector(values, path, number)
            elif b" " in word:
                longer.update((_composed(head), number) for head in _before(word, wanted))
    if header and rows != header[0]:
        message = f"{path}: its header says {header[0]} vectors, it has {rows}"
        raise UserError(message)
    for head, number in longer.items():
        if head not in found:
            _refuse_line(path, number, dimension)


def _vector(values: Sequence[bytes], path: Path, number: int) -> NDArray[np.float32]:
    try:
        if any(b"_" in value for value in values):  # which Python allows between digits
            raise ValueError
        return np.array(values, dtype=np.float32)
    except ValueError:
        _refuse_line(path, number, len(values))


def _before(word: bytes, wanted: frozenset[bytes]) -> Iterator[bytes]:
    """Yield the wanted words that `word` begins with, where nothing but numbers follows."""
    while b" " in word:
        word, _, last = word.rpartition(b" ")
        try:
            float(last)
        except ValueError:
            return
        if _is_wanted(word, wanted):
            yield word


def _refuse_line(path: Path, number: int, dimension: int) -> NoReturn:
    """Name a malformed line."""
    message = f"{path}, line {number}: expected a word and {dimension} numbers"
    raise UserError(message)


def _binary_entries(
    path: Path, header: tuple[int, int], wanted: frozenset[bytes]
) -> Iterator[_Entry]:
    """Wanted entries of a word2vec binary file: word, space, d little-endian float32."""
    count, dimension = header
    size = 4 * dimension
    with path.open("rb") as stream:
        stream.readline()
        for word, data in _records(stream, path, count, size):
            if _is_wanted(word, wanted):
                yield word, np.frombuffer(data, dtype="<f4").astype(np.float32)


def _records(stream: BinaryIO, path: Path, count: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Each record's word and raw vector, holding one block in memory."""
    buffer, position = b"", 0
    for row in range(count):
        space = buffer.find(b" ", position)
        if space < 0 or space + 1 + size > len(buffer):
            buffer, position = buffer[position:] + stream.read(_BLOCK + size), 0
            space = buffer.find(b" ", position, position + _LONGEST_WORD)
            if space < 0 or space + 1 + size > len(buffer):
                _refuse_record(path, count, size, row)
        begin = space + 1
        word = buffer[position:space].lstrip(b"\n")
        if b"\n" in word or b"\0" in word:
            # no word, but the end of a vector: a blank in the word before, or another dimension
            _refuse_record(path, count, size, row)
        yield word, buffer[begin : begin + size]
        position = begin + size
    if buffer[position:].strip() or stream.read(2).strip():
        message = f"{path}: its header says {count} vectors of {size // 4} numbers, it holds more"
        raise UserError(message)


def _refuse_record(path: Path, count: int, size: int, row: int) -> NoReturn:
    message = (
        f"{path}: its header says {count} vectors of {size // 4} numbers, but it ends or is "
        f"garbled at vector {row + 1}"
    )
    raise UserError(message)


def _matrix_entries(path: Path, index: Path, wanted: frozenset[bytes]) -> Iterator[_Entry]:
    """Wanted rows of a matrix whose rows an index names."""
    matrix = _matrix(path)
    words = _index(index)
    if matrix.ndim != 2 or matrix.dtype.kind != "f" or len(matrix) != len(words):
        message = (
            f"{path}: a {matrix.dtype} array of shape {matrix.shape}, expected one row of numbers "
            f"for each of the {len(words)} words in {index.name}"
        )
        raise UserError(message)
    for row, word in enumerate(words):
        if _is_wanted(word, wanted):
            yield word, np.asarray(matrix[row], dtype=np.float32)


def _matrix(path: Path) -> NDArray[np.float32]:
    try:
        # not np.load, which takes what is inside for the kind of file
        matrix: NDArray[np.float32] = np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # a header is Python source, and numpy passes on what parsing raises
        message = f"{path} is not a readable .npy matrix: {str(error).splitlines()[0]}"
        raise UserError(message) from error
    return matrix


def _index(path: Path) -> list[bytes]:
    """Words of an index: lines of text, or the column ``index`` or ``word`` of a Parquet file."""
    if path.suffix == ".txt":
        return path.read_bytes().removeprefix(_MARK).splitlines()
    try:
        table = pq.ParquetFile(path)
        names = [name for name in ("index", "word") if name in table.schema_arrow.names]
        if not names:
            message = f"{path}: no column 'index' or 'word'"
            raise UserError(message)
        column = table.read(columns=names[:1]).column(0)
    except (pa.ArrowInvalid, OSError) as error:
        message = f"{path} is not a readable Parquet file ({error})"
        raise UserError(message) from error
    return [str(word).encode() for word in column.to_pylist()]
