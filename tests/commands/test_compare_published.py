"""Published numbers beside made-up results."""

import csv
import sys
from pathlib import Path
from typing import Any

import pytest
from result_tables import change_correlation, cka, pairs, silhouette

from groundscope import tables
from groundscope.analysis.replication import read_published
from groundscope.commands import compare_published
from groundscope.errors import UserError

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "resources/replication/curious-case.csv"
COLUMNS = SHIPPED.read_text(encoding="utf-8").partition("\n")[0].split(",")
MODELS = {name: ["0", "1", "2", "cls"] for name in ("one", "two")}
CELL = {
    "table": "cka",
    "model_a": "one",
    "layer_a": "1",
    "model_b": "two",
    "layer_b": "2",
    "measure": "cka-linear",
    "estimator": "biased",
    "published": "0.25",
    "reading": "printed",
    "source": "a paper",
}
SIZES = ("n_tokens", "n_types", "missing_tokens", "unlabelled_tokens")
ANY_LAYER = {"layer_a": "", "layer_b": ""}
# A number over all layers, which has none to average over.
NO_LAYER = {
    **dict.fromkeys(("model_a", "layer_a", "model_b", "layer_b", "measure", "estimator"), ""),
    "table": "change_correlation",
}


def _compare(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *numbers: dict[str, str]
) -> list[dict[str, Any]]:
    published, output = folder / "published.csv", folder / "replication.parquet"
    with published.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(numbers)
    made = {"cka": cka(MODELS), "pairs": pairs(MODELS), "change_correlation": change_correlation()}
    for name, table in made.items():
        tables.write_table(folder / f"{name}.parquet", name, table)
    found = [folder / f"{name}.parquet" for name in made]
    arguments = ["--published", published, "--tables", *found, "--output", output]
    monkeypatch.setattr(sys, "argv", ["compare_published", *map(str, arguments)])
    compare_published.main()
    rows: list[dict[str, Any]] = tables.read_table(output, "replication").to_pylist()
    return rows


def _estimates(**wanted: str) -> dict[tuple[str, str], float]:
    return {
        (row["layer_a"], row["layer_b"]): row["estimate"]
        for row in cka(MODELS).to_pylist()
        if all(row[key] == value for key, value in wanted.items())
    }


def test_a_number_is_set_beside_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours is the estimate of the row with all keys, and the difference is ours minus theirs."""
    (row,) = _compare(tmp_path, monkeypatch, {**CELL, "reading_error": "0.01"})
    ours = _estimates(estimator="biased")["1", "2"]
    assert row["status"] == "compared"
    assert (row["ours"], row["published"], row["reading_error"]) == (ours, 0.25, 0.01)
    assert row["difference"] == ours - 0.25
    assert (row["layer_b"], row["corpus"], row["source"]) == ("2", None, "a paper")
    assert row["n_layers"] is None
    assert [row[name] for name in SIZES] == [436, 109, 4, 0]


def test_two_models_are_found_in_either_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A paper's first model may be our second: its layer goes with it, and the keys stay."""
    turned = {"model_a": "two", "layer_a": "2", "model_b": "one", "layer_b": "1"}
    (row,) = _compare(tmp_path, monkeypatch, {**CELL, **turned})
    assert row["ours"] == _estimates(estimator="biased")["1", "2"]
    assert {key: row[key] for key in turned} == turned


def test_one_kind_of_rows_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study may align tokens and types: what was published is of one of them."""
    tokens, types = _compare(
        tmp_path, monkeypatch, {**CELL, "rows": "tokens"}, {**CELL, "rows": "types"}
    )
    assert (tokens["status"], types["status"]) == ("compared", "not run")


def test_a_number_without_a_row_was_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A layer that was not computed, and a whole table that is not there, stay in the result."""
    other = {"table": "silhouette", "model": "one", "published": "-0.1"}
    rows = _compare(
        tmp_path, monkeypatch, {**CELL, "layer_b": "3"}, {**other, "reading": "r", "source": "s"}
    )
    assert [row["published"] for row in rows] == [0.25, -0.1]
    for row in rows:
        assert (row["status"], row["ours"], row["difference"]) == ("not run", None, None)
        assert {row[name] for name in SIZES} == {None}


