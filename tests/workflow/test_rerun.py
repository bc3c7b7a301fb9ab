"""What makes a result stale: the contract of the README, one row an edit."""

import os
import re
import shutil
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import numpy as np
import pytest
import soundfile
from checkout import Checkout
from miniature_corpora import write_librispeech, write_textgrid

Json = Any
Edit = Callable[[Checkout], None]

SOURCES = "workflow/src/groundscope"


def _gathered(*tables: str) -> set[str]:
    """Give the jobs that gather tables, and what follows from any of them."""
    return {f"gather_table {table}" for table in tables} | {"write_summary"}


# a rule, or what it gathers, and all that follows from it
CHANGES = {"correlate_changes"} | _gathered("change_correlation")
CONTRASTS = {"contrast_models", "plot_contrasts"} | _gathered("contrasts") | CHANGES
ALIGNMENTS = {"contrast_alignments", "plot_cka_contrasts"} | _gathered("cka_contrasts")
CKA = {"compare_cka", "plot_cka", "plot_cka_layers", "plot_overview"} | _gathered("cka")
PAIRS = {"compare_pairs", "plot_pairs", "plot_overview"} | _gathered(
    "pairs", "pair_values", "word_scores"
)
SILHOUETTE = {
    "score_silhouette",
    "plot_silhouette",
    "plot_silhouette_groups",
    "plot_overview",
} | _gathered("silhouette", "word_scores")
LDA = {"score_lda", "plot_lda", "plot_overview"} | _gathered("lda", "word_scores", "confusion")
PLANES = {"project_words", "plot_planes_pca", "plot_planes_lda"} | _gathered("planes")
# of one model; it has a contrast of scores too where it is a side of it
MODEL = CKA | PAIRS | SILHOUETTE | LDA | PLANES | ALIGNMENTS
ANALYSES = MODEL | CONTRASTS
BY_SIDE = ANALYSES - PLANES - {"plot_silhouette_groups"}
SELECTION = {"select_tokens"} | _gathered("coverage")


def append(path: str, text: str) -> Edit:
    """Return an edit that adds `text` at the end of a file."""

    def edit(checkout: Checkout) -> None:
        file = checkout.folder / path
        file.write_text(file.read_text(encoding="utf-8") + text, encoding="utf-8")

    return edit


def replace(path: str, pattern: str, text: str) -> Edit:
    """Return an edit that replaces the only match of `pattern` in a file."""

    def edit(checkout: Checkout) -> None:
        file = checkout.folder / path
        new, count = re.subn(pattern, text, file.read_text(encoding="utf-8"))
        assert count == 1, f"{pattern} occurs {count} times in {path}"
        file.write_text(new, encoding="utf-8")

    return edit


def configure(change: Callable[[dict[str, Json]], object]) -> Edit:
    """Return an edit of the configuration."""

    def edit(checkout: Checkout) -> None:
        config = checkout.config()
        change(config)
        checkout.configure(config)

    return edit


def several(*edits: Edit) -> Edit:
    """Return an edit that makes all of `edits`."""

    def edit(checkout: Checkout) -> None:
        for each in edits:
            each(checkout)

    return edit


def touch_everything(checkout: Checkout) -> None:
    """Give every source, input and study file today's date."""
    for top in ("workflow", "data", "resources", "envs", "config.yaml", "Snakefile"):
        path = checkout.folder / top
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.is_file():
                os.utime(file)


def reorder(value: Json) -> Json:
    """Reverse the keys of all mappings."""
    if isinstance(value, dict):
        return {key: reorder(item) for key, item in reversed(value.items())}
    return value


def reverse_keys(checkout: Checkout) -> None:
    """Write config.yaml with all keys in the opposite order, and a comment."""
    checkout.configure(reorder(checkout.config()))
    append("config.yaml", "\n# a comment\n")(checkout)


def same_weights_again(checkout: Checkout) -> None:
    """Copy a model's weights over themselves: new date, same content; git notes it beside them."""
    folder = checkout.folder / "data/models/bert"
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes())
    for name in (".git", "onnx"):
        (folder / name).mkdir()
    (folder / ".git/index").touch()
    (folder / ".gitattributes").touch()


def other_weights(checkout: Checkout) -> None:
    """Put other weights behind the same path."""
    import torch
    from safetensors.torch import load_file, save_file

    file = checkout.folder / "data/models/bert/model.safetensors"
    tensors = {name: tensor + 0.01 for name, tensor in load_file(file).items()}
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    save_file(tensors, file, metadata={"format": "pt"})


