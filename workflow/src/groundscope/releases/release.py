"""What a reader of a released format gives, and the strict check that every reader ends with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from groundscope.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Weight:
    """One tensor that inference needs.

    Attributes
    ----------
    released
        Its name in the release.
    name
        Its name in the converted file.
    shape
        What it must have.
    """

    released: str
    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Release:
    """A release, reduced to what inference needs.

    Attributes
    ----------
    format
        The format of the converted checkpoint.
    tensors
        Converted name -> tensor.
    config
        Content of ``config.json``.
    blocks
        Number of transformer blocks.
    notes
        Findings of the self-checks, for people.
    files
        Further small files: name -> content.
    """

    format: str
    tensors: "Mapping[str, Tensor]"
    config: Mapping[str, Any]
    blocks: int
    notes: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)


def size_of(state: "Mapping[str, Tensor]", name: str, axis: int = 0) -> int:
    """Size of a tensor; 1 where it is missing, which `take` then reports."""
    return int(state[name].shape[axis]) if name in state else 1


def affine(name: str, *shape: int) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the weight, of `shape`, and of the bias of a linear map or a norm."""
    return [(f"{name}.weight", shape), (f"{name}.bias", shape[:1])]


def take(
    what: str,
    state: "Mapping[str, Tensor]",
    weights: Sequence[Weight],
    dropped: Sequence[str],
) -> "dict[str, Tensor]":
    """Take `weights` out of a state dict, as float32 (counts as they are), under their new names.

    Parameters
    ----------
    what
        The release, for messages.
    state
        Released name -> tensor.
    weights
        All that inference needs.
    dropped
        Beginnings of names that are known and not needed.

    Raises
    ------
    UserError
        A tensor is missing, has another shape, is not finite, or is known to nobody.
    """
    import torch

    wanted = {weight.released: weight for weight in weights}
    missing = [name for name in wanted if name not in state]
    unknown = [name for name in state if name not in wanted and not name.startswith(tuple(dropped))]
    if missing or unknown:
        message = (
            f"{what}: {len(missing)} tensors are missing ({some(missing)}) "
            f"and {len(unknown)} are unexpected ({some(unknown)})"
        )
        raise UserError(message)
    taken = {}
    for name, weight in wanted.items():
        tensor = state[name]
        if tuple(tensor.shape) != weight.shape:
            message = f"{what}: {name} has shape {tuple(tensor.shape)}, expected {weight.shape}"
            raise UserError(message)
        if not torch.isfinite(tensor).all():
            half = " (half precision that overflowed)" if tensor.dtype == torch.float16 else ""
            message = f"{what}: {name} has values that are not finite{half}"
            raise UserError(message)
        kept = tensor.float() if tensor.is_floating_point() else tensor
        taken[weight.name] = kept.contiguous()
    return taken


def some(names: Sequence[str]) -> str:
    """Name the first three."""
    return ", ".join(list(names)[:3]) + (", ..." if len(names) > 3 else "") if names else "none"
