"""Batches: which inputs run together, and what happens when they do not fit into memory."""

import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Generic, TypeVar

import numpy as np
import torch

from groundscope.errors import UserError

_LOG = logging.getLogger(__name__)
T = TypeVar("T")


def batches_by_length(
    lengths: Sequence[int], budget: int, *, equal: bool = False
) -> list[list[int]]:
    """Group inputs of similar length, longest first.

    Parameters
    ----------
    lengths
        Of each input.
    budget
        Most that a batch may hold, padding included: items times its longest length. An input
        that is longer makes a batch of its own.
    equal
        Only inputs of exactly the same length share a batch.

    Returns
    -------
    list of list
        Indices into `lengths`; every one occurs once.
    """
    batches: list[list[int]] = []
    longest = 0
    for index in np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").tolist():
        fits = bool(batches) and (len(batches[-1]) + 1) * longest <= budget
        if not fits or (equal and lengths[index] != longest):
            batches.append([])
            longest = lengths[index]
        batches[-1].append(index)
    return batches


class MemoryGuard(Generic[T]):
    """Runs batches; one that does not fit into device memory is halved, and later ones start so.

    Parameters
    ----------
    run
        Runs one batch and returns nothing; it must be repeatable.
    describe
        Says what an item is, for the message when one alone does not fit.
    size
        Length of an item.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], None],
        describe: Callable[[T], str],
        size: Callable[[T], int],
    ) -> None:
        self._run, self._describe, self._size = run, describe, size
        self._limit: int | None = None

    def __call__(self, batch: Sequence[T]) -> None:
        """Run a batch, in parts if need be."""
        area = len(batch) * max(self._size(item) for item in batch)
        too_large = self._limit is not None and area > self._limit and len(batch) > 1
        if not too_large and self._fits(batch):
            return
        if len(batch) == 1:
            message = f"{self._describe(batch[0])} alone does not fit into the device's memory"
            raise UserError(message)
        if not too_large:
            self._limit = area // 2
            _LOG.warning("out of memory with %d inputs: going on with half as many", len(batch))
        middle = len(batch) // 2
        self(batch[:middle])
        self(batch[middle:])

    def _fits(self, batch: Sequence[T]) -> bool:
        """Try; tensors of the failed attempt are released when this returns."""
        try:
            self._run(batch)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
        else:
            return True
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return False


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of torch says so: libraries of CUDA have no class for it, but words."""
    text = str(error)
    named = "out of memory" in text or "ALLOC_FAILED" in text
    return isinstance(error, torch.OutOfMemoryError) or named


class _End:
    """Marks the end of a stream, or the error that ended it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[T], depth: int = 1) -> Generator[T, None, None]:
    """Iterate in a background thread, up to `depth` items ahead; errors come through."""
    waiting: queue.Queue[T | _End] = queue.Queue(depth)
    stopped = threading.Event()

    def put(item: T | _End) -> None:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    def work() -> None:
        error: BaseException | None = None
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    break
        except BaseException as problem:
            error = problem
        put(_End(error))

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        stopped.set()
        thread.join()
