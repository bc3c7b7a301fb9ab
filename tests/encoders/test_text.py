"""Text encoders against the plain transformers call, one word at a time."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.base import Pieces
from groundscope.encoders.extraction import Extraction
from groundscope.encoders.from_text import piece_range
from groundscope.encoders.last_layer import find_last_layer
from groundscope.encoders.text import load
from groundscope.errors import UserError

HF: Any = transformers  # largely untyped
Extract = Callable[..., Extraction]
AsCheckpoint = Callable[[Path], Checkpoint]
MakeTokens = Callable[..., pa.Table]
MakeRequest = Callable[..., Any]

SENTENCES = (
    "the cat sat on the mat",
    "a cathedral is not a cat at all",
    "saxophone and mandolin",
    "mandolin",
    "the saxophone sat",
    "cat",
)
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
LAYERS = ("0", "1", "2")
SMALL = {"num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 2}
BERT = {**SMALL, "intermediate_size": 24, "max_position_embeddings": 40, "pad_token_id": 1}
LLAMA = {**SMALL, "intermediate_size": 24, "num_key_value_heads": 1, "max_position_embeddings": 64}
MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bert": (HF.BertConfig, BERT),
    "roberta": (HF.RobertaConfig, {**BERT, "type_vocab_size": 1}),
    "xlm-roberta": (HF.XLMRobertaConfig, {**BERT, "type_vocab_size": 1}),
    "mpnet": (HF.MPNetConfig, BERT),
    "electra": (HF.ElectraConfig, {**BERT, "embedding_size": 8}),
    "distilbert": (
        HF.DistilBertConfig,
        {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "pad_token_id": 1},
    ),
    "gpt2": (HF.GPT2Config, {"n_embd": 16, "n_layer": 2, "n_head": 2}),
    "modernbert": (
        HF.ModernBertConfig,
        {**SMALL, "intermediate_size": 24, "local_attention": 8, "pad_token_id": 1},
    ),
    "llama": (HF.LlamaConfig, LLAMA),
    "qwen3": (HF.Qwen3Config, {**LLAMA, "head_dim": 8}),
    "gemma2": (HF.Gemma2Config, {**LLAMA, "head_dim": 8, "sliding_window": 4}),
    "gpt-neox": (
        HF.GPTNeoXConfig,
        {**SMALL, "intermediate_size": 24, "max_position_embeddings": 64},
    ),
    "phi": (HF.PhiConfig, {**SMALL, "intermediate_size": 24, "max_position_embeddings": 64}),
    "biogpt": (HF.BioGptConfig, {**SMALL, "intermediate_size": 24, "max_position_embeddings": 64}),
    "roberta-prelayernorm": (HF.RobertaPreLayerNormConfig, {**BERT, "type_vocab_size": 1}),
    "xlm-roberta-xl": (HF.XLMRobertaXLConfig, {**BERT, "type_vocab_size": 1}),
    "megatron-bert": (HF.MegatronBertConfig, BERT),
    "openai-gpt": (HF.OpenAIGPTConfig, {"n_embd": 16, "n_layer": 2, "n_head": 2}),
    # one window a block, and kinds of blocks that are computed from their number
    "longformer": (HF.LongformerConfig, {**BERT, "attention_window": [4, 8]}),
    "recurrent-gemma": (
        HF.RecurrentGemmaConfig,
        {**LLAMA, "lru_width": 16, "block_types": ["recurrent", "attention"]},
    ),
    "lilt": (HF.LiltConfig, {**BERT, "hidden_size": 24}),
    "clip": (
        HF.CLIPTextConfig,
        {**SMALL, "intermediate_size": 24, "max_position_embeddings": 40, "projection_dim": 8},
    ),
}


def _tokenizer() -> Any:
    """Train a byte-level tokenizer that splits rare words and wraps texts in <s> and </s>."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=290,
        special_tokens=SPECIAL,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return HF.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=32,
    )


