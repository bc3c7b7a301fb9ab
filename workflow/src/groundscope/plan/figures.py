"""Which figures a study has: one a kind and corpus, and for some kinds one a labelling."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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
    by_labelling
        Whether there is a figure for each labelling.
    """

    name: str
    tables: tuple[str, ...]
    category: str
    title: str
    by_labelling: bool = False

    @property
    def file(self) -> str:
        """File, below the results folder and without suffix, with wildcards."""
        tail = "-{labelling}" if self.by_labelling else ""
        return f"figures/{{corpus}}/{self.name.replace('_', '-')}{tail}"

    @property
    def labels(self) -> dict[str, str]:
        """What tells the figures of one section apart in the report, with wildcards."""
        labels = {"corpus": "{corpus}", "figure": self.title}
        return labels | {"labelling": "{labelling}"} if self.by_labelling else labels


KINDS = (
    FigureKind("cka", ("cka",), "Alignment", "All layers with all layers"),
    FigureKind("cka_layers", ("cka",), "Alignment", "Layer by layer"),
    FigureKind("pairs", ("pairs",), "Word pairs", "Similarity by layer"),
    FigureKind("silhouette", ("silhouette",), "Clustering", "Silhouette by layer"),
    FigureKind(
        "silhouette_groups", ("silhouette",), "Clustering", "Silhouette of each group", True
    ),
    FigureKind("lda", ("lda",), "Decodability", "Held-out accuracy by layer"),
    FigureKind("contrasts", ("contrasts",), "Contrasts", "Treated minus control"),
    FigureKind(
        "change",
        ("change_correlation", "cka", "silhouette"),
        "Contrasts",
        "Change against clustering",
    ),
)


def kinds(study: Study) -> list[FigureKind]:
    """List the kinds of figures whose tables the study has."""
    have = set(targets.tables(study))
    return [kind for kind in KINDS if have.issuperset(kind.tables)]


def files(study: Study) -> list[str]:
    """Files of all figures, below the results folder, without suffix."""
    return [path for kind in kinds(study) for path in _files(study, kind)]


def _files(study: Study, kind: FigureKind) -> Iterator[str]:
    for corpus in study["corpora"]:
        parts = targets.result_parts(study, kind.tables[0])
        if not kind.by_labelling:
            if any(f"/{corpus}/" in part for part in parts):
                yield kind.file.format(corpus=corpus)
            continue
        for labelling in study["analyses"][kind.tables[0]]["labellings"]:
            if any(f"/{corpus}/{labelling}/" in part for part in parts):
                yield kind.file.format(corpus=corpus, labelling=labelling)


def options(study: Study) -> Callable[[Wildcards], str]:
    """Options of a plot command, as a params function: what to draw, and in which order.

    The order of the configuration is kept in the figure, so re-ordering models redraws it.
    """
    contrasts: Mapping[str, Any] = study.get("contrasts", {})

    def of(wildcards: Wildcards) -> str:
        found: dict[str, Any] = {
            "corpus": wildcards.corpus,
            "models": list(study["models"]),
            "labellings": list(study["labellings"]),
            "contrasts": [[one["treated"], one["control"]] for one in contrasts.values()],
        }
        if "labelling" in wildcards.keys():
            found["labelling"] = wildcards.labelling
        return targets.canonical(found)

    return of
