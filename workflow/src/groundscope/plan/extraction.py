"""The rules of extraction: which layers of which models share a job, and which files it makes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from groundscope.plan import targets

Wildcards = Any


@dataclass(frozen=True)
class ExtractionRule:
    """One rule of extraction: which files a job makes, and which layers and tokens that is.

    Attributes
    ----------
    name
        Of the rule.
    outputs, log, benchmark
        File patterns with the wildcards ``corpus`` and ``model``, and ``layer`` if a job makes one;
        with ``block`` and ``of`` if a job makes a block of a corpus.
    models, corpora
        Regular expressions of the models and corpora that the rule is for.
    fixed_layers
        The layers that a job makes, separated by commas; empty if the wildcard ``layer`` says it.
    in_blocks
        Whether a job makes a block of a corpus.
    """

    name: str
    outputs: list[str]
    log: str
    benchmark: str
    models: str
    corpora: str
    fixed_layers: str
    in_blocks: bool

    def layers(self, wildcards: Wildcards) -> str:
        """List the layers of one job, separated by commas."""
        return self.fixed_layers or str(wildcards.layer)

    def block(self, wildcards: Wildcards) -> str:
        """Say which block of a corpus a job computes, of how many."""
        return f"{wildcards.block}/{wildcards.of}" if self.in_blocks else "1/1"

    def blocks(self, wildcards: Wildcards) -> int:
        """Count the jobs that share a corpus."""
        return int(wildcards.of) if self.in_blocks else 1


def one_of(names: Iterable[str]) -> str:
    """Return a regular expression of a wildcard that is one of `names`."""
    return "|".join(re.escape(name) for name in names) or "(?!)"


def embedding(study: Mapping[str, Any], corpus: str, model: str, layer: str) -> str:
    """Return the path of one embedding file, or a pattern of such paths."""
    return f"{study['results']}/embeddings/{corpus}/{model}/layer-{layer}.parquet"


def block(study: Mapping[str, Any], corpus: str, model: str, layer: str) -> str:
    """Return the pattern of the files of one layer's blocks."""
    folder = f"blocks/{corpus}/{model}/{{block}}-of-{{of}}"
    return f"{study['results']}/{folder}/layer-{layer}.parquet"


def extraction_rules(study: Mapping[str, Any]) -> list[ExtractionRule]:
    """List the rules of extraction: one for each distinct set of layers that share a job.

    Where corpora are extracted in blocks there is a second one, for these.
    """
    per_job = study["layers_per_job"]
    models: dict[tuple[str, ...], list[str]] = {}
    for model in study["models"]:
        names = targets.layers(study, model)
        size = len(names) if per_job == "all" else per_job
        for start in range(0, len(names), size):
            chunk = ("{layer}",) if size == 1 else tuple(names[start : start + size])
            models.setdefault(chunk, [])
            if model not in models[chunk]:
                models[chunk].append(model)
    in_blocks = (False, True) if study["extraction_blocks"] else (False,)
    return [
        _extraction_rule(study, chunk, names, in_blocks=blocks)
        for blocks in in_blocks
        for chunk, names in models.items()
    ]


def _extraction_rule(
    study: Mapping[str, Any], layers: tuple[str, ...], models: list[str], *, in_blocks: bool
) -> ExtractionRule:
    one = layers == ("{layer}",)
    name, file = "extract_embeddings", embedding
    tail = f"{{corpus}}/{{model}}/layer-{'_'.join(layers)}"
    if in_blocks:
        name, file = "extract_block", block
        tail += "_block-{block}-of-{of}"
    suffix = "" if one else "_" + "_".join(layers).replace("-", "_")
    divided = study["extraction_blocks"]
    corpora = [one for one in study["corpora"] if (one in divided) == in_blocks]
    return ExtractionRule(
        name=f"{name}{suffix}",
        outputs=[file(study, "{corpus}", "{model}", layer) for layer in layers],
        log=f"{study['results']}/logs/{name}/{tail}.log",
        benchmark=f"{study['results']}/benchmarks/{name}/{tail}.jsonl",
        models=one_of(models),
        corpora=one_of(corpora),
        fixed_layers="" if one else ",".join(layers),
        in_blocks=in_blocks,
    )
