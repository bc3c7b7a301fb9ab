"""A study from end to end on this machine."""

import os
import time
from pathlib import Path

import pyarrow.parquet as pq
from checkout import Checkout

from groundscope.embeddings import read_embeddings


def test_every_table_is_there_with_its_rows(finished: Checkout) -> None:
    """All four analyses and the coverage have rows for each configured model."""
    models = {"w2v", "bert", "glove"}
    for name in ("pairs", "silhouette", "lda"):
        table = pq.read_table(finished.folder / f"results/tables/{name}.parquet")
        assert set(table["model"].to_pylist()) == models, name
    cka = pq.read_table(finished.folder / "results/tables/cka.parquet").to_pylist()
    assert {(r["model_a"], r["layer_a"], r["model_b"], r["layer_b"]) for r in cka} == {
        ("bert", "1", "glove", "0"),
        ("bert", "1", "w2v", "0"),
        ("bert", "1", "w2v", "2"),
        ("glove", "0", "w2v", "0"),
        ("glove", "0", "w2v", "2"),
    }


def test_a_word_that_one_model_lacks_is_left_out_for_all(finished: Checkout) -> None:
    """`blue` has no static vector: it is counted, and no analysis of any model uses it."""
    coverage = pq.read_table(finished.folder / "results/tables/coverage.parquet").to_pylist()
    (glove,) = [row for row in coverage if row["model"] == "glove"]
    assert (glove["missing_types"], glove["missing_tokens"]) == (1, 4)
    assert glove["examples"] == "blue"
    for name in ("cka", "silhouette", "lda"):
        rows = pq.read_table(finished.folder / f"results/tables/{name}.parquet").to_pylist()
        words = {row["n_types"] for row in rows if row.get("level", "overall") == "overall"}
        assert words == {5}, name
    for name in ("cka", "pairs", "pair_values", "silhouette", "lda", "confusion", "planes"):
        lost = pq.read_table(finished.folder / f"results/tables/{name}.parquet")["missing_tokens"]
        assert set(lost.to_pylist()) == {4}, name


def test_embedding_files_say_what_made_them(finished: Checkout) -> None:
    """Every file names its model, layer, weights and options, and holds every token once."""
    for file in sorted((finished.folder / "results/embeddings").rglob("*.parquet")):
        embeddings = read_embeddings(file)
        assert embeddings.metadata["model"] == file.parent.name
        assert f"layer-{embeddings.metadata['layer']}" == file.stem
        assert len(embeddings.metadata["checkpoint_sha256"]) == 64
        assert len(embeddings.token_ids) == (20 if file.parent.name == "glove" else 24)


def test_every_figure_is_there_for_screen_and_paper(finished: Checkout) -> None:
    """Each figure exists as SVG and as PDF."""
    figures = finished.folder / "results/figures"
    stems = {file.with_suffix("") for file in figures.rglob("*.svg")}
    assert {stem.name.partition("-")[0] for stem in stems} >= {"cka", "pairs", "silhouette", "lda"}
    assert stems == {file.with_suffix("") for file in figures.rglob("*.pdf")}


def test_a_second_run_has_nothing_to_do(study: Checkout) -> None:
    """Nothing is stale right after a run."""
    done = study.snakemake()
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout


def test_the_report_is_one_file(report: Path) -> None:
    """`--report` writes one HTML file that holds the figures and the study's title."""
    text = report.read_text(encoding="utf-8")
    assert "A tiny study" in text
    for name in ("cka", "pairs", "silhouette", "lda"):
        assert f"figures/{name}" in text or f"{name}.svg" in text


def test_several_layers_a_job_give_the_same_bits(study: Checkout) -> None:
    """One forward pass for all layers writes the same files as one job a layer.

    Also those that are there, where one is missing.
    """
    layers = sorted((study.folder / "results/embeddings/clips/w2v").glob("*.parquet"))
    before = {file.name: file.read_bytes() for file in layers}
    made = layers[1].stat().st_mtime_ns
    layers[0].unlink()
    config = study.config()
    study.configure({**config, "layers_per_job": "all"})
    assert study.planned("embeddings")["extract_embeddings_0_2"] == 1
    done = study.snakemake("embeddings")
    assert done.returncode == 0, done.stdout
    assert {file.name: file.read_bytes() for file in layers} == before
    assert layers[1].stat().st_mtime_ns > made


def test_blocks_give_the_same_bits_and_are_gone_afterwards(study: Checkout) -> None:
    """A corpus shared by two jobs: their files are joined to the same one, then removed."""
    layer = study.folder / "results/embeddings/clips/bert/layer-1.parquet"
    before = layer.read_bytes()
    config = study.config()
    study.configure({**config, "extraction_blocks": {"clips": 2}})
    target = str(layer.relative_to(study.folder))
    done = study.snakemake(target)
    assert done.returncode == 0, done.stdout
    assert layer.read_bytes() == before
    assert not [file for file in study.folder.glob("results/blocks/**/*") if file.is_file()]
    # the blocks are gone, and yet a change of what they were made from is seen
    assert study.planned(target) == {}
    config["models"]["bert"]["pieces"] = "first"
    study.configure({**config, "extraction_blocks": {"clips": 2}})
    assert study.planned(target) == {"extract_block": 2, "join_blocks": 1}


def test_a_file_without_a_record_is_made_again_after_a_run_that_failed(study: Checkout) -> None:
    """What a node wrote when Snakemake no longer looked is not taken for up to date.

    Files that were there before the run, with or without a record, stay.
    """
    new, old = (study.folder / f"results/embeddings/clips/w2v/layer-{k}.parquet" for k in (0, 2))
    for file in (new, old):
        done = study.snakemake("--cleanup-metadata", str(file.relative_to(study.folder)))
        assert done.returncode == 0, done.stdout
    assert study.planned() == {}
    # as if it had been written while the run below went on
    later = time.time() + 60
    os.utime(new, (later, later))
    (study.folder / "data/clips/meaning.csv").write_text("word,label\n", encoding="utf-8")
    assert study.snakemake().returncode == 1
    assert study.planned("embeddings") == {"extract_embeddings": 1}
    assert study.planned(str(old.relative_to(study.folder))) == {}


def test_another_study_file_replaces_the_default(study: Checkout) -> None:
    """With --configfile nothing of config.yaml is left: no model, no corpus is merged in."""
    other = study.config()
    other["models"] = {"only": other["models"]["glove"]}
    other["analyses"] = {"lda": {"labellings": ["speaker"]}}
    del other["contrasts"]
    own = Path("other.yaml")
    study.configure(other)
    (study.folder / "config.yaml").rename(study.folder / own)
    (study.folder / "config.yaml").write_text("study: {title: x}\nnonsense: true\n")
    planned = study.planned("--configfile", str(own))
    assert planned["extract_embeddings"] == 1
    assert "compare_cka" not in planned
