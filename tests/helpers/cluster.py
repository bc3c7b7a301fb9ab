"""A small, real SLURM on this machine: munged, slurmctld, and one slurmd a node.

Every node is a slurmd of its own, with its own name and port. Stand-in GPUs are links to
/dev/null: SLURM counts and numbers them, and no device stands behind them.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

TOOLS = ("munged", "mungekey", "slurmctld", "slurmd", "sinfo", "squeue", "scontrol", "scancel")
_LINK = Path("/etc/slurm/slurm.conf")
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes
    ----------
    folder
        Configuration, state, logs and pid files.
    own_mounts
        Nodes that do not see what is mounted later, unless it is mounted for them.
    daemons
        Name -> process: ``munged``, ``slurmctld``, and one slurmd by the name of its node.
    """

    folder: Path
    own_mounts: Sequence[str] = ()
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which SLURM's commands and Snakemake find the cluster."""
        return {**os.environ, "PATH": _PATH, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def call(self, *command: str) -> str:
        """Run one of SLURM's commands and return what it prints."""
        done = subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout

    def start(self, name: str, *options: str) -> None:
        """Start ``munged``, ``slurmctld``, or the slurmd of node `name`."""
        munge, configuration = self.folder / "munge", self.folder / "slurm.conf"
        if name == "munged":
            command = ["munged", "--foreground", f"--key-file={munge}/key"]
            command += [f"--socket={munge}/socket", f"--pid-file={munge}/pid"]
            command += [f"--log-file={munge}/log", f"--seed-file={munge}/seed"]
        elif name == "slurmctld":
            command = ["slurmctld", "-D", "-f", str(configuration), *options]
        else:
            command = ["slurmd", "-D", "-f", str(configuration), "-N", name]
            if name in self.own_mounts:
                command = ["unshare", "--mount", *command]
        with (self.folder / "log" / f"{name}.out").open("ab") as log:
            self.daemons[name] = subprocess.Popen(
                command,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def stop(self, name: str) -> None:
        """End a daemon in the orderly way."""
        daemon = self.daemons[name]
        daemon.terminate()
        try:
            daemon.wait(timeout=10)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def answers(self) -> bool:
        """Say whether the controller does."""
        asked = subprocess.run(
            ["scontrol", "ping"], env=self.environment, check=False, capture_output=True, timeout=60
        )
        return b"is UP" in asked.stdout

    def cut_power(self, node: str) -> None:
        """Kill a node's slurmd and every process of its jobs at once, as a power cut does."""
        steps, tasks = [], []
        mark = {f"SLURMD_NODENAME={node}", f"SLURM_CONF={self.folder}/slurm.conf"}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark <= set((folder / "environ").read_text(errors="replace").split("\0")):
                    tasks.append(int(folder.name))
                    parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                    # a step's daemon must die first, or it reports the end of the job
                    if "slurmstepd" in (folder.parent / parent / "comm").read_text():
                        steps.append(int(parent))
        for process in (self.daemons[node].pid, *steps, *tasks):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.daemons[node].wait()

    def jobs(self) -> list[dict[str, str]]:
        """Read what SLURM itself knows of every job: one mapping of its fields a job."""
        text = self.call("scontrol", "-o", "-d", "show", "jobs")
        found = []
        for line in text.splitlines():
            pairs = [word.partition("=") for word in line.split(" ") if "=" in word]
            found.append({key: value for key, _, value in pairs})
        return [job for job in found if "JobId" in job]


def missing() -> str:
    """Say why no cluster can be started here; empty if one can."""
    absent = [tool for tool in TOOLS if shutil.which(tool, path=_PATH) is None]
    if absent:
        return f"SLURM is not installed here (no {', '.join(absent)})"
    if os.geteuid() != 0:
        return "starting a SLURM needs root"
    if _LINK.exists() and not _LINK.is_symlink():
        return f"{_LINK} is a real file: this machine belongs to a cluster"
    return ""


@contextmanager
def running_cluster(
    *, cpu_nodes: Sequence[str], gpu_nodes: Sequence[str], node_cpus: int, node_mb: int
) -> Iterator[Cluster]:
    """Start a cluster in a folder of its own, stop it and remove the folder at the end.

    There is one SLURM configuration on a machine: a second process waits for the first.
    """
    with Path("/tmp/groundscope-slurm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield from _cluster(cpu_nodes, gpu_nodes, node_cpus, node_mb)


def _cluster(
    cpu_nodes: Sequence[str], gpu_nodes: Sequence[str], node_cpus: int, node_mb: int
) -> Iterator[Cluster]:
    # munged wants every folder above its socket open to all, and a short path
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))
    cluster = Cluster(folder, tuple(gpu_nodes))
    for name in ("log", "state", "munge", "dev"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    _configure(folder, cpu_nodes, gpu_nodes, node_cpus, node_mb)
    _LINK.parent.mkdir(parents=True, exist_ok=True)
    _LINK.unlink(missing_ok=True)
    # Snakemake's job step drops SLURM_CONF before it calls srun
    _LINK.symlink_to(folder / "slurm.conf")
    munge = folder / "munge"
    try:
        cluster.call("mungekey", "--create", f"--keyfile={munge}/key")
        cluster.start("munged")
        _wait_for(lambda: (munge / "socket").exists(), "munged")
        cluster.start("slurmctld", "-c")
        for node in (*cpu_nodes, *gpu_nodes):
            (folder / "spool" / node).mkdir(parents=True)
            cluster.start(node)
        wanted = len(cpu_nodes) + len(gpu_nodes)
        _wait_for(lambda: _idle(cluster) == wanted, "the nodes")
        yield cluster
    finally:
        subprocess.run(["scancel", "--user=root"], env=cluster.environment, check=False, timeout=30)
        for name in reversed(list(cluster.daemons)):
            cluster.stop(name)
        _LINK.unlink(missing_ok=True)
        shutil.rmtree(folder)


def _idle(cluster: Cluster) -> int:
    try:
        return len(set(cluster.call("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split()))
    except subprocess.CalledProcessError:
        return 0


def _wait_for(ready: object, what: str) -> None:
    assert callable(ready)
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline, f"{what} did not come up"
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _configure(
    folder: Path, cpu_nodes: Sequence[str], gpu_nodes: Sequence[str], cpus: int, memory_mb: int
) -> None:
    host = socket.gethostname().split(".")[0]
    port, *ports = _free_ports(1 + len(cpu_nodes) + len(gpu_nodes))
    nodes, gres = [], []
    for node, node_port in zip((*cpu_nodes, *gpu_nodes), ports, strict=True):
        has_gpu = node in gpu_nodes
        nodes.append(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={node_port} CPUs={cpus}"
            f" RealMemory={memory_mb}{' Gres=gpu:1' if has_gpu else ''} State=UNKNOWN"
        )
        if has_gpu:
            (folder / "dev" / node).symlink_to("/dev/null")
            gres.append(f"NodeName={node} Name=gpu File={folder}/dev/{node}")
    settings = f"""
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser=root
SlurmdUser=root
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherParams=OverMemoryKill
JobAcctGatherFrequency=task=1
SlurmdTimeout=10
KillWait=5
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/log/jobcomp.log
MpiDefault=none
SwitchType=switch/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
MinJobAge=3600
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=5
ReturnToService=1
GresTypes=gpu
{chr(10).join(nodes)}
PartitionName=cpu Nodes={",".join(cpu_nodes)} Default=YES LLN=YES State=UP
PartitionName=gpu Nodes={",".join(gpu_nodes)} LLN=YES State=UP
"""
    (folder / "slurm.conf").write_text(settings, encoding="utf-8")
    (folder / "gres.conf").write_text("\n".join(gres) + "\n", encoding="utf-8")
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n", encoding="utf-8")
