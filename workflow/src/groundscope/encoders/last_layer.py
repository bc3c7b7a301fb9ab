"""Where a text model of transformers takes its last hidden state, found by running it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from groundscope.encoders.foreign import refusing
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
        Neither gives it, another hidden state is not what a block gives, or the model needs more
        than tokens.
    """
    blocks = list(model.get_submodule(path))
    names = {module: name for name, module in model.named_modules() if _outside(name, path)}
    ran: list[tuple[nn.Module, Any, Any]] = []  # with first input and output

    def note(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        ran.append((module, next(iter((*args, *kwargs.values())), None), first_output(output)))

    hooks = [each.register_forward_hook(note, with_kwargs=True) for each in (*blocks, *names)]
    try:
        with (
            refusing(f"{where}: {type(model).__name__} does not run on tokens alone"),
            torch.inference_mode(),
        ):
            ids = torch.arange(_FEW, device=model.device)[None]
            states = model(input_ids=ids, output_hidden_states=True).hidden_states or (None,)
    finally:
        for hook in hooks:
            hook.remove()
    *inner, last = states
    of_blocks = [(given, output) for module, given, output in ran if module in blocks]
    if not of_blocks:
        message = f"{where}: {type(model).__name__} does not call its blocks: not supported"
        raise UserError(message)
    _check_inner(f"{where}: hidden state {{}} of {type(model).__name__}", inner, of_blocks)
    end = max(place for place, (module, *_) in enumerate(ran) if module is blocks[-1])
    block, behind = ran[end][2], ran[end + 1 :]
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


def _check_inner(what: str, inner: Sequence[Any], of_blocks: Sequence[tuple[Any, Any]]) -> None:
    """Refuse a model with a hidden state before the last that no block takes or gives as it is.

    Some (Mamba) do not list what enters the first block; layers count from it all the same.
    """
    held = [of_blocks[0][0], *(output for _, output in of_blocks)]
    for index, state in enumerate(inner):
        if not any(_same(one, state) for one in held):
            message = (
                f"{what.format(index)} in transformers neither enters its first block nor leaves "
                "one: not supported"
            )
            raise UserError(message)


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
