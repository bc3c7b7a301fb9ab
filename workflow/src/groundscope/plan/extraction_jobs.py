"""What the rules up to the vectors ask: sources, checkpoints, corpora, embeddings.

Snakemake calls the methods with a job's wildcards. Everything that they return follows from the
configuration, and from which files its local folders have, but not from results on disk.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from groundscope.listing import textgrids, transcripts, visible_files
from groundscope.plan import extraction, targets
from groundscope.plan.sources import source_closure

Wildcards = Any
InputFunction = Callable[[Wildcards], list[str]]

_FAMILY_MODULE = "groundscope.encoders.{}"
# Keys of a checkpoint that say how its files are read, not which files they are.
_NOT_FETCHED = frozenset({"blocks", "parent", "bundle"})
# Keys of a checkpoint that decide what it is converted to.
_CONVERTED = frozenset({"format", "blocks", "bundle"})
# Keys of a corpus that name folders.
_FOLDERS = ("folder", "audio_folder", "alignments")
# Layout or kind of a corpus -> lists that it reads in its `folder`.
_NAMED_FILES: Mapping[str, Sequence[str]] = {
    "librispeech": ("SPEAKERS.TXT",),
    "flickr-audio": ("wav2capt.txt", "wav2spk.txt"),
}


@cache
def _sources(folder: Path, *modules: str) -> tuple[str, ...]:
    """List the sources of `modules` relative to `folder`: Snakemake records the paths."""
    return tuple(os.path.relpath(path, folder) for path in source_closure(*modules))


@dataclass(frozen=True)
class ExtractionJobs:
    """Input functions of the rules of `study`, up to the vectors."""

    study: Mapping[str, Any]

    def result(self, path: str) -> str:
        """Return the path of a file below the results folder."""
        return f"{self.study['results']}/{path}"

    # ---- sources

    def code(self, command: str, *modules: str) -> InputFunction:
        """Return an input function: the sources that decide what `command` writes.

        A function, not a list, so that ``--consider-ancient RULE=code`` works.
        """

        def files(_: Wildcards) -> list[str]:
            return list(_sources(Path.cwd(), f"groundscope.commands.{command}", *modules))

        return files

    def extraction_code(self, wildcards: Wildcards) -> list[str]:
        """List the sources that decide the vectors of one model: the command's, its family's."""
        family = self.study["models"][wildcards.model]["family"].replace("-", "_")
        return self.code("extract_embeddings", _FAMILY_MODULE.format(family))(wildcards)

    # ---- checkpoints

    def checkpoint_files(self, wildcards: Wildcards) -> list[str]:
        """List the local files that a checkpoint consists of; none if it is downloaded."""
        options = self.study["checkpoints"][wildcards.checkpoint]
        return self.local_files([options["path"]]) if options["source"] == "folder" else []

    def fetch_options(self, wildcards: Wildcards) -> str:
        """Give the options that decide which files a checkpoint consists of."""
        options = self.study["checkpoints"][wildcards.checkpoint]
        return targets.canonical({k: v for k, v in options.items() if k not in _NOT_FETCHED})

    def convert_options(self, wildcards: Wildcards) -> str:
        """Give the options that decide what a checkpoint is converted to."""
        options = self.study["checkpoints"][wildcards.checkpoint]
        return targets.canonical({k: v for k, v in options.items() if k in _CONVERTED})

    def listing_options(self) -> str:
        """Give what the listing of layers is made from."""
        return targets.canonical({key: self.study[key] for key in ("models", "checkpoints")})

    def parent_manifest(self, wildcards: Wildcards) -> list[str]:
        """Name the manifest of the checkpoint that training started from, if there is one."""
        parent = self.study["checkpoints"][wildcards.checkpoint].get("parent")
        return [] if parent is None else [self.result(targets.manifest(self.study, parent))]

    def model_manifest(self, wildcards: Wildcards) -> list[str]:
        """Name the manifest of the files that a model is loaded from; none without weights."""
        manifest = targets.checkpoint_manifest(self.study, wildcards.model)
        return [] if manifest is None else [self.result(manifest)]

    # ---- corpora

    def corpus_options(self, wildcards: Wildcards) -> str:
        """Give the options of a corpus."""
        return targets.canonical(self.study["corpora"][wildcards.corpus])

    def dataset_options(self, wildcards: Wildcards) -> str:
        """Give the options of a data set."""
        return targets.canonical(self.study["datasets"][wildcards.dataset])

    def local_files(self, paths: Iterable[str | None]) -> list[str]:
        """List the files of `paths`, folders at any depth; inside a data set, its manifest."""
        found: list[str] = []
        for path in filter(None, paths):
            dataset = targets.dataset_of(self.study, path)
            if dataset is not None:
                found.append(self.result(f"datasets/{dataset}/manifest.json"))
            elif Path(path).is_dir():
                found += (str(Path(path, name)) for name in visible_files(Path(path)))
            else:
                found.append(str(Path(path)))
        return list(dict.fromkeys(found))

    def corpus_files(self, wildcards: Wildcards) -> list[str]:
        """List the tables and lists that a corpus is made from, but not its recordings.

        Of folders in a data set, its manifest. Of lists that have their place in a folder, those
        that are there: the reader says what it lacks.
        """
        options = self.study["corpora"][wildcards.corpus]
        tables = [
            options.get("words"),
            options.get("pronunciations"),
            *options["norms"],
            *options["filters"]["words"],
        ]
        listed = [options.get(key) for key in ("manifest", "items", "captions")]
        listed += [table.get("file") for table in tables if isinstance(table, dict)]
        for name in _NAMED_FILES.get(options.get("layout", options["kind"]), ()):
            path = f"{options['folder']}/{name}"
            if not self._is_fetched(path) and Path(path).is_file():
                listed.append(path)
        listed += self._fetched_folders(options)
        return self.local_files([*listed, options["filters"]["has_synonym"]])

    def annotation_digest(self, wildcards: Wildcards) -> str:
        """Give a digest of the names and contents of a corpus' TextGrids and ``.trans.txt``.

        It is empty where there are none, or they are in a data set, whose manifest is an input.
        They are no inputs because people name TextGrids: Snakemake takes ``{`` and ``<`` in the
        name of an input for its own, and then finds nothing to be done. Planning also takes less
        time.
        """
        options = self.study["corpora"][wildcards.corpus]
        paths: list[Path] = []
        if options["kind"] in ("librispeech", "textgrids"):
            folder = options["alignments"] or options["audio_folder"]
            paths += [] if self._is_fetched(folder) else textgrids(options)
        if options["kind"] == "librispeech" and not self._is_fetched(options["folder"]):
            paths += transcripts(options)
        files = [path for path in paths if path.is_file()]
        whole = hashlib.sha256()
        for path in files:
            for part in (os.fsencode(path), path.read_bytes()):
                whole.update(hashlib.sha256(part).digest())
        return whole.hexdigest() if files else ""

    def _fetched_folders(self, options: Mapping[str, Any]) -> list[str]:
        """List the folders of a corpus that are in a data set."""
        return [path for key in _FOLDERS if (path := options.get(key)) and self._is_fetched(path)]

    def _is_fetched(self, path: str) -> bool:
        """Tell whether `path` is in a data set, which may not be there yet."""
        return targets.dataset_of(self.study, path) is not None

    def aligned_words(self, wildcards: Wildcards) -> list[str]:
        """Name the aligned words of a corpus and their report; none if it needs no alignment."""
        if "align" not in self.study["corpora"][wildcards.corpus]:
            return []
        folder = f"aligned/{wildcards.corpus}"
        return [self.result(f"{folder}/{name}.parquet") for name in ("words", "report")]

    def align_options(self, wildcards: Wildcards) -> str:
        """Give the options that decide where the words of a corpus are."""
        corpus = self.study["corpora"][wildcards.corpus]
        align = {k: v for k, v in corpus["align"].items() if k != "checkpoint"}
        where = {key: corpus[key] for key in ("manifest", "audio_folder")}
        return targets.canonical({**where, "align": align})

    def align_files(self, wildcards: Wildcards) -> list[str]:
        """Name the table of the transcripts of a corpus; of what is in a data set, its manifest."""
        options = self.study["corpora"][wildcards.corpus]
        return self.local_files([options["manifest"], *self._fetched_folders(options)])

    def align_manifest(self, wildcards: Wildcards) -> str:
        """Name the manifest of the model that a corpus is aligned with."""
        checkpoint = self.study["corpora"][wildcards.corpus]["align"]["checkpoint"]
        return self.result(targets.manifest(self.study, checkpoint))

    def aligned_corpora(self) -> list[str]:
        """List the corpora whose words have to be found in their recordings."""
        return [name for name, corpus in self.study["corpora"].items() if "align" in corpus]

    def lacking_embeddings(self, wildcards: Wildcards) -> list[str]:
        """List one layer of each model that may have no vector for some tokens."""
        return [
            extraction.embedding(
                self.study, wildcards.corpus, model, targets.one_layer(self.study, model)
            )
            for model in targets.models_on(self.study, wildcards.corpus)
            if targets.may_lack_tokens(self.study, model)
        ]

    # ---- embeddings

    def embeddings(self, corpus: str, model: str) -> list[str]:
        """List the embedding files of all layers of a model on a corpus."""
        return [
            extraction.embedding(self.study, corpus, model, layer)
            for layer in targets.layers(self.study, model)
        ]

    def all_embeddings(self) -> list[str]:
        """List all embedding files of the study."""
        return [
            file
            for model in self.study["models"]
            for corpus in targets.corpora(self.study, model)
            for file in self.embeddings(corpus, model)
        ]

    def model_embeddings(self, wildcards: Wildcards) -> list[str]:
        """List the embedding files of the model of a job."""
        return self.embeddings(wildcards.corpus, wildcards.model)

    def left_embeddings(self, wildcards: Wildcards) -> list[str]:
        """List the embedding files of the left model of a pair."""
        return self.embeddings(wildcards.corpus, wildcards.left)

    def right_embeddings(self, wildcards: Wildcards) -> list[str]:
        """List the embedding files of the right model of a pair."""
        return self.embeddings(wildcards.corpus, wildcards.right)

    def model_options(self, wildcards: Wildcards) -> str:
        """Give everything that decides the vectors of a model."""
        return targets.model_options(self.study, wildcards.model)

    def gpus(self, wildcards: Wildcards) -> int:
        """Count the GPUs that a model needs: none where there is nothing to compute on one."""
        return int(wildcards.model in self.models_on_gpu())

    def models_on_gpu(self) -> list[str]:
        """List the models that are computed on a GPU where there is one."""
        models = self.study["models"].items()
        return [name for name, one in models if one["family"] not in targets.LIGHT_FAMILIES]

    # ---- blocks

    def blocks(self, wildcards: Wildcards) -> list[str]:
        """List the files of the blocks of a layer, in order."""
        pattern = extraction.block(self.study, wildcards.corpus, wildcards.model, wildcards.layer)
        of = self.study["extraction_blocks"][wildcards.corpus]
        return [pattern.format(block=number, of=of) for number in range(1, of + 1)]

    def joining_code(self, wildcards: Wildcards) -> list[str]:
        """List the sources that decide a file that is joined from blocks."""
        joining = self.code("join_blocks")(wildcards)
        return sorted({*joining, *self.extraction_code(wildcards)})
