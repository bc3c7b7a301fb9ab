"""Layers of a tower, delivered while it runs, and no more of the tower than they need."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from groundscope.encoders.last_layer import first_output
from groundscope.encoders.pretrained import Tower


class _Reached(Exception):
    """Everything that was wanted has been delivered: nothing further needs to run."""


class Taps:
    """Hooks that deliver the layers of a tower while it runs.

    Parameters
    ----------
    tower
        A loaded tower.
    layers
        Wanted layers; those that are not numbers are the caller's business.
    """

    def __init__(self, tower: Tower, layers: Sequence[str]) -> None:
        self._deliver: Callable[[str, Tensor], None] | None = None
        blocks = tower.model.get_submodule(tower.path)
        wanted = {int(name) for name in layers if name.isdecimal()}
        self._only_input = set(layers) == {"0"}
        if 0 in wanted:
            blocks[0].register_forward_pre_hook(self._input_hook, with_kwargs=True)
        for index in wanted - {0}:
            behind_norm = index == tower.blocks and tower.after_norm
            module = (
                tower.model.get_submodule(tower.norm_path) if behind_norm else blocks[index - 1]
            )
            module.register_forward_hook(self._output_hook(str(index)))

    def run(self, deliver: Callable[[str, Tensor], None], forward: Callable[[], Any]) -> Any:
        """Call `forward`; hand each wanted layer ``[batch, time, d]`` to `deliver`."""
        self._deliver = deliver
        try:
            return forward()
        except _Reached:
            return None
        finally:
            self._deliver = None

    def _input_hook(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._deliver is not None:
            self._deliver("0", args[0] if args else kwargs["hidden_states"])
            if self._only_input:
                raise _Reached

    def _output_hook(self, layer: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, args: Any, output: Any) -> None:
            if self._deliver is not None:
                self._deliver(layer, first_output(output))

        return hook
