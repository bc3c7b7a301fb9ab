"""What every command shares: logging set-up, and errors turned into one line and an exit code."""

import ctypes
import json
import logging
import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from groundscope.commands._job import log_begin, log_end
from groundscope.commands._signals import end_on_signals
from groundscope.errors import UserError

# of <malloc.h>
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def run(main: Callable[[], None], *, pandas: bool = False) -> None:
    """Call `main`; a `UserError` or a full disk becomes one line on stderr and exit code 2.

    Only a command that says so can import pandas.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", force=True
    )
    end_on_signals()
    _keep_freed_memory()
    if not pandas:
        sys.meta_path.insert(0, _WithoutPandas())
    begin = log_begin()
    try:
        main()
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"error: {error.strerror or error}{where}\n")
        sys.exit(2)
    finally:
        log_end(begin)


def _keep_freed_memory() -> None:
    """Let glibc keep what is freed, up to 1 GiB, for what is allocated next.

    By itself it gives the pages of large arrays back at once, and has them zeroed again for the
    next ones: a third of the time of some jobs. Other C libraries have no such call.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)
        mallopt(_M_TRIM_THRESHOLD, 2**30)


class _WithoutPandas(MetaPathFinder, Loader):
    """A pandas that cannot be imported.

    pyarrow with its first array, and scikit-learn, import pandas where they find it, and do without
    it where they do not. It took 0.1 to 0.3 s of a job's start.
    """

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name == "pandas" else None

    def create_module(self, spec: ModuleSpec) -> None:
        message = "commands run without pandas"
        raise ImportError(message, name=spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Not reached."""


def options(text: str) -> dict[str, Any]:
    """Read the JSON object that a rule passes as ``--options`` (an argparse ``type``)."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(text)
    return value
