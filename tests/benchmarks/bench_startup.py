"""What each command imports before it starts work, and how much of a study is that.

Usage: python tests/benchmarks/bench_startup.py [results folder of a finished study]

Of three starts the one with the least CPU time counts: on a busy machine wall time says little.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from measure import Measured, show_alone

_COMMANDS = "groundscope.commands."
_EXTRACTION = f"{_COMMANDS}extract_embeddings"
STARTS = {
    **{
        name: (_COMMANDS + name,)
        for name in (
            "compare_cka",
            "compare_pairs",
            "score_silhouette",
            "score_lda",
            "contrast_alignments",
            "contrast_models",
            "select_tokens",
            "gather_table",
            "plot_lda",
            "write_summary",
            "prepare_corpus",
            "build_word_map",
        )
    },
    # as far as the forward pass: the command imports the family, the family its models
    "extract_embeddings, static": (_EXTRACTION, "groundscope.encoders.static"),
    "extract_embeddings, log-mel": (_EXTRACTION, "groundscope.encoders.log_mel"),
    "extract_embeddings, text": (
        _EXTRACTION,
        "groundscope.encoders.text",
        "transformers.models.bert.modeling_bert",
    ),
    "extract_embeddings, speech": (
        _EXTRACTION,
        "groundscope.encoders.speech",
        "transformers.models.wav2vec2.modeling_wav2vec2",
    ),
}


def imports(modules: tuple[str, ...]) -> str:
    """Write the program that imports `modules`, the first as a job does, the others as it loads."""
    first, *loaded = modules
    if not loaded:
        return f"import {first}"
    way = "from groundscope.encoders.extraction import loading"
    return f"import {first}\n{way}\nwith loading():\n import {', '.join(loaded)}"


def start(modules: tuple[str, ...]) -> tuple[float, Measured]:
    """Import `modules` in a new interpreter; return CPU seconds, wall time and memory."""
    best = (float("inf"), Measured(0, 0))
    for _ in range(3):
        begin = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-c", imports(modules)])
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begin
        if status:
            message = f"{modules} cannot be imported"
            raise SystemExit(message)
        cpu = usage.ru_utime + usage.ru_stime
        best = min(best, (cpu, Measured(seconds, usage.ru_maxrss / 1024)), key=lambda one: one[0])
    return best


def offenders(modules: tuple[str, ...], most: int = 4) -> str:
    """Name the packages whose own code takes longest to import, with their share."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", imports(modules)],
        capture_output=True,
        text=True,
        check=True,
    )
    spent: Counter[str] = Counter()
    for own, name in re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)", done.stderr, re.M):
        spent[name.partition(".")[0]] += int(own)
    total = sum(spent.values())
    return ", ".join(f"{name} {100 * own // total}%" for name, own in spent.most_common(most))


def share(results: Path, starts: dict[str, float]) -> None:
    """Print how much of the jobs' CPU time of a finished study was start-up."""
    jobs: Counter[str] = Counter()
    spent: defaultdict[str, float] = defaultdict(float)
    for file in (results / "benchmarks").rglob("*.jsonl"):
        rule = file.relative_to(results / "benchmarks").parts[0].removesuffix(".jsonl")
        jobs[rule] += 1
        cpu = json.loads(file.read_text(encoding="utf-8").splitlines()[-1])["cpu_time"]
        # a job that was over before Snakemake sampled it has none
        spent[rule] += cpu if isinstance(cpu, float) else 0.0
    slowest = max(cpu for name, cpu in starts.items() if name.startswith("extract"))
    known = {**starts, "extract_embeddings": slowest}
    lines = [
        (rule, Measured(spent[rule], 0), f"{jobs[rule]} jobs, {known[rule]:.2f} s of start-up each")
        for rule in sorted(jobs, key=lambda rule: -spent[rule])
        if rule in known
    ]
    show_alone("CPU time of all jobs of the study, and start-up", lines)
    begun = sum(jobs[rule] * known[rule] for rule in jobs if rule in known)
    sys.stdout.write(f"  start-up: {100 * begun / sum(spent.values()):.0f}% of CPU time\n")


def main() -> None:
    """Print the tables."""
    lines, starts = [], {}
    for name, modules in STARTS.items():
        starts[name], measured = start(modules)
        lines.append((name, measured, f"{starts[name]:.2f} s of CPU: {offenders(modules)}"))
    show_alone("interpreter start to first work, without reading weights", lines)
    for folder in sys.argv[1:]:
        share(Path(folder), starts)


if __name__ == "__main__":
    main()
