"""What a job asks for, and how that changes from one attempt to the next."""

from collections.abc import Callable
from typing import Any

# Snakemake inspects the argument names: `attempt` is 1, 2, ...
Resource = Callable[[Any, int], int]


def grow(base: int) -> Resource:
    """Ask for `base` at first and for twice as much at every further attempt."""

    def amount(wildcards: Any, attempt: int) -> int:
        return int(base * 2 ** (attempt - 1))

    return amount
