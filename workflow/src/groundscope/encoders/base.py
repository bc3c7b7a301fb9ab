"""The contract of an encoder family.

A family is a module of this package with three names:

``READS``
    ``"audio"``, ``"text"`` or ``"word"``: which columns of the token table it needs.
``OPTIONS``
    Option name -> `Option`. Compose it from `AUDIO_OPTIONS`, `TEXT_OPTIONS` and `WEIGHT_OPTIONS`
    of `encoders.options`.
``load(request)``
    Takes a `Request`, returns an `AudioEncoder`, a `TextEncoder` or a `WordVectors`. It refuses
    layers that the model does not have (`check_layers`), builds only the blocks up to the deepest
    requested layer, loads weights strictly, and leaves the model in eval mode on the device.

An encoder has one working method, ``forward(batch, sink)``. It runs the model once and hands each
requested layer to the sink, exactly once, as soon as that layer exists:

``sink.frames(layer, hidden, counts=..., rate=...)``
    `hidden` is ``[batch, time, d]``; item i has ``counts[i]`` valid frames from the left (all,
    if `counts` is None); `rate` is frames per second of audio (1 for text: positions). A learned
    CLS frame must be cut off first. The sink pools words and keeps nothing else.
``sink.vectors(layer, vectors)``
    `vectors` is ``[batch, d]``: layers with one vector an input (``cls``, ``projection``).

**Exactness**: the result for an item must not depend on what else is in the batch (1e-5 relative).
Audio batches are padded on the right by the encoder (`encoders.waveforms` helps); text batches
have equal length, so they need no mask.

Autocast, inference mode, batching, memory, pooling, normalisation of the waveform, short clips,
metadata and progress are the caller's business (`extraction`), never the family's.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from groundscope.checkpoints import Checkpoint
from groundscope.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, device

# before oneDNN is first used: in AMX tiles version 3.12 has wrong values for bfloat16 convolutions
# of few channels and long even kernels (as in https://github.com/pytorch/pytorch/issues/163347)
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

FAMILIES: Mapping[str, str] = {
    "speech": "groundscope.encoders.speech",
    "text": "groundscope.encoders.text",
    "static": "groundscope.encoders.static",
    "log-mel": "groundscope.encoders.log_mel",
    "fast-vgs": "groundscope.encoders.fast_vgs",
    "vg-hubert": "groundscope.encoders.vg_hubert",
    "speech-clip": "groundscope.encoders.speech_clip",
    "vg-bert": "groundscope.encoders.vg_bert",
}

SAMPLE_RATE = 16_000


@dataclass(frozen=True)
class Request:
    """What to load.

    Attributes
    ----------
    model
        Name in the configuration, for messages.
    checkpoint
        The weights; None for families without any.
    options
        One value for every option of the family (see `options.resolve_options`).
    layers
        Names of the wanted layers, distinct.
    device
        Where to compute.
    words
        For families that read words: the distinct words of the corpus.
    """

    model: str
    checkpoint: Checkpoint | None
    options: Mapping[str, Any]
    layers: tuple[str, ...]
    device: "device"
    words: frozenset[str] = frozenset()


class Sink(Protocol):
    """Takes layers as they come (see the module's documentation)."""

    def frames(
        self,
        layer: str,
        hidden: "Tensor",
        *,
        counts: Sequence[int] | None = None,
        rate: float = 1.0,
    ) -> None:
        """Take ``[batch, time, d]``; pool the words of each item."""

    def vectors(self, layer: str, vectors: "Tensor") -> None:
        """Take ``[batch, d]``: one vector an input."""


class AudioEncoder(ABC):
    """A loaded model that reads waveforms (16 kHz, mono, float32).

    Attributes
    ----------
    receptive_field
        Fewest samples that give one frame.
    window
        Samples that it computes for every input, and so the most that it takes; None: as many as
        the input has.
    normalizes
        Whether the release expects each waveform with zero mean and unit variance; None: not
        known, so the option ``normalize`` must be set.
    variance_floor
        Added to the variance before the root (1e-7 in transformers, 0 in numpy code).
    facts
        Written into the embedding file beside the options (final norm, parameters, ...).
    """

    receptive_field: int = 1
    window: int | None = None
    normalizes: bool | None = False
    variance_floor: float = 1e-7
    facts: Mapping[str, str]

    @abstractmethod
    def forward(self, batch: "Sequence[Tensor]", sink: Sink) -> None:
        """Run 1-D waveforms on the device, ready for the model, of lengths that may differ."""


@dataclass(frozen=True)
class Pieces:
    """A text as its model reads it.

    Attributes
    ----------
    ids
        Token ids with the model's special tokens.
    offsets
        Characters ``[begin, end)`` that each id stands for; ``(0, 0)`` for special tokens.
    """

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]


class TextEncoder(ABC):
    """A loaded model that reads token ids.

    Attributes
    ----------
    longest
        Most ids that the model takes.
    unknown
        Id of what the tokenizer knows no piece of; None or never made: it knows pieces of all.
    blanks
        Ids of the pieces that are the blank before a word and no more, if there are any.
    facts
        As for `AudioEncoder`.
    """

    longest: int
    unknown: int | None = None
    blanks: frozenset[int] = frozenset()
    facts: Mapping[str, str]

    @abstractmethod
    def tokenize(self, texts: Sequence[str]) -> list[Pieces]:
        """Split texts into the model's pieces, special tokens included."""

    @abstractmethod
    def forward(self, batch: "Tensor", sink: Sink) -> None:
        """Run ids, int64 ``[batch, length]``, no padding."""


@dataclass(frozen=True)
class WordVectors:
    """Static vectors: words that were found, their rows, float32 ``[n, d]``."""

    words: tuple[str, ...]
    vectors: NDArray[np.float32]
    facts: Mapping[str, str] = field(default_factory=dict)
    layers: ClassVar[tuple[str, ...]] = ("0",)


def block_layers(blocks: int) -> tuple[str, ...]:
    """Layers of a stack: "0" is what enters the first block, "k" what leaves block k."""
    return tuple(str(index) for index in range(blocks + 1))


def check_layers(model: str, wanted: Sequence[str], legal: Sequence[str]) -> None:
    """Refuse layers that a model does not have."""
    wrong = [layer for layer in wanted if layer not in legal]
    if wrong:
        message = (
            f"models.{model}.layers: no layer {', '.join(map(repr, wrong))}; "
            f"this model has {', '.join(legal)}"
        )
        raise UserError(message)


def deepest(layers: Sequence[str], blocks: int) -> int:
    """Blocks needed for `layers`: named layers need all `blocks`."""
    return max((int(name) if name.isdecimal() else blocks for name in layers), default=0)