# appended to the profile of this machine
EXECUTION = """
default-resources:
  mem_mb: 3000
  slurm_partition: other
set-resources:
  extract_embeddings:
    batch_percent: 25
    runtime: 7
set-threads:
  extract_embeddings: 1
  prepare_corpus: 1
"""
OTHER_BERT = {"family": "text", "checkpoint": "bert", "layers": [2]}
OTHER_GLOVE = {"family": "static", "checkpoint": "glove"}
PAIRS_OF_MODELS = [["bert", "glove"], ["bert", "w2v"], ["glove", "w2v"]]


class Row(NamedTuple):
    """What an edit makes run: rules and gathered tables, how often extraction and CKA run.

    With `of`, no extraction, comparison or score of anything but this model.
    """

    edit: Edit
    rules: AbstractSet[str] = frozenset()
    extractions: int = 0
    alignments: int = 0
    of: str = ""


CONTRACT: dict[str, Row] = {
    "nothing": Row(several()),
    "dates of all sources and inputs": Row(touch_everything),
    "comment in and order of config.yaml": Row(reverse_keys),
    "README, tests, planning and wording of errors": Row(
        several(
            append("README.md", "\nnote\n"),
            append("tests/conftest.py", "\n# note\n"),
            append(f"{SOURCES}/plan/targets.py", "\n# note\n"),
            append(f"{SOURCES}/errors.py", "\n# note\n"),
            append(f"{SOURCES}/commands/_cli.py", "\n# note\n"),
        )
    ),
    "batch size, memory, time, threads, partition and layers per job": Row(
        several(
            append("profiles/local/profile.yaml", EXECUTION),
            configure(lambda s: s.update(layers_per_job="all")),
        )
    ),
    "blocks of a corpus": Row(
        configure(lambda s: s.update(extraction_blocks={"clips": 2})),
        ANALYSES | SELECTION | {"extract_block", "join_blocks"},
        alignments=3,
    ),
    "metrics/cka.py": Row(
        append(f"{SOURCES}/metrics/cka.py", "\n# other\n"),
        CKA | ALIGNMENTS | CHANGES,
        alignments=3,
    ),
    "metrics/silhouette.py": Row(
        append(f"{SOURCES}/metrics/silhouette.py", "\n# other\n"),
        SILHOUETTE | PLANES | CONTRASTS,
    ),
    "tables.py": Row(
        append(f"{SOURCES}/tables.py", "\n# other\n"),
        ANALYSES | SELECTION | _gathered("corpus_report"),
        alignments=3,
    ),
    "encoders/text.py": Row(
        append(f"{SOURCES}/encoders/text.py", "\n# other\n"),
        MODEL | {"extract_embeddings"},
        1,
        alignments=2,
        of="bert",
    ),
    "encoders/speech.py": Row(
        append(f"{SOURCES}/encoders/speech.py", "\n# other\n"),
        ANALYSES | {"extract_embeddings"},
        2,
        alignments=2,
        of="w2v",
    ),
    "encoders/static.py": Row(
        append(f"{SOURCES}/encoders/static.py", "\n# other\n"),
        ANALYSES | SELECTION | {"extract_embeddings"},
        1,
        alignments=3,
    ),
    "an option of one model": Row(
        configure(lambda s: s["models"]["bert"].update(pieces="first")),
        MODEL | {"extract_embeddings"},
        1,
        alignments=2,
        of="bert",
    ),
    "the same weights again": Row(same_weights_again),
    "other weights behind the same path": Row(
        other_weights,
        MODEL | {"fetch_checkpoint", "extract_embeddings"},
        1,
        alignments=2,
        of="bert",
    ),
    "one more layer": Row(
        configure(lambda s: s["models"]["w2v"].update(layers=[0, 1, 2])),
        # the control lacks that layer
        ANALYSES - ALIGNMENTS | {"write_summary", "extract_embeddings"},
        1,
        alignments=2,
        of="w2v",
    ),
    "one more model": Row(
        configure(lambda s: s["models"].update({"bert2": OTHER_BERT})),
        MODEL | {"extract_embeddings"},
        1,
        alignments=3,
        of="bert2",
    ),
    "one more model that may lack tokens": Row(
        configure(lambda s: s["models"].update(glove2=OTHER_GLOVE)),
        ANALYSES | SELECTION | {"extract_embeddings"},
        1,
        alignments=6,
    ),
    "one more pair": Row(
        configure(
            lambda s: s["analyses"]["cka"].update(pairs=[*PAIRS_OF_MODELS, ["bert", "bert"]])
        ),
        CKA,
        alignments=1,
        of="bert",
    ),
    "one more labelling": Row(
        configure(lambda s: s["analyses"]["silhouette"]["labellings"].append("speaker")),
        SILHOUETTE | CONTRASTS,
    ),
    "an option of CKA": Row(
        configure(lambda s: s["analyses"]["cka"].update(seed=7)),
        CKA | ALIGNMENTS | CHANGES,
        alignments=3,
    ),
    "permutations of CKA": Row(
        configure(lambda s: s["analyses"]["cka"].update(permutations=7)),
        CKA | CHANGES,
        alignments=3,
    ),
    "an option of a contrast": Row(
        configure(lambda s: s["contrasts"]["change"].update(seed=7)), CONTRASTS | ALIGNMENTS
    ),
    "the sides of a contrast": Row(
        configure(lambda s: s["contrasts"].update(change={"treated": "glove", "control": "w2v"})),
        # lines are drawn by side too, but not in figures of one model
        CONTRASTS | ALIGNMENTS | {rule for rule in BY_SIDE if rule.startswith("plot_")},
    ),
    "a list of labels": Row(
        append("data/clips/meaning.csv", "moon,sky\n"),
        SILHOUETTE | PAIRS | PLANES | CONTRASTS,
    ),
}


