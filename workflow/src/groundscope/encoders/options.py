"""Options of encoder families: their defaults, their legal values, and what a model has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundscope.errors import UserError


@dataclass(frozen=True)
class Option:
    """One option of a family.

    Attributes
    ----------
    default
        Value where the configuration is silent.
    choices
        Legal values; empty: any value of the default's type (``None`` allowed if it is the
        default; then `kind` says the type).
    kind
        Type of the value.
    """

    default: Any
    choices: tuple[Any, ...] = ()
    kind: type = str


AUDIO_OPTIONS: Mapping[str, Option] = {
    "pooling": Option("mean", ("mean", "centre", "centroid")),
    "slicing": Option("audio", ("audio", "features")),
    "normalize": Option("default", ("default", "clip", "utterance", "none")),
    "short_clips": Option("pad", ("pad", "extend", "drop")),
    "precision": Option("float32", ("float32", "float16", "bfloat16")),
}
TEXT_OPTIONS: Mapping[str, Option] = {
    "pieces": Option("mean", ("mean", "first", "last")),
    "context": Option("word", ("word", "text")),
    "precision": Option("float32", ("float32", "float16", "bfloat16")),
}
WEIGHT_OPTIONS: Mapping[str, Option] = {
    "weights": Option("released", ("released", "random")),
    "seed": Option(0, (), int),
    "blocks": Option(None, (), int),
}
_STRUCTURE = ("family", "checkpoint", "layers")


def resolve_options(
    model: str, family: str, legal: Mapping[str, Option], given: Mapping[str, Any]
) -> dict[str, Any]:
    """One value for every option that the family has.

    Parameters
    ----------
    model
        Name in the configuration, for messages.
    family
        Name of the family, for messages.
    legal
        The family's ``OPTIONS``.
    given
        The model's section of the configuration.

    Raises
    ------
    UserError
        The family has no such option, or the option no such value.
    """
    values = {name: option.default for name, option in legal.items()}
    for name, value in given.items():
        if name in _STRUCTURE:
            continue
        if name not in legal:
            message = (
                f"models.{model}.{name}: the family {family} has no such option; "
                f"it has {', '.join(sorted(legal))}"
            )
            raise UserError(message)
        values[name] = _checked(f"models.{model}.{name}", legal[name], value)
    return values


def _checked(where: str, option: Option, value: Any) -> Any:
    """`value` if it is legal; integers pass as floats."""
    if option.choices:
        if value in option.choices and type(value) is type(option.choices[0]):
            return value
        message = f"{where}: {value!r} is not one of {', '.join(map(str, option.choices))}"
        raise UserError(message)
    if value is None and option.default is None:
        return value
    if option.kind is float and type(value) is int:
        return float(value)
    if type(value) is not option.kind:
        message = f"{where}: {value!r} is not of type {option.kind.__name__}"
        raise UserError(message)
    return value
