"""Which figures a study has: one a kind and corpus, for some kinds one a labelling, or model."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundscope.plan import targets

Wildcards = Any
Study = targets.Study


@dataclass(frozen=True)
class FigureKind:
    """One kind of figure.

    Attributes
    ----------
    name
        Of its rule and command, after ``plot_``, and of its caption.
    tables
        The gathered tables that it is drawn from, in the order of the command's arguments.
    category
        Section of the report.
    title
        Entry in the report.
    by
        What else there is a figure for each of: labelling, model.
    any_table
        Whether it is drawn from those of the tables that the study has.
    """

    name: str
    tables: tuple[str, ...]
    category: str
    title: str
    by: tuple[str, ...] = ()
    any_table: bool = False

    @property
    def file(self) -> str:
        """File, below the results folder and without suffix, with wildcards."""
        # names have no double hyphens
        tail = "--".join(f"{{{name}}}" for name in self.by)
        tail = f"-{tail}" if tail else ""
        return f"figures/{{corpus}}/{self.name.replace('_', '-')}{tail}"

    @property
    def labels(self) -> dict[str, str]:
        """What tells the figures of one section apart in the report, with wildcards.

        One label only: with several, a combination that no figure has breaks the report's page.
        """
        tail = "".join(f" · {{{name}}}" for name in self.by)
        return {"figure": f"{self.title} · {{corpus}}{tail}"}


# A correlation across layers needs as many.
_FEWEST_LAYERS = 4
# Tables that the summary speaks of; the others are too long for it.
_SUMMARY = (
    "cka",
    "pairs",
    "silhouette",
    "lda",
    "contrasts",
    "cka_contrasts",
    "change_correlation",
    "coverage",
    "corpus_report",
    "planes",
)

KINDS = (
    FigureKind(
        "overview",
        ("silhouette", "lda", "pairs", "cka"),
        "Overview",
        "Best layer of each model",
        any_table=True,
    ),
    FigureKind("cka", ("cka",), "Alignment", "All layers with all layers"),
    FigureKind("cka_layers", ("cka",), "Alignment", "Layer by layer"),
    FigureKind("pairs", ("pairs",), "Word pairs", "Similarity by layer"),
    FigureKind("silhouette", ("silhouette",), "Clustering", "Silhouette by layer"),
    FigureKind(
        "silhouette_groups",
        ("silhouette",),
        "Clustering",
        "Silhouette of each group",
        by=("labelling",),
    ),
    FigureKind(
        "planes_pca",
        ("planes",),
        "Words in a plane",
        "Principal components",
        by=("labelling", "model"),
    ),
    FigureKind(
        "planes_lda",
        ("planes",),
        "Words in a plane",
        "Discriminant axes (in sample)",
        by=("labelling", "model"),
    ),
    FigureKind("lda", ("lda",), "Decodability", "Held-out accuracy by layer"),
    FigureKind("contrasts", ("contrasts",), "Contrasts", "Treated minus control"),
    FigureKind("cka_contrasts", ("cka_contrasts",), "Contrasts", "Towards a third model"),
    FigureKind(
        "change",
        ("change_correlation", "cka", "contrasts"),
        "Contrasts",
        "Change against clustering",
    ),
)


def kinds(study: Study) -> list[FigureKind]:
    """List the kinds of figures whose tables the study has."""
    return [kind for kind in KINDS if tables(study, kind)]


def tables(study: Study, kind: FigureKind) -> list[str]:
    """Name the tables that a figure of `kind` is drawn from; none if the study has none."""
    have = targets.tables(study)
    found = [name for name in kind.tables if name in have]
    return found if kind.any_table or len(found) == len(kind.tables) else []


def files(study: Study) -> list[str]:
    """Paths of all figures, in every format."""
    return [
        f"{study['results']}/{path}.{suffix}"
        for kind in kinds(study)
        for path in _stems(study, kind)
        for suffix in ("svg", "pdf", "png")
    ]


def manifests(study: Study) -> list[str]:
    """Manifests of the weights of all models."""
    found = {targets.checkpoint_manifest(study, model) for model in study["models"]}
    return sorted(f"{study['results']}/{path}" for path in found if path is not None)


def token_tables(study: Study) -> list[str]:
    """Token tables of the corpora, sorted by the name of the corpus."""
    return [
        f"{study['results']}/corpora/{name}/tokens.parquet" for name in sorted(study["corpora"])
    ]


def summary_tables(study: Study) -> list[str]:
    """Gathered tables that the summary is made from."""
    have = targets.tables(study)
    return [f"{study['results']}/tables/{name}.parquet" for name in _SUMMARY if name in have]


def summary_options(study: Study, _: Wildcards) -> str:
    """Give what the summary says about the study, apart from results."""
    settings = ("corpora", "checkpoints", "models", "labellings", "contrasts", "analyses")
    return targets.canonical(
        {
            "study": study["study"],
            "corpora": sorted(study["corpora"]),
            "figures": [
                {"title": _title(kind, found), "wildcards": found}
                for kind, found in _in_summary(study)
            ],
            "settings": {key: study[key] for key in settings},
        }
    )


def vectors(study: Study) -> list[str]:
    """Name one embedding file of each model and corpus, whose metadata say what made it."""
    return [
        f"{study['results']}/embeddings/{corpus}/{model}/"
        f"layer-{targets.one_layer(study, model)}.parquet"
        for model in study["models"]
        for corpus in targets.corpora(study, model)
    ]


def shown(study: Study) -> list[str]:
    """Paths of the figures that the summary holds."""
    return [
        f"{study['results']}/{kind.file.format(**found)}.svg" for kind, found in _in_summary(study)
    ]


def captions(study: Study, base: Path) -> list[str]:
    """Paths of the captions of these figures, one a figure."""
    folder = os.path.relpath(base / "workflow/report")
    return [f"{folder}/{kind.name}.rst" for kind, _ in _in_summary(study)]


def _in_summary(study: Study) -> list[tuple[FigureKind, dict[str, str]]]:
    """List the figures that the summary holds: those of single models are in its explorer."""
    return [
        (kind, found)
        for kind in kinds(study)
        if "model" not in kind.by
        for found in _wildcards(study, kind)
    ]


def _title(kind: FigureKind, wildcards: Mapping[str, str]) -> str:
    return " · ".join((kind.category, kind.title, *wildcards.values()))


def _stems(study: Study, kind: FigureKind) -> list[str]:
    return [kind.file.format(**found) for found in _wildcards(study, kind)]


def _wildcards(study: Study, kind: FigureKind) -> Iterator[dict[str, str]]:
    """Wildcards of every figure of one kind."""
    parts = [part for name in tables(study, kind) for part in targets.tables(study)[name]]
    for corpus in sorted(study["corpora"]):
        if kind.name == "change" and not _correlated(study, corpus):
            continue
        names = ("corpus", *kind.by)
        found = (part.removesuffix(".parquet").split("/")[1:] for part in parts)
        for values in dict.fromkeys(tuple(path[: len(names)]) for path in found):
            if values[0] == corpus:
                yield dict(zip(names, values, strict=True))


def _correlated(study: Study, corpus: str) -> bool:
    """Tell whether a contrast on `corpus` has what a correlation across layers needs."""
    compared = [{left, right} for left, right in targets.cka_pairs(study)]
    for sides in study["contrasts"].values():
        pair = sides["treated"], sides["control"]
        shared = set.intersection(*(set(targets.layers(study, model)) for model in pair))
        clustered = all(
            any("/silhouette/" in part for part in targets.scores(study, corpus, model))
            for model in pair
        )
        if clustered and set(pair) in compared and len(shared) >= _FEWEST_LAYERS:
            return True
    return False


def options(study: Study) -> Callable[[Wildcards], str]:
    """Give a params function: the options of a plot command, no more than its kind reads."""
    subsets = study["analyses"].get("silhouette", {}).get("subsets", {})
    sides = [[one["treated"], one["control"]] for _, one in sorted(study["contrasts"].items())]

    def of(wildcards: Wildcards) -> str:
        found: dict[str, Any] = {"corpus": wildcards.corpus}
        if not wildcards.get("labelling"):
            found["contrasts"] = sides
        elif not wildcards.get("model"):
            found["labelling"] = wildcards.labelling
            found["classes"] = {group: name for name in sorted(subsets) for group in subsets[name]}
        else:
            found["labelling"], found["model"] = wildcards.labelling, wildcards.model
        return targets.canonical(found)

    return of
