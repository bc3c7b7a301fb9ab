"""Independent tasks side by side on the cores that BLAS may use."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _blas() -> ThreadpoolController:
    """Look among the libraries of the process, once: that takes long."""
    return ThreadpoolController().select(user_api="blas")


@contextmanager
def one_core_each(tasks: int) -> Iterator[Executor]:
    """Give a pool whose threads compute at the same time, each on one of BLAS's cores.

    What surrounds a product in a task then runs on all cores too, which it does not where BLAS
    shares out each product by itself. Tasks that are fewer than the cores run one after another,
    and BLAS keeps its threads.

    Parameters
    ----------
    tasks
        How many are handed in at once.

    Yields
    ------
    concurrent.futures.Executor
        A task spends its time in NumPy, outside Python's lock.
    """
    blas = _blas()
    cores = max((library.num_threads for library in blas.lib_controllers), default=1)
    together = cores if tasks >= cores else 1
    with blas.limit(limits=cores // together), ThreadPoolExecutor(together) as pool:
        yield pool