def test_the_mean_over_layers_is_of_equal_layers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`average: layers` takes 1 with 1 and 2 with 2, and no other pair: 0 and cls are no blocks."""
    (row,) = _compare(tmp_path, monkeypatch, {**CELL, **ANY_LAYER, "average": "layers"})
    cells = _estimates(estimator="biased")
    assert row["ours"] == pytest.approx((cells["1", "1"] + cells["2", "2"]) / 2, rel=1e-15)
    assert row["n_layers"] == 2


def test_the_mean_over_layers_of_one_model_is_of_all_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one model, every block counts once, and rows that other keys tell apart do not."""
    keys = {"table": "pairs", "model": "one", "kind": "same-word", "measure": "normalised"}
    about = {"average": "layers", "published": "0.25", "reading": "stated", "source": "a paper"}
    (row,) = _compare(tmp_path, monkeypatch, {**keys, **about})
    cells = [
        found["estimate"]
        for found in pairs(MODELS).to_pylist()
        if all(found[key] == value for key, value in keys.items() if key != "table")
        and found["layer"] in ("1", "2")
    ]
    assert len(cells) == row["n_layers"] == 2
    assert row["ours"] == pytest.approx(sum(cells) / 2, rel=1e-15)
    with pytest.raises(UserError, match=r"0\.25 matches \d rows of table 'pairs'"):
        _compare(tmp_path, monkeypatch, {**keys, **about, "measure": ""})


