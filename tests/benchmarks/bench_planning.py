"""Dry runs of layer sweeps of 1,500 and 10,000 GPU jobs, beside a bare workflow of the same jobs.

The bare workflow has the same extraction and analysis jobs, with as many inputs each, but paths
that are written out: no configuration, no input functions, no params, no plots. What it takes is
Snakemake's own.

Usage: python tests/benchmarks/bench_planning.py [models:layers:corpora ...]
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from checkout import Checkout, copy_project
from measure import Measured, show_alone

from groundscope.plan import figures
from groundscope.plan.config import resolve_study
from groundscope.plan.jobs import Plan
from groundscope.plan.sources import source_closure

Json = Any
SWEEPS = ("20:25:3", "80:25:5")


def sweep(models: int, layers: int, corpora: int) -> dict[str, Json]:
    """Give a study of so many speech models, half of them controls, with all four analyses."""
    names = [f"model-{index:03d}" for index in range(models)]
    pairs = [[names[i], names[i + 1]] for i in range(0, models - 1, 2)]
    return {
        "study": {"title": "A sweep"},
        "corpora": {
            f"corpus-{k}": {"kind": "recordings", "manifest": f"data/{k}.csv"}
            for k in range(corpora)
        },
        "checkpoints": {
            name: {"source": "hub", "repo": f"a/{name}", "revision": "0" * 40, "blocks": layers - 1}
            for name in names
        },
        "models": {name: {"family": "speech", "checkpoint": name} for name in names},
        "labellings": {"meaning": {"words": "data/meaning.csv"}, "speaker": {"column": "speaker"}},
        "analyses": {
            "cka": {"pairs": pairs},
            "pairs": {"groups": "meaning"},
            "silhouette": {"labellings": ["meaning", "speaker"]},
            "lda": {"labellings": ["meaning", "speaker"]},
        },
        "contrasts": {
            f"contrast-{i}": {"treated": left, "control": right}
            for i, (left, right) in enumerate(pairs)
        },
    }


def prepare(folder: Path, study: dict[str, Json]) -> Checkout:
    """Copy the project and give it the sweep's configuration and input files."""
    checkout = copy_project(folder / "project")
    checkout.configure(study)
    (checkout.folder / "data").mkdir()
    for corpus in study["corpora"].values():
        (checkout.folder / corpus["manifest"]).write_text("audio,word\n")
    (checkout.folder / "data/meaning.csv").write_text("word,label\n")
    return checkout


_BARE = """
rule all:
    input: {wanted}

rule source:
    output: "source/{{name}}"
    shell: "touch {{output}}"

rule extract_embeddings:
    input: tokens="source/{{corpus}}", weights="source/{{model}}", code={extraction}
    output: "embeddings/{{corpus}}/{{model}}/{{layer}}"
    log: "logs/{{corpus}}/{{model}}/{{layer}}"
    benchmark: "benchmarks/{{corpus}}/{{model}}/{{layer}}"
    wildcard_constraints: layer="[0-9]+"
    threads: 2
    resources: mem_mb=4000, runtime=60, gpu=1
    shell: "touch {{output}}"

rule analyse:
    input:
        tokens="source/{{corpus}}",
        layers=expand("embeddings/{{{{corpus}}}}/{{{{model}}}}/{{layer}}", layer=range({layers})),
        code={analysis}
    output: "{{kind}}/{{corpus}}/{{model}}"
    log: "logs/{{kind}}/{{corpus}}/{{model}}"
    benchmark: "benchmarks/{{kind}}/{{corpus}}/{{model}}"
    wildcard_constraints: kind="a[0-9]+"
    resources: mem_mb=2000, runtime=60
    shell: "touch {{output}}"
"""


def bare(file: Path, models: int, layers: int, corpora: int) -> None:
    """Write the bare workflow: five analyses a model and corpus, and half as many comparisons."""
    commands = "groundscope.commands."
    extraction = source_closure(f"{commands}extract_embeddings", "groundscope.encoders.speech")
    analysis = source_closure(f"{commands}score_lda")
    wanted = [
        f"a{kind}/corpus-{k}/model-{model:03d}"
        for kind in range(6)
        for k in range(corpora)
        for model in range(models // 2 if kind == 5 else models)
    ]
    text = _BARE.format(
        wanted=wanted,
        layers=layers,
        extraction=[str(path) for path in extraction],
        analysis=[str(path) for path in analysis],
    )
    file.write_text(text, encoding="utf-8")


def dry_run(folder: Path, *arguments: str) -> tuple[Measured, str]:
    """Plan in `folder`; return time, peak memory, and the number of jobs and CPU seconds."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", *arguments]
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as written:
        child = subprocess.Popen(command, cwd=folder, stdout=written, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
        written.seek(0)
        output = written.read().decode()
    found = re.search(r"^total +(\d+)$", output, re.MULTILINE)
    if status or not found:
        raise SystemExit(output)
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(seconds, usage.ru_maxrss / 1024), f"{found[1]} jobs, {cpu:.1f} s of CPU"


def planning(study: dict[str, Json]) -> Measured:
    """Time what is ours alone: resolving the study and answering every input function."""
    begin = time.perf_counter()
    plan = Plan(resolve_study(study))
    for file in plan.all_embeddings():
        _, _, corpus, model, _ = file.split("/")
        job = SimpleNamespace(corpus=corpus, model=model)
        plan.extraction_code(job)
        plan.model_manifest(job)
        plan.model_options(job)
    plan.all_tables()
    figures.files(plan.study)
    return Measured(time.perf_counter() - begin, 0)


def main() -> None:
    """Print the table."""
    for text in sys.argv[1:] or SWEEPS:
        models, layers, corpora = map(int, text.split(":"))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            study = sweep(models, layers, corpora)
            checkout = prepare(folder, study)
            ours, jobs = dry_run(checkout.folder, "--profile", "slurm")
            bare(folder / "Snakefile", models, layers, corpora)
            floor, few = dry_run(folder, "--cores", "2")
            own = planning(study)
        extractions = models * layers * corpora
        show_alone(
            f"{extractions} extraction jobs: {models} models x {layers} layers x {corpora} corpora",
            [
                ("dry run of the workflow", ours, jobs),
                ("bare workflow", floor, few),
                ("our answers to Snakemake alone", own, ""),
            ],
        )


if __name__ == "__main__":
    main()
