"""The configuration: defaults, and one clear line for everything that is wrong."""

import copy
import math
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from groundscope.errors import UserError
from groundscope.plan import targets
from groundscope.plan.config import (
    check_paths,
    load_schema,
    missing_paths,
    resolve_study,
    study_or_exit,
)
from groundscope.plan.reference import generated_part, pages, reference
from groundscope.plan.token_columns import TOKEN_COLUMNS
from groundscope.token_table import TOKENS

Json = Any
Edit = Callable[[dict[str, Json]], object]

ROOT = Path(__file__).parents[2]


def test_schema_is_a_valid_json_schema() -> None:
    """The schema itself follows JSON Schema 2020-12."""
    Draft202012Validator.check_schema(load_schema())


def test_no_meaning_is_cut_short() -> None:
    """A comma in braces ends a text without quotes: what follows it is a key without a value."""
    empty: list[str] = []

    def visit(part: Json) -> None:
        if isinstance(part, dict):
            empty.extend(key for key, value in part.items() if value is None and key != "default")
            part = list(part.values())
        for inner in part if isinstance(part, list) else ():
            visit(inner)

    visit(load_schema())
    assert empty == []


def test_every_key_of_the_schema_has_a_meaning() -> None:
    """Each property says what it means, itself or through the definition that it refers to."""
    schema = load_schema()
    silent: list[str] = []

    def visit(part: dict[str, Json], where: str) -> None:
        for key, declared in part.get("properties", {}).items():
            definition = declared
            if "$ref" in declared:
                definition = schema["$defs"][declared["$ref"].removeprefix("#/$defs/")]
            described = "description" in declared or "description" in definition
            if not described and "const" not in declared:
                silent.append(f"{where}.{key}")
            visit(declared, f"{where}.{key}")

    visit(schema, "config")
    for name, definition in schema["$defs"].items():
        visit(definition, name)
    assert silent == []


def test_every_pattern_has_words() -> None:
    """A regular expression is never what a user is told: a description stands beside it."""
    silent: list[Json] = []

    def visit(part: Json) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("pattern"), str) and "description" not in part:
                silent.append(part)
            for inner in part.values():
                visit(inner)
        elif isinstance(part, list):
            for inner in part:
                visit(inner)

    visit(load_schema())
    assert silent == []


@pytest.mark.parametrize(
    "file",
    [ROOT / "config.yaml", *sorted((ROOT / "resources/studies").glob("*.yaml"))],
    ids=lambda f: f.name,
)
def test_shipped_studies_are_legal(file: Path) -> None:
    """Every study file that comes with the project passes its own checks."""
    resolve_study(yaml.safe_load(file.read_text(encoding="utf-8")))


def test_defaults_are_filled_in_at_every_depth(config: dict[str, Json]) -> None:
    """Keys that the user left out are there afterwards; those given are unchanged."""
    before = copy.deepcopy(config)
    study = resolve_study(config)
    assert config == before
    assert study["results"] == "results"
    assert study["layers_per_job"] == 1
    assert study["models"]["w2v"]["layers"] == "all"
    assert study["models"]["bert"]["layers"] == [0, 3]
    assert study["checkpoints"]["base"]["format"] == "huggingface"