@pytest.fixture(scope="module", params=MODELS)
def tiny(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    as_checkpoint: AsCheckpoint,
) -> tuple[str, Any, Any, Checkpoint]:
    """Make a tiny model, its tokenizer and its released folder."""
    kind, size = MODELS[request.param]
    torch.manual_seed(1)
    config = kind(**size, vocab_size=300, bos_token_id=0, eos_token_id=2)
    if request.param == "clip":
        model: Any = HF.CLIPTextModelWithProjection(config)
    else:
        model = HF.AutoModel.from_config(config)
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator)
    folder = tmp_path_factory.mktemp(request.param)
    model.eval().save_pretrained(folder)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder)
    return request.param, model, tokenizer, as_checkpoint(folder)


def _word_pieces() -> Any:
    """Make BERT's kind of tokenizer: what it cannot spell is [UNK]."""
    entries = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "cat", "##s", "-", "the", "op")
    made = Tokenizer(models.WordPiece({e: n for n, e in enumerate(entries)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _wrapped(made, "[CLS]", "[SEP]", "[UNK]", "[PAD]")


def _sentence_pieces() -> Any:
    """Make XLM-R's kind: the blank before a word can be a piece of its own."""
    entries = ["<unk>", "<s>", "</s>", "<pad>", "\u2581", "\u2581cat", "s", "-", "\u2581the", "op"]
    made = Tokenizer(models.Unigram([(e, -float(n)) for n, e in enumerate(entries)], unk_id=0))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    return _wrapped(made, "<s>", "</s>", "<unk>", "<pad>")


def _wrapped(made: Tokenizer, begin: str, end: str, unknown: str, pad: str) -> Any:
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, 1), (end, 2)]
    )
    return HF.PreTrainedTokenizerFast(
        tokenizer_object=made,
        bos_token=begin,
        eos_token=end,
        pad_token=pad,
        unk_token=unknown,
        model_max_length=32,
    )


def _states(model: Any, ids: list[int], **extra: Any) -> list[np.ndarray]:
    """Hidden states of one text by the plain call."""
    with torch.inference_mode():
        output = model(
            input_ids=torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.int64),
            output_hidden_states=True,
            **extra,
        )
    return [state[0].numpy() for state in output.hidden_states]


def _words(make_tokens: MakeTokens) -> tuple[pa.Table, list[tuple[str, int, int]]]:
    """Every word of every sentence in its place."""
    places = []
    for sentence in SENTENCES:
        begin = 0
        for word in sentence.split():
            places.append((sentence, begin, begin + len(word)))
            begin += len(word) + 1
    rows = [
        {"word": text[begin:end], "text": text, "char_start": begin, "char_end": end}
        for text, begin, end in places
    ]
    return make_tokens(rows), places


PICK: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda part: part.mean(axis=0),
    "first": lambda part: part[0],
    "last": lambda part: part[-1],
}


def test_words_in_context_equal_single_texts(
    tiny: tuple[str, Any, Any, Checkpoint], make_tokens: MakeTokens, run_extraction: Extract
) -> None:
    """All layers of all words are as in the plain call on one sentence at a time."""
    name, model, tokenizer, checkpoint = tiny
    tokens, places = _words(make_tokens)
    for pieces in PICK if name == "bert" else ("mean",):
        options = {"family": "text", "context": "text", "pieces": pieces}
        result = run_extraction(tokens, checkpoint, options, LAYERS)
        several = 0
        plain = {text: _states(model, tokenizer(text)["input_ids"]) for text in SENTENCES}
        for row, (text, begin, end) in zip(result.rows, places, strict=True):
            encoded = tokenizer(text)
            first, last = encoded.char_to_token(begin), encoded.char_to_token(end - 1) + 1
            several += last - first > 1
            for layer in LAYERS:
                wanted = PICK[pieces](plain[text][int(layer)][first:last])
                np.testing.assert_allclose(result.vectors[layer][row], wanted, rtol=0, atol=1e-5)
        assert several > 2


