"""What libraries raise at the files of a checkpoint from elsewhere, in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from groundscope.errors import UserError

# a configuration can be quoted whole
_LONGEST = 300


@contextmanager
def refusing(what: str) -> Iterator[None]:
    """Turn whatever transformers and tokenizers raise into an error that names the checkpoint.

    To be put around their calls only: what a configuration may hold, and so what may be raised at
    it, has no end, whereas an error of our own needs its traceback.

    Parameters
    ----------
    what
        Names what is read or built, for the message.

    Raises
    ------
    UserError
        With the kind of error and what it says.
    """
    try:
        yield
    except (UserError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        message = f"{what}: {said if len(said) <= _LONGEST else said[:_LONGEST] + ' ...'}"
        raise UserError(message) from error