BAD: list[tuple[Edit, str]] = [
    *[
        (lambda c, path=path: c.update(results=path), rf"^results: '{re.escape(path)}' is not le")
        for path in (
            "./results",
            "a//b",
            "results/",
            ".",
            "a/./b",
            ".git",
            "a/.b",
            "workflow",
            "resources/x",
            "../a",
        )
    ],
    *[
        (
            lambda c, number=number: c["corpora"]["spoken"].update(
                filters={"min_duration_s": number}
            ),
            r"^corpora\.spoken\.filters\.min_duration_s: (nan|inf) is not legal; expected number",
        )
        for number in (math.nan, math.inf)
    ],
    (
        lambda c: c["corpora"]["spoken"].update(
            filters={"bands": [{"column": "x", "min": math.nan}]}
        ),
        r"^corpora\.spoken\.filters\.bands\.0\.min: nan",
    ),
    (
        lambda c: c["analyses"]["cka"].update(permutations=10**30),
        r"^analyses\.cka\.permutations: 10+ is not legal; .* at most 1000000",
    ),
    (
        lambda c: c["analyses"]["cka"].update(spaces=["pca-99999999999999999999"]),
        r"^analyses\.cka\.spaces\.0: 'pca-9+' is not legal",
    ),
    (
        lambda c: c.update(extraction_blocks={"spoken": 10**7}),
        r"^extraction_blocks\.spoken: 10000000 is not legal; .* at most 10000",
    ),
    (lambda c: c.update(modles={}), r"^config: unknown key 'modles' \(did you mean 'models'\?\)"),
    (
        lambda c: c["models"]["w2v"].update(poling="mean"),
        r"^models\.w2v: unknown key 'poling' .*pooling",
    ),
    (
        lambda c: c["models"]["w2v"].update(family="spech"),
        r"^models\.w2v\.family: 'spech' .* speech",
    ),
    (lambda c: c["models"]["w2v"].pop("checkpoint"), r"^models\.w2v: key 'checkpoint' is missing"),
    (lambda c: c["models"]["bert"].update(layers=[4]), r"^models\.bert\.layers: '4' .* 0, 1, 2, 3"),
    (
        lambda c: c["models"]["glove"].update(layers=[1]),
        r"^models\.glove\.layers: '1' .* one of 0$",
    ),
    (lambda c: c["models"]["bert"].update(layers=[-1]), r"^models\.bert\.layers"),
    (
        lambda c: c["models"]["w2v"].update(checkpoint="x"),
        r"^models\.w2v\.checkpoint: 'x' .* base, bert",
    ),
    (
        lambda c: c["models"]["w2v"].update(corpora=["written"]),
        r"^models\.w2v\.corpora: 'written' has no rec",
    ),
    (
        lambda c: c["models"]["w2v"].update(corpora=["other"]),
        r"^models\.w2v\.corpora: 'other' .* spoken",
    ),
    (lambda c: c["checkpoints"]["base"].pop("blocks"), r"^checkpoints\.base\.blocks is missing"),
    (
        lambda c: c["checkpoints"]["base"].update(source="ftp"),
        r"^checkpoints\.base\.source: 'ftp' .* hub",
    ),
    (
        lambda c: c["analyses"]["cka"].update(pairs=[["w2v", "x"]]),
        r"^analyses\.cka\.pairs: 'x' .* w2v",
    ),
    (
        lambda c: c["analyses"]["cka"].update(draws=3),
        r"^analyses\.cka\.draws: 3 draws of all rows are the same; .* as analyses\.cka\.sample$",
    ),
    (
        lambda c: c["analyses"]["cka"].update(spaces=["full", "lda"]),
        r"^analyses\.cka\.labelling is missing: spaces: \[lda\] needs it; one of meaning, speaker$",
    ),
    (
        lambda c: c["models"]["bert"].update(corpora=["written"]),
        r"'w2v' and 'bert' share no corpus",
    ),
    (
        lambda c: c["analyses"]["silhouette"].update(labellings=["x"]),
        r"labellings: 'x' .* meaning, speaker",
    ),
    (
        lambda c: c["labellings"]["speaker"].update(corpora=["x"]),
        r"^labellings\.speaker\.corpora: 'x'",
    ),
    (lambda c: c["labellings"]["speaker"].update(words="a.csv"), r"^labellings\.speaker"),
    (
        lambda c: c["analyses"]["silhouette"].update(subsets={"all": ["animal", "tree"]}),
        r"^analyses\.silhouette\.subsets: 'all' is not legal; expected another name",
    ),
    (
        lambda c: c.update(results="../out"),
        r"^results: '\.\./out' is not legal.*below the working folder",
    ),
    (lambda c: c.update(results="/out"), r"^results: '/out' is not legal"),
    (lambda c: c.update(results="a/../../b"), r"^results: 'a/\.\./\.\./b' is not legal"),
    (lambda c: c.update(layers_per_job=0), r"^layers_per_job: 0"),
    (lambda c: c.update(extraction_blocks={"x": 2}), r"^extraction_blocks: 'x' is not known"),
    (lambda c: c.update(extraction_blocks={"spoken": 1}), r"^extraction_blocks\.spoken: 1"),
    (lambda c: c["corpora"].update({"$(id)": {}}), r"^corpora: '\$\(id\)' is not legal"),
    (lambda c: c["corpora"].update({"a" * 300: {}}), r"^corpora: 'aaa.* is not legal"),
    (
        lambda c: c["models"]["w2v"].update(corpora=["spoken", "spoken"]),
        r"^models\.w2v\.corpora: 'spoken' is listed twice; expected each item once$",
    ),
    (
        lambda c: c["models"]["bert"].update(layers=[0, 3, 0]),
        r"^models\.bert\.layers: 0 is listed twice",
    ),
    (
        lambda c: c["labellings"]["speaker"].update(corpora=["spoken", "spoken"]),
        r"^labellings\.speaker\.corpora: 'spoken' is listed twice",
    ),
    (
        lambda c: c["analyses"]["silhouette"].update(models=["w2v", "w2v"]),
        r"^analyses\.silhouette\.models: 'w2v' is listed twice",
    ),
    (
        lambda c: c["analyses"]["silhouette"].update(labellings=["meaning", "meaning"]),
        r"^analyses\.silhouette\.labellings: 'meaning' is listed twice",
    ),
    (
        lambda c: c["corpora"]["spoken"].update(filters={"bands": [{"column": "f"}] * 2}),
        r"^corpora\.spoken\.filters\.bands: \{'column': 'f'\} is listed twice",
    ),
    *[
        (
            lambda c, second=second: c["analyses"]["cka"].update(pairs=[["w2v", "bert"], second]),
            rf"^analyses\.cka\.pairs: '{second[0]}' and '{second[1]}' are listed twice; .* order$",
        )
        for second in (["w2v", "bert"], ["bert", "w2v"])
    ],
    (
        lambda c: c.update(contrasts={"x": {"treated": "w2v", "control": "w2v"}}),
        r"^contrasts\.x: treated and control are both 'w2v'; expected two models$",
    ),
    (
        lambda c: c["checkpoints"]["bert"].update(parent="x"),
        r"^checkpoints\.bert\.parent: 'x' is not known; expected one of base, bert, glove$",
    ),
    (
        lambda c: c["checkpoints"]["bert"].update(parent="bert"),
        r"^checkpoints\.bert\.parent: 'bert' closes a circle \(bert -> bert\); expected the",
    ),
    (
        lambda c: [
            c["checkpoints"][child].update(parent=parent)
            for child, parent in (("base", "bert"), ("bert", "glove"), ("glove", "bert"))
        ],
        r"^checkpoints\.glove\.parent: 'bert' closes a circle \(base -> bert -> glove -> bert\)",
    ),
    *[
        (
            lambda c, layer=layer: c["analyses"].update(
                planes={"labellings": ["meaning"], "models": ["bert", "glove"], "layer": layer}
            ),
            rf"^analyses\.planes\.layer: '{layer}' is not known; expected one of best, last, 0, 3$",
        )
        for layer in ("bst", 2)
    ],
    *[
        (
            lambda c, texts=texts: c["corpora"]["written"].update(templates=texts),
            rf"^corpora\.written\.templates{where}",
        )
        for texts, where in (
            ([1], r"\.0: 1 is not legal"),
            ([None], r"\.0: None is not legal"),
            ([], r": \[\] is not legal"),
            (
                ["the word"],
                r"\.0: 'the word' is not legal; expected text: Text with the slot \{word\}, once",
            ),
            (["{word} {word}"], r"\.0: '\{word\} \{word\}' is not legal; .* once"),
            (["a {word}", "a {word}"], r": 'a \{word\}' is listed twice"),
            ({"animal": "a {word}"}, r"\.animal: 'a \{word\}' is not legal"),
            ({"animal": [1]}, r"\.animal\.0: 1 is not legal"),
        )
    ],
    (
        lambda c: c["corpora"]["spoken"].update(template="the word"),
        r"^corpora\.spoken\.template: 'the word' is not legal; expected text: Text with the slot",
    ),
    *[
        (
            lambda c, rule=rule, value=value: c["corpora"]["spoken"].update(filters={rule: value}),
            rf"^corpora\.spoken\.filters\.{rule}: {value} is not legal",
        )
        for rule, value in (
            ("sample", -1),
            ("min_tokens", 0),
            ("max_tokens", 0),
            ("min_duration_s", -0.1),
            ("max_recording_s", 0),
        )
    ],
    (
        lambda c: c["models"]["glove"].update(checkpoint="bert"),
        r"^models\.glove\.checkpoint: 'bert' has format 'huggingface', which family 'static' does "
        r"not read; expected format vectors, or family speech or text$",
    ),
    (
        lambda c: c["models"]["w2v"].update(family="fast-vgs"),
        r"^models\.w2v\.checkpoint: 'base' .* expected format fast-vgs, or family speech or text$",
    ),
    (
        lambda c: [
            c["checkpoints"]["base"].update(format="torchaudio"),
            c["models"]["w2v"].update(window_s=2),
        ],
        r"^models\.w2v\.window_s: 2 is for Whisper only; .* 'torchaudio' .* expected null$",
    ),
    (
        lambda c: [
            c["models"]["w2v"].update(layers=[1, 2]),
            c.update(contrasts={"x": {"treated": "w2v", "control": "bert"}}),
        ],
        r"^contrasts\.x: 'w2v' \(layers 1, 2\) and 'bert' \(layers 0, 3\) share no layer; expected",
    ),
    (
        lambda c: [
            c["analyses"].update(pairs={"models": ["glove"]}),
            c["analyses"]["silhouette"].update(models=["bert"]),
            c.update(contrasts={"x": {"treated": "bert", "control": "glove"}}),
        ],
        r"^contrasts\.x: 'bert' and 'glove' share no corpus on which .* with a third model$",
    ),
    *[
        (
            lambda c, analysis=analysis: [
                c.update(analyses={analysis: {"labellings": ["speaker", "meaning"]}}),
                c["labellings"]["meaning"].update(corpora=["written"]),
                c["models"]["bert"].update(corpora=["spoken"]),
                c["models"]["glove"].update(corpora=["spoken"]),
            ],
            rf"^analyses\.{analysis}\.labellings: 'meaning' is for written, which no model of the ",
        )
        for analysis in ("silhouette", "lda", "planes")
    ],
    (
        lambda c: [
            c.update(analyses={"pairs": {"models": ["w2v"], "groups": "meaning"}}),
            c["labellings"]["meaning"].update(corpora=["written"]),
        ],
        r"^analyses\.pairs\.groups: 'meaning' is for written, which no model of the ",
    ),
    (
        lambda c: c["analyses"]["silhouette"].update(labellings=["speaker"], models=["x"]),
        r"^analyses\.silhouette\.models: 'x' is not known",
    ),
    (
        lambda c: [
            c["analyses"]["silhouette"].update(labellings=["speaker"], models=["w2v", "bert"]),
            c["analyses"]["cka"].update(pairs="all"),
            c["models"]["bert"].update(corpora=["written"]),
        ],
        r"^analyses\.silhouette\.models: 'bert' reads written, which no labelling of the analysis "
        r"is for \(speaker\)$",
    ),
    (
        lambda c: [
            c["corpora"].pop("spoken"),
            c["labellings"].pop("speaker"),
            c.update(analyses={"pairs": {"models": ["bert", "w2v"]}}),
        ],
        r"^analyses\.pairs\.models: 'w2v' reads no corpus of the study$",
    ),
    (
        lambda c: [
            c["labellings"]["meaning"].update(corpora=["written"]),
            c["analyses"]["cka"].update(spaces=["lda"], labelling="meaning"),
        ],
        r"^analyses\.cka\.labelling: 'meaning' is for none of the corpora that models are compared "
        r"on \(spoken\)$",
    ),
    (
        lambda c: c["labellings"]["speaker"].update(corpora="all"),
        r"^labellings\.speaker\.column: 'speaker' is not in corpus 'written'; expected one of "
        r"token_id, word, text, char_start, char_end, phones, first-phone, or `corpora` that",
    ),
    (
        lambda c: [
            c["corpora"].update(spoken={"kind": "synthesized", "words": ["a"], "voices": ["tr"]}),
            c["corpora"]["spoken"].update(
                norms=[{"file": "f", "word": "w", "columns": {"r": "R"}}]
            ),
            c["labellings"]["speaker"].update(column="sez"),
        ],
        r"^labellings\.speaker\.column: 'sez' is not in corpus 'spoken'; .* sex, r, first-phone",
    ),
    *[
        (
            lambda c, columns=columns: c["corpora"]["written"].update(
                norms=[
                    {"file": "f", "word": "w", "columns": {name: f"R{number}"}}
                    for number, name in enumerate(columns)
                ]
            ),
            rf"^corpora\.written\.norms: the token table has a column '{columns[-1]}' already; "
            r"expected another name in `columns`$",
        )
        for columns in (["r", "s", "r"], ["speaker"])
    ],
    *[
        (
            lambda c, asked=asked: c["models"]["bert"].update(layers=asked),
            rf"^models\.bert\.layers: {asked!r} is not legal; expected `all` or list of integer "
            r"\(at least 0\) or text: `all` \(0 to the last block\), or a list",
        )
        for asked in (3, "last")
    ],
    (
        lambda c: c["models"]["bert"].update(layers=[0, 1.5]),
        r"^models\.bert\.layers\.1: 1\.5 is not legal; expected integer \(at least 0\) or text$",
    ),
    (
        lambda c: c["corpora"]["written"].update(words="words.csv"),
        r"^corpora\.written\.words: 'words\.csv' is not legal; expected list of text or mapping: ",
    ),
    (
        lambda c: c["corpora"]["written"].update(words=["a", 1]),
        r"^corpora\.written\.words\.1: 1 is not legal; expected text$",
    ),
    (
        lambda c: c["corpora"]["written"].update(words={"column": "a"}),
        r"^corpora\.written\.words: key 'file' is missing; expected text: Path of a file",
    ),
    (
        lambda c: c.update(
            datasets={"x": {"source": "url", "files": {"a": {"url": "http://a", "sha256": "A1"}}}}
        ),
        r"^datasets\.x\.files\.a\.sha256: 'A1' is not legal; expected text: 64 hexadecimal digits",
    ),
    (
        lambda c: c["labellings"].update(x={}),
        r"^labellings\.x: key 'words' or 'column' is missing; expected Groups of words: a CSV",
    ),
    (
        lambda c: c["labellings"].update(x={"words": "a", "column": "b"}),
        r"^labellings\.x: .* is not legal \(only one of the alternatives may be given\); expected",
    ),
    (
        lambda c: c["corpora"]["written"].update(pronunciations={"source": "espeak"}),
        r"^corpora\.written\.pronunciations: key 'voice' is missing; expected The language of",
    ),
    (
        lambda c: c["corpora"]["written"].update(pronunciations={"source": "file"}),
        r"^corpora\.written\.pronunciations: key 'file' is missing; expected A table with columns",
    ),
    (
        lambda c: c.update(layers_per_job="some"),
        r"^layers_per_job: 'some' is not legal; expected integer \(at least 1\) or `all`: Layers",
    ),
    *[
        (
            lambda c, over=over: c["models"]["bert"].update(weights="random", seed=over),
            rf"^models\.bert\.seed: {over} is not legal; expected integer \(at least 0, at most "
            r"4294967295\): Seed of random weights\.$",
        )
        for over in (2**32, 2**70)
    ],
    (
        lambda c: c["analyses"].update(pairs={"seeds": [1, 2**32]}),
        r"^analyses\.pairs\.seeds\.1: 4294967296 is not legal",
    ),
    (
        lambda c: c["corpora"]["spoken"].update(filters={"seed": 2**32}),
        r"^corpora\.spoken\.filters\.seed: 4294967296 is not legal",
    ),
    (
        lambda c: c.update(models={1: {}, "a": {}}),
        r"^models: 1 is not legal; expected text: Lower-case letters",
    ),
    (lambda c: c.update(models=[]), r"^models: \[\] is not legal"),
    (lambda c: c.pop("corpora"), r"^config: key 'corpora' is missing"),
    (lambda c: c["study"].update(title=3), r"^study\.title: 3 is not legal"),
    # integers to JSON Schema, and not to `range`
    (lambda c: c.update(layers_per_job=2.0), r"^layers_per_job: 2\.0 is not legal; .* integer"),
    (
        lambda c: c.update(extraction_blocks={"spoken": 2.0}),
        r"^extraction_blocks\.spoken: 2\.0 is not legal; expected integer",
    ),
    (
        lambda c: c["corpora"]["spoken"].update(filters={"max_tokens": 3.0}),
        r"^corpora\.spoken\.filters\.max_tokens: 3\.0 is not legal; expected integer",
    ),
    (
        lambda c: c["models"]["bert"].update(layers=[0.0]),
        r"^models\.bert\.layers\.0: 0\.0 is not legal; expected integer",
    ),
    (
        lambda c: c["models"]["bert"].update(token_type_id=1.0),
        r"^models\.bert\.token_type_id: 1\.0 is not legal; expected `0` or `1`",
    ),
    (
        lambda c: c["analyses"]["silhouette"].update(permutations=1000.0),
        r"^analyses\.silhouette\.permutations: 1000\.0 is not legal; expected integer",
    ),
    (
        lambda c: c["analyses"].update(pairs={"seeds": [1, 2.0]}),
        r"^analyses\.pairs\.seeds\.1: 2\.0 is not legal; expected integer",
    ),
]


