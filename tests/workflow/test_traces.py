"""What a run leaves behind beside its results: logs, records of time and memory."""

import json
from pathlib import Path
from types import SimpleNamespace

from checkout import Checkout

from groundscope.plan import resources

ANALYSES = ("compare_cka", "compare_pairs", "score_silhouette", "score_lda")


def _peaks(checkout: Checkout, rule: str) -> list[float]:
    """Peak memory of the jobs of a rule, in MB, where they were long enough to be sampled."""
    folder = checkout.folder / "results/benchmarks" / rule
    found = [json.loads(file.read_text().splitlines()[-1]) for file in folder.rglob("*.jsonl")]
    assert found
    return [run["max_rss"] for run in found if isinstance(run["max_rss"], float)]


def test_jobs_stay_within_the_memory_that_they_ask_for(finished: Checkout) -> None:
    """Measured peaks of real extractions and analyses are below the formula's first attempt."""
    results = finished.folder / "results"
    files = SimpleNamespace(
        tokens=str(results / "corpora/clips/tokens.parquet"),
        checkpoint=str(results / "checkpoints/w2v/fetched/manifest.json"),
    )
    asked = resources.extraction_memory(lambda _: "0")(None, files, 1)
    assert 0 < max(_peaks(finished, "extract_embeddings")) < asked
    layers = [str(file) for file in (results / "embeddings").rglob("layer-*.parquet")]
    asked = resources.analysis_memory(None, layers, 1)
    for rule in ANALYSES:
        assert max(_peaks(finished, rule), default=0) < asked


def test_every_log_begins_with_the_host_and_ends_with_memory(finished: Checkout) -> None:
    """Extractions and analyses alike; extractions say items a second too."""
    logs = list((finished.folder / "results/logs").rglob("*.log"))
    assert len(logs) > 30
    for log in logs:
        lines = log.read_text(encoding="utf-8").splitlines()
        assert " CPUs; Python 3" in lines[0], log
        assert "peak memory" in lines[-1], log
        if "extract_embeddings/clips/w2v" in str(log):
            assert "clips" in lines[-2]
            assert "/s" in lines[-2]


def test_no_secret_of_the_environment_is_written(finished: Checkout, secret: str) -> None:
    """No result, log, record or metadata of Snakemake holds the token of the environment."""
    for folder in ("results", ".snakemake"):
        for file in (finished.folder / folder).rglob("*"):
            if file.is_file():
                assert secret.encode() not in Path(file).read_bytes(), file


def test_no_file_is_for_all_to_write(finished: Checkout) -> None:
    """Results are as readable as the umask says and never world-writable."""
    for file in (finished.folder / "results").rglob("*"):
        assert not file.stat().st_mode & 0o002, file
