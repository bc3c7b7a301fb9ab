"""README and the pages: links lead somewhere, commands are tested, a citation is complete."""

import re
from pathlib import Path

import pytest
import yaml
from checkout import ROOT
from pages import blocks

PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part == "results" for part in path.relative_to(ROOT).parts)
)
# Every command of README, and the test that runs it.
COMMANDS = {
    "make study": "documentation/test_newcomer.py",
    "make test": ".ci/run",
    "source .venv/bin/activate": "documentation/test_tutorial.py",
    "snakemake --profile profiles/local --configfile my-study.yaml": (
        "documentation/test_tutorial.py"
    ),
    "snakemake --profile profiles/local --configfile my-study.yaml --report my-report.html": (
        "documentation/test_tutorial.py"
    ),
    "python3 -m venv .venv && source .venv/bin/activate": "Makefile",
    "pip install -r envs/controller.requirements.txt": "Makefile",
    (
        "pip install -r envs/extraction.requirements.txt -r envs/analysis.requirements.txt"
        " -r envs/figures.requirements.txt"
    ): "Makefile",
    'sinfo -o "%P %l %G"': "workflow/test_slurm.py",
    "$EDITOR profiles/slurm/profile.yaml": "workflow/test_slurm.py",
    "snakemake --profile slurm -n": "workflow/test_slurm.py",
    "snakemake --profile slurm": "workflow/test_slurm.py",
    "snakemake --profile slurm --report results/report.html": "workflow/test_slurm.py",
    "snakemake --cores 1 summarise_jobs": "workflow/test_traces.py",
}
LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files(page: Path) -> None:
    """Each relative link and picture of a page exists."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_command_of_readme_is_run_somewhere() -> None:
    """A command that is added to README has to name what runs it."""
    lines = "".join(blocks(ROOT / "README.md", "bash")).splitlines()
    found = {line.partition("#")[0].strip() for line in lines}
    assert found - {""} == COMMANDS.keys()
    for place in COMMANDS.values():
        assert (ROOT / place).is_file() or (ROOT / "tests" / place).is_file()


def test_readme_is_a_page() -> None:
    """It has what a reader looks for, in this order, and a picture; long tables are elsewhere."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sections = re.findall("^## (.*)$", text, re.MULTILINE)
    assert sections == [
        *("Run it", "Configure", "On a cluster", "What you get", "What runs again", "Cite")
    ]
    assert text.count("\n") <= 250
    assert text.index("](resources/silhouette.png)") < text.index("## Run it")


def test_the_citation_is_complete() -> None:
    """CITATION.cff has the keys that version 1.2.0 requires, and those that a reference needs."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    required = {"cff-version", "message", "title", "authors"}
    assert citation.keys() >= required | {"abstract", "keywords", "license", "type", "references"}
    assert citation["cff-version"] == "1.2.0"
    assert (citation["type"], citation["license"]) == ("software", "Apache-2.0")
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")[:200]
    for reference in citation["references"]:
        assert reference.keys() >= {"type", "title", "authors", "year"}
