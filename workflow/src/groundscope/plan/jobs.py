"""What the rules ask: input functions and params, for one study.

Snakemake calls the methods with a job's wildcards. Everything that they return follows from the
configuration, and from which files its local folders have, but not from results on disk.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from groundscope.listing import visible_files
from groundscope.plan import extraction, targets
from groundscope.plan.sources import source_closure

Wildcards = Any
InputFunction = Callable[[Wildcards], list[str]]

_FAMILY_MODULE = "groundscope.encoders.{}"
# Keys of a checkpoint that say how its files are read, not which files they are.
_NOT_FETCHED = frozenset({"blocks", "parent", "bundle"})
# Keys of a checkpoint that decide what it is converted to.
_CONVERTED = frozenset({"format", "blocks", "bundle"})
# Keys of an analysis that decide which jobs exist; each job's inputs show them.
_CHOICES = frozenset({"models", "labellings", "pairs", "groups", "labelling", "word_map"})
# Tables that published numbers are looked up in.
_REPLICATED = ("cka", "silhouette")


@cache
def _sources(folder: Path, *modules: str) -> tuple[str, ...]:
    """List the sources of `modules` relative to `folder`: Snakemake records the paths."""
    return tuple(os.path.relpath(path, folder) for path in source_closure(*modules))


@dataclass(frozen=True)
class Plan:
    """Input functions of the rules of `study`."""

    study: Mapping[str, Any]

    @cached_property
    def _tables(self) -> dict[str, list[str]]:
        return targets.tables(self.study)

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
        """List the tables and lists that a corpus is made from, but not its recordings."""
        options = self.study["corpora"][wildcards.corpus]
        tables = [
            options.get("words"),
            options.get("pronunciations"),
            *options["norms"],
            *options["filters"]["words"],
        ]
        listed = [options.get(key) for key in ("manifest", "items", "captions")]
        listed += [table.get("file") for table in tables if isinstance(table, dict)]
        return self.local_files([*listed, options["filters"]["has_synonym"]])

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

    def align_files(self, wildcards: Wildcards) -> str:
        """Name the table of the transcripts of a corpus."""
        return str(self.study["corpora"][wildcards.corpus]["manifest"])

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

    # ---- analyses

    def analysis_options(self, analysis: str) -> Callable[[Wildcards], str]:
        """Return a params function: the options of an analysis."""

        def options(_: Wildcards) -> str:
            settings = self.study["analyses"][analysis]
            return targets.canonical({k: v for k, v in settings.items() if k not in _CHOICES})

        return options

    def cka_options(self, wildcards: Wildcards) -> str:
        """Give the options of CKA; no LDA space on a corpus that its labelling is not for."""
        return targets.canonical(self._cka_settings(wildcards))

    def _cka_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        settings = dict(self.study["analyses"]["cka"])
        if self._space(wildcards) is None:
            settings["spaces"] = [space for space in settings["spaces"] if space != "lda"]
        return {k: v for k, v in settings.items() if k not in _CHOICES}

    def ranked_words(self, _: Wildcards) -> float:
        """Give the most words whose distances RSA ranks; 0 without it."""
        settings = self.study["analyses"]["cka"]
        if "rsa" not in settings["measures"]:
            return 0
        return math.inf if settings["sample"] is None else float(settings["sample"])

    def pair_groups(self, _: Wildcards) -> list[str]:
        """Name the file of the word groups that the pair kind `same-group` is made from."""
        return self._label_file(self.study["analyses"]["pairs"]["groups"])

    def pair_group_options(self, _: Wildcards) -> str:
        """Give the options of these groups."""
        return self._label_options(self.study["analyses"]["pairs"]["groups"])

    def word_map(self, wildcards: Wildcards) -> list[str]:
        """Name the map of related words of a corpus; none if the study has none."""
        asked = self.study["analyses"]["pairs"].get("word_map")
        return [] if asked is None else [self.result(f"word_map/{wildcards.corpus}.parquet")]

    def word_map_options(self, _: Wildcards) -> str:
        """Give the options of the map of related words."""
        return targets.canonical(self.study["analyses"]["pairs"]["word_map"])

    def word_map_files(self, _: Wildcards) -> list[str]:
        """List the local files that the map of related words is made from."""
        options = self.study["analyses"]["pairs"]["word_map"]
        pronunciations = options["pronunciations"].get("file")
        return self.local_files([options["categories"], options["wordnet"], pronunciations])

    def group_tokens(self, wildcards: Wildcards) -> str:
        """Name the token table that word groups are built from."""
        corpus = self.study["word_groups"][wildcards.groups]["corpus"]
        return self.result(f"corpora/{corpus}/tokens.parquet")

    def group_vectors(self, wildcards: Wildcards) -> str:
        """Name the embedding file that word groups are built from."""
        options = self.study["word_groups"][wildcards.groups]
        return extraction.embedding(
            self.study, options["corpus"], options["model"], str(options["layer"])
        )

    def group_files(self, wildcards: Wildcards) -> list[str]:
        """List the local files that word groups are built from."""
        options = self.study["word_groups"][wildcards.groups]
        listed = [options.get("candidates"), options["concreteness"]["file"]]
        return self.local_files([*listed, options["pronunciations"].get("file")])

    def group_options(self, wildcards: Wildcards) -> str:
        """Give the options of word groups; corpus, model and layer are inputs."""
        options = self.study["word_groups"][wildcards.groups]
        inputs = ("corpus", "model", "layer")
        return targets.canonical({k: v for k, v in options.items() if k not in inputs})

    def labels(self, wildcards: Wildcards) -> list[str]:
        """Name the file of a labelling; none if it is a column of the token table."""
        return self._label_file(wildcards.labelling)

    def label_options(self, wildcards: Wildcards) -> str:
        """Give the options of a labelling; its file is an input."""
        return self._label_options(wildcards.labelling)

    def space_labels(self, wildcards: Wildcards) -> list[str]:
        """Name the file of the labelling whose LDA space CKA is computed in, if it is a file."""
        return self._label_file(self._space(wildcards))

    def space_labelling(self, wildcards: Wildcards) -> str:
        """Name the labelling whose LDA space CKA is computed in."""
        return self._space(wildcards) or ""

    def space_label_options(self, wildcards: Wildcards) -> str:
        """Give the options of this labelling; its file is an input."""
        return self._label_options(self._space(wildcards))

    def _space(self, wildcards: Wildcards) -> str | None:
        labelling: str | None = self.study["analyses"]["cka"]["labelling"]
        known = labelling and targets.has_labels(self.study, labelling, wildcards.corpus)
        return labelling if known else None

    def _label_options(self, labelling: str | None) -> str:
        options = self.study["labellings"].get(labelling, {})
        inputs = ("words", "corpora")
        return targets.canonical({k: v for k, v in options.items() if k not in inputs})

    def _label_file(self, labelling: str | None) -> list[str]:
        words = self.study["labellings"].get(labelling, {}).get("words")
        return [] if words is None else [words]

    # ---- contrasts

    def treated_scores(self, wildcards: Wildcards) -> list[str]:
        """List the word scores of the treated model of a contrast."""
        return self._scores(wildcards, "treated")

    def control_scores(self, wildcards: Wildcards) -> list[str]:
        """List the word scores of the control model of a contrast."""
        return self._scores(wildcards, "control")

    def _scores(self, wildcards: Wildcards, side: str) -> list[str]:
        model = self.study["contrasts"][wildcards.contrast][side]
        return [self.result(file) for file in targets.scores(self.study, wildcards.corpus, model)]

    def treated_embeddings(self, wildcards: Wildcards) -> list[str]:
        """List the embedding files of the treated model of a contrast, of layers both have."""
        return self._contrast_embeddings(wildcards, "treated")

    def control_embeddings(self, wildcards: Wildcards) -> list[str]:
        """List the embedding files of the control of a contrast, of layers both have."""
        return self._contrast_embeddings(wildcards, "control")

    def _contrast_embeddings(self, wildcards: Wildcards, side: str) -> list[str]:
        model = self.study["contrasts"][wildcards.contrast][side]
        return [
            extraction.embedding(self.study, wildcards.corpus, model, layer)
            for layer in targets.contrast_layers(self.study, wildcards.contrast)
        ]

    def contrast_cka_options(self, wildcards: Wildcards) -> str:
        """Give the options of CKA in a contrast, which has no null of its own."""
        settings = self._cka_settings(wildcards)
        return targets.canonical({k: v for k, v in settings.items() if k != "permutations"})

    def contrast_cka(self, wildcards: Wildcards) -> list[str]:
        """Name the CKA table of the two models of a contrast; none if they are not compared."""
        names = targets.cka_of(self.study, wildcards.corpus, wildcards.contrast)
        return [self.result(part) for part in names if part in self._tables.get("cka", [])][:1]

    def contrast_options(self, wildcards: Wildcards) -> str:
        """Give the options of a contrast; which models are compared is its inputs."""
        options = self.study["contrasts"][wildcards.contrast]
        sides = ("treated", "control")
        return targets.canonical({k: v for k, v in options.items() if k not in sides})

    def change_options(self, wildcards: Wildcards) -> str:
        """Give the options of the correlation of a contrast with CKA."""
        options = self.study["contrasts"][wildcards.contrast]
        return targets.canonical({key: options[key] for key in ("permutations", "seed")})

    # ---- tables

    def table_parts(self, wildcards: Wildcards) -> list[str]:
        """List the files that a table is gathered from."""
        return [self.result(part) for part in self._tables[wildcards.table]]

    def published_numbers(self, _: Wildcards) -> str:
        """Name the file of published numbers that ours are set beside."""
        return str(self.study["replication"])

    def replicated_tables(self, _: Wildcards) -> list[str]:
        """List the gathered tables that published numbers may be found in."""
        have = self._tables
        return [self.result(f"tables/{name}.parquet") for name in _REPLICATED if name in have]

    def all_tables(self) -> list[str]:
        """List every gathered table of the study."""
        return [self.result(f"tables/{name}.parquet") for name in self._tables]
