"""A copy of the project to run Snakemake in."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Json = Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Checkout:
    """A copy of the project, with a study of its own in config.yaml.

    Attributes
    ----------
    folder
        The copy.
    """

    folder: Path

    def snakemake(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        profile: str = "profiles/local",
    ) -> subprocess.CompletedProcess[str]:
        """Run Snakemake there; stdout and stderr are returned together."""
        running = self.start(*arguments, environment=environment, profile=profile)
        try:
            stdout, _ = running.communicate(timeout=900)
        except BaseException:
            running.kill()
            raise
        return subprocess.CompletedProcess(running.args, running.returncode, stdout)

    def start(
        self,
        *arguments: str,
        environment: dict[str, str] | None = None,
        profile: str = "profiles/local",
    ) -> subprocess.Popen[str]:
        """Start Snakemake there, in a process group of its own."""
        # jobs find this interpreter as `python`
        base = environment or dict(os.environ)
        bin_folder = str(Path(sys.executable).parent)
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--profile", profile, *arguments],
            cwd=self.folder,
            env={**base, "PATH": f"{bin_folder}:{base['PATH']}", "HF_HUB_OFFLINE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def planned(self, *arguments: str, environment: dict[str, str] | None = None) -> dict[str, int]:
        """Dry-run; return how many jobs of each rule would run, target rules left out."""
        return self.dry_run(*arguments, environment=environment)[0]

    def dry_run(
        self, *arguments: str, environment: dict[str, str] | None = None
    ) -> tuple[dict[str, int], list[str]]:
        """Dry-run; return what `planned` does, and the message of each job."""
        done = self.snakemake("--dry-run", *arguments, environment=environment)
        assert done.returncode == 0, done.stdout
        table = done.stdout.partition("Job stats:")[2].partition("\n\n")[0]
        counts = {name: int(n) for name, n in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
        targets = {"all", "total", "tables", "figures", "embeddings"}
        messages = re.findall(r"^Job \d+: (.*)$", done.stdout, re.MULTILINE)
        return {k: v for k, v in counts.items() if k not in targets}, messages

    def config(self) -> dict[str, Json]:
        """Read config.yaml."""
        loaded: dict[str, Json] = yaml.safe_load((self.folder / "config.yaml").read_text())
        return loaded

    def configure(self, config: dict[str, Json]) -> None:
        """Write config.yaml."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))


def copy_project(folder: Path) -> Checkout:
    """Copy what git would: everything but results, caches and environments."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, folder / name
        if not source.exists() and not source.is_symlink():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    return Checkout(folder)


def make(checkout: Checkout, target: str) -> str:
    """Run `make` there, with this project's environment and the wheels at hand; give its output."""
    # what this run of `make test` sets for its own
    outer = ("PYTHONPATH", "MAKEFLAGS", "MAKELEVEL")
    environment = {k: v for k, v in os.environ.items() if k not in outer}
    wheels = os.environ["GROUNDSCOPE_WHEELS"]
    done = subprocess.run(
        ["make", target],
        cwd=checkout.folder,
        # nothing is downloaded
        env={**environment, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


_LEFT_OUT = {
    "silhouette": {"speaker"},
    "lda": {"sound", "sex", "concreteness"},
    "planes": {"sound"},
}


def leave_labellings_out(config: dict[str, Json]) -> None:
    """Take some of the default study's labellings out of its analyses."""
    for analysis, names in _LEFT_OUT.items():
        options = config["analyses"][analysis]
        options["labellings"] = [each for each in options["labellings"] if each not in names]


def make_study(folder: Path) -> Checkout:
    """Run the default study in a copy of the project, as the README says.

    Models have few layers there, one job each, nulls few permutations, k-means one start, and
    there are fewer labellings: more of them take time, and make nothing else.
    """
    checkout = copy_project(folder)
    config = checkout.config()
    for analysis in ("cka", "silhouette", "lda"):
        config["analyses"][analysis]["permutations"] = 3
    config["analyses"]["silhouette"] |= {"kmeans_seeds": 2, "kmeans_restarts": 1}
    leave_labellings_out(config)
    config["layers_per_job"] = "all"
    # a correlation across layers takes four
    for model, layers in {"whisper": 4, "whisper-random": 4, "minilm": 2}.items():
        config["models"][model]["layers"] = [*range(layers)]
    checkout.configure(config)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    make(checkout, "study")
    return checkout