def test_words_alone_equal_single_words(
    tiny: tuple[str, Any, Any, Checkpoint], make_tokens: MakeTokens, run_extraction: Extract
) -> None:
    """Each distinct word is run once, alone, and its special tokens are left out."""
    _, model, tokenizer, checkpoint = tiny
    tokens, places = _words(make_tokens)
    result = run_extraction(tokens, checkpoint, {"family": "text"}, LAYERS, batch_pieces=24)
    words = [text[begin:end] for text, begin, end in places]
    assert len(set(result.rows.tolist())) == len(set(words)) < len(words)
    for word, row in dict(zip(words, result.rows, strict=True)).items():
        states = _states(model, tokenizer(word)["input_ids"])
        for layer in LAYERS:
            wanted = states[int(layer)][1:-1].mean(axis=0)
            np.testing.assert_allclose(result.vectors[layer][row], wanted, rtol=0, atol=1e-5)


def test_cut_and_random_models(
    tiny: tuple[str, Any, Any, Checkpoint], make_tokens: MakeTokens, run_extraction: Extract
) -> None:
    """Layer 1 alone equals layer 1 of three, with released and with seeded random weights."""
    *_, checkpoint = tiny
    tokens = make_tokens([{"word": word} for word in ("cat", "saxophone")])
    made = []
    for options in ({}, {"weights": "random", "seed": 3}):
        given = {"family": "text", **options}
        together = run_extraction(tokens, checkpoint, given, LAYERS).vectors["1"]
        alone = run_extraction(tokens, checkpoint, given, ("1",)).vectors["1"]
        np.testing.assert_array_equal(alone, together)
        made.append(alone)
    assert np.abs(made[0] - made[1]).max() > 1e-3


BEHIND = {
    "gpt2": "ln_f",
    "llama": "norm",
    "qwen3": "norm",
    "gemma2": "norm",
    "modernbert": "final_norm",
    "gpt-neox": "final_layer_norm",
    "phi": "final_layernorm",
    "biogpt": "layer_norm",
    "roberta-prelayernorm": "LayerNorm",
    "xlm-roberta-xl": "encoder.LayerNorm",
    "megatron-bert": "encoder.ln",
    "recurrent-gemma": "final_norm",
}


def test_last_layer_says_where_it_is_from(
    tiny: tuple[str, Any, Any, Checkpoint], make_tokens: MakeTokens, run_extraction: Extract
) -> None:
    """Behind the final norm where there is one, before it for CLIP, and recorded."""
    name, _, _, checkpoint = tiny
    tokens = make_tokens([{"word": "cat"}])
    found = run_extraction(tokens, checkpoint, {"family": "text"}, ("2",)).facts["last_layer"]
    if name == "clip":
        assert found == "before text_model.final_layer_norm"
    else:
        assert found == (f"after {BEHIND[name]}" if name in BEHIND else "block")


@pytest.mark.parametrize("tiny", [*BEHIND, "clip"], indirect=True)
def test_final_norm_is_there_to_choose(
    tiny: tuple[str, Any, Any, Checkpoint],
    make_tokens: MakeTokens,
    run_extraction: Extract,
) -> None:
    """Before it is what goes into it, after it what comes out, wherever the default is."""
    name, model, tokenizer, checkpoint = tiny
    path = BEHIND.get(name, "text_model.final_layer_norm")
    seen: dict[str, np.ndarray] = {}

    def look(module: Any, args: Any, output: Any) -> None:
        seen.update(before=args[0][0].numpy(), after=output[0].numpy())

    hook = model.get_submodule(path).register_forward_hook(look)
    _states(model, tokenizer("saxophone")["input_ids"])
    hook.remove()
    tokens = make_tokens([{"word": "saxophone"}])
    for choice, states in seen.items():
        options = {"family": "text", "final_norm": choice}
        found = run_extraction(tokens, checkpoint, options, ("2",)).vectors["2"][0]
        np.testing.assert_allclose(found, states[1:-1].mean(axis=0), rtol=0, atol=1e-5)
    assert np.abs(seen["before"] - seen["after"]).max() > 1e-3


