"""The studies of papers, run whole on miniature data, against the papers' steps written out."""

import hashlib
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from checkout import ROOT, Checkout, copy_project
from numpy.typing import NDArray
from paper_studies import (
    ALONE,
    HOMOPHONES,
    SHORT,
    SYNONYMS,
    UNKNOWN,
    UNSPOKEN,
    Study,
    at_hand,
    grouped_words,
    read_study,
    utterances,
    wordnet,
    write_data,
)
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import silhouette_score
from web import served

from groundscope.analysis.replication import read_published
from groundscope.embeddings import read_embeddings

Array = NDArray[np.float64]
Rows = list[dict[str, Any]]
# Of the paper's models: the outputs of their blocks.
LAYERS = [str(k) for k in range(1, 13)]
# Of the paper's LDA spaces, with a group left out.
DIMENSIONS = {"meaning": 7, "sound": 12}
# The figures of the paper that ours stand beside; the kinds have tests of their own.
FIGURES = (
    "librispeech/cka-layers",
    "librispeech/pairs",
    "mald/silhouette",
    "mald/planes-lda-meaning--fast-vgs-plus",
    "mald/change",
)


def _less_curious(study: Study) -> Study:
    """Cut what costs time and is tested elsewhere: nulls, k-means, most of the resampling."""
    study["analyses"]["silhouette"] |= {"permutations": 0, "kmeans_seeds": 0}
    for contrast in study["contrasts"].values():
        contrast |= {"bootstrap": 100, "permutations": 99}
    return study


def _less_choi(study: Study) -> Study:
    """Keep one of the speakers by themselves, and one model on that corpus."""
    for name in ("2412", "6313", "1580", "2277"):
        del study["corpora"][f"speaker-{name}"]
    for name, model in study["models"].items():
        if name != "wav2vec2-base":
            model["corpora"] = ["librispeech"]
    return study


class Run:
    """A finished study."""

    def __init__(self, folder: Path, study: Study) -> None:
        self.folder, self.study = folder / study["results"], study

    def table(self, name: str, **keys: str) -> Rows:
        """Read the rows of a gathered table that have some values."""
        rows: Rows = pq.read_table(self.folder / f"tables/{name}.parquet").to_pylist()
        return [row for row in rows if all(row[key] == value for key, value in keys.items())]

    def tokens(self, corpus: str) -> Rows:
        """Read the tokens that all models have."""
        folder = self.folder / "corpora" / corpus
        chosen = pq.read_table(folder / "selected.parquet").column("token_id").to_pylist()
        rows = pq.read_table(folder / "tokens.parquet").to_pylist()
        return [row for row in rows if row["token_id"] in set(chosen)]

    def vectors(self, corpus: str, model: str, layer: str, words: object = None) -> Array:
        """Read the vectors of these tokens, or those of some words."""
        place = self.folder / f"embeddings/{corpus}/{model}/layer-{layer}.parquet"
        tokens = self.tokens(corpus)
        kept = [r["token_id"] for r in tokens if not isinstance(words, dict) or r["word"] in words]
        return read_embeddings(place).aligned(np.array(kept)).astype(np.float64)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Run]]:
    """Run both study files; `at_hand` says where their sources are, the functions what is cut."""
    checkout = copy_project(tmp_path_factory.mktemp("papers") / "project")
    write_data(checkout.folder / "data")
    web = tmp_path_factory.mktemp("web")
    archive = wordnet()
    (web / "WordNet-3.0.tar.gz").write_bytes(archive)
    with served(web) as address:
        url = f"{address}/WordNet-3.0.tar.gz"
        release = {"url": url, "sha256": hashlib.sha256(archive).hexdigest()}
        curious = _less_curious(at_hand(read_study("curious-case"), release))
        choi = _less_choi(at_hand(read_study("choi-2024"), release))
        drawn = [f"results/curious-case/figures/{name}.png" for name in FIGURES]
        yield {
            "curious": _finish(checkout, "curious-case", curious, *drawn),
            "choi": _finish(checkout, "choi-2024", choi),
        }


def _finish(checkout: Checkout, name: str, study: Study, *targets: str) -> Run:
    file = f"resources/studies/{name}.yaml"
    (checkout.folder / file).write_text(yaml.safe_dump(study, sort_keys=False), encoding="utf-8")
    # one thread a job, and as many jobs at once as there are cores
    frugal = ("--max-threads", "1", "--resources", "gpu=4")
    done = checkout.snakemake("tables", *targets, "--configfile", file, *frugal)
    assert done.returncode == 0, done.stdout[-5000:]
    return Run(checkout.folder, study)


@pytest.fixture(scope="module")
def curious(papers: dict[str, Run]) -> Run:
    """Give the study of Sauter et al."""
    return papers["curious"]


def _cka(x: Array, y: Array) -> float:
    """Linear CKA, biased, as published: from centred features."""
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(y.T @ x) ** 2 / norms)


