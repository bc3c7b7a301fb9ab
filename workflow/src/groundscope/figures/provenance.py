"""What made the results: weights, library versions, seeds."""

import importlib.metadata
import platform
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from groundscope.checkpoints import Checkpoint
from groundscope.figures.sheet import Sheet

_LIBRARIES = ("docutils", "matplotlib", "numpy", "pyarrow", "scikit-learn", "scipy")


def provenance(
    checkpoints: Sequence[Checkpoint],
    embeddings: Sequence[Mapping[str, str]],
    settings: Mapping[str, Any],
) -> list[Sheet]:
    """Tables of weights, of what extracted the vectors, and of seeds.

    Parameters
    ----------
    checkpoints
        Of all models.
    embeddings
        Metadata of one embedding file a model and corpus.
    settings
        The resolved configuration.
    """
    weights = [
        [one.source, one.format, one.digest,
         "; ".join(f"{name}: {found}" for name, found in sorted(one.notes.items()))]
        for one in checkpoints
    ]  # fmt: skip
    extracted = [
        [one["model"], one["corpus"], one.get("device", ""), one.get("tokens_sha256", ""),
         ", ".join(f"{key.removeprefix('version.')} {value}"
                   for key, value in sorted(one.items()) if key.startswith("version."))]
        for one in embeddings
    ]  # fmt: skip
    seeds = [[path, value] for path, value in _seeds(settings, "")]
    return [
        Sheet(
            "Provenance: weights",
            "sha256 over the names and contents of all files.",
            ("source", "format", "sha256", "notes"),
            weights,
        ),
        Sheet(
            "Provenance: vectors",
            "What extracted them, from the metadata of the embedding files.",
            ("model", "corpus", "device", "sha256 of the token table", "versions"),
            extracted,
        ),
        Sheet(
            "Provenance: libraries of the figures",
            "What drew the figures and wrote this page.",
            ("library", "version"),
            [["Python", platform.python_version()], *_versions()],
        ),
        Sheet("Provenance: seeds", "Everything that was drawn.", ("key", "seed"), seeds),
    ]


def _versions() -> Iterator[list[str]]:
    for name in _LIBRARIES:
        try:
            yield [name, importlib.metadata.version(name)]
        except importlib.metadata.PackageNotFoundError:
            # with one environment a rule, the analyses' libraries are not here
            continue


def _seeds(part: Any, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(part, Mapping):
        return
    for key, value in part.items():
        where = f"{path}.{key}" if path else str(key)
        if key in ("seed", "seeds"):
            yield where, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        else:
            yield from _seeds(value, where)
