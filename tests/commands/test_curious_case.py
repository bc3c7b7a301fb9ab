"""The analyses of the study file of Sauter et al. (2025), on look-alike vectors of its words."""

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from embedding_files import write_embeddings
from labelled_study import call

from groundscope import tables
from groundscope.analysis.replication import read_published
from groundscope.commands import (
    compare_cka,
    compare_pairs,
    compare_published,
    contrast_models,
    correlate_changes,
    gather_table,
    score_silhouette,
)
from groundscope.plan import targets
from groundscope.plan.config import resolve_study
from groundscope.plan.jobs import Plan
from groundscope.token_table import write_tokens

ROOT = Path(__file__).parents[2]
PAIRS = (("shirt", "jacket"), ("grin", "grid"))
NO_WILDCARDS = SimpleNamespace()
# MALD has a word once, LibriSpeech many times and by many speakers.
SPEAKERS = {"mald": ["one"], "librispeech": ["one", "two"]}


def _study(name: str = "curious-case") -> dict[str, Any]:
    text = (ROOT / f"resources/studies/{name}.yaml").read_text(encoding="utf-8")
    return resolve_study(yaml.safe_load(text))


def _words(labelling: str) -> dict[str, str]:
    name = {"meaning": "semantic", "sound": "phonetic"}[labelling]
    path = ROOT / f"resources/word-groups/curious-case-{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return {row["word"]: row["label"] for row in csv.DictReader(file)}


class LookAlike:
    """Files of the study as its extraction would leave them, with made-up vectors."""

    def __init__(self, folder: Path, study: dict[str, Any]) -> None:
        self.folder, self.study = folder, study
        rng = np.random.default_rng(0)
        meaning = _words("meaning")
        words = sorted(meaning.keys() | _words("sound").keys())
        # a word's group shows in its vectors, more so in deeper layers
        groups = sorted(set(meaning.values()))
        place = {word: groups.index(label) for word, label in meaning.items()}
        for corpus, speakers in SPEAKERS.items():
            # fewer words where all layers of six pairs of models are compared
            said = words if corpus == "mald" else sorted({*words[::4], *PAIRS[0], *PAIRS[1]})
            ids = [f"{word}-{speaker}" for word in said for speaker in speakers]
            spoken = np.repeat(said, len(speakers))
            self._tokens(corpus, ids, spoken.tolist(), list(speakers) * len(said))
            shared = rng.normal(size=(len(ids), 14))
            for model in study["models"]:
                for layer in targets.layers(study, model):
                    vectors = shared + rng.normal(size=shared.shape)
                    for row, word in enumerate(spoken):
                        vectors[row, place.get(word, 13)] += int(layer) / 4
                    path = self.file(f"{model}-{layer}", corpus)
                    about = {"model": model, "corpus": corpus, "layer": layer}
                    write_embeddings(path, np.array(ids), vectors.astype(np.float32), about)

    def file(self, name: str, corpus: str) -> Path:
        """Name a file of a corpus."""
        return self.folder / f"{corpus}-{name}.parquet"

    def layers(self, model: str, corpus: str) -> list[Path]:
        """Name all layers of a model."""
        names = targets.layers(self.study, model)
        return [self.file(f"{model}-{layer}", corpus) for layer in names]

    def shared(self, corpus: str) -> dict[str, Any]:
        """Files that every analysis reads."""
        return {name: self.file(name, corpus) for name in ("tokens", "selected")}

    def _tokens(
        self, corpus: str, ids: Sequence[str], words: Sequence[str], speakers: Sequence[str]
    ) -> None:
        missing = dict.fromkeys(("audio", "start_s", "end_s", "phones"), [None] * len(ids))
        spans = {"char_start": [0] * len(ids), "char_end": [1] * len(ids)}
        named = {"token_id": ids, "word": words, "text": words, "speaker": speakers}
        write_tokens(self.file("tokens", corpus), {**named, **missing, **spans})
        tables.write_table(self.file("selected", corpus), "selection", {"token_id": ids})


