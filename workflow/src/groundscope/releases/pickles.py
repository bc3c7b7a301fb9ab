"""Pickled releases, read without running anything that they contain.

Two kinds: `torch.save` files, through PyTorch's own restricted unpickler and memory-mapped, so that
only the tensors that are used are ever read; and plain pickles of an ``argparse.Namespace``.
"""

import argparse
import builtins
import importlib
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from groundscope.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

_BUILTINS = frozenset(
    {"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"}
    | {"set", "slice", "str", "tuple"}
)
_NUMPY_TYPES = ("Bool", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
_NUMPY_FLOATS = ("Float16", "Float32", "Float64")


class _NamespaceUnpickler(pickle.Unpickler):
    """Knows ``argparse.Namespace`` and plain builtin types, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Give the few classes that cannot do harm."""
        if (module, name) == ("argparse", "Namespace"):
            return argparse.Namespace
        if module in ("builtins", "__builtin__") and name in _BUILTINS:
            return getattr(builtins, name)
        reason = f"it asks for {module}.{name}"
        raise pickle.UnpicklingError(reason)


def read_namespace(path: Path) -> dict[str, Any]:
    """Read a pickled ``argparse.Namespace`` (``args.pkl``).

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    dict
        Its attributes.

    Raises
    ------
    UserError
        Anything but a namespace of plain values; nothing of the file has been run.
    """
    try:
        with path.open("rb") as stream:
            value = _NamespaceUnpickler(stream).load()
    except Exception as error:  # a broken pickle can raise anything
        message = f"{path} is refused: {error}; expected a pickled argparse.Namespace of values"
        raise UserError(message) from error
    if not isinstance(value, argparse.Namespace):
        message = f"{path} holds a {type(value).__name__}, expected an argparse.Namespace"
        raise UserError(message)
    return vars(value)


def read_bundle(path: Path, inert: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Open a `torch.save` file; tensors stay on disk until they are used.

    Parameters
    ----------
    path
        The file (``best_bundle.pth``, ``best_model.pth``).
    inert
        Names of classes whose objects become empty ones: settings that nobody reads.

    Returns
    -------
    Mapping
        The dictionary in it.

    Raises
    ------
    UserError
        Not such a file, cut short, or asking for more than tensors, plain values and numpy arrays.
    """
    import torch

    # before PyTorch 1.6 such files were no archives, and cannot be mapped
    mapped = zipfile.is_zipfile(path)
    try:
        empty = [(type("Inert", (), {}), name) for name in inert]
        with torch.serialization.safe_globals(_numpy_globals() + empty):
            value = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # a broken pickle can raise anything
        if mapped:
            what = "asks for more than tensors, plain values and numpy arrays"
        else:
            what = "is no PyTorch checkpoint, or its download broke off"
        message = f"{path} is refused: it {what} ({_reason(error)})"
        raise UserError(message) from error
    if not isinstance(value, dict):
        message = f"{path} holds a {type(value).__name__}, expected a dictionary"
        raise UserError(message)
    return value


def tensors(state: Any, where: str) -> "dict[str, Tensor]":
    """`state`, if it is a state dict; its keys without ``module.`` (left by DataParallel).

    Raises
    ------
    UserError
        It is something else.
    """
    import torch

    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, torch.Tensor) for key, value in state.items()
    ):
        message = f"{where} is not a state dict (names and tensors)"
        raise UserError(message)
    return {key.removeprefix("module."): value for key, value in state.items()}


def _numpy_globals() -> list[Any]:
    """List what numpy arrays and scalars need, under the module names of numpy 1 and 2."""
    admitted: list[Any] = [np.ndarray, np.dtype]
    admitted += [getattr(np.dtypes, f"{name}DType") for name in _NUMPY_TYPES + _NUMPY_FLOATS]
    current = importlib.import_module("numpy._core.multiarray")
    for function in ("_reconstruct", "scalar"):
        for module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            admitted.append((getattr(current, function), f"{module}.{function}"))
    return admitted


def _reason(error: Exception) -> str:
    """Find the sentence of an error that says why."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "GLOBAL" in line or "Unsupported" in line]
    return (named or lines or [type(error).__name__])[0][:200]
