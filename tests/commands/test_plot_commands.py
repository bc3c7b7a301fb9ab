"""The plot commands and the summary, run as the rules run them."""

import base64
import html
import json
import os
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import result_tables
from job_log import complaint

from groundscope import tables
from groundscope.checkpoints import Checkpoint, write_manifest
from groundscope.figures.cautions import warnings
from groundscope.figures.findings import sheets
from groundscope.figures.page import page
from groundscope.figures.sheet import Sheet
from groundscope.token_table import write_tokens

SOURCES = Path(__file__).parents[2] / "workflow/src"


def _run(command: str, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"groundscope.commands.{command}", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(SOURCES), **more},
    )


def _write(folder: Path, *names: str) -> list[Path]:
    paths = [folder / f"{name}.parquet" for name in names]
    for path in paths:
        tables.write_table(path, path.stem, getattr(result_tables, path.stem)())
    return paths


def test_a_figure_is_written_in_every_format_the_same_in_every_process(tmp_path: Path) -> None:
    """The order of hashes, which differs between processes, does not show in the files."""
    (table,) = _write(tmp_path, "contrasts")
    made = []
    for seed in ("1", "2"):
        out = [tmp_path / seed / f"figure.{suffix}" for suffix in ("svg", "pdf", "png")]
        options = json.dumps({"corpus": "spoken", "contrasts": []})
        done = _run(
            "plot_contrasts", "--tables", table, "--options", options, "--output", *out,
            PYTHONHASHSEED=seed,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        made.append([path.read_bytes() for path in out])
    assert made[0] == made[1]
    assert [content[:5] for content in made[0]] == [b"<?xml", b"%PDF-", b"\x89PNG\r"]


def test_change_is_drawn_from_three_tables(tmp_path: Path) -> None:
    """Its command takes the tables in the order that the rule gives them."""
    paths = _write(tmp_path, "change_correlation", "cka", "contrasts")
    out = tmp_path / "change.svg"
    done = _run("plot_change", "--tables", *paths, "--options", "{}", "--output", out)
    assert done.returncode == 0, done.stderr
    assert "r = -0.71, p = 0.031" in out.read_text(encoding="utf-8")


def test_an_empty_table_is_a_figure_that_says_so(tmp_path: Path) -> None:
    """An analysis may leave out all layers: that ends no study."""
    path = tmp_path / "lda.parquet"
    tables.write_table(path, "lda", [])
    out = tmp_path / "lda.svg"
    done = _run("plot_lda", "--tables", path, "--options", "{}", "--output", out)
    assert done.returncode == 0, done.stderr
    said = "table 'lda' is empty: there is nothing to draw"
    assert said in done.stderr
    assert said in html.unescape(out.read_text(encoding="utf-8"))


def test_a_value_that_no_row_has_is_one_line(tmp_path: Path) -> None:
    """Exit code 2, one line, no file."""
    (path,) = _write(tmp_path, "silhouette")
    out = tmp_path / "silhouette.svg"
    options = '{"metric": "manhattan"}'
    done = _run("plot_silhouette", "--tables", path, "--options", options, "--output", out)
    assert done.returncode == 2
    assert "error: table 'silhouette' has no rows of metric 'manhattan'" in complaint(done.stderr)
    assert not out.exists()


class _Reader(HTMLParser):
    """Counts tags and collects text and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows = 0
        self.text = ""
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an opened tag; ``meta`` has no end."""
        if tag != "meta":
            self.open.append(tag)
        self.rows += tag == "tr"
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        """Tags close in the order that they were opened in."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


def _summarise(
    folder: Path, drawn: str = "drawn", grouped: Any = "all", **changed: dict[str, Any]
) -> tuple[subprocess.CompletedProcess[str], Path]:
    names = ("cka", "pairs", "silhouette", "lda", "contrasts", "cka_contrasts",
             "change_correlation", "coverage")  # fmt: skip
    paths = _write(folder, *names)
    for name, values in changed.items():
        rows = getattr(result_tables, name)().to_pylist()
        changed_rows = [{**row, **values} for row in rows]
        tables.write_table(folder / f"{name}.parquet", name, changed_rows)
    empty = dict.fromkeys(("audio", "start_s", "end_s", "phones"))
    token: dict[str, Any] = {"token_id": "1", "word": "a", "speaker": "ann", "text": "a", **empty}
    token |= {"char_start": 0, "char_end": 1}
    others = ({**token, "token_id": "2"}, {**token, "token_id": "3", "word": "b"})
    write_tokens(folder / "tokens.parquet", [token, *others])
    manifest = folder / "manifest.json"
    weights = {"model.safetensors": "ab" * 32}
    write_manifest(manifest, Checkpoint(folder, "huggingface", weights, "hub: some/model", {}))
    listed = folder / "meaning.csv"
    listed.write_text("word,kind\na,x\nA,x\nLime,y\nOak,y\n<Elm>,z\n", encoding="utf-8")
    options = {
        "study": {"title": "A <study>", "question": "Why?", "caution": "Synthetic."},
        "corpora": ["spoken"],
        "figures": [{"title": "Change <1>", "wildcards": {"corpus": "spoken"}}],
        "settings": {
            "models": {"whisper": {"family": "log-mel", "seed": 17, "layers": "all"}},
            "corpora": {"spoken": {"kind": "recordings"}},
            "checkpoints": {},
            "labellings": {
                "meaning": {"words": str(listed), "label": "kind"},
                "groups": {"words": str(listed), "label": "word", "corpora": grouped},
                "unused": {"words": str(folder / "nowhere.csv")},
            },
            "analyses": {
                "pairs": {
                    "models": "all",
                    "groups": "groups",
                    "seeds": [1, 2],
                    "sample": 9,
                    "bootstrap": 9,
                }
            },
            "contrasts": {},
        },
    }
    embedding = folder / "layer-0.parquet"
    about = {"model": "glove", "corpus": "spoken", "tokens": "440", "tokens_dropped": "{}"}
    pq.write_table(pa.table({"token_id": ["1"]}).replace_schema_metadata(about), embedding)
    figure = folder / "change.svg"
    figure.write_text(f'<?xml?><svg><g id="figure_1"><text>{drawn}</text></g></svg>')
    caption = SOURCES.parent / "report/change.rst"
    out = folder / "summary.html"
    done = _run(
        "write_summary", "--tables", *paths, "--tokens", folder / "tokens.parquet", "--manifests",
        manifest, "--embeddings", embedding, "--figures", figure, "--captions", caption,
        "--options", json.dumps(options), "--output", out,
    )  # fmt: skip
    return done, out


def test_the_summary_is_one_sound_page(tmp_path: Path) -> None:
    """Tags match, user text is escaped, nothing is loaded from elsewhere."""
    done, out = _summarise(tmp_path)
    assert done.returncode == 0, done.stderr
    reader = _Reader()
    reader.feed(out.read_text(encoding="utf-8"))
    assert reader.open == []
    assert all(address.startswith("#part-") for address in reader.addresses)
    wanted = (
        "A <study>",
        "Synthetic.",
        "<xylophone>",
        "hub: some/model",
        '"seed": 17',
        "Change <1>",
    )
    assert [text for text in wanted if text not in reader.text] == []
    assert "one speaker" in reader.text
    assert "one speaker" in done.stderr
    lost = "in spoken: 1 of 5 listed words have tokens, not 'A', 'Lime', 'Oak', ...; no word of "
    assert f"meaning {lost}y, z." in reader.text
    assert f"groups {lost}A, Lime, Oak, <Elm>." in reader.text
    # heads, and rows by sheet: silhouette, lda, pairs, cka, contrasts, contrasts of alignment,
    # correlations, coverage, corpora, weights, vectors, versions of Python and of six libraries,
    # two seeds
    assert reader.rows == 13 + 30 + 15 + 15 + 20 + 8 + 6 + 2 + 1 + 1 + 1 + 1 + 7 + 2


def test_the_summary_misses_no_words_where_groups_are_not_for(tmp_path: Path) -> None:
    """Pairs of `spoken` were not made from groups of words for another corpus."""
    done, out = _summarise(tmp_path, grouped=["read"])
    assert done.returncode == 0, done.stderr
    text = out.read_text(encoding="utf-8")
    assert "meaning in spoken: 1 of 5 listed words have tokens" in text
    assert "groups in spoken" not in text


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Give the log and the page of a study that is too small in every respect."""
    folder = tmp_path_factory.mktemp("small")
    done, out = _summarise(
        folder, cka={"n_tokens": 98, "n_types": 49, "rows": "types"}, lda={"null_mean": None}
    )
    assert done.returncode == 0, done.stderr
    reader = _Reader()
    reader.feed(out.read_text(encoding="utf-8"))
    return done.stderr, reader.text


@pytest.mark.parametrize(
    "told",
    [
        "CKA in spoken rests on 49 words, fewer than 50",
        "spoken: words have unequal numbers of tokens",
        "meaning in spoken: 1 of 5 groups have fewer than 5 words (animals)",
        "meaning in spoken: lda has no permuted null, so it cannot be told from chance",
        "Corpus spoken has one speaker: nothing here generalises to other voices",
    ],
)
def test_a_study_too_small_for_a_claim_is_told_in_log_and_report(
    told: str, small: tuple[str, str]
) -> None:
    """Few types, means of unequal numbers, a small group, no null, one speaker: in both places."""
    log, text = small
    assert f"too small or too uneven for a claim: {told}" in log
    assert told in text.partition("Too small or too uneven for a claim")[2]


def test_a_page_that_no_report_could_show_leaves_its_figures_out(tmp_path: Path) -> None:
    """In base64 it stays below the 2 MiB that browsers take as an address; the log says so."""
    done, out = _summarise(tmp_path, "drawn" * 320_000)
    assert done.returncode == 0, done.stderr
    assert "figures are left out" in done.stderr
    text = out.read_text(encoding="utf-8")
    assert "other sections of the report" in " ".join(text.split())
    assert len(base64.b64encode(text.encode())) < 2**21


def test_findings_are_the_best_layers() -> None:
    """Each model's row is its highest estimate, and the sentence names the highest of all."""
    table = result_tables.silhouette()
    (sheet,) = sheets({"silhouette": table})
    rows = [
        row
        for row in table.to_pylist()
        if row["level"] == "overall" and row["metric"] == "cosine" and row["labelling"] == "sound"
    ]
    top = max(rows, key=lambda row: row["estimate"])
    shown = [cells for cells in sheet.rows if cells[1:4] == ["sound", "silhouette", "cosine"]]
    assert len(shown) == len(result_tables.DEFAULT)
    assert max(shown, key=lambda cells: cells[7])[5:8] == [
        top["model"],
        top["layer"],
        top["estimate"],
    ]
    (sentence,) = [text for text in sheet.sentences if text.startswith("sound in spoken")]
    assert f"{top['estimate']:.3f}" in sentence
    assert f"of {top['model']} in layer {top['layer']}" in sentence
    assert "; 5 of 5 models above permuted labels at p 0.05 or less" in sentence


@pytest.mark.parametrize(
    ("least", "number", "said"),
    [
        (1 / 20, 19, "5 of 5 models above"),
        (2 / 20, 19, "none of 5 models above"),
        (1 / 19, 18, "with 18 permutations of labels no p can be 0.05"),
    ],
)
def test_few_permutations_find_nothing(least: float, number: int, said: str) -> None:
    """All are above all permutations: with 19 that is p 0.05, with 18 it says nothing yet."""
    table = result_tables.lda()
    rows = [{**row, "p_value": least} for row in table.to_pylist()]
    found = {"lda": pa.Table.from_pylist(rows, table.schema)}
    analyses = {"lda": {"permutations": number}, "silhouette": {"permutations": 9}}
    (sheet,) = sheets(found, analyses)
    assert all(f"; {said}" in sentence for sentence in sheet.sentences)
    told = warnings(found, {}, analyses={**analyses, "planes": {}})
    assert any("lda: with 18 permutations no p" in line for line in told) is (number == 18)
    assert not any("silhouette: with" in line for line in told)
    assert len(sheet.sentences) > 1


def test_contrast_sentences_count_significant_layers() -> None:
    """Three of five layers of the made-up contrast have a corrected p below 0.05.

    Of the two measures of pairs only the AUC, which compares between models, is told in words.
    """
    (sheet,) = sheets({"contrasts": result_tables.contrasts()})
    (sentence,) = [
        text for text in sheet.sentences if "training in spoken, AUC of word pairs" in text
    ]
    assert "whisper is higher than whisper-random in 3 of 5 layers" in sentence
    assert sum("word pairs" in text for text in sheet.sentences) == 2
    assert len([cells for cells in sheet.rows if "normalised" in cells]) == 2


def test_contrasts_of_some_groups_are_cells_and_no_sentence() -> None:
    """The sheet has all families, those of the figure first; no sentence or caution changes."""
    table = result_tables.contrasts()
    (few,), (all_of_them,) = (
        sheets({"contrasts": each}) for each in (table, result_tables.with_more_families(table))
    )
    assert all_of_them.sentences == few.sentences
    assert all_of_them.rows[: len(few.rows)] == few.rows
    groups = [tuple(cells[8:10]) for cells in all_of_them.rows[len(few.rows) :]]
    assert Counter(groups) == {
        ("leave-one-group-out", "all"): 2,
        ("leave-one-group-out", "concrete"): 2,
        ("all-groups", "concrete"): 2,
        ("", ""): 2 * 2,
    }
    told = warnings({"contrasts": result_tables.with_more_families(table)}, {})
    assert told == warnings({"contrasts": table}, {})


def test_changes_are_of_all_groups() -> None:
    """Correlations with the runs that leave a group out are in the table, not in the sheet."""
    table = result_tables.change_correlation()
    others = [{**row, "protocol": "leave-one-group-out"} for row in table.to_pylist()]
    both = pa.concat_tables([table, pa.Table.from_pylist(others, table.schema)])
    (one,), (other,) = (sheets({"change_correlation": each}) for each in (table, both))
    assert len(one.rows) == 2
    assert other == one
    (alone,) = sheets({"change_correlation": pa.Table.from_pylist(others, table.schema)})
    assert alone == one


def test_raw_silhouettes_are_no_finding_where_there_is_a_null() -> None:
    """The sheet tells the difference above the null; the raw one only where nothing else is."""
    table = result_tables.contrasts()
    raw = [row for row in table.to_pylist() if row["measure"] != "silhouette-above-null"]
    for shown, measure, words in (
        (table, "silhouette-above-null", "silhouette above permuted labels by meaning"),
        (pa.Table.from_pylist(raw, table.schema), "silhouette", "silhouette by meaning"),
    ):
        (sheet,) = sheets({"contrasts": shown})
        told = [text for text in sheet.sentences if "silhouette" in text]
        assert len(told) == 2
        assert all(words in text for text in told)
        assert {cells[5] for cells in sheet.rows} == {measure, "auc", "normalised", "accuracy"}


def test_contrasts_of_alignment_count_pairs_of_layers() -> None:
    """Up and down among the 35 pairs of layers of whisper and minilm, by the table."""
    table = result_tables.cka_contrasts()
    tokens = [{**row, "rows": "tokens"} for row in table.to_pylist()]
    both = pa.concat_tables([table, pa.Table.from_pylist(tokens, table.schema)])
    (sheet,) = sheets({"cka_contrasts": both})
    (sentence,) = [text for text in sheet.sentences if "like minilm than whisper-random" in text]
    rows = [r for r in table.to_pylist() if (r["contrast"], r["model_b"]) == ("a", "minilm")]
    found = [row["estimate"] for row in rows if row["p_holm"] < 0.05]
    up = sum(value > 0 for value in found)
    assert 0 < up < len(found) < 35
    assert f"is in {up} and less in {len(found) - up} of 35 pairs of layers" in sentence
    unsure = [{**row, "p_holm": 0.05} for row in table.to_pylist()]
    (sheet,) = sheets({"cka_contrasts": pa.Table.from_pylist(unsure, table.schema)})
    wanted = "not significantly more or less like minilm than whisper-random is in any of 35 pairs"
    assert sum(wanted in text for text in sheet.sentences) == 1


@pytest.mark.parametrize(
    ("change", "speakers", "wanted"),
    [
        ({"n_types": 49}, 2, ["CKA in spoken rests on 49 words"]),
        ({"n_types": 50}, 2, []),
        ({"n_types": 50}, 1, ["Corpus spoken has one speaker"]),
        ({"n_types": 50}, 0, []),
    ],
)
def test_small_studies_are_told_so(
    change: dict[str, Any], speakers: int, wanted: list[str]
) -> None:
    """Fewer than 50 words or one speaker is a warning; 50 words or a text corpus is none."""
    rows = [{**row, **change} for row in result_tables.cka().to_pylist()]
    table = result_tables.cka().schema
    found = warnings({"cka": tables_from(rows, table)}, {"spoken": speakers})
    assert [text[: len(start)] for text, start in zip(found, wanted, strict=True)] == wanted


def tables_from(rows: list[dict[str, Any]], schema: Any) -> Any:
    """Make an Arrow table of `rows`."""
    return pa.Table.from_pylist(rows, schema)


def test_small_groups_and_missing_nulls_are_told() -> None:
    """A group of four words is named; a number without null is said to have none."""
    table = result_tables.silhouette()
    found = warnings({"silhouette": table}, {})
    assert found[0] == "meaning in spoken: 1 of 5 groups have fewer than 5 words (animals)."
    assert not any("null" in text for text in found)
    rows = [{**row, "null_mean": None} for row in table.to_pylist()]
    found = warnings({"silhouette": tables_from(rows, table.schema)}, {})
    assert sum("no permuted null" in text for text in found) == 3


def test_missing_numbers_are_shown_as_missing() -> None:
    """A null cell is a dash that sorts as nothing, not the word None."""
    text = page(
        {"title": "t", "question": "", "caution": ""}, [Sheet("s", "", ["a"], [[None]])], [], {}
    )
    assert '<td data-value="">-</td>' in text
    assert "None" not in text