def test_a_correlation_over_layers_is_found_by_both_of_its_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys of the clustering, of the CKA and of the correlation name one row."""
    wanted = change_correlation().to_pylist()[-1]
    keys = ("contrast", "labelling", "space", "cka_measure", "cka_space", "cka_rows")
    number = {"table": "change_correlation", **{key: wanted[key] for key in keys}}
    number |= {"x": wanted["x"], "correlation": wanted["correlation"]}
    number |= {"published": "0.718", "reading": "stated", "source": "a paper"}
    (row,) = _compare(tmp_path, monkeypatch, number)
    assert (row["status"], row["ours"]) == ("compared", wanted["estimate"])
    assert row["n_layers"] == wanted["n_layers"] > 1
    with pytest.raises(UserError, match=r"0\.718 matches \d rows of table 'change_correlation'"):
        _compare(tmp_path, monkeypatch, {**number, "correlation": ""})


@pytest.mark.parametrize(
    "loose", [{"estimator": ""}, ANY_LAYER, {**ANY_LAYER, "average": "layers", "estimator": ""}]
)
def test_keys_that_match_several_rows_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loose: dict[str, str]
) -> None:
    """A published number is never set beside whichever row came first."""
    with pytest.raises(UserError, match=r"0\.25 matches \d+ rows of table 'cka': expected more"):
        _compare(tmp_path, monkeypatch, {**CELL, **loose})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": "ckq"}, r"line 2: table 'ckq' is not one of cka"),
        ({"protocol": "all-groups"}, r"line 2: table 'cka' has no column 'protocol'"),
        ({"kind": "same-word"}, r"line 2: table 'cka' has no column 'kind'"),
        ({"average": "words"}, r"line 2: average 'words' is not legal"),
        ({**NO_LAYER, "average": "layers"}, r"line 2: average 'layers' is not legal for table 'ch"),
        ({"published": ".1.2"}, r"line 2: published is '\.1\.2', expected a number"),
        ({"published": "nan"}, r"line 2: published is 'nan', expected a number"),
        ({"source": ""}, r"line 2: source is empty"),
    ],
)
def test_a_wrong_cell_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], message: str
) -> None:
    """The line and what was expected are in the message."""
    with pytest.raises(UserError, match=message):
        _compare(tmp_path, monkeypatch, {**CELL, **change})


def test_columns_without_a_cell_may_be_left_out(tmp_path: Path) -> None:
    """A table of few columns says the same as one of all."""
    few, whole = tmp_path / "few.csv", tmp_path / "whole.csv"
    for path, columns in ((few, [*CELL]), (whole, COLUMNS)):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerow(CELL)
    assert read_published(few) == read_published(whole)
    # a mark of byte order, as spreadsheets write it, is no part of the first column's name
    few.write_text("\ufeff" + few.read_text(encoding="utf-8"), encoding="utf-8")
    assert read_published(few) == read_published(whole)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("table,published,reading\ncka,0.1,stated\n", r"published\.csv: expected columns table"),
        ("table,published,reading,source,modell\n", r"got modell, published, reading, source, ta"),
        ("table,published,reading,source\ncka,1,a,b,c\n", r"line 2: more cells than columns"),
    ],
)
def test_columns_that_are_missing_or_unknown_are_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    """Also cells that belong to no column."""
    path = tmp_path / "published.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        read_published(path)


def test_the_shipped_numbers_are_those_published() -> None:
    """The paper's tables are complete, keys are distinct, and grounding spares VG-BERT's blocks."""
    numbers = read_published(SHIPPED)
    keys = [key for key in COLUMNS if key not in {"published", "reading_error", "reading"}]
    found = {tuple(row[key] for key in keys): row["published"] for row in numbers}
    digest = [row for row in numbers if "digest" in row["source"]]
    # CKA: 6 pairs x 12 layers; silhouettes: (4 models x 12 + GloVe) x 3 subsets; sound: 2 x 12
    assert len(numbers) - len(digest) == 6 * 12 + 3 * (4 * 12 + 1) + 2 * 12 + 2
    # silhouettes: 4 of meaning, 2 models x 3 spaces of sound; pairs of 2 models, 2 correlations
    assert len(digest) == 4 + 2 * 3 + 2 + 2
    assert len(found) == len(numbers)
    by_model = {
        (row["model"], row["subset"], row["layer"]): row["published"]
        for row in numbers
        if row["labelling"] == "meaning" and row not in digest
    }
    # the highest values of each table, as printed
    assert by_model["vg-bert", "all", "12"] == 0.382
    assert by_model["vg-bert", "concrete", "12"] == 0.461
    assert by_model["glove", "abstract", "0"] == 0.293
    # VG-BERT never trained its first four blocks: it is BERT there
    for subset in ("all", "concrete", "abstract"):
        for layer in ("1", "2", "3", "4"):
            assert by_model["vg-bert", subset, layer] == by_model["bert", subset, layer]
        assert by_model["vg-bert", subset, "5"] != by_model["bert", subset, "5"]


def test_what_a_machine_wrote_about_the_paper_says_so() -> None:
    """A number whose source is the digest is never read as the paper's own, and no other is so."""
    for row in read_published(SHIPPED):
        told = row["reading"].startswith("from a machine-written digest of the paper, not checked")
        assert told is ("digest" in row["source"])


def test_changes_are_of_raw_silhouettes_as_published() -> None:
    """The paper subtracts no null, from CKA in the same space; so does what is set beside it."""
    rows = [row for row in read_published(SHIPPED) if row["table"] == "change_correlation"]
    assert {(row["measure"], row["space"], row["cka_space"]) for row in rows} == {
        ("silhouette", "lda:meaning", "lda:meaning")
    }


def test_silhouettes_are_found_by_their_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys of a shipped silhouette name one row of that table."""
    shipped = next(row for row in read_published(SHIPPED) if row["model"] == "vg-bert")
    table = silhouette({"vg-bert": ["1", "2"]}).to_pylist()
    row = {
        **next(row for row in table if row["level"] == "overall"),
        **{key: value for key, value in shipped.items() if key in table[0] and value is not None},
    }
    tables.write_table(tmp_path / "silhouette.parquet", "silhouette", [row])
    output = tmp_path / "replication.parquet"
    arguments = ["--published", SHIPPED, "--tables", tmp_path / "silhouette.parquet"]
    monkeypatch.setattr(sys, "argv", ["x", *map(str, arguments), "--output", str(output)])
    compare_published.main()
    rows = tables.read_table(output, "replication").to_pylist()
    (compared,) = [row for row in rows if row["status"] == "compared"]
    assert (compared["ours"], compared["layer"]) == (row["estimate"], shipped["layer"])
