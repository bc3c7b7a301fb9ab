"""What the rules ask: input functions and params, for one study.

Those of rules up to the vectors are in `extraction_jobs`; here are analyses, contrasts and tables.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from groundscope.plan import extraction, targets
from groundscope.plan.extraction_jobs import ExtractionJobs, Wildcards

# Keys of an analysis that decide which jobs exist; each job's inputs show them.
_CHOICES = frozenset({"models", "labellings", "pairs", "groups", "labelling", "word_map"})
# Tables that published numbers are looked up in.
_REPLICATED = ("cka", "pairs", "silhouette", "change_correlation")


@dataclass(frozen=True)
class Plan(ExtractionJobs):
    """Input functions of all rules of `study`."""

    @cached_property
    def _tables(self) -> dict[str, list[str]]:
        return targets.tables(self.study)

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

    def pair_groups(self, wildcards: Wildcards) -> list[str]:
        """Name what holds the word groups that the pair kind `same-group` is made from, if any."""
        return self._label_file(self._labelling("pairs", "groups", wildcards))

    def pair_group_options(self, wildcards: Wildcards) -> str:
        """Give the options of these groups."""
        return self._label_options(self._labelling("pairs", "groups", wildcards))

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
        """Name what holds the list of a labelling; none if it is a column of the token table."""
        return self._label_file(wildcards.labelling)

    def label_options(self, wildcards: Wildcards) -> str:
        """Give the options of a labelling."""
        return self._label_options(wildcards.labelling)

    def space_labels(self, wildcards: Wildcards) -> list[str]:
        """Name what holds the list of the labelling whose LDA space CKA is computed in, if any."""
        return self._label_file(self._space(wildcards))

    def space_labelling(self, wildcards: Wildcards) -> str:
        """Name the labelling whose LDA space CKA is computed in."""
        return self._space(wildcards) or ""

    def space_label_options(self, wildcards: Wildcards) -> str:
        """Give the options of this labelling."""
        return self._label_options(self._space(wildcards))

    def _space(self, wildcards: Wildcards) -> str | None:
        return self._labelling("cka", "labelling", wildcards)

    def _labelling(self, analysis: str, key: str, wildcards: Wildcards) -> str | None:
        """Name the labelling that an analysis asks for; none on a corpus that it is not for."""
        labelling: str | None = self.study["analyses"][analysis][key]
        known = labelling and targets.has_labels(self.study, labelling, wildcards.corpus)
        return labelling if known else None

    def _label_options(self, labelling: str | None) -> str:
        options = self.study["labellings"].get(labelling, {})
        return targets.canonical({k: v for k, v in options.items() if k != "corpora"})

    def _label_file(self, labelling: str | None) -> list[str]:
        return self.local_files([self.study["labellings"].get(labelling, {}).get("words")])

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
        """Give the options of a contrast, its sides among them.

        Snakemake compares the inputs of a job as a set: which of them are the treated model's, only
        a param says.
        """
        return targets.canonical(self.study["contrasts"][wildcards.contrast])

    def change_options(self, wildcards: Wildcards) -> str:
        """Give the options of the correlation of a contrast with CKA."""
        options = self.study["contrasts"][wildcards.contrast]
        kept = ("treated", "control", "permutations", "seed")
        return targets.canonical({key: options[key] for key in kept})

    # ---- tables

    def table_parts(self, wildcards: Wildcards) -> list[str]:
        """List the files that a table is gathered from."""
        return [self.result(part) for part in self._tables[wildcards.table]]

    def published_numbers(self, _: Wildcards) -> str:
        """Name the file of published numbers that ours are set beside."""
        return str(self.study["replication"])

    def published_files(self, _: Wildcards) -> list[str]:
        """Name what holds these numbers."""
        return self.local_files([self.study["replication"]])

    def replicated_tables(self, _: Wildcards) -> list[str]:
        """List the gathered tables that published numbers may be found in."""
        have = self._tables
        return [self.result(f"tables/{name}.parquet") for name in _REPLICATED if name in have]

    def summary_lists(self, _: Wildcards) -> list[str]:
        """Name what holds the lists of labelled words that some analysis of the summary reads."""
        have = self._tables
        parts = [part for name in ("silhouette", "lda", "planes") for part in have.get(name, [])]
        used = {part.split("/")[2] for part in parts}
        used |= {self.study["analyses"]["pairs"]["groups"]} if "pairs" in have else set()
        labellings = self.study["labellings"].items()
        found = {options.get("words") for name, options in labellings if name in used}
        return self.local_files(sorted(found - {None}))

    def all_tables(self) -> list[str]:
        """List every gathered table of the study."""
        return [self.result(f"tables/{name}.parquet") for name in self._tables]
