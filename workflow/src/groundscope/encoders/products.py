"""Products of float32: exact on GPUs, and fast on AMD's processors, where torch's own are slow.

torch multiplies with Intel's MKL, which does not use the widest instructions of other makers'
processors. oneDNN, which torch has too and uses for convolutions, does. On a GPU torch lets
convolutions cut their inputs to the 10 bits of TF32, and where the environment says so
(TORCH_ALLOW_TF32_CUBLAS_OVERRIDE) linear maps too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_CPUINFO = Path("/proc/cpuinfo")


@contextmanager
def single_precision(device: torch.device) -> Iterator[None]:
    """Within it, float32 is float32: products on a GPU have all of its 24 bits, not TF32's.

    Linear maps are computed the fastest way that torch has on `device`. Their results differ from
    torch's own in the last digit (1e-6, relative). The choice depends on the kind of processor
    alone, so that a job gives the same bits when it is run again.
    """
    backends: Any = torch.backends  # untyped
    kinds = backends.cudnn.conv, backends.cuda.matmul
    before = [kind.fp32_precision for kind in kinds]
    for kind in kinds:
        kind.fp32_precision = "ieee"
    try:
        with OneDnnLinear() if device.type == "cpu" and _mkl_is_slow() else nullcontext():
            yield
    finally:
        for kind, precision in zip(kinds, before, strict=True):
            kind.fp32_precision = precision


@cache
def _mkl_is_slow() -> bool:
    library: Any = torch.backends.mkldnn  # untyped
    if not library.is_available() or not _CPUINFO.is_file():
        return False
    return "AuthenticAMD" in _CPUINFO.read_text(encoding="utf-8")


class OneDnnLinear(TorchFunctionMode):
    """Within it, `torch.nn.functional.linear` of float32 tensors on a CPU is oneDNN's."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        _types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute a linear map here, and everything else as torch does."""
        if func is functional.linear and not kwargs and _single_on_cpu(args[0]):
            # as torch's compiler calls it: neither inputs nor results are copied
            values, weight, *bias = args
            multiply = torch.ops.mkldnn._linear_pointwise
            return multiply(values, weight, *bias or [None], "none", [], "")
        return func(*args, **(kwargs or {}))


def _single_on_cpu(values: Tensor) -> bool:
    return values.dtype == torch.float32 and values.device.type == "cpu"