@pytest.mark.parametrize(
    ("column", "refused"),
    [
        ("accent", nullcontext()),
        ("start_s", nullcontext()),
        ("first-phone", nullcontext()),
        (
            "start",
            pytest.raises(UserError, match=r"^labellings\.speaker\.column: 'start' .* start_s, "),
        ),
    ],
)
def test_columns_of_a_manifest_are_known(
    config: dict[str, Json],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    refused: AbstractContextManager[object],
) -> None:
    """A column that the manifest lacks is refused where it can be read; spans are renamed."""
    monkeypatch.chdir(tmp_path)
    config["labellings"]["speaker"]["column"] = column
    resolve_study(config)  # no manifest here
    Path("words.csv").write_text("audio,word, start,end,accent\n", encoding="utf-8-sig")
    with refused:
        resolve_study(config)


def test_a_damaged_table_is_left_to_the_job_that_reads_it(at_hand: dict[str, Json]) -> None:
    """It says what is wrong, where planning can do without: here a quote that is never closed."""
    for name in ("words.csv", "groups.csv"):
        Path(name).write_text('"audio,word' + "a" * 200_000, encoding="utf-8")
    at_hand["analyses"]["silhouette"]["subsets"] = {"some": ["animal", "colour"]}
    resolve_study(at_hand)


