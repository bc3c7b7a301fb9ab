"""Which figures a study has follows from its configuration."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from checkout import ROOT

from groundscope.plan import figures, targets
from groundscope.plan.config import resolve_study
from groundscope.plan.jobs import Plan

STUDY = """
study: {title: t}
results: out
corpora:
  read: {kind: recordings, manifest: m.csv}
  listed: {kind: word-list, words: [a, b]}
checkpoints:
  w: {source: folder, path: w, blocks: 3}
  b: {source: folder, path: b, blocks: 3}
models:
  one: {family: speech, checkpoint: w}
  two: {family: speech, checkpoint: w, layers: [0, 1]}
  text: {family: text, checkpoint: b}
labellings:
  meaning: {words: g.csv}
  speaker: {column: speaker, corpora: [read]}
contrasts: {training: {treated: one, control: two}}
analyses:
  cka: {}
  silhouette: {labellings: [meaning, speaker]}
"""


def _study(**changes: Any) -> dict[str, Any]:
    study: dict[str, Any] = resolve_study({**yaml.safe_load(STUDY), **changes})
    return study


def _names(study: dict[str, Any]) -> set[str]:
    return {path.removeprefix("out/figures/").removesuffix(".svg")
            for path in figures.files(study) if path.endswith(".svg")}  # fmt: skip


def test_figures_follow_the_analyses() -> None:
    """No figure of an analysis, labelling or pair of models that a corpus does not have."""
    assert _names(_study()) == {
        "read/overview",
        "listed/overview",
        "read/cka",
        "read/cka-layers",
        "read/silhouette",
        "read/silhouette-groups-meaning",
        "read/silhouette-groups-speaker",
        "read/contrasts",
        "read/cka-contrasts",
        "listed/silhouette",
        "listed/silhouette-groups-meaning",
    }


def test_words_in_a_plane_have_a_figure_for_each_model() -> None:
    """The report holds them; the summary, which has every layer to step through, does not."""
    study = _study(contrasts={}, analyses={"planes": {"labellings": ["meaning"]}})
    assert _names(study) == {
        f"{corpus}/planes-{space}-meaning--{model}"
        for corpus, models in (("read", ("one", "two", "text")), ("listed", ("text",)))
        for space in ("pca", "lda")
        for model in models
    }
    assert figures.shown(study) == []


def test_change_needs_four_shared_layers() -> None:
    """A correlation over fewer layers does not exist, so neither does its figure."""
    models = yaml.safe_load(STUDY)["models"]
    models["two"]["layers"] = [0, 1, 2, 3]
    assert "read/change" in _names(_study(models=models))
    assert "read/change" not in _names(_study())


def test_every_figure_has_three_formats() -> None:
    """For the screen, for print and for slides."""
    files = figures.files(_study())
    assert len(files) == len(set(files)) == 3 * len(_names(_study()))


def test_order_of_the_configuration_changes_no_option() -> None:
    """Re-ordering contrasts or subsets redraws nothing."""
    silhouette = {"labellings": ["meaning"], "subsets": {"x": ["a", "b"], "y": ["c", "d"]}}
    turned = {"labellings": ["meaning"], "subsets": {"y": ["c", "d"], "x": ["a", "b"]}}
    wildcards = _Wildcards(corpus="read", labelling="meaning")
    texts = [
        figures.options(_study(analyses={"silhouette": part}))(wildcards)
        for part in (silhouette, turned)
    ]
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["classes"] == {"a": "x", "b": "x", "c": "y", "d": "y"}


def test_contrasts_and_subsets_redraw_no_plane() -> None:
    """Nor does a contrast redraw the figure of single groups: neither shows it."""
    silhouette = {"labellings": ["meaning"], "subsets": {"x": ["a", "b"]}}
    changed = figures.options(_study(analyses={"silhouette": silhouette}))
    none = _study(contrasts={}, analyses={"silhouette": {"labellings": ["meaning"]}})
    plane = _Wildcards(corpus="read", labelling="meaning", model="one")
    assert changed(plane) == figures.options(none)(plane)
    one_contrast = figures.options(_study())
    no_contrast = figures.options(_study(contrasts={}))
    groups, all_models = plane.without("model"), plane.without("model", "labelling")
    assert one_contrast(groups) == no_contrast(groups)
    assert one_contrast(all_models) != no_contrast(all_models)


class _Wildcards(SimpleNamespace):
    """Wildcards as Snakemake gives them."""

    def get(self, name: str) -> Any:
        """Value of a wildcard, or None."""
        return getattr(self, name, None)

    def without(self, *names: str) -> "_Wildcards":
        """Those of a figure that has fewer."""
        return _Wildcards(**{key: value for key, value in vars(self).items() if key not in names})


def _reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reversed_keys(item) for key, item in reversed(value.items())}
    return [_reversed_keys(item) for item in value] if isinstance(value, list) else value


def _options(study: dict[str, Any]) -> dict[str, str]:
    """Give the params of jobs that hold mappings of the configuration."""
    plan = Plan(study)
    found = {"summary": figures.summary_options(study, SimpleNamespace())}
    sections = {
        "corpus": ("corpora", plan.corpus_options),
        "checkpoint": ("checkpoints", plan.fetch_options),
        "dataset": ("datasets", plan.dataset_options),
        "model": ("models", plan.model_options),
        "labelling": ("labellings", plan.label_options),
        "contrast": ("contrasts", plan.contrast_options),
    }
    for wildcard, (section, options) in sections.items():
        for name in study[section]:
            found[f"{section}.{name}"] = options(SimpleNamespace(**{wildcard: name}))
    for analysis in study["analyses"]:
        found[analysis] = plan.analysis_options(analysis)(SimpleNamespace())
    figure = figures.options(study)
    for labelling in study["labellings"]:
        found[f"figure.{labelling}"] = figure(_Wildcards(corpus="c", labelling=labelling))
    return found


@pytest.mark.parametrize(
    "text",
    [
        STUDY,
        *(
            path.read_text(encoding="utf-8")
            for path in (ROOT / "config.yaml", *sorted((ROOT / "resources/studies").glob("*.yaml")))
        ),
    ],
    ids=["this", "default", "choi-2024", "curious-case", "encoders"],
)
def test_the_order_of_keys_changes_no_job(text: str) -> None:
    """Reversed at every depth, a study has the same files and the same params."""
    config = yaml.safe_load(text)
    study, other = resolve_study(config), resolve_study(_reversed_keys(config))
    assert list(other["models"]) == [*reversed(study["models"])]
    parts, others = targets.tables(study), targets.tables(other)
    assert {name: set(found) for name, found in parts.items()} == {
        name: set(found) for name, found in others.items()
    }
    assert set(figures.files(study)) == set(figures.files(other))
    assert set(figures.vectors(study)) == set(figures.vectors(other))
    assert _options(study) == _options(other)


def test_the_order_of_layers_changes_no_input_of_other_jobs() -> None:
    """One file of a model stands for all: the same one in whatever order layers are listed."""
    models = yaml.safe_load(STUDY)["models"]
    models["two"] |= {"layers": [2, 0], "short_clips": "drop"}
    study = _study(models=models)
    models["two"]["layers"] = [0, 2]
    other = _study(models=models)
    assert figures.vectors(study) == figures.vectors(other)
    job = SimpleNamespace(corpus="read")
    assert Plan(study).lacking_embeddings(job) == Plan(other).lacking_embeddings(job) != []


def test_the_summary_reads_the_lists_that_analyses_read() -> None:
    """Those of groups of word pairs too; not columns, nor lists that nothing is made from."""
    lists: dict[str, Any] = {
        name: {"words": f"{name}.csv"} for name in ("meaning", "pairs", "unused")
    }
    lists["speaker"] = {"column": "speaker", "corpora": ["read"]}
    analyses = {"lda": {"labellings": ["meaning", "speaker"]}, "pairs": {"groups": "pairs"}}
    study = _study(labellings=lists, analyses=analyses)
    assert Plan(study).summary_lists(SimpleNamespace()) == ["meaning.csv", "pairs.csv"]
    study["analyses"].pop("pairs")
    assert Plan(study).summary_lists(SimpleNamespace()) == ["meaning.csv"]
