"""The checkpoint manifest: which files hold a model's weights, and their content's digest.

`fetch_checkpoint` and `convert_checkpoint` each end with a manifest beside the files; everything
downstream takes the manifest as its input. It is small, so Snakemake compares it by content: the
same weights downloaded again make nothing stale, other weights behind the same path do.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from groundscope.errors import UserError
from groundscope.files import atomic

# Configuration and tokenizer, whatever the architecture.
SMALL_FILES = ("*.json", "*.txt", "*.model", "*.tiktoken", "*.jinja")
# Weights in the format of transformers, in the order in which transformers looks for them.
_WHOLE = ("model.safetensors", "pytorch_model.bin")
_NAMED_ALIKE = (
    re.compile(r"([^/]*/)*model[^/]*\.safetensors"),
    re.compile(r"([^/]*/)*pytorch_model[^/]*\.bin"),
)


def main_weights(names: Iterable[str]) -> list[str]:
    """Which of `names` transformers takes a model from: its weights, or the index of their shards.

    In the order in which it looks for them.
    """
    found = set(names)
    wanted = (name for whole in _WHOLE for name in (whole, f"{whole}.index.json"))
    return [name for name in wanted if name in found]


@dataclass(frozen=True)
class Checkpoint:
    """Files of one checkpoint.

    Attributes
    ----------
    root
        The folder that the files are in.
    format
        What the files are: a value of ``checkpoints.*.format`` in the configuration.
    files
        Path relative to `root` -> sha256 of the content.
    source
        Where they came from, as text (hub id and revision, archive, folder).
    notes
        What a conversion found out about them (self-checks), name -> finding.
    manifest
        Where the manifest was read from, for messages.
    """

    root: Path
    format: str
    files: dict[str, str]
    source: str
    notes: dict[str, str]
    manifest: Path = field(default=Path("manifest.json"), compare=False)

    @property
    def digest(self) -> str:
        """sha256 over the names and contents of all files."""
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    def weights(self) -> list[str]:
        """Names of the files that a model in the format of transformers is read from.

        Those that transformers takes, but for an index that came without any of its shards, as
        where files are chosen by name; where it would find none, all that are named alike, at any
        depth, in the safest format there is.

        Raises
        ------
        UserError
            The index of shards is not one.
        """
        lacking: list[str] = []
        for main in main_weights(self.files):
            names = self._shards(main) if main.endswith(".json") else [main]
            if not self.files.keys().isdisjoint(names):
                return names
            lacking = lacking or names
        alike = (
            [name for name in sorted(self.files) if each.fullmatch(name)] for each in _NAMED_ALIKE
        )
        return next(filter(None, alike), lacking)

    def _shards(self, index: str) -> list[str]:
        path = self.path(index)
        try:
            return sorted(set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            message = f"{path} is not a readable index of shards: put the released one there"
            raise UserError(message) from error

    def folder(self) -> Path:
        """Folder of ``config.json``, for what reads configuration and tokenizer by itself.

        Raises
        ------
        UserError
            A file that may be read there is not the one of the manifest.
        """
        for name in self.files:
            if "/" not in name and any(fnmatch(name, each) for each in SMALL_FILES):
                self.path(name)
        return self.path("config.json").parent

    def path(self, name: str, *, whole: bool = True) -> Path:
        """Path of file `name` (relative to `root`), as it was when the manifest was made.

        Parameters
        ----------
        name
            One of `files`.
        whole
            Whether it will be read, not only its header: its content is checked then, which takes
            as long as reading it.

        Raises
        ------
        UserError
            It is not one of `files`, is gone, or has another content.
        """
        if name not in self.files:
            message = f"{self.source} has no file {name!r}; it has {', '.join(sorted(self.files))}"
            raise UserError(message)
        path = self.root / name
        if not path.is_file():
            message = f"{path} is gone since {self.source} was fetched: put it back, or fetch again"
            raise UserError(message)
        if whole and file_digest(path) != self.files[name]:
            message = (
                f"{path} has another content than {self.manifest} says: put the former file back, "
                f"or delete {self.manifest} and run again"
            )
            raise UserError(message)
        return path


def file_digest(path: Path) -> str:
    """sha256 of a file's content, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_manifest(path: Path, checkpoint: Checkpoint) -> None:
    """Write the manifest; `root` is stored relative to it where the files lie below it."""
    folder = path.parent.resolve()
    root = checkpoint.root.resolve()
    relative = root.is_relative_to(folder)
    content = {
        "root": str(root.relative_to(folder)) if relative else str(root),
        "format": checkpoint.format,
        "source": checkpoint.source,
        "digest": checkpoint.digest,
        "files": dict(sorted(checkpoint.files.items())),
        "notes": dict(sorted(checkpoint.notes.items())),
    }
    with atomic(path) as beside:
        beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_manifest(path: Path) -> Checkpoint:
    """Read a manifest that `write_manifest` wrote.

    Raises
    ------
    UserError
        It is not such a file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Checkpoint(
            root=path.parent / content["root"],
            format=content["format"],
            files=content["files"],
            source=content["source"],
            notes=content["notes"],
            manifest=path,
        )
    except (json.JSONDecodeError, KeyError, UnicodeDecodeError) as error:
        message = f"{path} is not a checkpoint manifest: delete it and rerun"
        raise UserError(message) from error