def _save(folder: Path, config: Any) -> Any:
    """Write a random model of a configuration; return it."""
    torch.manual_seed(1)
    model: Any = HF.AutoModel.from_config(config).eval()
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return model


@pytest.mark.parametrize("kind", ["MambaConfig", "FalconMambaConfig", "Mamba2Config"])
def test_layers_of_mamba(
    kind: str,
    as_checkpoint: AsCheckpoint,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    tmp_path: Path,
) -> None:
    """Layers count from what enters the first block; transformers lists what leaves it first."""
    size = {"hidden_size": 16, "num_hidden_layers": 3, "state_size": 4, "vocab_size": 300}
    if kind == "Mamba2Config":
        size |= {"num_heads": 4, "head_dim": 8, "n_groups": 1, "chunk_size": 8}
    model = _save(tmp_path, getattr(HF, kind)(**size, bos_token_id=0, eos_token_id=2))
    ids = _tokenizer()("saxophone")["input_ids"]
    embedded = model.get_input_embeddings().weight[ids].detach().numpy()
    first, second, _, last = _states(model, ids)
    tokens, checkpoint = make_tokens([{"word": "saxophone"}]), as_checkpoint(tmp_path)
    for layer, states in {"0": embedded, "1": first, "2": second, "3": last}.items():
        found = run_extraction(tokens, checkpoint, {"family": "text"}, (layer,)).vectors[layer][0]
        np.testing.assert_allclose(found, states[1:-1].mean(axis=0), rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "size", "said"),
    [
        ("DebertaV2Config", {"conv_kernel_size": 3}, "'deberta-v2' model has a convolution beside"),
        ("SqueezeBertConfig", {"embedding_size": 16}, "SqueezeBertModel does not call its blocks"),
        (
            "Gemma4TextConfig",
            {"num_key_value_heads": 1, "head_dim": 8},
            r"a 'gemma4_text' model, of 1 of its 2 blocks \(a job with layer 2 builds all\): ",
        ),
        ("LongformerConfig", {"attention_window": [4, 6]}, "LongformerModel does not run on token"),
    ],
)
def test_what_cannot_be_read_right_is_refused(
    kind: str,
    size: dict[str, Any],
    said: str,
    as_checkpoint: AsCheckpoint,
    make_request: MakeRequest,
    tmp_path: Path,
) -> None:
    """In one line: a layer that no block gives, or a model that cannot be built of some blocks."""
    _save(tmp_path, getattr(HF, kind)(**{**BERT, **size}, vocab_size=300))
    layers = ("1", "2") if kind == "LongformerConfig" else ("1",)
    begins = r"^(checkpoint of )?models\.tiny[:,] (its )?"
    with pytest.raises(UserError, match=begins + said) as caught:
        load(make_request(as_checkpoint(tmp_path), {"family": "text"}, layers))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ({"model_type": "bert", "hidden_size": "x"}, "'hidden_size' expected int, got str"),
        (
            {"model_type": "zamba2", "num_hidden_layers": 3},
            r"`num_hidden_layers` \(3\) must be equal",
        ),
        ({"model_type": "bert", "hidden_size": 10, "num_attention_heads": 3}, "not a multiple of"),
        ({"model_type": "longformer", "attention_window": [4]}, "Expected 12, given 1"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    written: dict[str, Any],
    said: str,
    as_checkpoint: AsCheckpoint,
    make_request: MakeRequest,
    tmp_path: Path,
) -> None:
    """In one line with the reason, whatever transformers raises for it."""
    (tmp_path / "config.json").write_text(json.dumps(written), encoding="utf-8")
    with pytest.raises(UserError, match=said) as caught:
        load(make_request(as_checkpoint(tmp_path), {"family": "text"}, ("1",)))
    assert "\n" not in str(caught.value)


