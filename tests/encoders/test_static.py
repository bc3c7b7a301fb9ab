"""Static vectors: formats, words that are missing or twice, files that lie."""

import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.base import WordVectors
from groundscope.encoders.extraction import Extraction
from groundscope.encoders.static import load
from groundscope.errors import UserError

Look = Callable[..., WordVectors]
WORDS = ["the", "naïve", ". . .", "cat", "the", "dog"]
# the second "the" differs: the first counts
VECTORS = np.random.default_rng(1).standard_normal((6, 5)).astype(np.float32)


def _glove(path: Path) -> None:
    lines = [
        f"{word} {' '.join(f'{value:.8g}' for value in row)}"
        for word, row in zip(WORDS, VECTORS, strict=True)
    ]
    path.with_name("vectors.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _fasttext(path: Path) -> None:
    lines = [
        f"{word} {' '.join(f'{value:.8g}' for value in row)} "
        for word, row in zip(WORDS, VECTORS, strict=True)
    ]
    text = "6 5\n" + "\n".join(lines) + "\n"
    path.with_name("vectors.vec").write_text(text, encoding="utf-8")


def _binary(path: Path, *, newline: bytes = b"") -> None:
    words = [word.replace(" ", "_") for word in WORDS]
    records = [
        word.encode() + b" " + row.tobytes() + newline
        for word, row in zip(words, VECTORS, strict=True)
    ]
    path.with_name("vectors.bin").write_bytes(b"6 5\n" + b"".join(records))


def _binary_of_the_original_tool(path: Path) -> None:
    _binary(path, newline=b"\n")


def _matrix_and_lines(path: Path) -> None:
    np.save(path.with_name("vectors.npy"), VECTORS.astype(np.float64))
    path.with_name("words.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")


def _matrix_and_parquet(path: Path) -> None:
    np.save(path.with_name("vectors.npy"), VECTORS)
    pq.write_table(pa.table({"index": WORDS}), path.with_name("words.parquet"))


def _marked(write: Callable[[Path], None]) -> Callable[[Path], None]:
    """Begin the text files with a byte order mark, as some editors do."""

    def marked(path: Path) -> None:
        write(path)
        for file in path.parent.iterdir():
            if file.suffix in (".txt", ".vec"):
                file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())

    return marked


@pytest.fixture
def look(as_checkpoint: Callable[[Path], Checkpoint], make_request: Callable[..., Any]) -> Look:
    """Look words up in a folder."""

    def lookup(folder: Path, *words: str) -> WordVectors:
        request = make_request(as_checkpoint(folder), {"family": "static"}, ("0",), words)
        return load(request)

    return lookup


@pytest.mark.parametrize(
    "write",
    [
        _glove,
        _fasttext,
        _binary,
        _binary_of_the_original_tool,
        _matrix_and_lines,
        _matrix_and_parquet,
        _marked(_glove),
        _marked(_fasttext),
        _marked(_matrix_and_lines),
    ],
)
def test_every_format_gives_the_same_words(
    tmp_path: Path, look: Look, write: Callable[[Path], None]
) -> None:
    """The format is found out; of a word that occurs twice, the first vector counts."""
    write(tmp_path / "x")
    dots = ". . ." if write not in (_binary, _binary_of_the_original_tool) else "._._."
    found = look(tmp_path, "naïve", "the", dots, "absent")
    assert set(found.words) == {"naïve", "the", dots}
    for word, row in ((dots, 2), ("naïve", 1), ("the", 0)):
        vector = found.vectors[found.words.index(word)]
        np.testing.assert_allclose(vector, VECTORS[row], rtol=1e-6)
    assert found.facts["duplicate_entries"] == "1"


# a letter of Devanagari and one of Hebrew, which form C takes apart, and two accents as signs
APART = ["\u0958\u0932\u092e", "\ufb2a\u05dc\u05d5\u05dd", "cafe\u0301", "na\u0131\u0308ve"]


def _write_words(folder: Path, form: str, words: Sequence[str], vectors: np.ndarray) -> None:
    if form == "text":
        rows = [f"{w} {' '.join(map(str, row))}\n" for w, row in zip(words, vectors, strict=True)]
        (folder / "v.txt").write_text("".join(rows), encoding="utf-8")
    elif form == "binary":
        pairs = zip(words, vectors.astype("<f4"), strict=True)
        records = b"".join(word.encode() + b" " + row.tobytes() for word, row in pairs)
        (folder / "v.bin").write_bytes(f"{len(words)} {vectors.shape[1]}\n".encode() + records)
    else:
        np.save(folder / "v.npy", vectors)
        pq.write_table(pa.table({"word": words}), folder / "w.parquet")


