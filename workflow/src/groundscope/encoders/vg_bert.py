"""VG-BERT: BERT base uncased trained on with images and visual relations (Zhang et al. 2021).

Layers 0 to 12 as in BERT. Named layer ``projection``: the last block's states, through the query
of the cross-attention and the language projection head, in the space in which words are matched
with images; one vector a word piece. In training every token had segment id 1, which is offered as
``token_type_id``; the default 0 is what ordinary use of BERT gives.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel, BertTokenizer

from groundscope.encoders.base import (
    Pieces,
    Request,
    Sink,
    TextEncoder,
    block_layers,
    check_layers,
    deepest,
)
from groundscope.encoders.converted import check_blocks, describe, fill, read_settings
from groundscope.encoders.foreign import refusing
from groundscope.encoders.options import TEXT_OPTIONS, WEIGHT_OPTIONS, Option
from groundscope.encoders.pretrained import Tower
from groundscope.encoders.taps import Taps
from groundscope.errors import UserError

READS = "text"
OPTIONS: Mapping[str, Option] = {
    **TEXT_OPTIONS,
    **WEIGHT_OPTIONS,
    "token_type_id": Option(0, (0, 1)),
}
_FAMILY = "vg-bert"
_PROJECTION = "projection"


def load(request: Request) -> TextEncoder:
    """Load the language stream (see `encoders.base`)."""
    settings = read_settings(request, _FAMILY)["bert"]
    blocks: int = settings["num_hidden_layers"]
    check_blocks(request, blocks)
    check_layers(request.model, request.layers, (*block_layers(blocks), _PROJECTION))
    depth = max(deepest(request.layers, blocks), 1)
    model = fill(
        request,
        lambda: _Model(settings, blocks, joint=True),
        lambda: _Model(settings, depth, joint=_PROJECTION in request.layers),
    )
    return VgBert(model, request, describe(request, model, blocks))


class VgBert(TextEncoder):
    """The language stream with its way into the joint space."""

    def __init__(self, model: "_Model", request: Request, facts: Mapping[str, str]) -> None:
        self.model = model
        self.layers = request.layers
        self.token_type: int = request.options["token_type_id"]
        self.longest: int = model.bert.config.max_position_embeddings
        self.facts = {**facts, "token_type_id": str(self.token_type)}
        tower = Tower(
            model=model.bert,
            path="encoder.layer",
            blocks=int(facts["blocks"]),
            norm_path="",
            after_norm=False,
            facts=self.facts,
        )
        self.taps = Taps(tower, request.layers)
        self.tokenizer = _tokenizer(request, model.bert.config.vocab_size)
        self.unknown: int | None = self.tokenizer.unk_token_id

    def tokenize(self, texts: Sequence[str]) -> list[Pieces]:
        """Split texts into word pieces, ``[CLS]`` and ``[SEP]`` around them."""
        encoded = self.tokenizer(list(texts), return_offsets_mapping=True, verbose=False)
        return [
            Pieces(tuple(ids), tuple((int(begin), int(end)) for begin, end in offsets))
            for ids, offsets in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        ]

    def forward(self, batch: Tensor, sink: Sink) -> None:
        """Run ids (see `encoders.base`)."""
        types = torch.full_like(batch, self.token_type)
        output = self.taps.run(
            sink.frames, lambda: self.model.bert(input_ids=batch, token_type_ids=types)
        )
        if _PROJECTION in self.layers:
            queries = self.model.query_language(output.last_hidden_state)
            sink.frames(_PROJECTION, self.model.language_projection_head(queries))


class _Model(nn.Module):
    """All weights under their released names, the joint space only where it is wanted."""

    def __init__(self, settings: Mapping[str, Any], blocks: int, *, joint: bool) -> None:
        super().__init__()
        config = BertConfig(**{**settings, "num_hidden_layers": blocks})
        config._attn_implementation = "sdpa"
        self.bert: Any = BertModel(config, add_pooling_layer=False)
        if joint:
            width = config.hidden_size
            self.query_language = nn.Linear(width, width, bias=False)
            # the third of the four, counted from 0 as 2, is a dropout: it has no weights
            self.language_projection_head = nn.Sequential(
                nn.Linear(width, width), nn.ReLU(), nn.Identity(), nn.Linear(width, width)
            )


def _tokenizer(request: Request, vocabulary: int) -> Any:
    """Read the uncased word piece tokenizer beside the weights."""
    assert request.checkpoint is not None
    folder = request.checkpoint.folder()
    kind: Any = BertTokenizer
    with refusing(f"{request.checkpoint.source}: no usable vocabulary"):
        tokenizer = kind.from_pretrained(folder, local_files_only=True)
    if len(tokenizer) != vocabulary:
        message = (
            f"{request.checkpoint.source}: the vocabulary has {len(tokenizer)} pieces, "
            f"the model {vocabulary}"
        )
        raise UserError(message)
    return tokenizer
