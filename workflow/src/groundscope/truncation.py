"""Recordings that were cut short, which libsndfile reads as if they were meant to be shorter."""

import re
import struct
from pathlib import Path
from typing import BinaryIO

# form of a file of chunks: byte order of the sizes, and the chunk that has the samples
_CHUNKS = {
    b"RIFF": ("<", b"data"),
    b"RIFX": (">", b"data"),
    b"RF64": ("<", b"data"),
    b"FORM": (">", b"SSND"),
}
_W64_HEADER = 24  # an identifier of 16 bytes and the size of the chunk with this header
_LARGEST = 1 << 62  # sizes of 64 bits from here on stand for one that was not known
_END_OF_STREAM = 4  # header flag of the last page of an Ogg stream
_OGG_PAGE = 1 << 16  # more than the longest page
_SPHERE_SIZE = re.compile(rb"^(sample_count|sample_n_bytes|channel_count) -i (\d+)\s*$", re.M)


def cut_short(path: Path) -> str | None:
    """Say what a recording lacks by its own account; only its header and its end are read.

    Parameters
    ----------
    path
        A WAV, RF64, W64, AIFF, AU, SPHERE or Ogg file; others are passed over, since their decoder
        says what it misses.

    Returns
    -------
    str or None
        None if it lacks nothing, or does not say how long it is, as programs that write to a pipe
        cannot.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        magic = stream.read(4)
        if magic == b"OggS":
            return _cut_stream(stream, size)
        announced = _announced_end(stream, magic)
    if announced is None or announced <= size:
        return None
    return f"{announced} bytes announced, {size} found"


def _cut_stream(stream: BinaryIO, size: int) -> str | None:
    stream.seek(max(0, size - 2 * _OGG_PAGE))
    tail = stream.read()
    last = tail.rfind(b"OggS")
    if 0 <= last < len(tail) - 5 and tail[last + 5] & _END_OF_STREAM:
        return None
    return "its last Ogg page does not end the stream"


def _announced_end(stream: BinaryIO, magic: bytes) -> int | None:
    """Return where the samples end by the header, if it says it."""
    if magic in _CHUNKS:
        return _end_of_chunk(stream, *_CHUNKS[magic])
    if magic == b"riff":
        return _end_of_w64(stream)
    if magic in (b".snd", b"dns."):
        offset, size = _numbers(stream, ">II" if magic == b".snd" else "<II")
        return None if _is_open(size) else offset + size
    if magic == b"NIST":
        return _end_of_sphere(stream)
    return None


def _end_of_chunk(stream: BinaryIO, order: str, samples: bytes) -> int | None:
    stream.seek(12)
    long_size = 0
    while len(header := stream.read(8)) == 8:
        name, size = header[:4], struct.unpack(f"{order}I", header[4:])[0]
        begin = stream.tell()
        if name == b"ds64":
            # RF64 keeps sizes here that 32 bits do not hold; that of the samples is the second
            _, long_size = _numbers(stream, "<QQ")
        if name == samples and 0 < long_size < _LARGEST:
            return begin + long_size
        if name == samples:
            return None if _is_open(size) else begin + size
        stream.seek(begin + size + size % 2)
    return None


def _end_of_w64(stream: BinaryIO) -> int | None:
    place = _W64_HEADER + 16
    stream.seek(place)
    while len(header := stream.read(_W64_HEADER)) == _W64_HEADER:
        size = struct.unpack("<Q", header[16:])[0]
        if not _W64_HEADER <= size < _LARGEST:
            return None
        if header[:4] == b"data":
            return int(place + size)
        place += size + -size % 8
        stream.seek(place)
    return None


def _end_of_sphere(stream: BinaryIO) -> int | None:
    stream.seek(0)
    start = stream.read(16).split()
    if len(start) < 2 or not start[1].isdigit():
        return None
    length = int(start[1])
    stream.seek(0)
    sizes = {name: int(value) for name, value in _SPHERE_SIZE.findall(stream.read(length))}
    if b"sample_count" not in sizes or b"sample_n_bytes" not in sizes:
        return None
    frame = sizes[b"sample_n_bytes"] * sizes.get(b"channel_count", 1)
    return length + sizes[b"sample_count"] * frame


def _numbers(stream: BinaryIO, form: str) -> tuple[int, int]:
    """Read two numbers, zeros where the file ends before them."""
    data = stream.read(struct.calcsize(form))
    return struct.unpack(form, data) if len(data) == struct.calcsize(form) else (0, 0)


def _is_open(size: int) -> bool:
    """Tell whether a size stands for one that was not known: none, or about the largest."""
    return size == 0 or 0x7F00_0000 <= size <= 0x7FFF_FFFF or size >= 0xFFFF_F000
