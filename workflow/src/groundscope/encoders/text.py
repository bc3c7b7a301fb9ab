"""Text encoders of transformers: BERT-like, GPT-2-like, Llama-like, CLIP's text tower.

One family; what differs between architectures is found in the loaded model. Layer 0 enters the
first block (embeddings, with the norm that BERT-like models have there). The last layer is what
``hidden_states[-1]`` is in transformers: where a norm stands behind the last block, behind it
(GPT-2's ``ln_f``, Llama's ``norm``), except for CLIP, where it is before it, unless ``final_norm``
says otherwise. A model with a hidden state that its blocks do not give is refused, as DeBERTa-v2
with a convolution; Mamba lists what enters its first block nowhere, so that its layer k, but for
the last, is hidden state k - 1 of transformers. CLIP has the named layer ``projection``: the
released text embedding, one vector a text, taken at the end-of-text token.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import transformers
from torch import Tensor

from groundscope.encoders.base import Pieces, Request, Sink, TextEncoder, block_layers, check_layers
from groundscope.encoders.foreign import refusing
from groundscope.encoders.last_layer import find_last_layer
from groundscope.encoders.options import TEXT_OPTIONS, WEIGHT_OPTIONS, Option
from groundscope.encoders.pretrained import (
    Tower,
    check_blocks,
    load_tower,
    read_config,
    registered_class,
)
from groundscope.encoders.taps import Taps
from groundscope.errors import UserError

READS = "text"
OPTIONS: Mapping[str, Option] = {
    **TEXT_OPTIONS,
    **WEIGHT_OPTIONS,
    "final_norm": Option("default", ("default", "before", "after")),
    "token_type_id": Option(0, (0, 1)),
    "bos": Option(None, (), bool),
}
_PROJECTION = "projection"


def load(request: Request) -> TextEncoder:
    """Load a text encoder (see `encoders.base`)."""
    config = read_config(request.checkpoint, request.model)
    classes = config.architectures if isinstance(config.architectures, list) else []
    projects = config.model_type == "clip" or "CLIPTextModelWithProjection" in classes
    if config.model_type == "clip":
        config.text_config.projection_dim = config.projection_dim
        config.text_config.auto_map = getattr(config, "auto_map", None)
        config = config.text_config
    check_blocks(request, getattr(config, "num_hidden_layers", None))
    kind = (
        transformers.CLIPTextModelWithProjection if projects else registered_class(request, config)
    )
    if kind.main_input_name != "input_ids":
        message = (
            f"models.{request.model}: its checkpoint is a {config.model_type!r} model, which reads "
            f"{kind.main_input_name}; the family text reads models of text (input_ids)"
        )
        raise UserError(message)
    named = (_PROJECTION,) if projects else ()
    legal = (*block_layers(getattr(config, "num_hidden_layers", 0)), *named)
    check_layers(request.model, request.layers, legal)
    if config.is_encoder_decoder:
        message = (
            f"models.{request.model}: {config.model_type!r} is not a text encoder of one stack"
        )
        raise UserError(message)
    if config.model_type == "deberta-v2" and getattr(config, "conv_kernel_size", 0) > 0:
        message = (
            f"models.{request.model}: its {config.model_type!r} model has a convolution beside its "
            "first block (conv_kernel_size), whose sum is layer 1: not supported"
        )
        raise UserError(message)
    config.use_cache = False
    tower = load_tower(
        request,
        config,
        kind,
        last_layer=lambda *built: find_last_layer(f"models.{request.model}", *built),
        prefixes=("text_model.",),
    )
    return TextTower(tower, request, _tokenizer(request))


class TextTower(TextEncoder):
    """A loaded text encoder with its tokenizer."""

    def __init__(self, tower: Tower, request: Request, tokenizer: Any) -> None:
        config = tower.model.config
        self.tower = tower
        self.tokenizer = tokenizer
        self.layers = request.layers
        self.taps = Taps(tower, request.layers)
        self.bos: bool | None = request.options["bos"]
        self.token_type: int = request.options["token_type_id"]
        self.where = where = f"models.{request.model}"
        self.vocabulary: int = tower.model.get_input_embeddings().num_embeddings
        if self.token_type >= max(getattr(config, "type_vocab_size", 0), 1):
            message = f"{where}.token_type_id: this model has no token type {self.token_type}"
            raise UserError(message)
        if self.bos is not None and tokenizer.bos_token_id is None:
            message = f"{where}.bos: this tokenizer has no begin-of-sequence token"
            raise UserError(message)
        positions = getattr(config, "max_position_embeddings", tokenizer.model_max_length)
        self.longest = min(tokenizer.model_max_length, positions - _first_position(tower.model))
        self.unknown: int | None = tokenizer.unk_token_id
        self.blanks = _blanks(tokenizer)
        self.facts = tower.facts

    def tokenize(self, texts: Sequence[str]) -> list[Pieces]:
        """Split texts (see `encoders.base`)."""
        with refusing(f"{self.where}: its tokenizer"):
            encoded = self.tokenizer(
                list(texts),
                return_offsets_mapping=True,
                return_special_tokens_mask=True,
                return_attention_mask=False,
                return_token_type_ids=False,
                verbose=False,
            )
        found = [
            self._with_bos(ids, offsets, special)
            for ids, offsets, special in zip(
                encoded["input_ids"],
                encoded["offset_mapping"],
                encoded["special_tokens_mask"],
                strict=True,
            )
        ]
        highest = max((max(pieces.ids, default=0) for pieces in found), default=0)
        if highest >= self.vocabulary:
            message = (
                f"{self.where}: its tokenizer gives piece {highest}, but the model has "
                f"{self.vocabulary} pieces: the tokenizer is another model's"
            )
            raise UserError(message)
        return found

    def _with_bos(
        self, ids: list[int], offsets: list[tuple[int, int]], special: list[int]
    ) -> Pieces:
        spans = [
            (0, 0) if mark else (int(begin), int(end))
            for (begin, end), mark in zip(offsets, special, strict=True)
        ]
        bos = self.tokenizer.bos_token_id
        starts = bool(ids) and ids[0] == bos
        if self.bos and not starts:
            return Pieces((bos, *ids), ((0, 0), *spans))
        if self.bos is False and starts:
            return Pieces(tuple(ids[1:]), tuple(spans[1:]))
        return Pieces(tuple(ids), tuple(spans))

    def forward(self, batch: Tensor, sink: Sink) -> None:
        """Run ids (see `encoders.base`)."""
        extra = (
            {"token_type_ids": torch.full_like(batch, self.token_type)} if self.token_type else {}
        )
        output = self.taps.run(sink.frames, lambda: self.tower.model(input_ids=batch, **extra))
        if _PROJECTION in self.layers:
            sink.vectors(_PROJECTION, output.text_embeds)


def _blanks(tokenizer: Any) -> frozenset[int]:
    """Ids of the pieces that are a blank and no more: SentencePiece's sign, and that for bytes.

    The latter is a letter of Maltese where pieces are not bytes, and then decoded as itself.
    """
    listed = tokenizer.convert_tokens_to_ids(["\u2581", "\u0120"])
    known = {number for number in listed if number not in (None, tokenizer.unk_token_id)}
    return frozenset(n for n in known if not tokenizer.decode([n]).strip(" \u2581"))


def _first_position(model: Any) -> int:
    """Position of the first token: RoBERTa's kind counts from behind the padding index."""
    modules = model.named_modules()
    tables = (module for name, module in modules if name.endswith("position_embeddings"))
    padding = (getattr(table, "padding_idx", None) for table in tables)
    return next((index + 1 for index in padding if index is not None), 0)


def _tokenizer(request: Request) -> Any:
    """Read the fast tokenizer beside the weights, which knows each piece's characters."""
    assert request.checkpoint is not None
    folder = request.checkpoint.folder()
    auto: Any = transformers.AutoTokenizer
    with refusing(f"{request.checkpoint.source}: no usable tokenizer"):
        tokenizer = auto.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not isinstance(tokenizer.model_max_length, int | float):
        message = (
            f"{folder}/tokenizer_config.json: model_max_length is {tokenizer.model_max_length!r}, "
            "expected a number"
        )
        raise UserError(message)
    if not tokenizer.is_fast:
        message = f"{request.checkpoint.source}: its tokenizer does not give character offsets"
        raise UserError(message)
    return tokenizer
