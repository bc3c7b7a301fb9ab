"""What keeps the project in shape: who may import whom, equal pins, small files."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from groundscope.plan.sources import source_closure

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "workflow/src/groundscope"

# Each part may import the parts named, and itself.
_FILES = {"errors", "files", "listing", "status", "truncation"}
_DATA = {
    "tables",
    "token_table",
    "columns",
    "embeddings",
    "checkpoints",
    "records",
    "spelling",
    *_FILES,
}
MAY_IMPORT = {
    "errors": set(),
    "status": set(),
    "files": {"errors"},
    "listing": set(),
    "truncation": set(),
    "embeddings": _FILES,
    "blocks": {"embeddings", *_FILES},
    "columns": _FILES,
    "token_table": {"columns", *_FILES},
    "shared_columns": {"columns", "token_table", *_FILES},
    "word_tables": {"columns", "token_table", *_FILES},
    "tables": {"columns", "shared_columns", "token_table", "word_tables", *_FILES},
    "checkpoints": _FILES,
    "records": {"spelling", *_FILES},
    "spelling": set(),
    "metrics": {"errors"},
    "plan": {"checkpoints", "errors", "files", "listing"},
    "column_reference": {"commands", "plan", *_DATA},
    "lexicon": _DATA,
    "corpora": {"lexicon", *_DATA},
    "encoders": _DATA,
    "releases": _DATA,
    "sources": _DATA,
    "figures": _DATA,
    "analysis": {"metrics", *_DATA},
    "alignment": {"corpora", "encoders", *_DATA},
}
HEAVY = ["numpy", "pyarrow", "torch", "transformers", "sklearn", "scipy", "pandas", "soundfile"]


def _imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names.add(str(node.module))
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda f: f.stem)
def test_imports_go_one_way(file: Path) -> None:
    """Commands import parts, parts import data files, data files import errors."""
    part = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    used = {name.split(".")[1] for name in _imports(file) if name.startswith("groundscope.")}
    if part == "commands":
        assert "plan" not in used or file.stem == "list_layers"
    elif part != "__init__":
        assert used - {part} <= MAY_IMPORT[part]


def test_modules_are_short() -> None:
    """A module has at most 300 lines."""
    lines = {
        file.relative_to(PACKAGE).as_posix(): file.read_text(encoding="utf-8").count("\n")
        for file in PACKAGE.rglob("*.py")
    }
    assert {name: count for name, count in lines.items() if count > 300} == {}


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("__init__.py")), ids=lambda f: f.parent.name)
def test_package_files_are_a_docstring_only(file: Path) -> None:
    """The sources of a job leave ``__init__`` out, so nothing may happen there."""
    (statement,) = ast.parse(file.read_text(encoding="utf-8")).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)


def test_planning_imports_nothing_heavy() -> None:
    """The Snakefile is parsed in every cluster job: its imports are blocked one by one here."""
    block = "import sys; sys.modules.update({name: None for name in " + repr(HEAVY) + "}); "
    load = "import groundscope.plan.jobs, groundscope.plan.config, groundscope.plan.resources"
    subprocess.run([sys.executable, "-c", block + load], check=True, cwd=PACKAGE.parent)


def test_sources_of_a_command_are_what_it_imports() -> None:
    """The closure holds the metric and the readers, not other metrics, errors or planning."""
    names = {
        path.relative_to(PACKAGE).as_posix()
        for path in source_closure("groundscope.commands.compare_cka")
    }
    assert {"commands/compare_cka.py", "metrics/cka.py", "embeddings.py", "tables.py"} <= names
    assert not any(name.startswith(("plan/", "encoders/", "corpora/")) for name in names)
    assert not names & {"errors.py", "commands/_cli.py"}
    assert not names & {f"metrics/{name}.py" for name in ("silhouette", "bootstrap", "word_pairs")}


@pytest.mark.parametrize(
    "command", ["extract_embeddings", "prepare_corpus", "build_word_map", "build_word_groups"]
)
def test_what_analyses_read_does_not_depend_on_result_tables(command: str) -> None:
    """A new column of an analysis must not make extraction or what is known about words stale."""
    names = {path.name for path in source_closure(f"groundscope.commands.{command}")}
    assert "token_table.py" in names
    assert "tables.py" not in names


@pytest.mark.parametrize("name", ["controller", "extraction", "alignment", "analysis", "figures"])
def test_conda_and_pip_pin_the_same(name: str) -> None:
    """An environment has the same pins with conda and with pip."""
    conda = yaml.safe_load((ROOT / f"envs/{name}.yaml").read_text(encoding="utf-8"))
    (pip,) = [item["pip"] for item in conda["dependencies"] if isinstance(item, dict)]
    lines = (ROOT / f"envs/{name}.requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert pip == wanted
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+]+", line) for line in wanted)


def test_environments_agree_on_what_they_share() -> None:
    """All environments can be installed into one: no package is pinned to two versions."""
    pins: dict[str, set[str]] = {}
    for file in (ROOT / "envs").glob("*.requirements.txt"):
        for line in file.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                package, version = line.split("==")
                pins.setdefault(package.lower(), set()).add(version)
    assert {package: found for package, found in pins.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    "file", sorted((ROOT / "workflow/rules").glob("*.smk")), ids=lambda f: f.stem
)
def test_rule_files_are_short_and_without_logic(file: Path) -> None:
    """A rule file has at most 150 lines and defines no function."""
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 150
    assert not re.search(r"^\s*(def|class) |lambda", text, re.MULTILINE)


def test_every_profile_value_has_a_reason() -> None:
    """Each key of a profile stands below a comment."""
    for file in (ROOT / "profiles").glob("*/profile.yaml"):
        block = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if not line.strip():
                block = ""
            elif line.startswith("#"):
                block = "comment"
            elif re.match(r"[a-z]", line):
                assert block, f"{file.parent.name}: {line}"


def test_the_literal_profile_name_works_in_a_clone() -> None:
    """`snakemake --profile slurm` finds the profile through a link that git keeps."""
    assert (ROOT / "slurm").readlink() == Path("profiles/slurm")
