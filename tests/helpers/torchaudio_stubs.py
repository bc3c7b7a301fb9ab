"""Make torchaudio load beside a PyTorch without CUDA, for tests on machines without a GPU.

Its wheels are linked against CUDA. ``python torchaudio_stubs.py FOLDER``, where torchaudio was
installed to FOLDER, writes FOLDER/stubs: libraries with the missing names, none of which is called
on a CPU. The folder belongs on LD_LIBRARY_PATH. Beside a PyTorch with CUDA nothing is written:
its own libraries must be found.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

_RUNTIME = "libcudart.so.13"
_LIBRARIES = ("libc10_cuda.so", "libtorch_cuda.so", _RUNTIME)
_CUDA = re.compile(r" U ((?:\w*cuda\w*|torch_c10_\w+)(?:@\S+)?)$", re.IGNORECASE | re.MULTILINE)


def missing_names(folder: Path) -> set[str]:
    """List the undefined CUDA names of torchaudio's libraries, ``name`` or ``name@library``."""
    names: set[str] = set()
    for library in sorted((folder / "torchaudio" / "lib").glob("*.so")):
        command = ["nm", "-D", "--undefined-only", str(library)]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        names.update(_CUDA.findall(listed))
    return names


def write_stubs(folder: Path) -> None:
    """Compile one library for each that torchaudio needs and a CPU build of PyTorch lacks."""
    stubs = folder / "stubs"
    stubs.mkdir(exist_ok=True)
    names = missing_names(folder)
    versioned = {name.partition("@")[0] for name in names if "@" in name}
    content = {
        _RUNTIME: versioned,
        "libtorch_cuda.so": {name for name in names if "@" not in name},
        "libc10_cuda.so": set[str](),
    }
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "versions"
        script.write_text(f"{_RUNTIME} {{ global: *; }};\n", encoding="utf-8")
        for library in _LIBRARIES:
            source = Path(scratch) / "stub.c"
            functions = [f"void *{name}(void) {{ return 0; }}\n" for name in content[library]]
            source.write_text("".join(sorted(functions)) or "int unused;\n", encoding="utf-8")
            command = ["cc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{library}", str(source)]
            if library == _RUNTIME:
                command.append(f"-Wl,--version-script={script}")
            subprocess.run([*command, "-o", str(stubs / library)], check=True)


if __name__ == "__main__":
    from torch.version import cuda

    if cuda is None:
        write_stubs(Path(sys.argv[1]))
