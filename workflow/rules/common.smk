# The checked study, the folders, and what wildcards may be. No rule, no logic.
import atexit
import gc
import sys
from functools import partial
from pathlib import Path

# a plan is millions of objects that all stay: looking for cycles among them takes a seventh of a
# dry run's time with Python's threshold of 700
gc.set_threshold(50_000)

SOURCES = Path(workflow.basedir) / "workflow" / "src"
sys.path.insert(0, str(SOURCES))
# commands run as `python -m groundscope.commands.NAME`, here and in cluster jobs; set in the shell
# because Snakemake takes PYTHONPATH away from jobs that it gives a conda environment
# idle threads of OpenBLAS, of which NumPy and SciPy have one copy each, otherwise look out for work for
# 2^26 cycles, on the cores that the other copy computes on
shell.prefix("export PYTHONPATH={SOURCES:q} OPENBLAS_THREAD_TIMEOUT=12; ")

from groundscope.plan import extraction, figures, jobs, resources, running, targets
from groundscope.plan.config import study_or_exit

STUDY = study_or_exit(config, workflow.configfiles, main=workflow.is_main_process)
PLAN = jobs.Plan(STUDY)
# at the very end, where Snakemake has said that there is nothing to be done, too
if workflow.is_main_process:
    atexit.register(running.warn_of_unrecorded, workflow)


pathvars:
    results=STUDY["results"],
    logs=f"{STUDY['results']}/logs",
    benchmarks=f"{STUDY['results']}/benchmarks",


wildcard_constraints:
    corpus=extraction.one_of(STUDY["corpora"]),
    dataset=extraction.one_of(STUDY["datasets"]),
    checkpoint=extraction.one_of(STUDY["checkpoints"]),
    model=extraction.one_of(STUDY["models"]),
    left=extraction.one_of(STUDY["models"]),
    right=extraction.one_of(STUDY["models"]),
    labelling=extraction.one_of(STUDY["labellings"]),
    groups=extraction.one_of(STUDY["word_groups"]),
    contrast=extraction.one_of(STUDY["contrasts"]),
    table=extraction.one_of(targets.tables(STUDY)),
    layer=r"0|[1-9]\d*|[a-z]+[0-9]*(-[0-9]+)?",


# so that `make unlock` can tell a run that was killed from one that is alive
onstart:
    running.begin()


onsuccess:
    running.end()


onerror:
    running.cancel_overlooked(workflow)
    running.redo_unrecorded(workflow.dag.jobs, workflow.persistence)
    running.end()
