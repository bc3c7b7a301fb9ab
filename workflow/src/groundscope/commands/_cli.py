"""What every command shares: logging set-up, and errors turned into one line and an exit code."""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

from groundscope.commands._job import log_begin, log_end
from groundscope.commands._signals import end_on_signals
from groundscope.errors import UserError


def run(main: Callable[[], None]) -> None:
    """Call `main`; a `UserError` or a full disk becomes one line on stderr and exit code 2."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s", force=True
    )
    end_on_signals()
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


def options(text: str) -> dict[str, Any]:
    """Read the JSON object that a rule passes as ``--options`` (an argparse ``type``)."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(text)
    return value
