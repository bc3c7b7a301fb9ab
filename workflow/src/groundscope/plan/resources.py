"""What a job asks for: memory, time and batch size, in one place.

Asked for at the first attempt, in MB and minutes; every further attempt asks for twice as much, the
third one with half the batch.

``extract_embeddings``
    memory  = 3000 + 3 x weights + piece x (4 kB x (layers + 2) + 2 kB) + tokens x 0.5 kB
    time    = 60 + tokens / 1000 x max(0.1, weights in GB) / blocks
    batch   = 100 % of the usual one up to 1200 MB of weights, above in proportion, at least 25 %
``compare_pairs``, ``score_*``, ``project_words``
    memory  = 1000 + 14 x the largest file of vectors
    time    = 60 + 0.2 x all files of vectors
``compare_cka``, ``contrast_alignments``
    memory  = the same + 2 x all files of vectors, at most 2200, and with the measure rsa
              (13 + 2 x files of vectors) bytes x words^2, at most 8000
    time    = the same
``select_tokens``
    memory  = 1000 + tokens x 2 kB
``gather_table``
    memory  = 1000 + 30 x all parts
all others
    a number in their rule

`weights` is the size of the files that a model is read from, all that the manifest lists if their
format is not that of transformers; `tokens` follows from the size of the token table,
10 bytes each, fewer than measured (13 to 17), so that the count is high; 4 kB is a vector of 1024
numbers; `piece` is what is held at a time, all tokens but at most 65,536 (the last recording or
text of a piece is not cut). A longer item than a batch may hold runs alone, and what does not fit
on a GPU is halved inside the job. `words` are as many as `tokens`, or as a draw has: far too many
for running text, hence the limit: what needs more gets it at a further attempt. Sizes are read when
a job is about to be submitted: its input files exist by then. A plan that is made before they exist
shows the numbers for empty files.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundscope.checkpoints import read_manifest
from groundscope.errors import UserError

# Snakemake inspects the argument names: `attempt` is 1, 2, ...
Resource = Callable[[Any, int], int]
Sized = Callable[[Any, Any, int], int]
Layers = Callable[[Any], str]
Blocks = Callable[[Any], int]

_MB = 1e6
_TOKEN_BYTES = 10
_VECTOR_MB = 0.004
_TOKEN_MB = 0.002
# as encoders.extraction cuts a corpus; that module is not imported, for its libraries are heavy
PIECE_TOKENS = 65_536
_ROW_MB = 0.0005
# of each of words^2, as metrics.dissimilarity holds them
_RANK_BYTES, _RANKING_BYTES = 2, 13
_MOST_RANKS_MB = 8_000


def grow(base: int) -> Resource:
    """Ask for `base` at first and for twice as much at every further attempt."""

    def amount(wildcards: Any, attempt: int) -> int:
        return _again(base, attempt)

    return amount


def extraction_memory(layers: Layers) -> Sized:
    """Return the memory of an extraction job, in MB; `layers` lists a job's layers."""

    def amount(wildcards: Any, input: Any, attempt: int) -> int:
        per_token = _VECTOR_MB * (len(layers(wildcards).split(",")) + 2) + _TOKEN_MB
        tokens = _tokens(input)
        held = min(tokens, PIECE_TOKENS) * per_token + tokens * _ROW_MB
        return _again(3000 + 3 * _weights_mb(input) + held, attempt)

    return amount


def extraction_time(blocks: Blocks) -> Sized:
    """Return the time of an extraction job, in minutes; `blocks` counts a corpus' jobs a layer."""

    def amount(wildcards: Any, input: Any, attempt: int) -> int:
        minutes = _tokens(input) / 1000 * max(0.1, _weights_mb(input) / 1000)
        return _again(60 + minutes / blocks(wildcards), attempt)

    return amount


def batch_percent(wildcards: Any, input: Any, attempt: int) -> int:
    """Return the share of the usual batch that an extraction job starts with, at least 1 %.

    The second attempt has the batch of the first: a job that was killed gives the same bits.
    """
    first = max(25.0, min(100.0, 100 * 1200 / max(_weights_mb(input), 1)))
    return max(1, int(first / 2 ** max(0, attempt - 2)))


def analysis_memory(wildcards: Any, input: Any, attempt: int) -> int:
    """Return the memory of an analysis of vectors, in MB."""
    return _again(1000 + 14 * max(_vectors_mb(input), default=0.0), attempt)


def alignment_memory(ranked: Callable[[Any], float]) -> Sized:
    """Return the memory of an alignment, in MB; `ranked` is how many words RSA ranks at most.

    It may hold 2 GiB of layers at a time, and the ranks of the distances in all but one model's.
    """

    def amount(wildcards: Any, input: Any, attempt: int) -> int:
        vectors = [*_vectors_mb(input)]
        layers = min(2 * sum(vectors), 2200)
        words = min(_tokens(input), ranked(wildcards))
        ranks = min(words**2 * (_RANKING_BYTES + _RANK_BYTES * len(vectors)) / _MB, _MOST_RANKS_MB)
        return _again(1000 + 14 * max(vectors, default=0.0) + layers + ranks, attempt)

    return amount


def analysis_time(wildcards: Any, input: Any, attempt: int) -> int:
    """Return the time of an analysis of vectors, in minutes."""
    return _again(60 + 0.2 * sum(_vectors_mb(input)), attempt)


def selection_memory(wildcards: Any, input: Any, attempt: int) -> int:
    """Return the memory of a selection of tokens, in MB."""
    return _again(1000 + _tokens(input) * _TOKEN_MB, attempt)


def gathering_memory(wildcards: Any, input: Any, attempt: int) -> int:
    """Return the memory of gathering a table, in MB."""
    return _again(1000 + 30 * sum(map(_size_mb, input.parts)), attempt)


def _again(base: float, attempt: int) -> int:
    return int(base * 2 ** (attempt - 1))


def _tokens(files: Any) -> float:
    return _size_mb(files.tokens) * _MB / _TOKEN_BYTES


def _weights_mb(files: Any) -> float:
    """Size of the weights that a manifest lists; 0 while there is none."""
    # a model without weights has no checkpoint: Snakemake then gives an empty list
    manifests = [files.checkpoint] if isinstance(files.checkpoint, str) else files.checkpoint
    return sum(_listed_mb(Path(manifest)) for manifest in manifests)


def _listed_mb(manifest: Path) -> float:
    try:
        checkpoint = read_manifest(manifest)
        names = checkpoint.weights() or checkpoint.files
    except (FileNotFoundError, UserError):  # the job says what is wrong with it
        return 0.0
    return sum(_size_mb(checkpoint.root / name) for name in names)


def _vectors_mb(files: Any) -> list[float]:
    """Sizes of the embedding files among the inputs."""
    return [_size_mb(file) for file in files if "/layer-" in file and file.endswith(".parquet")]


def _size_mb(file: str | Path) -> float:
    """Size of a file; 0 while it does not exist."""
    try:
        return Path(file).stat().st_size / _MB
    except FileNotFoundError:
        return 0.0
