"""Memory that a conversion takes: FaST-VGS+ at full size with its optimizer's state.

Run as a program; it writes a 2 GB release to a temporary folder, converts it in a process of its
own, and prints that process's peak of memory beside the size of the kept weights.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import released_layouts as released
import torch

# The peak of this very program: what the kernel reports of a child counts its parent's as well.
_CHILD = """
import sys
from importlib import import_module
from pathlib import Path
name = sys.argv.pop(1)
import_module(f"groundscope.commands.{name}").main()
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


def run(name: str, *arguments: object) -> int:
    """Run a command in a process of its own; give its peak of memory in bytes."""
    texts = [json.dumps(each) if isinstance(each, dict) else str(each) for each in arguments]
    call = [sys.executable, "-c", _CHILD, name, *texts]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(call, env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1]) * 1024


def main() -> None:
    """Write the release, convert it, report."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shapes = released.fast_vgs(released.FULL)
        state = {
            name: torch.zeros(shape, dtype=torch.int64)
            if name.endswith("num_batches_tracked")
            else torch.full(shape, 0.5)
            for name, shape in shapes.items()
        }
        moments = {name: torch.ones(shape) for name, shape in shapes.items()}
        release = folder / "release"
        release.mkdir()
        content = {"dual_encoder": state, "cross_encoder": moments}
        released.save_bundle(release / "best_bundle.pth", content)
        released.save_arguments(release / "args.pkl", released.arguments(released.FULL))
        size = (release / "best_bundle.pth").stat().st_size
        local = {"source": "folder", "path": str(release), "format": "fast-vgs", "blocks": 12}
        fetched = folder / "fetched.json"
        run("fetch_checkpoint", "--name", "full", "--options", local, "--output", fetched)
        output = folder / "converted.json"
        peak = run(
            "convert_checkpoint", "--manifest", fetched, "--options", local, "--output", output
        )
        kept = (folder / "files" / "model.safetensors").stat().st_size
    sys.stdout.write(
        f"bundle {size / 1e6:.0f} MB, kept weights {kept / 1e6:.0f} MB, "
        f"peak {peak / 1e6:.0f} MB, beyond the kept weights {(peak - kept) / 1e6:.0f} MB\n"
    )


if __name__ == "__main__":
    main()