class _Scaled(torch.nn.Module):
    """Gives twice its last block's output as its last hidden state."""

    device = torch.device("cpu")

    def __init__(self) -> None:
        super().__init__()
        self.embed = torch.nn.Embedding(9, 3)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(3, 3)])

    def forward(self, input_ids: torch.Tensor, **_: object) -> SimpleNamespace:
        """Run tokens."""
        states = self.embed(input_ids)
        return SimpleNamespace(hidden_states=(states, 2 * self.layers[0](states)))


def test_a_last_hidden_state_that_nothing_gives_is_refused() -> None:
    """What the family would take for the last layer would be another."""
    said = r"^models\.m: neither the last block of _Scaled nor a module behind it gives what is"
    with pytest.raises(UserError, match=said):
        find_last_layer("models.m", _Scaled(), "layers")
    bare: Any = torch.nn.Sequential(torch.nn.ModuleList([torch.nn.Linear(3, 3)]))
    bare.device = torch.device("cpu")
    with pytest.raises(UserError, match=r"^models\.m: Sequential does not run on tokens alone: "):
        find_last_layer("models.m", bare, "0")


@pytest.mark.parametrize(
    ("name", "longest"),
    [("bert", 40), ("roberta", 38), ("mpnet", 38), ("roberta-prelayernorm", 38), ("biogpt", 40)],
)
def test_the_longest_text_is_what_the_model_has_positions_for(
    release: "Release",
    make_tokens: MakeTokens,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
    name: str,
    longest: int,
) -> None:
    """It runs, and a piece more is refused: no more than the model takes, and no less."""
    model, folder = release(name, max_position_embeddings=40)
    tokenizer = _tokenizer()
    tokenizer.model_max_length = 100
    tokenizer.save_pretrained(folder)
    text = "q" * (longest - 2)
    _states(model, tokenizer(text)["input_ids"])
    checkpoint, options = as_checkpoint(folder), {"family": "text", "context": "text"}
    run_extraction(make_tokens([{"text": text}]), checkpoint, options, ("2",))
    said = rf"its text has {longest + 1} pieces, the model takes {longest}"
    with pytest.raises(UserError, match=said):
        run_extraction(make_tokens([{"text": text + "q"}]), checkpoint, options, ("2",))


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Any, Path]]:
    """Write a tiny model with the tests' tokenizer."""

    def write(name: str, **changes: Any) -> tuple[Any, Path]:
        kind, size = MODELS[name]
        torch.manual_seed(5)
        config = kind(
            **{**size, "vocab_size": 300, "bos_token_id": 0, "eos_token_id": 2, **changes}
        )
        if name == "clip":
            model: Any = HF.CLIPTextModelWithProjection(config)
        else:
            model = HF.AutoModel.from_config(config)
        folder = tmp_path_factory.mktemp(name)
        model.eval().save_pretrained(folder)
        _tokenizer().save_pretrained(folder)
        return model, folder

    return write


Release = Callable[..., tuple[Any, Path]]


# words of which no piece is known, some, and all
FOX, OCTOPUS, RUNES = "\U0001f98a", "\U0001f419", "\u16a0\u16a2\u16a6"
UNKNOWN = (FOX, OCTOPUS, RUNES, f"{FOX}-op", "cats", "cat")