def test_planning_knows_the_columns_of_token_tables() -> None:
    """It cannot import them: what reads Parquet is too slow to load."""
    assert set(TOKEN_COLUMNS) == {column.name for column in TOKENS}


def test_texts_with_one_slot_are_legal(config: dict[str, Json]) -> None:
    """For all words, for each group, over two lines; and the word alone."""
    for texts in (["a {word}", "{word}\n(noun)"], {"animal": ["a {word}"]}, None):
        config["corpora"]["written"]["templates"] = texts
        assert resolve_study(config)["corpora"]["written"]["templates"] == texts


def test_planes_show_a_layer_that_some_model_has(config: dict[str, Json]) -> None:
    """A layer of one model is legal though the others, which show their last, lack it."""
    for layer in ("best", "last", 3, "2"):
        config["analyses"]["planes"] = {"labellings": ["meaning"], "layer": layer}
        assert resolve_study(config)["analyses"]["planes"]["layer"] == layer


def test_what_meets_something_somewhere_is_legal(config: dict[str, Json]) -> None:
    """A labelling of which one corpus has a model, and defaults that meet nothing at all."""
    config["models"]["bert"]["corpora"] = ["written"]
    config["models"].pop("glove")
    config["analyses"] = {
        "cka": {},  # the two models share no corpus
        "pairs": {},
        # w2v reads what `speaker` is for, bert the other one
        "silhouette": {"labellings": ["speaker", "meaning"], "models": ["w2v", "bert"]},
        "lda": {"labellings": ["speaker"]},
    }
    study = resolve_study(config)
    assert not {"cka", "cka_contrasts"} & targets.tables(study).keys()
    assert {"pairs", "silhouette", "lda"} <= targets.tables(study).keys()
    config["analyses"]["cka"] = {"spaces": ["lda"], "labelling": "meaning"}
    resolve_study(config)
    config["corpora"].pop("spoken")
    config["labellings"].pop("speaker")
    config["analyses"] = {"pairs": {}, "silhouette": {"labellings": ["meaning"]}}
    assert len(targets.tables(resolve_study(config))["pairs"]) == 1


