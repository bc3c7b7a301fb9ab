"""Nothing in the rules is SLURM's alone, and the profile's optional blocks are true."""

import re
from pathlib import Path

import pytest
import yaml
from checkout import Checkout

ROOT = Path(__file__).parents[2]
SUBMIT = "cluster-generic-submit-cmd"


def test_rules_name_no_scheduler() -> None:
    """No rule, and no default of the workflow, mentions SLURM, a partition or a queue."""
    text = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "workflow").rglob("*.smk"))
    assert not re.search(r"slurm|partition|queue|qos|account", text, re.IGNORECASE)


def test_jobs_run_through_another_batch_system(study: Checkout) -> None:
    """A corpus and static vectors, submitted with a shell script, are the same bits as before."""
    wanted = [
        "results/corpora/clips/tokens.parquet",
        "results/embeddings/clips/glove/layer-0.parquet",
    ]
    before = [(study.folder / name).read_bytes() for name in wanted]
    (study.folder / wanted[1]).unlink()
    profile = study.folder / "generic"
    profile.mkdir()
    settings = {
        "executor": "cluster-generic",
        SUBMIT: f"sh {ROOT / 'tests/helpers/submit.sh'}",
        "jobs": 2,
        "default-resources": {"mem_mb": 2000, "runtime": 60},
        "seconds-between-status-checks": 1,
    }
    (profile / "profile.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    done = study.snakemake(*wanted, profile="generic")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "external jobid" in done.stdout
    assert [(study.folder / name).read_bytes() for name in wanted] == before


@pytest.fixture
def profile() -> str:
    """Read the slurm profile."""
    return (ROOT / "profiles/slurm/profile.yaml").read_text(encoding="utf-8")


def _uncommented(profile: str, heading: str) -> str:
    """Remove the # from the lines of keys behind a heading of the profile."""
    before, _, after = profile.partition(heading)
    keys = re.sub(r"^# (?=[a-z-]+:|  [a-z_]+: )", "", after, flags=re.MULTILINE)
    return f"{before}{heading}{keys}"


def test_small_analyses_share_allocations(study: Checkout, profile: str) -> None:
    """With its # removed, the block of groups runs all 9 analyses in one submission."""
    text = _uncommented(profile, "# ---- Fewer, longer submissions")
    settings = yaml.safe_load(text)
    assert settings["group-components"] == {"analyses": 10}
    (study.folder / "profiles/slurm/profile.yaml").write_text(text, encoding="utf-8")
    forced = ("--forcerun", "compare_pairs", "score_silhouette", "score_lda")
    done = study.snakemake("--dry-run", *forced, profile="slurm")
    assert done.returncode == 0, done.stdout[-3000:]
    groups = re.findall(r"Group job (\w+) \(jobs in lexicogr\. order\):", done.stdout)
    assert groups == ["analyses"]


def test_an_account_stands_beside_the_other_resources(study: Checkout, profile: str) -> None:
    """With each # removed there is one block of default resources, and Snakemake takes it."""
    text = re.sub(r"^( +)#(?=slurm_)", r"\1", profile, flags=re.MULTILINE)
    root = yaml.compose(text)
    assert root is not None
    keys = [key.value for key, _ in root.value]
    assert len(keys) == len(set(keys))
    site = {"slurm_account": "my_account", "slurm_extra": "'--qos=short'"}
    shipped = yaml.safe_load(profile)["default-resources"]
    assert shipped.keys() == {"mem_mb", "runtime", "disk_mb"}
    assert yaml.safe_load(text)["default-resources"] == shipped | site
    (study.folder / "profiles/slurm/profile.yaml").write_text(text, encoding="utf-8")
    done = study.snakemake("--dry-run", "--forcerun", "score_lda", profile="slurm")
    (study.folder / "profiles/slurm/profile.yaml").write_text(profile, encoding="utf-8")
    assert done.returncode == 0, done.stdout[-3000:]
    (used,) = set(re.findall(r"resources: (.*slurm_account.*)", done.stdout))
    assert "slurm_account=my_account" in used
    assert "slurm_extra=--qos=short" in used


def test_the_profile_is_read_without_its_optional_blocks(profile: str) -> None:
    """As shipped, nothing is grouped and there are no job arrays."""
    settings = yaml.safe_load(profile)
    assert not {"groups", "group-components", "slurm-array-jobs"} & set(settings)