@pytest.mark.parametrize("context", ["word", "text"])
@pytest.mark.parametrize(
    ("tokenizer", "partly"),
    [(_word_pieces, 1), (_sentence_pieces, 1), (_tokenizer, 0)],
    ids=["word pieces", "sentence pieces", "bytes"],
)
def test_words_that_a_tokenizer_does_not_know(
    release: Release,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
    context: str,
    tokenizer: Callable[[], Any],
    partly: int,
) -> None:
    """All words without a known piece are one input to the model: refused; bytes know all."""
    _, folder = release("bert")
    tokenizer().save_pretrained(folder)
    rows = [
        {"word": word, "text": f"the {word}", "char_start": 4, "char_end": 4 + len(word)}
        for word in (*UNKNOWN, FOX)
    ]
    options = {"family": "text", "context": context}
    checkpoint = as_checkpoint(folder)
    if partly:
        complaint = f"knows no piece of 3 words, .*: '{RUNES}', '{OCTOPUS}', '{FOX}'; expected"
        with pytest.raises(UserError, match=complaint):
            run_extraction(make_tokens(rows), checkpoint, options, LAYERS)
        rows = rows[3:-1]
    found = run_extraction(make_tokens(rows), checkpoint, options, LAYERS)
    assert found.counts["words_with_unknown_pieces"] == partly
    distinct = len({row["word"] for row in rows})
    assert len(np.unique(found.vectors["2"][found.rows], axis=0)) == distinct


def test_clip_projection(
    release: Release,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
    make_request: MakeRequest,
) -> None:
    """The named layer is the released text embedding; inside a text there is none."""
    model, folder = release("clip")
    checkpoint = as_checkpoint(folder)
    tokens = make_tokens([{"word": word} for word in ("cat", "saxophone")])
    found = run_extraction(tokens, checkpoint, {"family": "text"}, ("projection", "0"))
    for word, row in zip(("cat", "saxophone"), found.rows, strict=True):
        with torch.inference_mode():
            ids = torch.tensor([_tokenizer()(word)["input_ids"]])
            wanted = model(input_ids=ids).text_embeds[0].numpy()
        np.testing.assert_allclose(found.vectors["projection"][row], wanted, rtol=0, atol=1e-6)
    with pytest.raises(UserError, match="layer 'projection' is one vector for a whole input"):
        run_extraction(tokens, checkpoint, {"family": "text", "context": "text"}, ("projection",))
    with pytest.raises(UserError, match="no layer 'cls'; this model has 0, 1, 2, projection"):
        load(make_request(checkpoint, {"family": "text"}, ("cls",)))


def test_whole_clip_release(
    make_tokens: MakeTokens, run_extraction: Extract, as_checkpoint: AsCheckpoint, tmp_path: Path
) -> None:
    """The text tower is taken out of a full CLIP checkpoint; the image side is named as unused."""
    torch.manual_seed(0)
    text = {**MODELS["clip"][1], "vocab_size": 300, "bos_token_id": 0, "eos_token_id": 2}
    vision = {**SMALL, "intermediate_size": 24, "image_size": 8, "patch_size": 4}
    config = HF.CLIPConfig(text_config=text, vision_config=vision, projection_dim=6)
    model = HF.CLIPModel(config).eval()
    model.save_pretrained(tmp_path)
    _tokenizer().save_pretrained(tmp_path)
    tokens = make_tokens([{"word": "saxophone"}])
    checkpoint = as_checkpoint(tmp_path)
    found = run_extraction(tokens, checkpoint, {"family": "text"}, ("2", "projection"))
    with torch.inference_mode():
        ids = torch.tensor([_tokenizer()("saxophone")["input_ids"]])
        wanted = model.get_text_features(input_ids=ids).pooler_output[0].numpy()
    np.testing.assert_allclose(found.vectors["projection"][0], wanted, rtol=0, atol=1e-6)
    unused = found.facts["unused_tensors"].split(", ")
    assert all(one.startswith(("vision_model.", "visual_", "logit_scale")) for one in unused)


