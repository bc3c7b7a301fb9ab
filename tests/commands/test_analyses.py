"""The analysis commands, from files to tables."""

import logging
from collections import Counter
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from checkout import ROOT
from embedding_files import write_embeddings
from labelled_study import OPTIONS, SPEAKERS, WORDS, Study, call
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import silhouette_score

from groundscope import tables
from groundscope.analysis.contrasts import contrast_rows
from groundscope.commands import (
    compare_cka,
    compare_pairs,
    contrast_alignments,
    contrast_models,
    correlate_changes,
    gather_table,
    project_words,
    score_lda,
    score_silhouette,
)
from groundscope.embeddings import read_embeddings
from groundscope.errors import UserError
from groundscope.metrics.alignment import compare_layers
from groundscope.metrics.groups import Groups, of_similar_count, permuted_rows
from groundscope.metrics.jackknife import as_of_equal_blocks, jackknife
from groundscope.metrics.sources import Source
from groundscope.metrics.spaces import into_space, refit_blocks
from groundscope.metrics.word_pairs import sample_rows
from groundscope.token_table import read_tokens, write_tokens


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Files of a tiny study."""
    return Study(tmp_path)


def _rows(path: Path, table: str, **wanted: Any) -> list[dict[str, Any]]:
    rows = tables.read_table(path, table).to_pylist()
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def _score(study: Study, monkeypatch: pytest.MonkeyPatch, name: str, **given: Any) -> Path:
    output = study.folder / f"{name}.parquet"
    command = {"silhouette": score_silhouette, "lda": score_lda}[name]
    files: dict[str, Any] = {
        "tokens": study.tokens,
        "selected": study.selected,
        "labelling": "meaning",
        "label_options": study.label_options,
        "options": OPTIONS[name],
        "output": output,
    }
    call(monkeypatch, command.main, **{**files, **given})
    return output


def _compare(
    study: Study, monkeypatch: pytest.MonkeyPatch, left: Any, right: Any, **options: Any
) -> Path:
    output = study.folder / "cka.parquet"
    meaning = {"labelling": "meaning", "label_options": study.label_options}
    labelled = options.pop("labelled", meaning)
    named = labelled if "spaces" in options else {}
    call(
        monkeypatch, compare_cka.main, tokens=study.tokens, selected=study.selected,
        left=left, right=right, options={**OPTIONS["cka"], **options}, output=output, **named,
    )  # fmt: skip
    return output


def test_cka_of_a_model_with_itself(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The diagonal is 1 with zero error; every pair of layers and both estimators are there."""
    layers = study.layers("one", 1.0, 1)
    measures = ["cka-linear", "cka-rbf", "rsa", "knn"]
    output = _compare(study, monkeypatch, layers[::-1], layers, measures=measures)
    rows = _rows(output, "cka")
    assert len(rows) == 4 * (2 + 2 + 1 + 1)
    same = [row for row in rows if row["layer_a"] == row["layer_b"]]
    assert [row["estimate"] for row in same] == pytest.approx([1.0] * len(same))
    assert [row["standard_error"] for row in same] == pytest.approx([0.0] * len(same), abs=1e-7)
    assert {row["n_types"] for row in rows} == {WORDS}
    assert all(row["null_mean"] < row["null_high"] < 1 for row in same)


def test_cka_inside_the_lda_space(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors are projected on scikit-learn's discriminant axes of the labels first."""
    paths = [study.layers(model, 3.0, seed, 1)[0] for seed, model in enumerate(("one", "two"))]
    output = _compare(study, monkeypatch, *paths, spaces=["full", "lda"])
    spaces = []
    for path in paths:
        vectors = read_embeddings(path).aligned(study.ids).astype(np.float64)
        means = vectors.reshape(WORDS, 3, -1).mean(axis=1)
        projected = LinearDiscriminantAnalysis().fit_transform(means, np.arange(WORDS) % 4)
        spaces.append(projected - projected.mean(axis=0))
    x, y = spaces
    expected = np.linalg.norm(x.T @ y) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)
    found = _rows(output, "cka", space="lda:meaning", estimator="biased")
    assert [row["estimate"] for row in found] == pytest.approx([expected], abs=1e-10)
    assert len(_rows(output, "cka", space="full")) == 2