def _discriminants(x: Array, labels: list[str]) -> Array:
    return np.asarray(LinearDiscriminantAnalysis().fit_transform(x, labels))


def test_tokens_are_those_of_the_paper(curious: Run) -> None:
    """What CMUdict, WordNet, GloVe or a receptive field lacks is dropped, and nothing else."""
    said = [word for split in utterances().values() for words in split.values() for word in words]
    dropped = {UNSPOKEN, ALONE, SHORT, UNKNOWN}
    wanted = sorted(word for word in said if word not in dropped)
    assert sorted(row["word"] for row in curious.tokens("librispeech")) == wanted
    assert {row["word"] for row in curious.tokens("mald")} == {
        *grouped_words("semantic"),
        *grouped_words("phonetic"),
    }
    (coverage,) = curious.table("coverage", corpus="librispeech")
    assert (coverage["examples"], coverage["missing_tokens"]) == (UNKNOWN, said.count(UNKNOWN))


def _projected(run: Run, model: str, layer: str) -> Array:
    """Project the words of the categories into their LDA space."""
    groups = grouped_words("semantic")
    labels = [groups[r["word"]] for r in run.tokens("mald") if r["word"] in groups]
    return _discriminants(run.vectors("mald", model, layer, groups), labels)


def _silhouette(run: Run, row: dict[str, Any], layer: str) -> float:
    """Score groups in a space: all of them at once, or the mean over runs without one."""
    groups = grouped_words({"meaning": "semantic", "sound": "phonetic"}[row["labelling"]])
    if row["subset"] != "all":
        asked = run.study["analyses"]["silhouette"]["subsets"][row["subset"]]
        groups = {word: label for word, label in groups.items() if label in asked}
    every = run.vectors("mald", row["model"], layer, groups)
    labels = np.array([groups[r["word"]] for r in run.tokens("mald") if r["word"] in groups])
    alone = row["protocol"] == "leave-one-group-out"
    scores = []
    for left_out in sorted(set(labels)) if alone else [""]:
        x, y = every[labels != left_out], labels[labels != left_out]
        if row["space"].startswith("lda:"):
            x = _discriminants(x, y.tolist())
            assert not alone or x.shape[1] == DIMENSIONS[row["labelling"]]
        elif row["space"] == "pca-8":
            x = PCA(n_components=8, svd_solver="full").fit_transform(x)
        scores.append(silhouette_score(x, y, metric=row["metric"]))
    return float(np.mean(scores))


def _grounded(run: Run, model_a: str, model_b: str) -> list[float]:
    """Align two models in the LDA space of the categories, layer by layer."""
    return [_cka(*(_projected(run, m, layer) for m in (model_a, model_b))) for layer in LAYERS]


def _ours(run: Run, row: dict[str, Any]) -> float:
    """Compute one published number from the vectors, as its paper did."""
    if row["table"] == "silhouette":
        layers = LAYERS if row["average"] else [row["layer"]]
        return float(np.mean([_silhouette(run, row, layer) for layer in layers]))
    if row["table"] == "pairs":
        # which tokens of a word are paired is drawn: tests of metrics compute the kinds anew
        keys = {key: row[key] for key in ("corpus", "model", "kind", "measure")}
        found = {r["layer"]: r["estimate"] for r in run.table("pairs", **keys)}
        return float(np.mean([found[layer] for layer in LAYERS]))
    if row["table"] == "change_correlation":
        sides = run.study["contrasts"][row["contrast"]]
        treated, control = sides["treated"], sides["control"]
        after, before = (
            [_silhouette(run, {**row, "model": model}, layer) for layer in LAYERS]
            for model in (treated, control)
        )
        change = np.subtract(after, before)
        return float(np.corrcoef(_grounded(run, treated, control), change)[0, 1])
    a, b = row["model_a"], row["model_b"]
    if row["average"] is None:
        sides = ((a, row["layer_a"]), (b, row["layer_b"]))
        return _cka(*(run.vectors("librispeech", *side) for side in sides))
    return float(np.mean(_grounded(run, a, b)))


def test_every_published_number_is_beside_ours(curious: Run) -> None:
    """All rows are compared, and ours is what the paper's own steps give for these vectors."""
    rows = curious.table("replication")
    assert len(rows) == len(read_published(ROOT / curious.study["replication"]))
    assert {row["status"] for row in rows} == {"compared"}
    wanted = [_ours(curious, row) for row in rows]
    np.testing.assert_allclose([row["ours"] for row in rows], wanted, rtol=1e-5, atol=1e-6)
    for row in rows:
        assert row["difference"] == pytest.approx(row["ours"] - row["published"])


def test_vg_bert_is_bert_where_it_was_frozen(curious: Run) -> None:
    """Blocks 1 to 4 give one curve with any third model, and the trained blocks another."""
    rows = curious.table("cka", corpus="librispeech", space="full", model_a="fast-vgs-plus")
    found = {
        (row["model_b"], row["layer_a"], row["layer_b"]): row["estimate"]
        for row in rows
        if row["estimator"] == "biased"
    }
    for layer in range(1, 13):
        one, other = (found[model, str(layer), str(layer)] for model in ("bert", "vg-bert"))
        assert (one == other) is (layer <= 4)


