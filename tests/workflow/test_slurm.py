"""The default study, cut small, through a real SLURM with the shipped profile."""

import re
from collections import Counter
from collections.abc import Iterator

import cluster
import pyarrow.parquet as pq
import pytest
from checkout import Checkout, copy_project

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(bool(cluster.missing()), reason=cluster.missing() or "SLURM is here"),
]
TARGETS = ("embeddings", "tables")
LAYERS = {"whisper": ["1", "4"], "whisper-random": ["4"], "minilm": ["0", "6"]}


def cut_small(checkout: Checkout) -> None:
    """Keep the default study's kind of corpus and its checkpoints, but little of everything."""
    config = checkout.config()
    config["corpora"]["spoken-groups"]["words"] = [
        "piano", "guitar", "violin", "flute", "shirt", "pants", "jacket", "dress",
        "carrot", "potato", "onion", "tomato",
    ]  # fmt: skip
    config["corpora"]["spoken-groups"]["voices"] = ["en-us", "en-gb+f2"]
    for model, layers in LAYERS.items():
        config["models"][model]["layers"] = [int(layer) for layer in layers]
    meaning = {"labellings": ["meaning"]}
    config["analyses"] = {
        "cka": {"pairs": [["whisper", "minilm"]]},
        "pairs": {"models": ["glove"]},
        "silhouette": meaning | {"models": ["whisper", "minilm", "glove"]},
        "lda": meaning | {"models": ["log-mel"]},
    }
    del config["contrasts"]
    checkout.configure(config)


@pytest.fixture(scope="module")
def slurm() -> Iterator[cluster.Cluster]:
    """Start two CPU and two GPU nodes."""
    with cluster.running_cluster(
        cpu_nodes=("c1", "c2"), gpu_nodes=("g1", "g2"), node_cpus=4, node_mb=32_000
    ) as running:
        yield running


@pytest.fixture(scope="module")
def swept(slurm: cluster.Cluster, tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, str]:
    """Run the study up to its tables once with `snakemake --profile slurm`."""
    checkout = copy_project(tmp_path_factory.mktemp("slurm") / "project")
    cut_small(checkout)
    done = checkout.snakemake(*TARGETS, profile="slurm", environment=slurm.environment)
    assert done.returncode == 0, done.stdout[-8000:]
    return checkout, done.stdout


def test_extraction_is_one_gpu_job_a_model_and_layer(
    slurm: cluster.Cluster, swept: tuple[Checkout, str]
) -> None:
    """SLURM's own records: one completed job each, in the gpu partition, with one GPU."""
    jobs = [job for job in slurm.jobs() if job["Comment"].startswith("rule_extract_embeddings")]
    heavy = [job for job in jobs if job["Partition"] == "gpu"]
    asked = Counter((model, layer) for model, layers in LAYERS.items() for layer in layers)
    made = Counter(
        (model, layer) for job in heavy for model, layer in [_model_and_layer(job["Comment"])]
    )
    assert made == asked
    assert {job["JobState"] for job in jobs} == {"COMPLETED"}
    assert {job["TresPerJob"] for job in heavy} == {"gres:gpu:1"}
    # a filter bank and a look-up need no GPU
    assert {_model_and_layer(job["Comment"])[0] for job in jobs if job not in heavy} == {
        "log-mel",
        "glove",
    }


def _model_and_layer(comment: str) -> tuple[str, str]:
    found = re.search(r"_(whisper-random|whisper|minilm|glove|log-mel)_(\d+)$", comment)
    assert found, comment
    return found[1], found[2]


def test_extraction_spreads_over_nodes(slurm: cluster.Cluster, swept: tuple[Checkout, str]) -> None:
    """Layers of the sweep ran on more than one GPU node."""
    nodes = {job["NodeList"] for job in slurm.jobs() if job["Partition"] == "gpu"}
    assert nodes == {"g1", "g2"}


def test_analyses_run_on_cpu_nodes(slurm: cluster.Cluster, swept: tuple[Checkout, str]) -> None:
    """Every analysis was a job in the cpu partition, without a GPU."""
    ran: Counter[str] = Counter()
    for job in slurm.jobs():
        found = re.match(
            r"rule_(compare_cka|compare_pairs|score_silhouette|score_lda)_", job["Comment"]
        )
        if found:
            assert job["Partition"] == "cpu"
            assert "TresPerJob" not in job
            ran[found[1]] += 1
    assert ran == {"compare_cka": 1, "compare_pairs": 1, "score_silhouette": 3, "score_lda": 1}


def test_downloads_stay_on_the_login_node(
    slurm: cluster.Cluster, swept: tuple[Checkout, str]
) -> None:
    """No job on a node fetches a checkpoint."""
    assert not any("fetch_checkpoint" in job["Comment"] for job in slurm.jobs())


def test_tables_hold_every_layer(swept: tuple[Checkout, str]) -> None:
    """The gathered tables have the layers that were asked for, joined over nodes."""
    table = pq.read_table(swept[0].folder / "results/tables/silhouette.parquet")
    pairs = set(zip(table["model"].to_pylist(), table["layer"].to_pylist(), strict=True))
    asked = {(model, layer) for model in ("whisper", "minilm") for layer in LAYERS[model]}
    assert pairs == asked | {("glove", "0")}


def test_a_second_run_has_nothing_to_do(
    slurm: cluster.Cluster, swept: tuple[Checkout, str]
) -> None:
    """What ran through SLURM is up to date, for the slurm and for the local profile."""
    checkout, _ = swept
    done = checkout.snakemake(*TARGETS, profile="slurm", environment=slurm.environment)
    assert "Nothing to be done" in done.stdout
    assert checkout.planned(*TARGETS) == {}