def test_error_in_fitted_spaces(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of both jobs: axes are fitted anew without each of the same blocks of words."""
    models = [study.layers(model, 3.0, seed, 1) for seed, model in enumerate("abc")]
    spaces = ["lda", "pca-2"]
    output = _compare(study, monkeypatch, models[0], models[2], spaces=spaces, seed=4)
    means = [
        read_embeddings(path).aligned(study.ids).astype(np.float64).reshape(WORDS, 3, -1).mean(1)
        for (path,) in models
    ]
    labels, words = Groups.of(np.arange(WORDS) % 4), Groups.of(study.ids[::3])
    contrasts = study.folder / "contrasts.parquet"
    options = {**OPTIONS["cka"], "spaces": spaces, "seed": 4}
    call(
        monkeypatch, contrast_alignments.main, contrast="x", tokens=study.tokens,
        selected=study.selected, treated=models[0], control=models[1], third=models[2],
        labelling="meaning", label_options=study.label_options, output=contrasts,
        options={name: value for name, value in options.items() if name != "permutations"},
        contrast_options=OPTIONS["contrasts"],
    )  # fmt: skip
    for space, fitted_to in (("lda", labels), ("pca-2", None)):
        blocks = refit_blocks(words, fitted_to, 4)
        found = []
        for block in range(-1, 20):
            kept = blocks != block
            left = None if fitted_to is None else labels.only(kept)
            x, y, z = (into_space(rows[kept], space, left) for rows in means)
            a, b, c = (each @ each.T for each in (rows - rows.mean(axis=0) for rows in (x, y, z)))
            found.append(
                [np.vdot(one, c) / np.linalg.norm(one) / np.linalg.norm(c) for one in (a, b)]
            )
        one, other = np.transpose(found)
        errors = [
            jackknife(
                score[0], as_of_equal_blocks(score[0], score[1:], np.bincount(blocks))
            ).standard_error
            for score in (one, one - other)
        ]
        named = {"space": "lda:meaning" if space == "lda" else space, "estimator": "biased"}
        (row,) = _rows(output, "cka", **named)
        assert row["standard_error"] == pytest.approx(errors[0], rel=1e-6)
        (row,) = _rows(contrasts, "cka_contrasts", **named)
        assert row["standard_error"] == pytest.approx(errors[1], rel=1e-6)


@pytest.mark.parametrize(("space", "given"), [("pca-8", True), ("pca-7", False), ("lda", False)])
def test_axes_are_given_where_no_word_turns_them(
    study: Study, monkeypatch: pytest.MonkeyPatch, space: str, *, given: bool
) -> None:
    """From eight components on the error is that of the projected rows, each word left out."""
    models = [study.layers(model, 3.0, seed, 1) for seed, model in enumerate("ac")]
    output = _compare(study, monkeypatch, *models, spaces=[space], permutations=0)
    labels, words = Groups.of(np.arange(WORDS) % 4), Groups.of(study.ids[::3])
    sources = []
    for (path,) in models:
        vectors = read_embeddings(path).aligned(study.ids).astype(np.float64)
        rows = into_space(vectors.reshape(WORDS, 3, -1).mean(axis=1), space, labels)
        sources.append(Source("rows", rows.shape[1], partial(np.array, rows)))
    (expected, _) = compare_layers(sources[:1], sources[1:], words).interval.standard_error
    (row,) = _rows(output, "cka", estimator="debiased")
    assert (row["standard_error"] == pytest.approx(expected.item(), rel=1e-6)) is given


@pytest.mark.parametrize("drawn", [{}, {"rows": ["tokens"], "sample": 60, "draws": 2}])
def test_null_of_the_lda_space(
    study: Study, monkeypatch: pytest.MonkeyPatch, drawn: dict[str, Any]
) -> None:
    """Noise looks alike in the spaces of any labels, and no more so in that of these."""
    models = [study.layers(model, 0.0, seed) for seed, model in enumerate(("one", "two"))]
    output = _compare(study, monkeypatch, *models, spaces=["lda"], **drawn)
    found = _rows(output, "cka", estimator="debiased")
    assert len(found) == 4
    estimate, null = (np.mean([row[key] for row in found]) for key in ("estimate", "null_mean"))
    assert estimate > 0.09
    assert null == pytest.approx(estimate, abs=0.06)
    assert min(row["p_value"] for row in found) > 0.05


@pytest.mark.parametrize("space", ["full", "lda"])
def test_null_of_unequal_numbers_of_tokens(
    study: Study, monkeypatch: pytest.MonkeyPatch, space: str
) -> None:
    """Of types, words take the places of those with as many tokens; in an LDA space before it."""
    kept = np.arange(len(study.ids)) % 3 <= np.repeat(np.arange(WORDS) % 3, 3)
    tables.write_table(study.selected, "selection", {"token_id": study.ids[kept]})
    paths = [study.layers(model, 1.0, seed, 1)[0] for seed, model in enumerate(("one", "two"))]
    output = _compare(study, monkeypatch, *paths, spaces=[space], permutations=1)
    words = Groups.of(study.word[kept])
    assert len(np.unique(words.sizes)) > 1
    x, y = (words.means(read_embeddings(path).aligned(study.ids[kept])) for path in paths)
    strata = of_similar_count(words.sizes)
    moved = y[permuted_rows(Groups.of(words.names), np.random.default_rng(0), strata)]
    labels = Groups.of(np.arange(WORDS) % 4)
    x, moved = (into_space(rows, space, labels) for rows in (x, moved))
    x, moved = x - x.mean(axis=0), moved - moved.mean(axis=0)
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(moved.T @ moved)
    (row,) = _rows(output, "cka", estimator="biased")
    assert row["null_mean"] == pytest.approx(np.linalg.norm(x.T @ moved) ** 2 / norms, rel=1e-9)


def test_labels_stay_among_words_of_as_many_tokens(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where each label has a number of tokens of its own none moves; of tokens all do."""
    kept = np.arange(len(study.ids)) % 3 <= np.repeat(np.arange(WORDS) % 4, 3)
    tables.write_table(study.selected, "selection", {"token_id": study.ids[kept]})
    path = study.layers("one", 9.0, 0, 1)[0]
    options = {**OPTIONS["silhouette"], "subsets": {"two": ["g0", "g1"]}}
    output = _score(study, monkeypatch, "silhouette", embeddings=path, options=options)
    for row in _rows(output, "silhouette", protocol="all-groups", level="overall"):
        still = row["subset"] == "two"
        assert (row["null_mean"] == pytest.approx(row["estimate"])) == still
        assert (row["p_value"] == 1) == still
    lines = study.labels.read_text(encoding="utf-8").splitlines()
    study.labels.write_text(
        "\n".join(line for line in lines if line[-2:] not in ("g2", "g3")), encoding="utf-8"
    )
    for kind, still in (("types", True), ("tokens", False)):
        options = {**OPTIONS["lda"], "rows": kind}
        output = _score(study, monkeypatch, "lda", embeddings=path, options=options)
        for row in _rows(output, "lda"):
            assert row["estimate"] > 0.9
            assert (row["null_mean"] > 0.9) == still


def test_cka_draws(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Draws of tokens are counted, differ, and are the same again with the same seed."""
    models = study.layers("one", 1.0, 1), study.layers("two", 1.0, 2)
    drawn = {"rows": ["tokens"], "sample": 40, "draws": 3}
    found = [_rows(_compare(study, monkeypatch, *models, **drawn), "cka") for _ in range(2)]
    assert found[0] == found[1]
    both = {"rows": ["types", "tokens"], "measures": ["cka-linear", "rsa"], "sample": 40}
    output = _compare(study, monkeypatch, *models, **both)
    kinds = {(row["rows"], row["measure"], row["n_types"]) for row in _rows(output, "cka")}
    assert {kind[:2] for kind in kinds} == {
        ("types", "cka-linear"), ("types", "rsa"), ("tokens", "cka-linear"),
    }  # fmt: skip
    assert {(row["n_tokens"], row["draws"]) for row in found[0]} == {(40, 3)}
    words = {"rows": ["types"], "measures": ["cka-linear"], "sample": WORDS - 2}
    caplog.set_level(logging.INFO)
    all_rows = {"rows": ["types"], "sample": WORDS, "draws": 3}
    assert {
        row["draws"] for row in _rows(_compare(study, monkeypatch, *models, **all_rows), "cka")
    } == {1}
    assert f"sample {WORDS} has all {WORDS} types: one draw" in caplog.text
    output = _compare(study, monkeypatch, *models, **words)
    # three tokens a word
    sizes = {(row["n_tokens"], row["n_types"]) for row in _rows(output, "cka")}
    assert sizes == {(3 * (WORDS - 2), WORDS - 2)}
    assert all(row["draw_sd"] > 0 for row in found[0])


def test_silhouette_is_that_of_the_word_means(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With labels of words, rows are means over the word's tokens."""
    layers = study.layers("one", 3.0, 1)
    output = _score(study, monkeypatch, "silhouette", embeddings=layers)
    vectors = read_embeddings(layers[0]).aligned(study.ids).astype(np.float64)
    means = vectors.reshape(WORDS, 3, -1).mean(axis=1)
    expected = silhouette_score(means, np.arange(WORDS) % 4, metric="cosine")
    row = _rows(
        output,
        "silhouette",
        layer="0",
        metric="cosine",
        level="overall",
        protocol="all-groups",
    )[0]
    assert row["estimate"] == pytest.approx(expected, abs=1e-12)
    assert (row["rows"], row["n_tokens"], row["n_types"]) == ("types", 3 * WORDS, WORDS)
    assert row["permuted"] == "word"
    assert row["p_value"] == pytest.approx(1 / 20)
    groups = _rows(output, "silhouette", layer="0", metric="cosine", level="group")
    assert np.mean([each["estimate"] for each in groups]) == pytest.approx(expected)
    runs = _rows(output, "silhouette", layer="0", protocol="leave-one-group-out")
    assert {(each["n_groups"], each["permuted"]) for each in runs} == {(3, "word")}
    assert {each["interval"] for each in runs} == {"jackknife over words"}


def test_groups_with_the_same_mean_have_no_lda_space(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A text encoder gives a word the same vector whoever says it, but for rounding."""
    vectors = np.random.default_rng(0).normal(size=(WORDS, 12)).repeat(3, axis=0)
    vectors += np.random.default_rng(1).normal(scale=1e-7, size=vectors.shape)
    path = study.folder / "text.parquet"
    metadata = {"model": "text", "corpus": "tiny", "layer": "0"}
    write_embeddings(path, study.ids, vectors.astype(np.float32), metadata)
    options = {**OPTIONS["silhouette"], "spaces": ["full", "lda"]}
    output = _score(
        study, monkeypatch, "silhouette", embeddings=[path], options=options,
        labelling="speaker", label_options={"column": "speaker"},
    )  # fmt: skip
    assert {row["space"] for row in _rows(output, "silhouette")} == {"full"}
    assert "layer 0 of text" in caplog.text
    assert "groups of speaker have the same mean, or are one vector each" in caplog.text
    caplog.clear()
    speakers = {"labelling": "speaker", "label_options": {"column": "speaker"}}
    other = study.layers("speech", 1.0, 1)
    spaces = {"spaces": ["full", "lda"], "rows": ["tokens"]}
    output = _compare(study, monkeypatch, other, path, labelled=speakers, **spaces)
    assert {row["space"] for row in _rows(output, "cka")} == {"full"}
    assert "layer 0 of text on tiny: groups of speaker have the same mean" in caplog.text


@pytest.mark.parametrize(
    ("groups", "scale", "message"),
    [
        (
            "aaaaaaaa",
            1.0,
            "LDA space of 'meaning' in .*: a labelling needs at least 2 groups, got 1: a",
        ),
        ("aaaabbbc", 1.0, "LDA space of 'meaning' in .*: group 'c' has 1 word with vectors"),
        ("aaaabbbb", 0.0, "LDA space of 'meaning' in .*: all 8 rows are the same vector"),
    ],
)
def test_what_no_lda_space_is_made_of(
    study: Study, monkeypatch: pytest.MonkeyPatch, groups: str, scale: float, message: str
) -> None:
    """It is an error, as it is of other spaces and analyses, and no empty table."""
    lines = [f"{word},{group}\n" for word, group in zip(study.words, groups, strict=False)]
    study.labels.write_text("word,label\n" + "".join(lines), encoding="utf-8")
    vectors = scale * np.random.default_rng(0).normal(size=(3 * WORDS, 12)) + 1
    path, metadata = study.folder / "one.parquet", {"model": "one", "corpus": "tiny", "layer": "0"}
    write_embeddings(path, study.ids, vectors.astype(np.float32), metadata)
    options = {**OPTIONS["silhouette"], "spaces": ["lda"]}
    with pytest.raises(UserError, match=message):
        _score(study, monkeypatch, "silhouette", embeddings=[path], options=options)
    with pytest.raises(UserError, match=message):
        _compare(study, monkeypatch, study.layers("two", 1.0, 1), path, spaces=["lda"])
    with pytest.raises(UserError, match=r"LDA of 'meaning' in layer 0 of one on tiny: "):
        _score(study, monkeypatch, "lda", embeddings=[path])


@pytest.mark.parametrize(("space", "named"), [("pca-1", "pca-1"), ("lda", "lda:meaning")])
def test_one_dimension_has_no_cosines(
    study: Study,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    space: str,
    named: str,
) -> None:
    """Other measures of the job are made; where there are none, an error says why."""
    lines = [f"{word},{'ab'[at % 2]}\n" for at, word in enumerate(study.words)]
    study.labels.write_text("word,label\n" + "".join(lines), encoding="utf-8")
    models = study.layers("one", 1.0, 1, 1), study.layers("two", 1.0, 2, 1)
    measures = ["cka-linear", "cka-rbf", "rsa", "knn"]
    output = _compare(study, monkeypatch, *models, spaces=[space], measures=measures)
    assert {row["measure"] for row in _rows(output, "cka")} == {"cka-linear", "cka-rbf"}
    assert f"no rsa in {named}, knn in {named}, which needs two dimensions" in caplog.text
    output.unlink()
    with pytest.raises(UserError, match=f"1 or -1: no knn in {named}"):
        _compare(study, monkeypatch, *models, spaces=[space], measures=["knn"])
    assert not output.exists()
    output = _compare(study, monkeypatch, *models, spaces=["full", space], measures=["knn"])
    assert {row["space"] for row in _rows(output, "cka")} == {"full"}
    options = {**OPTIONS["silhouette"], "spaces": [space]}
    output = _score(study, monkeypatch, "silhouette", embeddings=models[0], options=options)
    assert {row["metric"] for row in _rows(output, "silhouette")} == {"euclidean"}
    assert f"layer 0 of one on tiny: {space} of meaning has one dimension" in caplog.text
    output.unlink()
    options["metrics"] = ["cosine"]
    with pytest.raises(UserError, match="'meaning': nothing is left to score: cosine needs"):
        _score(study, monkeypatch, "silhouette", embeddings=models[0], options=options)
    assert not output.exists()


def test_words_of_one_vector_each(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Static vectors as tokens, the word as the label: a warning, and no row of LDA."""
    vectors = np.random.default_rng(0).normal(size=(WORDS, 12)).repeat(3, axis=0)
    path = study.folder / "static.parquet"
    metadata = {"model": "static", "corpus": "tiny", "layer": "0"}
    write_embeddings(path, study.ids, vectors.astype(np.float32), metadata)
    word = {"labelling": "word", "label_options": {"column": "word"}}
    options = {**OPTIONS["silhouette"], "spaces": ["full", "lda"], "metrics": ["cosine"]}
    output = _score(
        study, monkeypatch, "silhouette", embeddings=[path], options=options, **word
    )  # fmt: skip
    rows = _rows(output, "silhouette", protocol="all-groups", level="overall", measure="silhouette")
    assert [(row["space"], row["estimate"]) for row in rows] == [("full", pytest.approx(1.0))]
    output = _score(study, monkeypatch, "lda", embeddings=[path], **word)
    assert not _rows(output, "lda")
    assert "layer 0 of static on tiny: the rows of each class of word are one vector" in caplog.text


def test_planes_hold_every_word_of_every_layer(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each labelled word once a layer and space; one layer stands for the model."""
    output = study.folder / "planes.parquet"
    call(
        monkeypatch, project_words.main, tokens=study.tokens, selected=study.selected,
        labelling="meaning", label_options=study.label_options,
        embeddings=study.layers("one", 3.0, 1),
        options={"rows": "auto", "layer": "best"}, output=output,
    )  # fmt: skip
    rows = _rows(output, "planes")
    keys = [(row["layer"], row["space"], row["word"]) for row in rows]
    layers = {row["layer"] for row in rows}
    assert len(set(keys)) == len(keys) == len(layers) * 2 * rows[0]["n_types"]
    assert len({row["layer"] for row in rows if row["chosen"]}) == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("w00,a\nw01,a\n", "a labelling needs at least 2 groups, got 1: a"),
        ("w00,a\nw01,a\nw02,b\n", "group 'b' has 1 word with vectors"),
    ],
)
def test_planes_of_too_few_words(
    study: Study, monkeypatch: pytest.MonkeyPatch, lines: str, message: str
) -> None:
    """What planes cannot be made of is said, with the layer, and nothing is written."""
    study.labels.write_text(f"word,label\n{lines}", encoding="utf-8")
    output = study.folder / "planes.parquet"
    where = "planes of 'meaning' in layer 0 of one on tiny: "
    with pytest.raises(UserError, match=where + message):
        call(
            monkeypatch, project_words.main, tokens=study.tokens, selected=study.selected,
            labelling="meaning", label_options=study.label_options,
            embeddings=study.layers("one", 3.0, 1),
            options={"rows": "auto", "layer": "best"}, output=output,
        )  # fmt: skip
    assert not output.exists()


def test_lda_reads_separated_groups_and_not_noise(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups far apart are read; without a difference accuracy is within its null."""
    words = study.folder / "words.parquet"
    confusion = study.folder / "confusion.parquet"
    output = _score(
        study,
        monkeypatch,
        "lda",
        embeddings=[*study.layers("one", 8.0, 1, 1)],
        words=words,
        confusion=confusion,
    )
    row = _rows(output, "lda", measure="accuracy")[0]
    assert row["estimate"] > 0.9
    assert (row["chance"], row["held_apart"], row["n_classes"]) == (0.25, "word", 4)
    assert row["ci_low"] < row["estimate"] <= row["ci_high"] <= 1
    for measure in ("accuracy", "balanced-accuracy"):
        of_words = _rows(words, "word_scores", measure=measure)
        assert len(of_words) == WORDS
        (scored,) = _rows(output, "lda", measure=measure)
        pseudo = np.mean([each["pseudo_values"] for each in of_words])
        assert pseudo == pytest.approx(scored["estimate"])
    cells = _rows(confusion, "confusion")
    assert sum(cell["count"] for cell in cells) == 2 * WORDS
    output = _score(study, monkeypatch, "lda", embeddings=study.layers("none", 0.0, 3, 1))
    assert _rows(output, "lda", measure="accuracy")[0]["p_value"] > 0.1


def test_lda_of_a_column(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """A label that varies within the word is read from tokens, with words apart."""
    output = _score(
        study,
        monkeypatch,
        "lda",
        embeddings=study.layers("one", 1.0, 1, 1),
        labelling="speaker",
        label_options={"column": "speaker"},
    )
    row = _rows(output, "lda", measure="accuracy")[0]
    assert (row["rows"], row["held_apart"], row["n_tokens"]) == ("tokens", "word", 3 * WORDS)
    with pytest.raises(UserError, match=r"no column 'sex'; it has token_id"):
        _score(
            study,
            monkeypatch,
            "lda",
            embeddings=study.layers("one", 1.0, 1, 1),
            label_options={"column": "sex"},
        )


@pytest.mark.parametrize(
    ("accents", "permuted"), [(["x", "y", "y"], "speaker"), (["x", "y", "z"], "word")]
)
@pytest.mark.parametrize(("name", "measure"), [("silhouette", "silhouette"), ("lda", "accuracy")])
def test_labels_of_speakers(
    study: Study,
    monkeypatch: pytest.MonkeyPatch,
    accents: list[str],
    permuted: str,
    name: str,
    measure: str,
) -> None:
    """That one of three speakers is apart has p 1/3 at best, unless each label is a speaker."""
    told = read_tokens(study.tokens)
    write_tokens(study.tokens, told.append_column("accent", pa.array(accents * WORDS)))
    (layer,) = study.layers("one", 0.0, 1, 1)
    vectors = read_embeddings(layer).aligned(study.ids)
    vectors[:, :3] += 20 * np.tile(np.eye(3, dtype=np.float32), (WORDS, 1))
    write_embeddings(layer, study.ids, vectors, {"model": "one", "corpus": "tiny", "layer": "0"})
    given = {"embeddings": layer, "label_options": {"column": "accent"}}
    given["options"] = {**OPTIONS[name], "protocols": ["all-groups"]}
    row = _rows(_score(study, monkeypatch, name, **given), name, measure=measure)[0]
    assert row["permuted"] == permuted
    assert row["p_value"] > 0.15 if permuted == "speaker" else row["p_value"] <= 0.1
    assert row["interval"].startswith("jackknife over words")


def test_labels_of_a_column_of_numbers(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN is no label, as a missing value is none."""
    told = read_tokens(study.tokens)
    takes = pa.array([1.0, 2.0, float("nan")] * (WORDS - 1) + [1.0, 2.0, None])
    write_tokens(study.tokens, told.append_column("take", takes))
    given = {"labelling": "take", "label_options": {"column": "take"}}
    confusion = study.folder / "confusion.parquet"
    layers = study.layers("one", 1.0, 1, 1)
    output = _score(study, monkeypatch, "lda", embeddings=layers, confusion=confusion, **given)
    row = _rows(output, "lda")[0]
    assert (row["n_classes"], row["n_tokens"], row["unlabelled_tokens"]) == (2, 2 * WORDS, WORDS)
    assert {row["true_label"] for row in _rows(confusion, "confusion")} == {"1", "2"}


def test_labels_by_first_phone(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stress is no part of a phone; tokens without a phone, or with a rare one, are left out."""
    layers = study.layers("one", 8.0, 1, 1)
    given: dict[str, Any] = {"embeddings": layers, "labelling": "phone"}
    given["label_options"] = {"column": "first-phone"}
    row = _rows(_score(study, monkeypatch, "lda", **given), "lda", measure="accuracy")[0]
    assert (row["n_classes"], row["n_types"], row["n_tokens"]) == (4, WORDS, 3 * WORDS - 1)
    assert (row["unlabelled_tokens"], row["missing_tokens"]) == (1, 0)
    given["label_options"] = {"column": "first-phone", "min_words": 7}
    with pytest.raises(UserError, match="has a label of at least 7 words in first-phone"):
        _score(study, monkeypatch, "lda", **given)


def test_another_column_of_a_list_of_words(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """`label` names it; words that the list lacks, and rare labels, are left out and counted."""
    lines = [f"{word},x,{'rare' if k < 2 else 'ab'[k % 2]}" for k, word in enumerate(study.words)]
    study.labels.write_text("\n".join(["word,label,class", *lines[:-4]]) + "\n", encoding="utf-8")
    layers = study.layers("one", 1.0, 1, 1)
    given: dict[str, Any] = {}
    given["label_options"] = {**study.label_options, "label": "class", "min_words": 3}
    given["options"] = {**OPTIONS["silhouette"], "protocols": ["all-groups"]}
    output = _score(study, monkeypatch, "silhouette", embeddings=layers, **given)
    row = _rows(output, "silhouette", level="overall", protocol="all-groups", metric="cosine")[0]
    assert (row["n_types"], row["n_groups"]) == (WORDS - 6, 2)
    assert row["unlabelled_tokens"] == 6 * 3


def test_control_tasks(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Selectivity is the difference of two accuracies on tokens whose words recur."""
    layers = study.layers("one", 8.0, 1, 1)
    options = {**OPTIONS["lda"], "control_tasks": 2}
    words = study.folder / "words.parquet"
    output = _score(study, monkeypatch, "lda", embeddings=layers, options=options, words=words)
    found = {row["measure"]: row for row in _rows(output, "lda", held_apart="rows")}
    for measure, row in found.items():
        of_words = _rows(words, "word_scores", measure=measure)
        assert [each["n_tokens"] for each in of_words] == [3] * WORDS
        for name in ("value", "pseudo_values"):
            mean = np.mean([each[name] for each in of_words])
            assert mean == pytest.approx(row["estimate"])
    seen, control = (found[name]["estimate"] for name in ("seen-word-accuracy", "control-accuracy"))
    row = found["selectivity"]
    assert row["estimate"] == pytest.approx(seen - control)
    assert row["ci_low"] < row["estimate"] < row["ci_high"]
    assert (row["rows"], row["n_tokens"], row["repeats"]) == ("tokens", 3 * WORDS, 2)
    # the word as the label has no control task, nor has a label that varies within words
    for column in ("word", "speaker"):
        given = {"label_options": {"column": column}, "options": options}
        output = _score(study, monkeypatch, "lda", embeddings=layers, **given)
        measures = {row["measure"] for row in _rows(output, "lda")}
        assert measures == {"accuracy", "balanced-accuracy"}


def test_lda_with_speakers_apart(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and speakers are both apart, but where rows are types or each label has one speaker."""
    layers = study.layers("one", 8.0, 1, 1)
    options = {**OPTIONS["lda"], "rows": "tokens", "speaker_disjoint": True, "folds": 3}
    output = _score(study, monkeypatch, "lda", embeddings=layers, options=options)
    row = _rows(output, "lda", measure="accuracy")[0]
    assert (row["held_apart"], row["folds"]) == ("word+speaker", 3 * len(SPEAKERS))
    assert row["estimate"] > 0.8
    speaker: dict[str, Any] = {"label_options": {"column": "speaker"}}
    for rows, given in (("types", {}), ("tokens", speaker)):
        found = []
        for asked in (True, False):
            given["options"] = {**options, "rows": rows, "speaker_disjoint": asked}
            output = _score(study, monkeypatch, "lda", embeddings=layers, **given)
            found.append(_rows(output, "lda", held_apart="word"))
        assert found[0]
        assert found[0] == found[1]


def test_pairs(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens of one word are closer than random ones, and of one group less so."""
    output, values = study.folder / "pairs.parquet", study.folder / "values.parquet"
    call(
        monkeypatch,
        compare_pairs.main,
        tokens=study.tokens,
        selected=study.selected,
        embeddings=study.layers("one", 3.0, 1),
        label_options=study.label_options,
        options=OPTIONS["pairs"],
        output=output,
        values=values,
    )
    rows = _rows(output, "pairs", layer="0", measure="normalised")
    found = {row["kind"]: row["estimate"] for row in rows}
    assert found["random"] == 0
    assert found["same-word"] > found["same-group"] > 0.1
    auc = {row["kind"]: row for row in _rows(output, "pairs", layer="0", measure="auc")}
    assert auc["same-word"]["ci_low"] > 0.5
    assert auc["same-speaker"]["ci_low"] < 0.5 < auc["same-speaker"]["ci_high"]
    same = _rows(values, "pair_values", kind="same-word", layer="0")
    assert all(row["word_a"] == row["word_b"] for row in same)


_SIZES = ("n_tokens", "n_types", "missing_tokens", "unlabelled_tokens")


def test_what_was_left_out_is_in_every_table(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word that some model lacks, and one without a label, are counted beside each number."""
    kept = study.ids[:-3]
    tables.write_table(study.selected, "selection", {"token_id": kept})
    lines = study.labels.read_text(encoding="utf-8").splitlines(keepends=True)
    study.labels.write_text("".join([lines[0], *lines[2:]]), encoding="utf-8")
    layers = study.layers("one", 3.0, 1, 1)
    shared = {"tokens": study.tokens, "selected": study.selected, "embeddings": layers}
    labelled = {**shared, "labelling": "meaning", "label_options": study.label_options}
    files = {name: study.folder / f"{name}.parquet" for name in ("lda", "confusion", "planes")}
    call(
        monkeypatch, score_lda.main, **labelled, options=OPTIONS["lda"],
        output=files["lda"], confusion=files["confusion"],
    )  # fmt: skip
    call(
        monkeypatch, project_words.main, **labelled, options={"rows": "auto", "layer": "best"},
        output=files["planes"],
    )  # fmt: skip
    words = (3 * (WORDS - 2), WORDS - 2, 3, 3)
    for name, path in files.items():
        assert {tuple(row[column] for column in _SIZES) for row in _rows(path, name)} == {words}


@pytest.mark.parametrize("seeds", [[1], [1, 2]])
def test_sizes_of_pairs_are_of_each_kind(
    study: Study, monkeypatch: pytest.MonkeyPatch, seeds: list[int]
) -> None:
    """Pairs of a group take all tokens that have one and a partner, others those of a draw.

    One word is lacking, one has no group, and one is alone in its group.
    """
    tables.write_table(study.selected, "selection", {"token_id": study.ids[:-3]})
    lines = [f"w{word:02d},g{word % 4}\n" for word in range(1, WORDS - 1)]
    study.labels.write_text("".join(["word,label\n", "w23,g0\n", *lines]), encoding="utf-8")
    text = study.labels.read_text(encoding="utf-8").replace("w01,g1", "w01,alone")
    study.labels.write_text(text, encoding="utf-8")
    word_map = study.folder / "map.parquet"
    related = {"corpus": "tiny", "relation": "synonym", "distance": 0.5}
    listed = [("w02", "w03"), ("w04", "w05"), ("w02", "w06"), ("w07", "w23")]
    listed_rows = [{**related, "word_a": a, "word_b": b} for a, b in listed]
    tables.write_table(word_map, "word_map", listed_rows)
    names = ("pairs", "pair_values", "word_scores")
    files = {name: study.folder / f"{name}.parquet" for name in names}
    call(
        monkeypatch, compare_pairs.main, tokens=study.tokens, selected=study.selected,
        embeddings=study.layers("one", 3.0, 1, 1), word_map=word_map,
        label_options=study.label_options,
        options={**OPTIONS["pairs"], "sample": 50, "seeds": seeds}, output=files["pairs"],
        values=files["pair_values"], words=files["word_scores"],
    )  # fmt: skip
    draws = [study.word[sample_rows(3 * (WORDS - 1), 50, seed)] for seed in seeds]
    entered = [{word for pair in listed if {*pair} <= {*draw} for word in pair} for draw in draws]
    synonyms = sum(word in entered[0] for word in draws[0])
    expected = {
        "same-group": (3 * (WORDS - 3), WORDS - 3, 3, 3),
        "synonym": (synonyms, len(entered[0]), 3, 0),
    }
    for name in names[:2]:
        rows = _rows(files[name], name)
        found = {row["kind"]: tuple(row[column] for column in _SIZES) for row in rows}
        assert {kind: found[kind] for kind in expected} == expected
        assert {sizes[2:] for kind, sizes in found.items() if kind != "same-group"} == {(3, 0)}
        assert 40 < found["random"][0] <= 50
        assert found["same-word"][0] < found["random"][0]
    of_words = {
        kind: {row["word"]: row for row in _rows(files["word_scores"], "word_scores", kind=kind)}
        for kind in expected
    }
    for words in of_words.values():
        # of random pairs alone
        others = [word for word, row in words.items() if row["value"] is None]
        assert {words.pop(word)["n_tokens"] for word in others} == {0}
    table = tables.read_table(files["word_scores"], "word_scores")
    made = contrast_rows(table, table, "none", replicates=100, permutations=99, seed=0)
    counts = {(row["n_tokens"], row["n_types"]) for row in made if row["kind"] == "same-group"}
    assert counts == {expected["same-group"][:2]}
    grouped = of_words["same-group"].values()
    assert {(row["n_tokens"], row["unlabelled_tokens"]) for row in grouped} == {(3, 3)}
    ids = [set(sample_rows(3 * (WORDS - 1), 50, seed)) for seed in seeds]
    for word, row in of_words["synonym"].items():
        where = [drawn for drawn, words in zip(ids, entered, strict=True) if word in words]
        in_any = {token for token in set.union(*where) if study.word[token] == word}
        assert (row["n_tokens"], row["unlabelled_tokens"]) == (len(in_any), 0)


def test_listed_words_without_tokens_are_told(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """How many a list has, how many were analysed, some that were not, and groups that are lost."""
    layers = study.layers("one", 3.0, 1, 1)
    _score(study, monkeypatch, "silhouette", embeddings=layers)
    assert "listed words" not in caplog.text
    listed = study.labels.read_text(encoding="utf-8")
    study.labels.write_text(listed + "W00,g0\nCat,pet\nDog,pet\nOak,tree\n", encoding="utf-8")
    told = (
        f"{study.labels}: {WORDS} of {WORDS + 4} listed words have tokens, "
        "not 'W00', 'Cat', 'Dog', ...; no word of pet, tree"
    )

    def said() -> list[str]:
        found = [each.message for each in caplog.records if "listed words" in each.message]
        caplog.clear()
        return found

    for name in ("silhouette", "lda"):
        _score(study, monkeypatch, name, embeddings=layers)
        assert said() == [told]
    _compare(study, monkeypatch, layers, layers, spaces=["lda"])
    assert said() == [told]

    def kinds() -> set[str]:
        output = study.folder / "pairs.parquet"
        call(
            monkeypatch, compare_pairs.main, tokens=study.tokens, selected=study.selected,
            embeddings=layers, label_options=study.label_options,
            options=OPTIONS["pairs"], output=output,
        )  # fmt: skip
        return {row["kind"] for row in _rows(output, "pairs")}

    assert "same-group" in kinds()
    assert said() == [told]
    study.labels.write_text("word,label\nx00,g0\nx01,g0\n", encoding="utf-8")
    assert "same-group" not in kinds()
    assert said() == [
        f"{study.labels}: 0 of 2 listed words have tokens, not 'x00', 'x01'; no word of g0"
    ]


def test_kinds_without_pairs_are_named(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A relation without a pair in some draw is not in the table; the log says in how many."""
    pairs = {"synonym": [("w00", "w01")], "near-homophone": [("w02", "nowhere")]}
    word_map, output = study.folder / "map.parquet", study.folder / "pairs.parquet"
    tables.write_table(
        word_map,
        "word_map",
        [
            {"corpus": "tiny", "relation": kind, "word_a": a, "word_b": b, "distance": 0.5}
            for kind, listed in pairs.items()
            for a, b in listed
        ],
    )
    call(
        monkeypatch, compare_pairs.main, tokens=study.tokens, selected=study.selected,
        embeddings=study.layers("one", 3.0, 1, 1), word_map=word_map,
        options={**OPTIONS["pairs"], "sample": 40}, output=output,
    )  # fmt: skip
    kinds = {row["kind"] for row in _rows(output, "pairs")}
    assert kinds == {"random", "different-word", "same-word", "same-speaker"}
    drawn = [set(study.word[sample_rows(len(study.word), 40, seed)]) for seed in (1, 2, 3)]
    without = sum(not {"w00", "w01"} <= words for words in drawn)
    assert 0 < without < 3
    assert [record.message for record in caplog.records if "left out" in record.message] == [
        f"kind synonym left out: {without} of 3 draws have no pair",
        "kind near-homophone left out: 3 of 3 draws have no pair",
    ]


def _correlate(
    study: Study, monkeypatch: pytest.MonkeyPatch, contrasts: Path, cka: Path
) -> list[dict[str, Any]]:
    output = study.folder / "change.parquet"
    call(
        monkeypatch,
        correlate_changes.main,
        contrast="effect",
        contrasts=contrasts,
        cka=cka,
        options=OPTIONS["contrasts"],
        output=output,
    )
    return _rows(output, "change_correlation")


def test_contrast(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model with separated groups is ahead of one without, word by word; Holm never lowers p."""
    words = []
    for model, separation in (("treated", 4.0), ("control", 0.0)):
        path = study.folder / f"{model}-words.parquet"
        layers = study.layers(model, separation, 5, 4)
        options = {**OPTIONS["silhouette"], "subsets": {"some": ["g0", "g1", "g3"]}}
        _score(study, monkeypatch, "silhouette", embeddings=layers, options=options, words=path)
        words.append(path)
    sides = [
        [study.folder / f"{side}-{layer}.parquet" for layer in range(4)]
        for side in ("treated", "control")
    ]
    output = study.folder / "contrasts.parquet"
    call(
        monkeypatch,
        contrast_models.main,
        contrast="effect",
        treated=words[0],
        control=words[1],
        options=OPTIONS["contrasts"],
        output=output,
    )
    rows = _rows(output, "contrasts", metric="cosine")
    families = Counter((row["measure"], row["protocol"], row["subset"]) for row in rows)
    assert families == dict.fromkeys(
        product(
            ("silhouette", "silhouette-above-null"),
            ("all-groups", "leave-one-group-out"),
            ("all", "some"),
        ),
        4,
    )
    assert {(row["subset"], row["n_types"]) for row in rows} == {("all", WORDS), ("some", 18)}
    assert all(row["ci_low"] > 0.1 and row["p_holm"] >= row["p_value"] for row in rows)
    assert all(
        row["estimate"] == pytest.approx(row["mean_treated"] - row["mean_control"]) for row in rows
    )
    changes = _correlate(study, monkeypatch, output, _compare(study, monkeypatch, *sides))
    found = [row for row in changes if (row["correlation"], row["metric"]) == ("pearson", "cosine")]
    assert {(row["protocol"], row["subset"]) for row in found} == {
        (row["protocol"], row["subset"]) for row in rows
    }
    pairs = {
        (row["measure"], row["cka_measure"], row["x"]): row["estimate"]
        for row in found
        if (row["protocol"], row["subset"]) == ("all-groups", "all")
    }
    for measure in ("silhouette", "silhouette-above-null"):
        assert pairs[measure, "cka-linear debiased", "cka"] == pytest.approx(
            -pairs[measure, "cka-linear debiased", "change"]
        )
    with pytest.raises(UserError, match="a side of a contrast is one model, got control, treated"):
        call(
            monkeypatch,
            contrast_models.main,
            contrast="effect",
            treated=words,
            control=words[1],
            options=OPTIONS["contrasts"],
            output=output,
        )


def test_a_contrast_without_scores_is_empty(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An analysis may leave out all that words could have a score of: that ends no study."""
    words, output = study.folder / "words.parquet", study.folder / "contrasts.parquet"
    tables.write_table(words, "word_scores", [])
    call(
        monkeypatch,
        contrast_models.main,
        contrast="effect",
        treated=words,
        control=words,
        options=OPTIONS["contrasts"],
        output=output,
    )
    assert not _rows(output, "contrasts")
    assert "contrast effect: no analysis has scores of words" in caplog.text


def test_contrast_of_alignments(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Treated minus control as CKA has them, in every setting; Holm is over pairs of layers."""
    sides = {
        side: study.layers(side, separation, seed, count)
        for seed, (side, separation, count) in enumerate(
            [("treated", 4.0, 2), ("control", 0.0, 2), ("third", 4.0, 3)]
        )
    }
    asked = {
        "rows": ["types", "tokens"],
        "spaces": ["full", "pca-2", "lda"],
        "measures": ["cka-linear", "knn"],
        "sample": 60,
        "draws": 2,
    }
    output = study.folder / "cka_contrasts.parquet"
    call(
        monkeypatch,
        contrast_alignments.main,
        contrast="effect",
        tokens=study.tokens,
        selected=study.selected,
        labelling="meaning",
        label_options=study.label_options,
        options={**OPTIONS["cka"], **asked},
        contrast_options=OPTIONS["contrasts"],
        output=output,
        **sides,
    )
    rows = _rows(output, "cka_contrasts")
    # CKA has two estimators and both kinds of rows
    assert len(rows) == 2 * 3 * 3 * (2 * 2 + 1)
    setting = ("layer_b", "measure", "estimator", "space", "rows")
    for side in ("treated", "control"):
        cka = _rows(_compare(study, monkeypatch, sides[side], sides["third"], **asked), "cka")
        alike = {(r["layer_a"], *(r[key] for key in setting)): r["estimate"] for r in cka}
        for row in rows:
            expected = alike[row["layer"], *(row[key] for key in setting)]
            assert row[f"mean_{side}"] == pytest.approx(expected, abs=1e-9)
    assert {row["model_b"] for row in rows} == {"third"}
    assert {(row["rows"], row["draws"]) for row in rows} == {("types", 1), ("tokens", 2)}
    for row in rows:
        assert row["estimate"] == row["mean_treated"] - row["mean_control"]
        family = [r["p_value"] for r in rows if all(r[k] == row[k] for k in setting[1:])]
        assert len(family) == 6
        assert row["p_holm"] >= row["p_value"]
        if row["p_value"] == min(family):
            assert row["p_holm"] == pytest.approx(min(1.0, 6 * row["p_value"]))
    shown = _rows(output, "cka_contrasts", estimator="debiased", space="full", rows="types")
    assert min(row["estimate"] for row in shown) > 0.1
    assert max(row["p_holm"] for row in shown) < 0.05


def test_contrast_of_the_same_model(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No difference, no correlation over layers, and no row for a kind of a single word pair."""
    listed = study.folder / "map.parquet"
    pair = {"word_a": ["w02"], "word_b": ["w05"], "relation": ["synonym"]}
    pq.write_table(pa.table(pair), listed)
    layers = study.layers("one", 1.0, 5, 4)
    paths = [study.folder / f"{name}-words.parquet" for name in ("silhouette", "pairs")]
    _score(study, monkeypatch, "silhouette", embeddings=layers, words=paths[0])
    call(
        monkeypatch,
        compare_pairs.main,
        tokens=study.tokens,
        selected=study.selected,
        embeddings=layers,
        label_options=study.label_options,
        word_map=listed,
        options=OPTIONS["pairs"],
        output=study.folder / "pairs.parquet",
        words=paths[1],
    )
    output = study.folder / "contrasts.parquet"
    call(
        monkeypatch,
        contrast_models.main,
        contrast="none",
        treated=paths,
        control=paths,
        options=OPTIONS["contrasts"],
        output=output,
    )
    rows = _rows(output, "contrasts")
    assert {row["kind"] for row in rows} == {None, "same-word", "same-group", "same-speaker"}
    assert {(row["estimate"], row["p_value"]) for row in rows} == {(0.0, 1.0)}
    pairs = {row["measure"] for row in rows if row["analysis"] == "pairs"}
    assert pairs == {"auc", "normalised"}
    cka = _compare(study, monkeypatch, layers, layers)
    assert not _correlate(study, monkeypatch, output, cka)
    for measure in ("auc", "normalised"):
        said = f"tiny pairs {measure} synonym cosine full, layer 3: no contrast"
        assert said in caplog.text


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((3, 3, 3, 3), None),
        ((5, 5, 4), None),
        ((6, 6, 3), None),
        ((5, 4, 4), r"silhouette .*pca-8 needs more rows or features: \(8, 12\) allow 7"),
        ((4, 4, 4), r"silhouette .*pca-8 needs more rows or features: \(8, 12\) allow 7"),
        ((7, 7, 2), r"LDA .*'g2' has 2 words with vectors: LDA needs at least 3"),
    ],
)
def test_fewest_words_of_the_default_analyses(
    study: Study, monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], message: str | None
) -> None:
    """Three groups of three words, and nine words outside the largest, as README says."""
    labels = [f"g{group}" for group, size in enumerate(sizes) for _ in range(size)]
    lines = [f"{word},{label}\n" for word, label in zip(study.words, labels, strict=False)]
    study.labels.write_text("word,label\n" + "".join(lines), encoding="utf-8")
    default = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))["analyses"]
    kept = ("spaces", "protocols")
    silhouette = OPTIONS["silhouette"] | {name: default["silhouette"][name] for name in kept}
    lda = OPTIONS["lda"] | {"folds": default["lda"].get("folds", 5)}
    layers = study.layers("one", 1.0, 1, 1)

    def analyse() -> None:
        for name, options in (("silhouette", silhouette), ("lda", lda)):
            _score(study, monkeypatch, name, embeddings=layers, options=options)

    if message is None:
        analyse()
    else:
        with pytest.raises(UserError, match=message):
            analyse()


def test_gather(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts are put one after the other; a part of another table is refused."""
    parts = []
    for model in ("one", "two"):
        made = _score(study, monkeypatch, "silhouette", embeddings=study.layers(model, 1.0, 1))
        parts.append(made.rename(study.folder / f"{model}-silhouette.parquet"))
    output = study.folder / "all.parquet"
    call(monkeypatch, gather_table.main, table="silhouette", inputs=parts, output=output)
    rows = tables.read_table(output, "silhouette").to_pylist()
    assert rows == [
        row for part in parts for row in tables.read_table(part, "silhouette").to_pylist()
    ]
    with pytest.raises(UserError, match=r"one-silhouette.parquet is no 'lda' table"):
        call(monkeypatch, gather_table.main, table="lda", inputs=parts, output=output)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("word,label\nw00,a\nw01,a\n", "at least 2 groups, got 1: a"),
        ("word,label\nw00,a\nw01,a\nw02,b\n", "group 'b' has 1 word with vectors"),
        ("word,label\nw00,a\nw00,b\n", "line 3: 'w00' has two labels"),
        ("word,group\nw00,a\n", "no column 'label'; its columns are word, group"),
        ("word,label\nw00,a\n w00,b\n", "line 3: 'w00' has two labels"),
        ("word,label\nzebra,a\n", "no analysed token has a label"),
        ("word,label\nw00,\n", "line 2: word or label is empty"),
        ("word,label\nw00,a\n ,a\n", "line 3: word or label is empty"),
    ],
)
def test_bad_labelling(
    study: Study, monkeypatch: pytest.MonkeyPatch, labels: str, message: str
) -> None:
    """What is wrong with a labelling is said, and nothing is written."""
    study.labels.write_text(labels, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        _score(study, monkeypatch, "silhouette", embeddings=study.layers("one", 1.0, 1))
    assert not (study.folder / "silhouette.parquet").exists()


def test_a_subset_is_scored_in_the_labelling_that_has_its_groups(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A subset of another labelling is left out; groups that no row has here are told."""
    options = {
        **OPTIONS["silhouette"],
        "protocols": ["all-groups"],
        "subsets": {"mine": ["g0", "g2"], "other": ["h0", "h1"]},
    }
    layers = study.layers("one", 1.0, 1)
    output = _score(study, monkeypatch, "silhouette", embeddings=layers, options=options)
    found = {name: _rows(output, "silhouette", subset=name) for name in ("all", "mine", "other")}
    assert {name: {row["n_groups"] for row in rows} for name, rows in found.items()} == {
        "all": {4}, "mine": {2}, "other": set(),
    }  # fmt: skip
    none = "subset other: no row of labelling meaning is in h0, h1: not scored"
    assert [record.message for record in caplog.records] == [none]
    caplog.clear()
    options["subsets"] = {"mine": ["h0", "g2", "g0"], "one": ["g0", "h0"]}
    output = _score(study, monkeypatch, "silhouette", embeddings=layers, options=options)
    assert _rows(output, "silhouette", subset="mine") == found["mine"]
    assert _rows(output, "silhouette", subset="one") == []
    assert [record.message for record in caplog.records] == [
        f"subset {name}: no row of labelling meaning is in h0: {then}"
        for name, then in (("mine", "scored without"), ("one", "not scored"))
    ]


def test_two_groups_have_no_runs_that_leave_one_out(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A labelling or a subset of two groups is scored at once only, and told once a run."""
    layers = study.layers("one", 1.0, 1)
    options = {**OPTIONS["silhouette"], "subsets": {"mine": ["g0", "g2"]}}
    output = _score(study, monkeypatch, "silhouette", embeddings=layers, options=options)
    found = {(row["subset"], row["protocol"]) for row in _rows(output, "silhouette")}
    assert found == {(name, "all-groups") for name in ("all", "mine")} | {
        ("all", "leave-one-group-out")
    }
    lines = [f"{word},{'ab'[k % 2]}\n" for k, word in enumerate(study.words)]
    study.labels.write_text("word,label\n" + "".join(lines), encoding="utf-8")
    output = _score(study, monkeypatch, "silhouette", embeddings=layers)
    assert {row["protocol"] for row in _rows(output, "silhouette")} == {"all-groups"}
    assert [record.message for record in caplog.records] == [
        f"leave-one-group-out needs 3 groups, {name} has 2: not scored"
        for name in ("mine", "meaning")
    ]


def test_word_scores_do_not_depend_on_the_order_of_protocols(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores of words by a protocol are the same, wherever it is listed."""
    layers = study.layers("one", 1.0, 1)
    found = []
    for order in (slice(None), slice(None, None, -1)):
        protocols = ["all-groups", "leave-one-group-out"][order]
        options = {**OPTIONS["silhouette"], "protocols": protocols}
        words = study.folder / f"{protocols[0]}.parquet"
        _score(study, monkeypatch, "silhouette", embeddings=layers, options=options, words=words)
        found.append(_rows(words, "word_scores"))
    # in two layers by two metrics and two protocols, raw and above the null
    assert len(found[0]) == 2 * 2 * 2 * 2 * WORDS
    for protocol in protocols:
        one, other = ([row for row in part if row["protocol"] == protocol] for part in found)
        assert one == other


def test_zero_vector_of_a_pair(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token without a direction is refused by its name and word, in its layer."""
    path = study.layers("one", 1.0, 1, 1)[0]
    vectors = read_embeddings(path).aligned(study.ids).copy()
    vectors[4] = 0
    write_embeddings(path, study.ids, vectors, {"model": "one", "corpus": "tiny", "layer": "0"})
    output = study.folder / "pairs.parquet"
    expected = r"word pairs in layer 0 of one on tiny: token 'w01-ben' \(word 'w01'\) has the zero"
    with pytest.raises(UserError, match=expected):
        call(
            monkeypatch, compare_pairs.main, tokens=study.tokens, selected=study.selected,
            embeddings=path, options=OPTIONS["pairs"], output=output,
        )  # fmt: skip
    assert not output.exists()


@pytest.mark.parametrize(
    ("rows", "gone", "named"),
    [
        ("tokens", slice(4, 5), r"token 'w01-ben' \(word 'w01'\)"),
        ("types", slice(3, 6), "word 'w01'"),
    ],
)
def test_zero_vector_of_a_silhouette(
    study: Study, monkeypatch: pytest.MonkeyPatch, rows: str, gone: slice, named: str
) -> None:
    """It is named as what it is of; Euclidean distances do without a direction."""
    path = study.layers("one", 1.0, 1, 1)[0]
    vectors = read_embeddings(path).aligned(study.ids).copy()
    vectors[gone] = 0
    write_embeddings(path, study.ids, vectors, {"model": "one", "corpus": "tiny", "layer": "0"})
    options = {**OPTIONS["silhouette"], "rows": rows, "kmeans_seeds": 0, "permutations": 1}
    message = f"in layer 0 of one on tiny: {named} has the zero vector, .* or take metric euclidean"
    with pytest.raises(UserError, match=message):
        _score(study, monkeypatch, "silhouette", embeddings=path, options=options)
    _score(
        study, monkeypatch, "silhouette", embeddings=path,
        options={**options, "metrics": ["euclidean"]},
    )  # fmt: skip


def test_fewer_vectors_than_groups_have_no_clusters(
    study: Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a text encoder, say: silhouettes are scored, and what is left out is told."""
    path = study.layers("one", 1.0, 1, 1)[0]
    vectors = read_embeddings(path).aligned(study.ids).copy()
    vectors = vectors[np.arange(len(vectors)) % 3]
    write_embeddings(path, study.ids, vectors, {"model": "one", "corpus": "tiny", "layer": "0"})
    options = {**OPTIONS["silhouette"], "rows": "tokens", "metrics": ["cosine"]}
    output = _score(study, monkeypatch, "silhouette", embeddings=path, options=options)
    assert {row["measure"] for row in _rows(output, "silhouette")} == {"silhouette"}
    assert "fewer different vectors in full than groups of meaning: no adjusted-rand" in caplog.text


def test_constant_layer(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer in which every vector is the same is refused by name."""
    path = study.folder / "flat.parquet"
    metadata = {"model": "flat", "corpus": "tiny", "layer": "3"}
    write_embeddings(path, study.ids, np.ones((len(study.ids), 4), np.float32), metadata)
    with pytest.raises(UserError, match="layer 3 of flat on tiny: all 24 rows are the same"):
        _score(study, monkeypatch, "silhouette", embeddings=path)