@pytest.mark.parametrize(("edit", "message"), BAD, ids=[message for _, message in BAD])
def test_what_is_wrong_is_named_in_one_line(
    config: dict[str, Json], edit: Edit, message: str
) -> None:
    """The error has the key path, the value and what is legal."""
    edit(config)
    with pytest.raises(UserError) as caught:
        resolve_study(config)
    assert re.search(message, str(caught.value))
    assert "\n" not in str(caught.value)


def test_the_snakefile_gets_exit_code_2(
    config: dict[str, Json], capsys: pytest.CaptureFixture[str]
) -> None:
    """An illegal study ends planning with one line and exit code 2."""
    config["results"] = ".."
    with pytest.raises(SystemExit) as caught:
        study_or_exit(config, [], main=True)
    assert caught.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


# a corpus, word group or other entry, without the path that the test puts there
_GROUPS = {
    "kind": "semantic",
    "corpus": "written",
    "model": "bert",
    "pronunciations": {"source": "cmudict"},
    "concreteness": {"file": "here", "word": "Word", "column": "Conc.M"},
    "candidates": "here",
}
_LIBRISPEECH = {"kind": "librispeech", "folder": "here", "splits": ["a"], "alignments": "here"}
_CAPTIONS = {"kind": "captions", "layout": "flickr-audio", "folder": "here", "captions": "here"}
# key path of every kind of local path; each section of the entry above it, where the study has none
PATHS: dict[str, Json] = {
    "corpora.spoken.manifest": None,
    "corpora.spoken.audio_folder": None,
    "corpora.said.audio_folder": {
        "kind": "transcripts",
        "manifest": "here",
        "align": {"checkpoint": "base"},
    },
    "corpora.libri.folder": _LIBRISPEECH,
    "corpora.libri.alignments": _LIBRISPEECH,
    "corpora.grids.audio_folder": {"kind": "textgrids"},
    "corpora.grids.alignments": {"kind": "textgrids", "audio_folder": "here"},
    "corpora.mald.items": {"kind": "mald", "audio_folder": "here"},
    "corpora.named.audio_folder": {"kind": "folders", "pattern": "{word}.wav"},
    "corpora.told.folder": _CAPTIONS,
    "corpora.told.captions": _CAPTIONS,
    "corpora.listed.words.file": {"kind": "word-list", "words": {"column": "word"}},
    "corpora.written.pronunciations.file": {
        "kind": "word-list",
        "words": ["cat"],
        "pronunciations": {"source": "file"},
    },
    "corpora.written.norms.0.file": {
        "kind": "word-list",
        "words": ["cat"],
        "norms": [{"word": "w", "columns": {}}],
    },
    "corpora.written.filters.words.1.file": {
        "kind": "word-list",
        "words": ["cat"],
        "filters": {"words": [["cat"], {}]},
    },
    "corpora.written.filters.has_synonym": {
        "kind": "word-list",
        "words": ["cat"],
        "filters": {},
    },
    "checkpoints.bert.path": None,
    "word_groups.built.candidates": _GROUPS,
    "word_groups.built.concreteness.file": _GROUPS,
    "labellings.meaning.words": None,
    "analyses.pairs.word_map.wordnet": {"word_map": {"pronunciations": {"source": "cmudict"}}},
    "analyses.pairs.word_map.categories": {"word_map": {"pronunciations": {"source": "cmudict"}}},
    "replication": None,
}
# no input of a job
UNTRACKED = ("audio_folder", "alignments")


