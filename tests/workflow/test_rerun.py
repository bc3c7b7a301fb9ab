"""What makes a result stale: the contract of the README, one row an edit."""

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from checkout import Checkout

Json = Any
Edit = Callable[[Checkout], None]

SOURCES = "workflow/src/groundscope"
# what follows from new embeddings of one model, or of any
END = {"gather_table", "write_summary"}
CKA = {"compare_cka", "plot_cka", "plot_cka_layers", "plot_overview"} | END
PAIRS = {"compare_pairs", "plot_pairs", "plot_overview"} | END
SILHOUETTE = {
    "score_silhouette",
    "plot_silhouette",
    "plot_silhouette_groups",
    "plot_overview",
} | END
LDA = {"score_lda", "plot_lda", "plot_overview"} | END
PLANES = {"project_words", "plot_planes_pca", "plot_planes_lda"} | END
ANALYSES = CKA | PAIRS | SILHOUETTE | LDA | PLANES


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


# edit -> the rules that must run, and how often extraction does
CONTRACT: dict[str, tuple[Edit, set[str], int]] = {
    "nothing": (several(), set(), 0),
    "dates of all sources and inputs": (touch_everything, set(), 0),
    "comment in and order of config.yaml": (reverse_keys, set(), 0),
    "README, tests, planning and wording of errors": (
        several(
            append("README.md", "\nnote\n"),
            append("tests/conftest.py", "\n# note\n"),
            append(f"{SOURCES}/plan/targets.py", "\n# note\n"),
            append(f"{SOURCES}/errors.py", "\n# note\n"),
            append(f"{SOURCES}/commands/_cli.py", "\n# note\n"),
        ),
        set(),
        0,
    ),
    "profile and layers per job": (
        several(
            append("profiles/local/profile.yaml", "\ndefault-resources:\n  mem_mb: 3000\n"),
            configure(lambda s: s.update(layers_per_job="all")),
        ),
        set(),
        0,
    ),
    "blocks of a corpus": (
        configure(lambda s: s.update(extraction_blocks={"clips": 2})),
        ANALYSES | {"extract_block", "join_blocks", "select_tokens"},
        0,
    ),
    "metrics/cka.py": (append(f"{SOURCES}/metrics/cka.py", "\n# other\n"), CKA, 0),
    "metrics/silhouette.py": (
        append(f"{SOURCES}/metrics/silhouette.py", "\n# other\n"),
        SILHOUETTE | PLANES,
        0,
    ),
    "tables.py": (
        append(f"{SOURCES}/tables.py", "\n# other\n"),
        ANALYSES | {"select_tokens"},
        0,
    ),
    "encoders/text.py": (
        append(f"{SOURCES}/encoders/text.py", "\n# other\n"),
        ANALYSES | {"extract_embeddings"},
        1,
    ),
    "encoders/speech.py": (
        append(f"{SOURCES}/encoders/speech.py", "\n# other\n"),
        ANALYSES | {"extract_embeddings"},
        2,
    ),
    "encoders/static.py": (
        append(f"{SOURCES}/encoders/static.py", "\n# other\n"),
        ANALYSES | {"extract_embeddings", "select_tokens"},
        1,
    ),
    "an option of one model": (
        configure(lambda s: s["models"]["bert"].update(pieces="first")),
        ANALYSES | {"extract_embeddings"},
        1,
    ),
    "the same weights again": (same_weights_again, set(), 0),
    "other weights behind the same path": (
        other_weights,
        ANALYSES | {"fetch_checkpoint", "extract_embeddings"},
        1,
    ),
    "one more layer": (
        configure(lambda s: s["models"]["w2v"].update(layers=[0, 1, 2])),
        ANALYSES | {"extract_embeddings"},
        1,
    ),
    "one more model": (
        configure(
            lambda s: s["models"].update(
                bert2={"family": "text", "checkpoint": "bert", "layers": [2]}
            )
        ),
        ANALYSES | {"extract_embeddings"},
        1,
    ),
    "one more labelling": (
        configure(lambda s: s["analyses"]["silhouette"]["labellings"].append("speaker")),
        SILHOUETTE,
        0,
    ),
    "an option of CKA": (configure(lambda s: s["analyses"]["cka"].update(seed=7)), CKA, 0),
    "a list of labels": (
        append("data/clips/meaning.csv", "moon,sky\n"),
        SILHOUETTE | PAIRS | PLANES,
        0,
    ),
}


@pytest.mark.parametrize("name", CONTRACT)
def test_an_edit_reruns_what_it_decides_and_nothing_else(study: Checkout, name: str) -> None:
    """The dry run after an edit plans exactly the rules of the contract's row."""
    edit, rules, extractions = CONTRACT[name]
    edit(study)
    planned = study.planned()
    extracted = sum(n for rule, n in planned.items() if rule.startswith("extract_embeddings"))
    assert set(planned) == rules
    assert extracted == extractions


def test_an_upstream_rerun_with_the_same_output_is_cut_off_by_the_next_run(study: Checkout) -> None:
    """After new corpus code, making the corpus alone leaves nothing stale if its table is equal."""
    append(f"{SOURCES}/corpora/recordings.py", "\n# other\n")(study)
    assert "extract_embeddings" in study.planned()
    done = study.snakemake("--until", "prepare_corpus")
    assert done.returncode == 0, done.stdout
    assert study.planned() == {}


def test_a_refactoring_can_be_accepted(study: Checkout) -> None:
    """The escape hatch of the README keeps results of extraction after a change of its code."""
    append(f"{SOURCES}/encoders/pooling.py", "\n# the same, written better\n")(study)
    assert study.planned()["extract_embeddings"] == 4
    assert study.planned("--consider-ancient", "extract_embeddings=code") == {}


def test_a_lost_file_is_made_again(study: Checkout) -> None:
    """A deleted embedding file is extracted again when it is asked for, and only that one."""
    (study.folder / "results/embeddings/clips/w2v/layer-2.parquet").unlink()
    assert study.planned("embeddings") == {"extract_embeddings": 1}