@pytest.mark.parametrize("form", ["text", "binary", "npy"])
def test_words_are_found_however_their_accents_are_stored(
    tmp_path: Path, look: Look, form: str
) -> None:
    """Words of corpora are in form C; one that is written so in the file counts first."""
    words = [*APART, "cafe\u0301", "caf\u00e9"]
    vectors = np.arange(12, dtype=np.float32).reshape(6, 2)
    _write_words(tmp_path, form, words, vectors)
    asked = [unicodedata.normalize("NFC", word) for word in APART]
    found = look(tmp_path, *asked)
    rows = dict(zip(found.words, found.vectors.tolist(), strict=True))
    assert rows == dict(zip(asked, vectors[[0, 1, 5, 3]].tolist(), strict=True))
    assert found.facts["duplicate_entries"] == "2"


def test_missing_words_are_dropped_and_counted(
    tmp_path: Path,
    run_extraction: Callable[..., Extraction],
    make_tokens: Callable[..., pa.Table],
    as_checkpoint: Callable[[Path], Checkpoint],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Tokens of a word without vector have none; the log lists the words once."""
    _glove(tmp_path / "x")
    tokens = make_tokens([{"word": word} for word in ("cat", "unicorn", "dog", "cat", "unicorn")])
    result = run_extraction(tokens, as_checkpoint(tmp_path), {"family": "static"}, ("0",))
    assert (result.rows >= 0).tolist() == [True, False, True, True, False]
    kept = result.vectors["0"][result.rows[result.rows >= 0]]
    np.testing.assert_allclose(kept, VECTORS[[3, 5, 3]], rtol=1e-6)
    assert result.dropped == {"no vector": 2}
    assert "1 words have no vector: unicorn" in caplog.text


def _broken_line(folder: Path) -> None:
    (folder / "v.txt").write_text("a 1 2 3\nb 1 2\nc 1 2 3\n", encoding="utf-8")


def _no_number(folder: Path) -> None:
    (folder / "v.txt").write_text("a 1 2 3\nb 1 2 3\ncat 1 two 3\n", encoding="utf-8")


def _digits_joined(folder: Path) -> None:
    (folder / "v.txt").write_text("a 1 2 3\ncat 1_0 2 3\n", encoding="utf-8")


def _number_too_many(folder: Path) -> None:
    (folder / "v.txt").write_text("a 1 2 3\ncat 4 5 6 7\n", encoding="utf-8")


def _two_numbers_too_many(folder: Path) -> None:
    (folder / "v.vec").write_text("2 3\na 1 2 3\ncat 4 5 6 7 8\n", encoding="utf-8")


def _blank_in_a_binary_word(folder: Path) -> None:
    rows = b"".join(word + b" " + bytes(20) for word in (b"ice cream", b"cat"))
    (folder / "v.bin").write_bytes(b"2 5\n" + rows)


def _too_few_lines(folder: Path) -> None:
    (folder / "v.vec").write_text("3 2\na 1 2\ncat 1 2\n", encoding="utf-8")


def _binary_ends_early(folder: Path) -> None:
    rows = b"".join(word + b" " + bytes(20) for word in (b"a", b"cat"))
    (folder / "v.bin").write_bytes(b"2000000 5\n" + rows)


def _binary_goes_on(folder: Path) -> None:
    rows = b"".join(word + b" " + bytes(20) for word in (b"a", b"cat", b"dog"))
    (folder / "v.bin").write_bytes(b"2 5\n" + rows)


def _binary_wider(folder: Path) -> None:
    rows = b"".join(word + b" " + bytes(20) for word in (b"a", b"cat"))
    (folder / "v.bin").write_bytes(b"2 300\n" + rows)


def _not_finite(folder: Path) -> None:
    (folder / "v.txt").write_text("a 1 2 3\ncat 1 nan 3\n", encoding="utf-8")


def _index_too_short(folder: Path) -> None:
    np.save(folder / "v.npy", VECTORS)
    (folder / "words.txt").write_text("a\ncat\n", encoding="utf-8")


def _pickled_matrix(folder: Path) -> None:
    np.save(folder / "v.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (folder / "words.txt").write_text("cat\n", encoding="utf-8")


def _matrix_file(content: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "v.npy").write_bytes(content)
        (folder / "words.txt").write_text("cat\n", encoding="utf-8")

    return write


def _matrix_header(header: bytes) -> Callable[[Path], None]:
    return _matrix_file(b"\x93NUMPY\x01\x00v\x00" + header.ljust(117) + b"\n")


def _archive_of_matrices(folder: Path) -> None:
    np.savez(folder / "v.npz", a=VECTORS)
    _matrix_file((folder / "v.npz").read_bytes())(folder)
    (folder / "v.npz").unlink()


def _first_line(line: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / "v.txt").write_text(f"{line}\ncat 1 2 3\n", encoding="utf-8")

    return write


def _two_files(folder: Path) -> None:
    _broken_line(folder)
    _too_few_lines(folder)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_broken_line, r"v\.txt, line 2: expected a word and 3 numbers"),
        (_no_number, r"v\.txt, line 3: expected a word and 3 numbers"),
        (_digits_joined, r"v\.txt, line 2: expected a word and 3 numbers"),
        (_number_too_many, r"v\.txt, line 2: expected a word and 3 numbers"),
        (_two_numbers_too_many, r"v\.vec, line 3: expected a word and 3 numbers"),
        (_blank_in_a_binary_word, "of 5 numbers, but it ends or is garbled at vector 2"),
        (_too_few_lines, "header says 3 vectors, it has 2"),
        (_binary_ends_early, "says 2000000 vectors of 5 numbers, but it ends .* at vector 3"),
        (_binary_goes_on, "says 2 vectors of 5 numbers, it holds more"),
        (_binary_wider, "says 2 vectors of 300 numbers, but it ends .* at vector 1"),
        (_not_finite, "the vector of 'cat' is not finite"),
        (_index_too_short, "expected one row of numbers for each of the 2 words"),
        (_pickled_matrix, r"not a readable \.npy matrix"),
        (_matrix_file(b""), r"not a readable \.npy matrix: EOF"),
        (_archive_of_matrices, r"not a readable \.npy matrix: the magic string is not correct"),
        (
            _matrix_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, %d)}" % 10**22),
            r"not a readable \.npy matrix: Python int too large",
        ),
        (_matrix_header(b"(" * 117), r"not a readable \.npy matrix"),
        (_first_line(f"5 {'9' * 19}"), "first line has a number of more than 12 digits"),
        (_first_line(f"5 {'9' * 5000}"), "first line has a number of more than 12 digits"),
        (_two_files, r"expected one file of vectors .* got v\.txt, v\.vec"),
    ],
)
def test_files_that_lie_are_refused(
    tmp_path: Path, look: Look, write: Callable[[Path], None], message: str
) -> None:
    """In one line, with the line or vector where it shows."""
    write(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        look(tmp_path, "cat")
    assert "\n" not in str(caught.value)


def test_a_word_and_numbers_beside_the_word_is_another_word(tmp_path: Path, look: Look) -> None:
    """Where the word has a vector, too, or the longer one is asked for, nothing is a mistake."""
    lines = "windows 1 2 3\nwindows 95 4 5 6\ncat 9 7 8 9\nice cream 1 1 1\n"
    (tmp_path / "v.txt").write_text(lines, encoding="utf-8")
    found = look(tmp_path, "windows", "cat 9", "ice")
    rows = dict(zip(found.words, found.vectors.tolist(), strict=True))
    assert rows == {"windows": [1, 2, 3], "cat 9": [7, 8, 9]}


def test_memory_is_bounded_by_the_corpus(tmp_path: Path, look: Look) -> None:
    """A binary file of 40 MB is read for two words without being held."""
    import tracemalloc

    row = np.ones(1000, np.float32).tobytes()
    with (tmp_path / "large.bin").open("wb") as stream:
        stream.write(b"10000 1000\n")
        for number in range(10_000):
            stream.write(f"word{number} ".encode() + row)
    tracemalloc.start()
    found = look(tmp_path, "word7", "word9999")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sorted(found.words) == ["word7", "word9999"]
    assert peak < 20e6