@pytest.fixture
def at_hand(
    config: dict[str, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Json]:
    """Give a configuration in a folder where all that it names is."""
    monkeypatch.chdir(tmp_path)
    for name in ("here", "words.csv", "bert", "glove.txt", "groups.csv"):
        (tmp_path / name).touch()
    return config


@pytest.mark.parametrize("where", PATHS)
def test_a_path_where_nothing_is_is_named(at_hand: dict[str, Json], where: str) -> None:
    """Wherever it stands, one line has the key path and the value; the same path is then legal."""
    _place(at_hand, where, "gone/nowhere.csv")
    with pytest.raises(UserError, match=rf"^{re.escape(where)}: 'gone/nowhere.csv' does not") as e:
        check_paths(resolve_study(at_hand))
    assert "\n" not in str(e.value)
    _place(at_hand, where, "here")
    check_paths(resolve_study(at_hand))


def _place(config: dict[str, Json], where: str, path: str) -> None:
    """Put a local path at a key path of the table."""
    section, _, inside = where.partition(".")
    name = inside.partition(".")[0]
    if PATHS[where] is not None:
        config.setdefault(section, {})[name] = copy.deepcopy(PATHS[where])
    *above, last = (int(key) if key.isdecimal() else key for key in where.split("."))
    part: Json = config
    for key in above:
        part = part[key]
    part[last] = path


def test_every_local_path_of_the_schema_is_tested() -> None:
    """A key that is added to the schema as a path is in the table above."""
    schema = load_schema()
    found: set[str] = set()

    def visit(part: Json) -> None:
        if isinstance(part, dict):
            for key, declared in part.get("properties", {}).items():
                local = declared.get("$ref") == "#/$defs/file"
                found.update({key} if local or "format" in declared else ())
        for each in part.values() if isinstance(part, dict) else part:
            if isinstance(each, dict | list):
                visit(each)

    visit(schema)
    assert found == {where.rpartition(".")[2] for where in PATHS}


@pytest.mark.parametrize("name", ["{x}.csv", "<results>.csv"])
@pytest.mark.parametrize("where", [where for where in PATHS if not where.endswith(UNTRACKED)])
def test_an_input_that_snakemake_cannot_name_is_refused(
    at_hand: dict[str, Json], where: str, name: str
) -> None:
    """Snakemake takes braces and angles in it for its own; recordings may have them."""
    _place(at_hand, where, name)
    Path(name).touch()
    with pytest.raises(UserError, match=f"^{re.escape(where)}: '{name}' .* rename it$"):
        check_paths(resolve_study(at_hand))


def test_names_in_folders_are_checked_where_they_are_inputs(at_hand: dict[str, Json]) -> None:
    """The files of a checkpoint are; recordings and TextGrids are not."""
    for folder in ("release", "sound"):
        Path(folder).mkdir()
        (Path(folder) / "take {1}").touch()
    at_hand["corpora"]["spoken"]["audio_folder"] = "sound"
    check_paths(resolve_study(at_hand))
    at_hand["checkpoints"]["bert"]["path"] = "release"
    with pytest.raises(UserError, match=r"^checkpoints\.bert\.path: 'take \{1\}' has one of"):
        check_paths(resolve_study(at_hand))


@pytest.mark.parametrize("where", PATHS)
def test_a_folder_is_legal_where_one_can_be_read(at_hand: dict[str, Json], where: str) -> None:
    """A list or a table is one file."""
    Path("several").mkdir()
    _place(at_hand, where, "several")
    if where.endswith(("folder", "alignments", "has_synonym", "path", "wordnet")):
        check_paths(resolve_study(at_hand))
    else:
        with pytest.raises(UserError, match=f"^{re.escape(where)}: 'several' is a folder; expec"):
            check_paths(resolve_study(at_hand))


def test_a_pipe_is_no_input(at_hand: dict[str, Json]) -> None:
    """Whoever opens it waits for ever."""
    os.mkfifo("pipe")
    at_hand["labellings"]["meaning"]["words"] = "pipe"
    with pytest.raises(UserError, match=r"^labellings\.meaning\.words: 'pipe' does not exist"):
        check_paths(resolve_study(at_hand))


def _aliases() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 20)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text", [_aliases(), "study: &s {title: *s}", f"study: {'[' * 200}{']' * 200}"]
)
def test_an_endless_configuration_is_refused_at_once(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kilobyte of aliases stands for more values than memory holds; circles have no end."""
    with pytest.raises(SystemExit):
        study_or_exit(yaml.safe_load(text), [], main=True)
    assert capsys.readouterr().err == (
        "error: config: more than 1000000 values or 50 levels; expected fewer, counting what "
        "aliases (*name) repeat\n"
    )


@pytest.mark.parametrize("path", ["a" * 5000, "nul\0", "here/below"])
def test_a_path_that_cannot_be_is_not_there(at_hand: dict[str, Json], path: str) -> None:
    """What no file system takes is named like a path where nothing is."""
    at_hand["checkpoints"]["bert"]["path"] = path
    assert list(missing_paths(resolve_study(at_hand))) == [("checkpoints.bert.path", path)]


def test_what_the_study_makes_is_not_missed(at_hand: dict[str, Json]) -> None:
    """Files of data sets, word groups and token tables; not those of a name that there is none."""
    web = {"a.tar.gz": {"url": "https://example.org/a.tar.gz", "sha256": "0" * 64}}
    at_hand["datasets"] = {"wordnet": {"source": "url", "files": web, "folder": "dict"}}
    at_hand["word_groups"] = {"built": copy.deepcopy(_GROUPS)}
    at_hand["labellings"]["meaning"]["words"] = "results/word_groups/built.csv"
    filters = {"has_synonym": "results/datasets/wordnet/files"}
    at_hand["corpora"]["written"]["filters"] = filters
    tokens = {"file": "results/corpora/spoken/tokens.parquet", "column": "word"}
    at_hand["corpora"]["written"]["words"] = tokens
    check_paths(resolve_study(at_hand))
    at_hand["labellings"]["meaning"]["words"] = "results/word_groups/bulit.csv"
    tokens["file"] = "results/corpora/spokne/tokens.parquet"
    assert [where for where, _ in missing_paths(resolve_study(at_hand))] == [
        "corpora.written.words.file",
        "labellings.meaning.words",
    ]


def test_a_job_does_not_look_at_paths_of_others(at_hand: dict[str, Json]) -> None:
    """A job on a node reads the study again: what it does not need may be gone by then."""
    at_hand["checkpoints"]["bert"]["path"] = "gone"
    assert study_or_exit(at_hand, [], main=False)["checkpoints"]["bert"]["path"] == "gone"
    with pytest.raises(SystemExit):
        study_or_exit(at_hand, [], main=True)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_pages_have_the_schema_s_reference(page: Path) -> None:
    """README.md's sections and the page of all keys are what the schema says now."""
    assert generated_part(page) == pages()[page], "run: python -m groundscope.plan.reference"


def test_the_reference_says_how_large_numbers_may_be() -> None:
    """Bounds stand with the kind of value, of entries and items too; one item is not worth it."""
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", reference(), re.MULTILINE)
    assert {
        ("bootstrap", "integer (at least 100, at most 1000000)"),
        ("sample", "integer (at least 4), null"),
        ("extraction_blocks", "mapping of integer (at least 2, at most 10000)"),
        ("near", "number (above 0, at most 1)"),
        ("seeds", "list (at least 2) of integer (at least 0, at most 4294967295)"),
        ("layers", "`all`, list of integer (at least 0) or text"),
        ("min", "number"),
    } <= set(rows)


def test_every_mapping_of_the_schema_has_a_table() -> None:
    """Keys at any depth are documented: those of one mapping together, once, and linked."""
    page = reference()
    tables = [re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE) for table in page.split("\n\n")]
    links, headings = (re.findall(form, page) for form in (r"\]\(#(.+?)\)", r"\n#+ `(.+)`\n"))
    schema = load_schema()
    mappings: list[dict[str, Json]] = []

    def visit(part: Json, above: str) -> None:
        if isinstance(part, dict):
            # a condition repeats the key that it is about
            if "properties" in part and above != "if":
                mappings.append(part["properties"])
            for key, inner in part.items():
                visit(inner, key)
        elif isinstance(part, list):
            for inner in part:
                visit(inner, above)

    visit(schema, "")
    # each of its keys has a section of its own
    mappings.remove(analyses := schema["properties"]["analyses"]["properties"])
    assert {f"analyses.{key}" for key in analyses} <= set(headings)
    for keys in mappings:
        assert [key for key, declared in keys.items() if "const" not in declared] in tables
    assert len(headings) == len(set(headings))
    assert set(links) <= set(headings)