def _align(data: LookAlike, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    made = []
    for left, right in targets.cka_pairs(data.study):
        # as the paper has it: speech and text on LibriSpeech, grounded and not in the LDA space
        grounded = (left, right) in {("wav2vec2", "fast-vgs-plus"), ("bert", "vg-bert")}
        corpus, space = ("mald", "lda") if grounded else ("librispeech", "full")
        made.append(data.file(f"{left}--{right}", corpus))
        wildcards = SimpleNamespace(corpus=corpus)
        options = json.loads(plan.cka_options(wildcards))
        call(
            monkeypatch,
            compare_cka.main,
            **data.shared(corpus),
            left=data.layers(left, corpus),
            right=data.layers(right, corpus),
            labelling=data.study["analyses"]["cka"]["labelling"],
            label_options=json.loads(plan.space_label_options(wildcards)),
            options={**options, "spaces": [space]},
            output=made[-1],
        )
    return made


def _cluster(
    data: LookAlike, plan: Plan, monkeypatch: pytest.MonkeyPatch, *names: str
) -> tuple[Path, Path]:
    """Score a labelling of a model in a space; subsets where the paper has them."""
    model, labelling, space = names
    options = json.loads(plan.analysis_options("silhouette")(NO_WILDCARDS))
    options |= {"permutations": 0, "spaces": [space], "kmeans_seeds": 0}
    if space != "full":
        options["subsets"] = {}
    made = tuple(data.file(f"{'-'.join(names)}-{what}", "mald") for what in ("scores", "words"))
    labels = json.loads(plan.label_options(SimpleNamespace(labelling=labelling)))
    files = {"label_options": labels, **data.shared("mald")}
    files |= {"labelling": labelling, "output": made[0], "words": made[1]}
    layers = data.layers(model, "mald")
    call(monkeypatch, score_silhouette.main, embeddings=layers, options=options, **files)
    return made[0], made[1]


def _word_map(folder: Path) -> Path:
    path = folder / "map.parquet"
    first, second = zip(*PAIRS, strict=True)
    found = {"relation": ["synonym", "near-homophone"], "word_a": first, "word_b": second}
    found |= {"corpus": ["librispeech"] * 2}
    tables.write_table(path, "word_map", {**found, "distance": [0.8, 0.4]})
    return path


def _relate(
    data: LookAlike, plan: Plan, monkeypatch: pytest.MonkeyPatch, model: str, word_map: Path
) -> Path:
    made = data.file(f"{model}-pairs", "librispeech")
    call(
        monkeypatch,
        compare_pairs.main,
        **data.shared("librispeech"),
        embeddings=data.layers(model, "librispeech"),
        label_options=json.loads(plan.pair_group_options(SimpleNamespace(corpus="librispeech"))),
        word_map=word_map,
        options=json.loads(plan.analysis_options("pairs")(NO_WILDCARDS)),
        output=made,
    )
    return made


def _change(
    data: LookAlike,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    contrast: str,
    words: Mapping[str, Sequence[Path]],
) -> tuple[Path, Path]:
    """Grounded minus not, and how that goes with the change in the space of the categories."""
    sides = data.study["contrasts"][contrast]
    made = tuple(data.file(f"{contrast}-{what}", "mald") for what in ("contrasts", "change"))
    call(
        monkeypatch,
        contrast_models.main,
        contrast=contrast,
        treated=words[sides["treated"]],
        control=words[sides["control"]],
        options=json.loads(plan.contrast_options(SimpleNamespace(contrast=contrast))),
        output=made[0],
    )
    call(
        monkeypatch,
        correlate_changes.main,
        contrast=contrast,
        contrasts=made[0],
        cka=data.file(f"{sides['control']}--{sides['treated']}", "mald"),
        options=json.loads(plan.change_options(SimpleNamespace(contrast=contrast))),
        output=made[1],
    )
    return made[0], made[1]


def test_every_published_number_meets_one_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all models there, no published number is left without its row, and none has two.

    Options are those of the file but for what only costs time: each analysis runs where the paper
    has it, without permutations.
    """
    monkeypatch.chdir(ROOT)
    study = _study()
    plan, data = Plan(study), LookAlike(tmp_path, study)
    published = read_published(ROOT / study["replication"])
    parts: dict[str, list[Path]] = {"cka": _align(data, plan, monkeypatch)}
    parts |= {"pairs": [], "silhouette": [], "change_correlation": []}
    for model in sorted({row["model"] for row in published if row["table"] == "pairs"}):
        parts["pairs"].append(_relate(data, plan, monkeypatch, model, _word_map(tmp_path)))
    words: dict[str, list[Path]] = {}
    scored = {
        (row["model"], row["labelling"], row["space"].partition(":")[0])
        for row in published
        if row["table"] == "silhouette"
    }
    for model, labelling, space in sorted(scored):
        scores, of_words = _cluster(data, plan, monkeypatch, model, labelling, space)
        parts["silhouette"].append(scores)
        if labelling == "meaning":
            words.setdefault(model, []).append(of_words)
    for contrast in study["contrasts"]:
        contrasts, correlations = _change(data, plan, monkeypatch, contrast, words)
        parts["change_correlation"].append(correlations)
        rows = tables.read_table(contrasts, "contrasts").to_pylist()
        families = Counter(
            (row["layer"], row["space"], row["protocol"], row["subset"]) for row in rows
        )
        # by both metrics, as the paper has them at once and leaving a group out
        assert families == {
            (str(layer), space, protocol, subset): 2
            for layer in range(1, 13)
            for protocol in ("all-groups", "leave-one-group-out")
            for space, subset in (
                *(("full", subset) for subset in ("all", "concrete", "abstract")),
                ("lda:meaning", "all"),
            )
        }
        rows = tables.read_table(correlations, "change_correlation").to_pylist()
        assert {(row["x"], row["correlation"], row["n_layers"]) for row in rows} == {
            (sign, kind, 12) for sign in ("cka", "change") for kind in ("pearson", "spearman")
        }
    for name, found in parts.items():
        output = tmp_path / f"{name}.parquet"
        call(monkeypatch, gather_table.main, table=name, inputs=found, output=output)
    output = tmp_path / "replication.parquet"
    call(
        monkeypatch,
        compare_published.main,
        published=study["replication"],
        tables=[tmp_path / f"{name}.parquet" for name in parts],
        output=output,
    )
    rows = tables.read_table(output, "replication").to_pylist()
    assert {row["status"] for row in rows} == {"compared"}
    assert len(rows) == len(published)
    for row in rows:
        assert row["difference"] == pytest.approx(row["ours"] - row["published"])


@pytest.mark.parametrize("name", ["curious-case", "choi-2024"])
def test_pairs_of_a_study(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds and kinds are those of the file, with the relations of a map of words."""
    monkeypatch.chdir(ROOT)
    data, study = LookAlike(tmp_path, _study()), _study(name)
    plan = Plan(study)
    made = _relate(data, plan, monkeypatch, "bert", _word_map(tmp_path))
    rows = tables.read_table(made, "pairs").to_pylist()
    own = {"same-group"} if name == "curious-case" else set()
    shared = {"random", "different-word", "same-word", "same-speaker", "synonym", "near-homophone"}
    assert {row["kind"] for row in rows} == shared | own
    assert {row["seeds"] for row in rows} == {5}