def test_token_type(
    release: Release, make_tokens: MakeTokens, run_extraction: Extract, as_checkpoint: AsCheckpoint
) -> None:
    """Type 1 adds the other type embedding, as in the plain call."""
    model, folder = release("bert")
    tokens = make_tokens([{"word": "saxophone"}])
    options = {"family": "text", "token_type_id": 1}
    found = run_extraction(tokens, as_checkpoint(folder), options, ("2",)).vectors["2"][0]
    ids = _tokenizer()("saxophone")["input_ids"]
    typed = _states(model, ids, token_type_ids=torch.ones(1, len(ids), dtype=torch.int64))
    np.testing.assert_allclose(found, typed[2][1:-1].mean(axis=0), rtol=0, atol=1e-5)
    plain = _states(model, ids)
    assert np.abs(found - plain[2][1:-1].mean(axis=0)).max() > 1e-3


def test_bos(
    release: Release, make_tokens: MakeTokens, run_extraction: Extract, as_checkpoint: AsCheckpoint
) -> None:
    """``bos`` takes the begin token away or keeps it; the word's pieces stay the same."""
    model, folder = release("gpt2")
    tokens = make_tokens([{"word": "saxophone"}])
    ids = _tokenizer()("saxophone")["input_ids"]
    for bos, given in ((True, ids), (False, ids[1:]), (None, ids)):
        options = {"family": "text", "bos": bos}
        found = run_extraction(tokens, as_checkpoint(folder), options, ("2",)).vectors["2"][0]
        states = _states(model, given)[2]
        wanted = states[1:-1] if bos is not False else states[:-1]
        np.testing.assert_allclose(found, wanted.mean(axis=0), rtol=0, atol=1e-5)


def test_masked_language_model_release(
    release: Release,
    tmp_path: Path,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    as_checkpoint: AsCheckpoint,
) -> None:
    """Old BERT: prefix, gamma and beta, a pooler, a head and a positions buffer; same vectors."""
    _, folder = release("bert")
    tokens = make_tokens([{"word": "saxophone"}])
    wanted = run_extraction(tokens, as_checkpoint(folder), {"family": "text"}, LAYERS).vectors
    old = {
        "bert."
        + name.replace("LayerNorm.weight", "LayerNorm.gamma").replace(
            "LayerNorm.bias", "LayerNorm.beta"
        ): tensor
        for name, tensor in load_file(folder / "model.safetensors").items()
    }
    old["bert.embeddings.position_ids"] = torch.arange(40)[None]
    old["cls.predictions.bias"] = torch.zeros(300)
    for path in folder.iterdir():
        if path.suffix == ".json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save(old, tmp_path / "pytorch_model.bin")
    result = run_extraction(tokens, as_checkpoint(tmp_path), {"family": "text"}, LAYERS)
    for layer in LAYERS:
        np.testing.assert_array_equal(result.vectors[layer], wanted[layer])
    assert "cls.predictions.bias" in result.facts["unused_tensors"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("roberta", {"token_type_id": 1}, "token_type_id: this model has no token type 1"),
        ("llama", {"token_type_id": 1}, "token_type_id: this model has no token type 1"),
        ("bert", {"final_norm": "before"}, "no norm stands behind the last block"),
        ("bert", {"token_type_id": 2}, "2 is not one of 0, 1"),
        ("bert", {"slicing": "audio"}, "the family text has no such option"),
        ("bert", {"blocks": 12}, "blocks is 12, but it has 2"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    release: Release,
    make_request: MakeRequest,
    as_checkpoint: AsCheckpoint,
    name: str,
    options: dict[str, Any],
    message: str,
) -> None:
    """Each in one line."""
    _, folder = release(name)
    with pytest.raises(UserError, match=message):
        load(make_request(as_checkpoint(folder), {"family": "text", **options}, ("1",)))


def test_texts_that_do_not_fit_are_refused(
    release: Release, make_tokens: MakeTokens, run_extraction: Extract, as_checkpoint: AsCheckpoint
) -> None:
    """Too long a text, a span outside it, and a word without a piece name the token."""
    _, folder = release("bert")
    checkpoint = as_checkpoint(folder)
    options = {"family": "text", "context": "text"}
    long = "q" * 31
    for row, message in (
        ({"text": long}, "token 't0': its text has 33 pieces, the model takes 32"),
        ({"text": "cat", "char_end": 4}, "characters 0 to 4 are not within its text of 3"),
        ({"text": "cat", "char_end": 0}, "characters 0 to 0 are not within"),
    ):
        with pytest.raises(UserError, match=message):
            run_extraction(make_tokens([row]), checkpoint, options, ("1",))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (HF.Wav2Vec2Config(), "a 'wav2vec2' model, which reads input_values; the family text"),
        (HF.WhisperConfig(), "a 'whisper' model, which reads input_features; the family text"),
        (HF.ViTConfig(), "a 'vit' model, which reads pixel_values; the family text"),
    ],
    ids=lambda each: getattr(each, "model_type", ""),
)
def test_a_model_of_something_else_is_refused(
    tmp_path: Path,
    make_request: MakeRequest,
    as_checkpoint: AsCheckpoint,
    config: Any,
    message: str,
) -> None:
    """Its configuration says what it reads, before a tokenizer is looked for."""
    config.save_pretrained(tmp_path)
    with pytest.raises(UserError, match=rf"^models\.tiny: its checkpoint is {message} reads"):
        load(make_request(as_checkpoint(tmp_path), {"family": "text"}, ["1"]))


