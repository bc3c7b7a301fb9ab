"""Where a text model of transformers takes its last hidden state, found by running it."""

from typing import Any

import torch
from torch import Tensor, nn

from groundscope.errors import UserError

_FEW = 4


def find_last_layer(where: str, model: Any, path: str) -> tuple[str, bool]:
    """Run a few tokens, and look which module gives the last hidden state.

    Parameters
    ----------
    where
        Names the model in messages.
    model
        In eval mode; with all blocks or the first few.
    path
        Name of the list of blocks.

    Returns
    -------
    norm : str
        Name of the module behind the last block that gives it. Where the last block itself does,
        of the norm that stands behind that; empty if there is none.
    after : bool
        Whether the last hidden state is behind the norm.

    Raises
    ------
    UserError
        Neither gives it, or the model needs more than tokens.
    """
    names = {module: name for name, module in model.named_modules() if _outside(name, path)}
    ran: list[tuple[nn.Module, Any, Any]] = []  # with first input and output, since the last block

    def restart(module: nn.Module, args: Any, output: Any) -> None:
        ran[:] = [(module, None, first_output(output))]

    def note(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        ran.append((module, next(iter((*args, *kwargs.values())), None), first_output(output)))

    hooks = [model.get_submodule(path)[-1].register_forward_hook(restart)]
    hooks += [module.register_forward_hook(note, with_kwargs=True) for module in names]
    try:
        with torch.inference_mode():
            ids = torch.arange(_FEW, device=model.device)[None]
            last = (model(input_ids=ids, output_hidden_states=True).hidden_states or (None,))[-1]
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        message = f"{where}: {type(model).__name__} does not run on tokens alone: {reason}"
        raise UserError(message) from error
    finally:
        for hook in hooks:
            hook.remove()
    (_, _, block), *behind = ran
    if _same(block, last):
        norms = (m for m, given, _ in behind if _same(given, last) and _is_norm(m))
        norm = next(norms, None)
        return ("" if norm is None else names[norm]), False
    giving = next((m for m, _, output in behind if _same(output, last)), None)
    if giving is None:
        message = (
            f"{where}: neither the last block of {type(model).__name__} nor a module behind it "
            "gives what is the last hidden state in transformers: not supported"
        )
        raise UserError(message)
    return names[giving], True


def first_output(output: Any) -> Any:
    """Vectors among what a module returns: they come first."""
    return output[0] if isinstance(output, tuple | list) else output


def _outside(name: str, path: str) -> bool:
    """Whether a module is neither in the list of blocks nor around it."""
    return bool(name) and not f"{path}.".startswith(f"{name}.") and not name.startswith(f"{path}.")


def _same(one: Any, last: Any) -> bool:
    """Whether both are the same vectors; some models pad inside, to a multiple of a length."""
    if not (isinstance(one, Tensor) and isinstance(last, Tensor)):
        return False
    return one.dim() == last.dim() == 3 and torch.equal(one[:, : last.shape[1]], last)


def _is_norm(module: nn.Module) -> bool:
    """Whether it is a norm: classes of norms say so."""
    return "norm" in type(module).__name__.lower()
