"""Strict weights: nothing missing, nothing unexpected, every number finite."""

import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError

# What releases carry and inference does not need: heads, training-only parts, buffers that older
# releases stored. Everything else must be used.
UNUSED = re.compile(
    r"^(lm_head|cls|classifier|pre_classifier|score|qa_outputs|head|decoder|predictions"
    r"|generator_predictions|discriminator_predictions|vocab_\w+|proj_out|logit_scale"
    r"|visual_projection|vision_model|quantizer|project_hid|project_q|final_proj|projector"
    r"|speaker_proj|label_embeddings_concat|model\.decoder|(\w+\.)?pooler|adapter)(\.|$)"
    r"|(^|\.)(position_ids|masked_spec_embed|masked_bias|inv_freq|attn\.bias)$"
)
_OLDER_NAMES = (
    (re.compile(r"\.weight_g$"), ".parametrizations.weight.original0"),
    (re.compile(r"\.weight_v$"), ".parametrizations.weight.original1"),
    (re.compile(r"LayerNorm\.gamma$"), "LayerNorm.weight"),
    (re.compile(r"LayerNorm\.beta$"), "LayerNorm.bias"),
)


def read_tensors(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """All tensors of a checkpoint, mapped from disk, so that only those used are read.

    Of a pickle tensors only: one with anything else is refused and runs nothing.

    Raises
    ------
    UserError
        There are no weights, they are not readable, or two files hold a tensor of the same name.
    """
    tensors: dict[str, Tensor] = {}
    held: dict[str, str] = {}
    for name in checkpoint.weights():
        path = checkpoint.path(name)
        try:
            if path.suffix == ".safetensors":
                part = load_file(path)
            else:
                part = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            tensors |= part
        except (SafetensorError, RuntimeError, OSError, TypeError, ValueError, EOFError) as error:
            message = f"{path} is not a readable file of tensors: {str(error).splitlines()[0]}"
            raise UserError(message) from error
        except Exception as error:
            if type(error).__name__ != "UnpicklingError":
                raise
            message = f"{path} is a pickle that holds more than tensors: refused"
            raise UserError(message) from error
        again = next((tensor for tensor in part if tensor in held), None)
        if again is not None:
            message = (
                f"{checkpoint.source}: {held[again]} and {name} both hold the tensor {again}: "
                "leave one of them out"
            )
            raise UserError(message)
        held |= dict.fromkeys(part, name)
    if not tensors:
        message = f"{checkpoint.source} has no model*.safetensors and no pytorch_model*.bin"
        raise UserError(message)
    return tensors


def match_names(
    tensors: Mapping[str, Tensor],
    expected: Mapping[str, Sequence[int]],
    *,
    prefixes: Iterable[str],
    where: str,
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Rename tensors to what a model expects; refuse what does not fit exactly.

    Parameters
    ----------
    tensors
        As released.
    expected
        Name -> shape in the model.
    prefixes
        Prefixes that the released names may have; the one that fits best counts.
    where
        Names the checkpoint in messages.

    Returns
    -------
    tuple
        Tensors by the model's names, and the released names that inference does not need.

    Raises
    ------
    UserError
        A tensor is missing, unexpected or of another shape.
    """
    modern = {_modern(name): tensor for name, tensor in tensors.items()}
    prefix = max(prefixes, key=lambda one: sum(one + name in modern for name in expected))
    found = {name: modern[prefix + name] for name in expected if prefix + name in modern}
    rest = [name for name in modern if name.removeprefix(prefix) not in found]
    unused = tuple(name for name in rest if UNUSED.search(name.removeprefix(prefix)))
    problems = [
        _problem("missing", [name for name in expected if name not in found]),
        _problem("unexpected", [name for name in rest if name not in unused]),
        _problem(
            "of another shape",
            [
                f"{name} {tuple(tensor.shape)} for {tuple(expected[name])}"
                for name, tensor in found.items()
                if tuple(tensor.shape) != tuple(expected[name])
            ],
        ),
    ]
    if any(problems):
        message = f"{where}: {'; '.join(filter(None, problems))}"
        raise UserError(message)
    return found, unused


def check_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    """Refuse weights with a NaN or an infinity (half precision that overflowed, for example)."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            message = f"{where}: tensor {name} has values that are not finite ({tensor.dtype})"
            raise UserError(message)


def _modern(name: str) -> str:
    """Name as the installed transformers writes it."""
    for pattern, replacement in _OLDER_NAMES:
        name = pattern.sub(replacement, name)
    return name


def _problem(what: str, names: Sequence[str]) -> str:
    """Count and first names, or nothing."""
    more = ", ..." if len(names) > 3 else ""
    return f"{len(names)} tensors {what} ({', '.join(names[:3])}{more})" if names else ""
