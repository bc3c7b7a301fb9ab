# The checked study, the folders, and what wildcards may be. No rule, no logic.
import sys
from functools import partial
from pathlib import Path

SOURCES = Path(workflow.basedir) / "workflow" / "src"
sys.path.insert(0, str(SOURCES))
# commands run as `python -m groundscope.commands.NAME`, here and in cluster jobs; set in the shell
# because Snakemake takes PYTHONPATH away from jobs that it gives a conda environment
shell.prefix("export PYTHONPATH={SOURCES:q}; ")

from groundscope.plan import figures, jobs, resources, running, targets
from groundscope.plan.config import study_or_exit

STUDY = study_or_exit(config)
PLAN = jobs.Plan(STUDY, Path(workflow.basedir))


pathvars:
    results=STUDY["results"],
    logs=f"{STUDY['results']}/logs",
    benchmarks=f"{STUDY['results']}/benchmarks",


wildcard_constraints:
    corpus=PLAN.one_of(STUDY["corpora"]),
    dataset=PLAN.one_of(STUDY["datasets"]),
    checkpoint=PLAN.one_of(STUDY["checkpoints"]),
    model=PLAN.one_of(STUDY["models"]),
    left=PLAN.one_of(STUDY["models"]),
    right=PLAN.one_of(STUDY["models"]),
    labelling=PLAN.one_of(STUDY["labellings"]),
    groups=PLAN.one_of(STUDY["word_groups"]),
    contrast=PLAN.one_of(STUDY["contrasts"]),
    table=PLAN.one_of(targets.tables(STUDY)),
    layer=r"0|[1-9]\d*|[a-z]+[0-9]*(-[0-9]+)?",


# so that `make unlock` can tell a run that was killed from one that is alive
onstart:
    running.begin()


onsuccess:
    running.end()


onerror:
    running.end()