def test_another_tokenizer_is_refused(
    release: Release, make_request: MakeRequest, as_checkpoint: AsCheckpoint
) -> None:
    """It decides the vectors as the weights do."""
    _, folder = release("bert")
    checkpoint = as_checkpoint(folder)
    _word_pieces().save_pretrained(folder)
    with pytest.raises(UserError, match=r"tokenizer\w*\.json has another content than"):
        load(make_request(checkpoint, {"family": "text"}, ["1"]))


@pytest.mark.parametrize(
    ("name", "kind"), [("llama", "LlamaModel"), ("clip", "CLIPTextModelWithProjection")]
)
def test_code_of_a_release_is_not_run_but_named(
    release: Release,
    tmp_path: Path,
    make_request: MakeRequest,
    as_checkpoint: AsCheckpoint,
    caplog: pytest.LogCaptureFixture,
    name: str,
    kind: str,
) -> None:
    """One warning says which class stands in for it; none where a release has no code."""
    _, folder = release(name)
    load(make_request(as_checkpoint(folder), {"family": "text"}, ["1"]))
    assert not caplog.records
    path = folder / "config.json"
    config = json.loads(path.read_text())
    if name == "clip":  # as of a whole CLIP
        config = {"model_type": "clip", "text_config": config, "projection_dim": 8}
    own = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    path.write_text(json.dumps({**config, "auto_map": own}))
    (folder / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    load(make_request(as_checkpoint(folder), {"family": "text"}, ["1"]))
    assert not (tmp_path / "ran").exists()
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("the checkpoint of models.tiny asks for code of its own (auto_map in")
    assert f"which is not run: it is read as {kind} of transformers" in said


def test_pieces_of_a_word_are_found_by_characters() -> None:
    """A second occurrence, a piece that begins with the space, special tokens, and none at all."""
    offsets = ((0, 0), (0, 3), (3, 7), (7, 8), (8, 11), (0, 0))
    pieces = Pieces((0, 9, 9, 9, 9, 2), offsets)
    assert piece_range("cat cat cat", pieces, (4, 7), "t") == (2, 3)
    assert piece_range("cat cat cat", pieces, (8, 11), "t") == (4, 5)
    assert piece_range("cat cat cat", pieces, (5, 9), "t") == (2, 5)
    assert piece_range("cat cat cat", pieces, None, "t") == (1, 5)
    with pytest.raises(UserError, match="token 't': the tokenizer makes no piece of"):
        piece_range("\u200b", Pieces((0, 2), ((0, 0), (0, 0))), None, "t")