def test_a_subset_that_no_labelling_has_is_refused(
    config: dict[str, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Misspelt groups are known before any job runs, where the lists of words are there."""
    rows = "word, label,kind\ncat, animal,x\noak ,tree ,x\n"
    (tmp_path / "groups.csv").write_text(rows, encoding="utf-8")
    config["analyses"]["silhouette"]["labellings"] = ["meaning"]
    config["analyses"]["silhouette"]["subsets"] = {"living": ["animals", "trees"]}
    resolve_study(config)  # no such list here
    monkeypatch.chdir(tmp_path)
    message = r"^analyses\.silhouette\.subsets\.living: .* 'animals', 'trees'; .* animal, tree$"
    with pytest.raises(UserError, match=message):
        resolve_study(config)
    config["analyses"]["silhouette"]["subsets"] = {"living": ["animal", "tres"]}
    with pytest.raises(UserError, match=r"no labelling has 'tres'; there are animal, tree$"):
        resolve_study(config)
    config["labellings"]["meaning"]["label"] = "kind"
    with pytest.raises(UserError, match=r"'tres'; there are x$"):
        resolve_study(config)
    config["analyses"]["silhouette"]["labellings"] = ["meaning", "speaker"]
    resolve_study(config)  # speakers are known later


@pytest.mark.parametrize(("column", "known"), [("speaker", "en-gb, en-us"), ("sex", "F, M")])
def test_a_subset_is_refused_where_columns_of_voices_are_known(
    config: dict[str, Json],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    column: str,
    known: str,
) -> None:
    """Beside a list of words, speakers and sexes of a synthesized corpus hide no misspelt group."""
    (tmp_path / "groups.csv").write_text("word,label\ncat,animal\noak,tree\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    spoken = {"kind": "synthesized", "words": ["cat", "oak"], "voices": ["en-us", "en-gb"]}
    config["corpora"]["spoken"] = spoken
    config["labellings"]["speaker"]["column"] = column
    silhouette = config["analyses"]["silhouette"]
    silhouette["subsets"] = {"some": ["animal", "tree"], "other": known.split(", ")}
    resolve_study(config)
    silhouette["subsets"]["some"] = ["animal", "tres"]
    with pytest.raises(UserError, match=rf"no labelling has 'tres'; there are .*{known}, .*tree$"):
        resolve_study(config)
    config["labellings"]["speaker"]["column"] = "word"
    resolve_study(config)  # as corpora spell words, which planning does not know


def test_a_subset_of_a_list_with_tabs_is_legal(
    config: dict[str, Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs read such a list too; planning does not look into it."""
    (tmp_path / "groups.tsv").write_text("word\tlabel\ncat\tanimal\noak\ttree\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    config["labellings"]["meaning"]["words"] = "groups.tsv"
    config["analyses"]["silhouette"]["labellings"] = ["meaning"]
    config["analyses"]["silhouette"]["subsets"] = {"living": ["animal", "tree"]}
    resolve_study(config)