def _jobs(planned: dict[str, int], messages: list[str]) -> set[str]:
    """Name the rules that run, one by one for each table that is gathered."""
    gathered = {f"gather_table {m.split()[-1]}" for m in messages if m.startswith("Gather")}
    return {rule for rule in planned if rule != "gather_table"} | gathered


@pytest.mark.parametrize("name", CONTRACT)
def test_an_edit_reruns_what_it_decides_and_nothing_else(study: Checkout, name: str) -> None:
    """The dry run after an edit plans exactly the jobs of the contract's row."""
    row = CONTRACT[name]
    row.edit(study)
    planned, messages = study.dry_run()
    extracted = sum(n for rule, n in planned.items() if rule.startswith("extract_embeddings"))
    assert _jobs(planned, messages) == row.rules
    assert extracted == row.extractions
    assert planned.get("compare_cka", 0) == row.alignments
    others = [m for m in messages if " layers of " in m or m.startswith("Extract")]
    assert others or not row.of
    assert [m for m in others if row.of and row.of not in m.split()] == []


def _write_aligned_corpora(study: Checkout) -> dict[str, Json]:
    """Write recordings of three kinds that have their words beside them; give their options."""
    data = study.folder / "data"
    for name in ("wav/a", "flickr/wavs/a"):
        (data / name).parent.mkdir(parents=True)
        soundfile.write(data / f"{name}.wav", np.sin(np.arange(8000) / 10), 16_000)
    # Snakemake would take an input of this name for one with a wildcard
    (data / "wav/a.wav").rename(data / "wav/take {1}.wav")
    words = [(0.0, 0.2, "cat"), (0.2, 0.4, "dog")]
    write_textgrid(data / "grids/take {1}.TextGrid", {"words": words}, end=0.5)
    said = {"84-1-0000": ["cat", "dog"]}
    write_librispeech(data / "libri", data / "libri-grids", {"dev-clean": said})
    lists = {"wav2capt.txt": "a.wav i.jpg #0\n", "wav2spk.txt": "a.wav 1\n"}
    for name, text in {**lists, "tokens.txt": "i.jpg#0\tA dog .\n"}.items():
        (data / "flickr" / name).write_text(text, encoding="utf-8")
    folders = {"folder": "data/libri", "alignments": "data/libri-grids"}
    flickr = {"folder": "data/flickr", "captions": "data/flickr/tokens.txt"}
    return {
        "mine": {"kind": "textgrids", "audio_folder": "data/wav", "alignments": "data/grids"},
        "libri": {"kind": "librispeech", "splits": ["dev-clean"], **folders},
        "flickr": {"kind": "captions", "layout": "flickr-audio", **flickr},
    }


def test_a_corrected_alignment_reruns_its_corpus(study: Checkout) -> None:
    """A boundary, a list, or a file more or less does; dates and what is beside them do not."""
    corpora = _write_aligned_corpora(study)
    configure(lambda s: s["corpora"].update(corpora))(study)
    tokens = {name: f"results/corpora/{name}/tokens.parquet" for name in corpora}
    done = study.snakemake(*tokens.values())
    assert done.returncode == 0, done.stdout
    touch_everything(study)
    (study.folder / "data/grids/notes.txt").touch()
    assert study.planned(*tokens.values()) == {}
    boundary = replace("data/grids/take {1}.TextGrid", "xmax = 0.2\n", "xmax = 0.19\n")
    for corpus, edit in (
        ("mine", boundary),
        ("libri", replace("data/libri/SPEAKERS.TXT", r"\| F \|", "| M |")),
        ("libri", replace("data/libri/dev-clean/84/1/84-1.trans.txt", "DOG", "HOG")),
        ("flickr", replace("data/flickr/wav2spk.txt", "a.wav 1", "a.wav 2")),
    ):
        edit(study)
        assert study.planned(*tokens.values()) == {"prepare_corpus": 1}
        done = study.snakemake(tokens[corpus])
        assert done.returncode == 0, done.stdout
        assert study.planned(*tokens.values()) == {}
    more = study.folder / "data/libri-grids/dev-clean/84/1/84-1-0001.TextGrid"
    more.write_text("not read as it has no recording", encoding="utf-8")
    assert study.planned(*tokens.values()) == {"prepare_corpus": 1}
    more.unlink()
    assert study.planned(*tokens.values()) == {}