@pytest.mark.parametrize("space", ["full", "pca-8", "lda:meaning"])
def test_silhouettes_leave_one_group_out(curious: Run, space: str) -> None:
    """The mean over runs without one group, in spaces fitted anew, is that of scikit-learn."""
    keys = {"model": "fast-vgs-plus", "layer": "11", "labelling": "meaning", "subset": "all"}
    keys |= {"protocol": "leave-one-group-out", "metric": "euclidean", "measure": "silhouette"}
    (row,) = curious.table("silhouette", space=space, level="overall", **keys)
    assert row["estimate"] == pytest.approx(_silhouette(curious, row, "11"), abs=1e-6)


def _pair_mean(run: Run, model: str, layer: str, pairs: object) -> float:
    """Mean cosine of all token pairs of word pairs, by word pair first."""
    words = np.array([row["word"] for row in run.tokens("librispeech")])
    x = run.vectors("librispeech", model, layer)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert isinstance(pairs, list)
    means = [(unit[words == a] @ unit[words == b].T).mean() for a, b in pairs]
    return float(np.mean(means))


@pytest.mark.parametrize(
    ("study", "model", "layer"),
    [
        ("curious", "fast-vgs-plus", "12"),
        ("curious", "vg-bert", "7"),
        ("choi", "wavlm-large", "24"),
    ],
)
def test_word_pairs_are_averaged_by_word_first(
    papers: dict[str, Run], study: str, model: str, layer: str
) -> None:
    """Where the draw is all tokens, each of five draws gives the mean over all pairs."""
    run = papers[study]
    related = pq.read_table(run.folder / "word_map/librispeech.parquet").to_pylist()
    listed: dict[str, list[tuple[str, str]]] = {}
    for row in related:
        listed.setdefault(row["relation"], []).append((row["word_a"], row["word_b"]))
    both = [(b, a) for a, b in SYNONYMS]
    assert set(listed["synonym"]) == {*SYNONYMS, *both}
    assert {*HOMOPHONES} <= set(listed["near-homophone"])
    for kind in ("synonym", "near-homophone"):
        keys = {"corpus": "librispeech", "model": model, "layer": layer, "kind": kind}
        (row,) = run.table("pairs", measure="raw", **keys)
        assert row["seeds"] == 5
        wanted = _pair_mean(run, model, layer, listed[kind])
        assert row["estimate"] == pytest.approx(wanted, abs=1e-6)


def test_change_and_clustering_have_every_layer(curious: Run) -> None:
    """Both contrasts, in the space of the categories, with both signs and both correlations."""
    rows = curious.table("change_correlation", corpus="mald", cka_space="lda:meaning")
    assert {row["n_layers"] for row in rows} == {12}
    assert {(row["contrast"], row["x"], row["correlation"]) for row in rows} == set(
        product(("speech", "text"), ("cka", "change"), ("pearson", "spearman"))
    )


def test_choi_has_all_hidden_states(papers: dict[str, Run]) -> None:
    """Layer 0 and each block of each model; kinds as published, one speaker by itself too."""
    run = papers["choi"]
    rows = run.table("pairs")
    depths = {"wav2vec2-base": 12, "wav2vec2-large": 24, "hubert-base": 12, "hubert-large": 24}
    depths |= {"wavlm-large": 24, "xls-r-300m": 24}
    assert {(row["model"], row["layer"]) for row in rows} == {
        (model, str(layer)) for model, blocks in depths.items() for layer in range(blocks + 1)
    }
    kinds = {"random", "different-word", "same-word", "same-speaker", "synonym", "near-homophone"}
    for corpus in ("librispeech", "speaker-5142"):
        assert {row["kind"] for row in rows if row["corpus"] == corpus} == kinds
    assert {row["speaker"] for row in run.tokens("speaker-5142")} == {"5142"}
    said = [word for words in utterances()["test-clean"].values() for word in words]
    assert {row["word"] for row in run.tokens("speaker-5142")} <= {*said} - {UNSPOKEN, ALONE, SHORT}


@pytest.mark.parametrize(
    ("model", "norm"),
    [
        ("wav2vec2-large", "block"),
        ("hubert-large", "after encoder.layer_norm"),
        ("wavlm-large", "after encoder.layer_norm"),
        ("xls-r-300m", "after encoder.layer_norm"),
    ],
)
def test_choi_has_the_last_hidden_state_of_its_time(
    papers: dict[str, Run], model: str, norm: str
) -> None:
    """The authors' transformers 4.35 gives that of pre-norm models behind their final norm."""
    place = papers["choi"].folder / f"embeddings/librispeech/{model}/layer-24.parquet"
    assert read_embeddings(place).metadata["fact.last_layer"] == norm
