"""What can go wrong when transformers builds a model, or a model with fewer blocks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from groundscope.errors import UserError

# Options of a configuration that list something of each block.
_OF_BLOCKS = ("layer_types", "attention_window", "mlp_layer_types")


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn what code of an architecture raises into a `UserError` of one line, after `what`.

    It is others' code, which says by any of these that it cannot do with a configuration.
    """
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except (
        RuntimeError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        AssertionError,
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"{what}: {reason}"
        raise UserError(message) from error


def cut_blocks(config: Any, depth: int) -> None:
    """Have a configuration describe its first `depth` blocks.

    Some lists of blocks are computed from their number; those are not held.
    """
    config.num_hidden_layers = depth
    for name in _OF_BLOCKS:
        if isinstance(held := vars(config).get(name), list | tuple):
            setattr(config, name, held[:depth])
