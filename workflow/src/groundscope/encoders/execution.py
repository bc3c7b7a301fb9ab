"""How a model is run, which never changes the result, and where the word vectors gather."""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from groundscope.encoders.base import Request
from groundscope.encoders.pooling import WordPooler
from groundscope.encoders.products import single_precision
from groundscope.errors import UserError

_LOG = logging.getLogger(__name__)
_PRECISIONS = {"float16": torch.float16, "bfloat16": torch.bfloat16}


def find_device(choice: str) -> torch.device:
    """Find where to compute: ``cpu``, ``cuda``, or ``auto``, a GPU if there is one.

    Raises
    ------
    UserError
        A GPU was asked for, and there is none.
    """
    available = torch.cuda.is_available()
    if choice == "cuda" and not available:
        message = "--device cuda: no GPU is visible to this process"
        raise UserError(message)
    device = torch.device("cuda" if available and choice != "cpu" else "cpu")
    given = os.environ.get("SLURM_JOB_GPUS") or os.environ.get("CUDA_VISIBLE_DEVICES")
    if choice == "auto" and not available and given:
        _LOG.warning(
            "this job was given a GPU (%s) that torch %s cannot use: computing on the CPU",
            given,
            torch.__version__,
        )
    _LOG.info("device: %s", torch.cuda.get_device_name() if device.type == "cuda" else "CPU")
    return device


@dataclass(frozen=True)
class Execution:
    """How to compute.

    Attributes
    ----------
    batch_seconds
        Audio a batch, padding included.
    batch_pieces
        Word pieces a batch.
    workers
        Threads that decode audio.
    """

    batch_seconds: float = 6.0
    batch_pieces: int = 8192
    workers: int = 2

    @classmethod
    def on(cls, device: torch.device, share: float, workers: int) -> "Execution":
        """Give what suits a device, with batches of `share` of the usual size.

        On a CPU, batches of more than some seconds fall out of its caches and are slower.
        """
        seconds = 60.0 if device.type == "cuda" else cls.batch_seconds
        return cls(share * seconds, max(1, round(share * cls.batch_pieces)), workers)


class LayerStore:
    """Word vectors of all requested layers, filled batch by batch.

    Parameters
    ----------
    request
        What is loaded.
    rows
        Word vectors to come.
    """

    def __init__(self, request: Request, rows: int) -> None:
        self._request = request
        self._rows = rows
        self.vectors: dict[str, NDArray[np.float32]] = {}

    def run(self, pooler: WordPooler, rows: Sequence[int], forward: Callable[[], None]) -> None:
        """Run one batch; keep its words' vectors, which belong in `rows`."""
        with torch.inference_mode(), self._arithmetic():
            forward()
        for layer in self._request.layers:
            if layer not in pooler.pooled:
                message = f"the encoder of {self._request.model} did not deliver layer {layer!r}"
                raise ValueError(message)
            pooled = pooler.pooled[layer].cpu().numpy()
            if layer not in self.vectors:
                self.vectors[layer] = np.zeros((self._rows, pooled.shape[1]), np.float32)
            self.vectors[layer][rows] = pooled

    def _arithmetic(self) -> AbstractContextManager[Any]:
        precision = self._request.options.get("precision", "float32")
        if precision == "float32":
            return single_precision(self._request.device)
        return torch.autocast(self._request.device.type, dtype=_PRECISIONS[precision])