def test_a_replaced_recording_is_not_lost_to_a_run_that_is_cut_short(study: Checkout) -> None:
    """What was computed from the old one is stale once its corpus is made, whatever ran since."""
    file = study.folder / "data/clips/cat-ann.wav"
    samples, rate = soundfile.read(file)
    soundfile.write(file, samples[::-1], rate)
    done = study.snakemake("-R", "prepare_corpus", "--until", "prepare_corpus")
    assert done.returncode == 0, done.stdout
    planned, messages = study.dry_run()
    assert _jobs(planned, messages) == ANALYSES | SELECTION | {"extract_embeddings"}
    assert planned["extract_embeddings"] == 4


def test_results_without_a_record_are_named_and_can_be_accepted(study: Checkout) -> None:
    """Where `.snakemake` is lost no change of an option is seen: until it is said that they fit."""
    said = r"^warning: Snakemake has no record of what made the results of \d+ jobs, such as resu"
    assert not re.search(said, study.snakemake("--dry-run").stdout, re.MULTILINE)
    for kept in ("metadata", "incomplete"):
        shutil.rmtree(study.folder / ".snakemake" / kept, ignore_errors=True)
    done = study.snakemake()
    assert "Nothing to be done" in done.stdout
    assert re.search(said, done.stdout, re.MULTILINE)
    assert "--touch --forceall" in done.stdout
    table = study.folder / "results/tables/cka.parquet"
    content = table.read_bytes()
    assert study.snakemake("--touch", "--forceall").returncode == 0
    assert table.read_bytes() == content
    assert not re.search(said, study.snakemake("--dry-run").stdout, re.MULTILINE)
    configure(lambda s: s["analyses"]["cka"].update(seed=7))(study)
    assert study.planned()["compare_cka"] == 3


def test_another_revision_is_another_model(study: Checkout) -> None:
    """A new commit of the hub makes that model's layers stale, and what is computed from them."""
    hub = {"source": "hub", "repo": "someone/bert", "revision": "a" * 40, "blocks": 2}
    configure(lambda s: s["checkpoints"].update(bert=hub))(study)
    # as if the files had come from the hub
    assert study.snakemake("--touch").returncode == 0
    configure(lambda s: s["checkpoints"]["bert"].update(revision="b" * 40))(study)
    planned, messages = study.dry_run()
    assert _jobs(planned, messages) == MODEL | {"fetch_checkpoint", "extract_embeddings"}
    assert planned["extract_embeddings"] == 1


def test_an_upstream_rerun_with_the_same_output_is_cut_off_by_the_next_run(study: Checkout) -> None:
    """After new corpus code, making the corpus alone leaves nothing stale if its table is equal."""
    append(f"{SOURCES}/corpora/recordings.py", "\n# other\n")(study)
    assert "extract_embeddings" in study.planned()
    done = study.snakemake("--until", "prepare_corpus")
    assert done.returncode == 0, done.stdout
    assert study.planned() == {}


def test_a_selection_that_stays_the_same_is_cut_off_by_the_next_run(study: Checkout) -> None:
    """A new model that lacks no other tokens leaves the other models' comparisons as they are."""
    configure(lambda s: s["models"].update(glove2=OTHER_GLOVE))(study)
    done = study.snakemake("--until", "select_tokens")
    assert done.returncode == 0, done.stdout
    planned, messages = study.dry_run()
    assert _jobs(planned, messages) == MODEL | _gathered("coverage")
    assert planned["compare_cka"] == 3
    assert all("glove2" in message for message in messages if " layers of " in message)


def test_a_refactoring_can_be_accepted(study: Checkout) -> None:
    """The escape hatch of the README keeps results of extraction after a change of its code."""
    append(f"{SOURCES}/encoders/pooling.py", "\n# the same, written better\n")(study)
    assert study.planned()["extract_embeddings"] == 4
    assert study.planned("--consider-ancient", "extract_embeddings=code") == {}


def test_a_lost_file_is_made_again(study: Checkout) -> None:
    """A deleted embedding file is extracted again when it is asked for, and only that one."""
    (study.folder / "results/embeddings/clips/w2v/layer-2.parquet").unlink()
    assert study.planned("embeddings") == {"extract_embeddings": 1}
