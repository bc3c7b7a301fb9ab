"""Which pieces are a word's, for tokenizers that mark blanks in different ways."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.base import Pieces
from groundscope.encoders.extraction import Extraction
from groundscope.encoders.from_text import piece_range

HF: Any = transformers  # largely untyped
Extract = Callable[..., Extraction]
MakeTokens = Callable[..., pa.Table]
MakeCheckpoint = Callable[[Tokenizer], Checkpoint]

BLANK = "\u2581"
SPECIAL = ("<unk>", "<s>", "</s>", "<pad>")
# words with a piece of their own, but none that begins with the blank
BARE = ("你好", "世界", "水", "火")
ENTRIES = (*SPECIAL, BLANK, *BARE, f"{BLANK}the", f"{BLANK}cat", "s")
SIZE = {"num_hidden_layers": 1, "hidden_size": 16, "num_attention_heads": 2}


def _unigram(before: Any) -> Tokenizer:
    made = Tokenizer(models.Unigram([(e, -float(n)) for n, e in enumerate(ENTRIES)], unk_id=0))
    made.pre_tokenizer = before
    return made


def _t5() -> Tokenizer:
    """T5's and XLM-R's: split at blanks, which are then put before every word."""
    splits = [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    return _unigram(pre_tokenizers.Sequence(splits))


def _albert() -> Tokenizer:
    """ALBERT's: blanks are replaced, and one is put before the text."""
    return _unigram(pre_tokenizers.Metaspace())


def _llama() -> Tokenizer:
    """Llama's: the same by a normalizer, and merges."""
    parts = [*"thecas你好世界水火", "th", "ca", "cat", "the"]
    entries = dict.fromkeys((*ENTRIES, *parts))
    merges = ["t h", "th e", "c a", "ca t", f"{BLANK} the", f"{BLANK} cat", "你 好", "世 界"]
    made = Tokenizer(
        models.BPE(
            {e: n for n, e in enumerate(entries)},
            [(a, b) for a, _, b in (each.partition(" ") for each in merges)],
            unk_token="<unk>",
        )
    )
    replaced = [normalizers.Prepend(BLANK), normalizers.Replace(" ", BLANK)]
    made.normalizer = normalizers.Sequence(replaced)
    return made


def _bytes() -> Tokenizer:
    """RoBERTa's with add_prefix_space and without trim_offsets: a blank is put before the text."""
    before = pre_tokenizers.ByteLevel(add_prefix_space=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    written = [before.pre_tokenize_str(letter)[0][0][1:] for letter in "你好世界水火"]
    halves = [letter[:2] for letter in written]
    entries = dict.fromkeys((*SPECIAL, *alphabet, *halves, *written))
    merges = [(one[0], one[1]) for one in dict.fromkeys(halves)]
    merges += [(one[:2], one[2]) for one in written]
    made = Tokenizer(models.BPE({e: n for n, e in enumerate(entries)}, merges))
    made.pre_tokenizer = before
    made.decoder = decoders.ByteLevel()
    return made


def _maltese() -> Tokenizer:
    """XLM-R's with a letter that stands for a blank where pieces are bytes."""
    made = Tokenizer(models.Unigram([(e, -1.0) for e in (*ENTRIES, "Ġ", "a")], unk_id=0))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    return made


def _word_pieces() -> Tokenizer:
    """BERT's, which has no sign of a blank."""
    entries = (*SPECIAL, *BARE, "the", "cat", "##s", "-")
    made = Tokenizer(models.WordPiece({e: n for n, e in enumerate(entries)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


@pytest.fixture
def checkpoint_of(tmp_path: Path, as_checkpoint: Callable[[Path], Checkpoint]) -> MakeCheckpoint:
    """Write a tiny BERT beside a tokenizer."""

    def write(made: Tokenizer) -> Checkpoint:
        made.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
        )
        names = dict(zip(("unk", "bos", "eos", "pad"), SPECIAL, strict=True))
        HF.PreTrainedTokenizerFast(
            tokenizer_object=made,
            model_max_length=32,
            **{f"{name}_token": entry for name, entry in names.items()},
        ).save_pretrained(tmp_path)
        torch.manual_seed(0)
        config = HF.BertConfig(**SIZE, vocab_size=300, intermediate_size=24, pad_token_id=3)
        HF.BertModel(config).save_pretrained(tmp_path)
        return as_checkpoint(tmp_path)

    return write


PICK: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda part: part.mean(axis=0),
    "first": lambda part: part[0],
    "last": lambda part: part[-1],
}
# text, its words, and of each the pieces that are it: counted from <s>, blanks left out
CASES: dict[str, tuple[Callable[[], Tokenizer], dict[str, list[int | tuple[int, int]]]]] = {
    "t5": (_t5, {"你好": [2], "the 世界 cats": [1, 3, (4, 5)], "水 火": [2, 4]}),
    "albert": (_albert, {"你好": [2], "the 世界 cats": [1, 3, (4, 5)], "水 火": [2, 4]}),
    "llama": (_llama, {"你好": [2], "the 世界 cats": [1, 3, (4, 5)], "水 火": [2, 4]}),
    "bytes": (
        _bytes,
        {"你好": [(2, 3)], "the 世界 cats": [(2, 4), (6, 7), (9, 12)], "水 火": [2, 4]},
    ),
    "maltese": (_maltese, {"Ġa": [(2, 3)], "水 Ġs": [2, (4, 5)]}),
    "bert": (
        _word_pieces,
        {"你好": [1], "the 世界 cats": [1, 2, (3, 4)], "\U0001f98a-水": [(1, 3)]},
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_the_blank_before_a_word_is_no_piece_of_it(
    checkpoint_of: MakeCheckpoint, make_tokens: MakeTokens, run_extraction: Extract, kind: str
) -> None:
    """In texts and alone; pieces that are more than a blank, and unknown ones, stay."""
    tokenizer, texts = CASES[kind]
    made = tokenizer()
    checkpoint = checkpoint_of(made)
    model = HF.BertModel.from_pretrained(checkpoint.path("config.json").parent).eval()
    rows, wanted = [], []
    for text, places in texts.items():
        with torch.inference_mode():
            ids = torch.tensor([made.encode(text).ids])
            entering = model(ids, output_hidden_states=True).hidden_states[0][0].numpy()
        begin = 0
        for word, place in zip(text.split(), places, strict=True):
            first, last = place if isinstance(place, tuple) else (place, place)
            wanted.append(entering[first : last + 1])
            span = {"char_start": begin, "char_end": begin + len(word)}
            rows.append({"word": word, "text": text, **span})
            begin += len(word) + 1
    for pieces, pick in PICK.items():
        options = {"family": "text", "context": "text", "pieces": pieces}
        found = run_extraction(make_tokens(rows), checkpoint, options, ("0",))
        assert found.counts["words_of_several_pieces"] == sum(len(part) > 1 for part in wanted)
        assert found.counts["words_with_shared_pieces"] == 0
        expected = np.stack([pick(part) for part in wanted])
        np.testing.assert_allclose(found.vectors["0"][found.rows], expected, rtol=0, atol=1e-6)
    alone = make_tokens([{"word": word} for word in BARE])
    found = run_extraction(alone, checkpoint, {"family": "text", "pieces": "first"}, ("0",))
    assert len(np.unique(found.vectors["0"], axis=0)) == len(BARE)


def test_a_word_that_is_a_blank_and_no_more_keeps_it() -> None:
    """It has no other piece."""
    alone = Pieces((1, 4, 2), ((0, 0), (0, 1), (0, 0)))
    assert piece_range(BLANK, alone, None, "t", blanks={4}) == (1, 2)
    between = Pieces(
        (1, 4, 5, 4, 6, 4, 2), ((0, 0), (0, 1), (0, 1), (1, 2), (2, 3), (3, 4), (0, 0))
    )
    assert piece_range("水 火 ", between, None, "t", blanks={4}) == (2, 5)


@pytest.mark.parametrize("words", [("can", "not", "go"), ("can",), ("cannot", "go"), ("not",)])
def test_words_that_share_a_piece_are_counted_and_named(
    checkpoint_of: MakeCheckpoint,
    make_tokens: MakeTokens,
    run_extraction: Extract,
    caplog: pytest.LogCaptureFixture,
    words: tuple[str, ...],
) -> None:
    """Each word once, whether the other is a token or not; signs and blanks are no words."""
    entries = (*SPECIAL, "i", "cannot", "go", "(go)!")
    made = Tokenizer(models.WordPiece({e: n for n, e in enumerate(entries)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    text = "i cannot (go)! cannot"
    rows = []
    for word in words * 2:
        begin = text.index(word)
        span = {"char_start": begin, "char_end": begin + len(word)}
        rows.append({"word": word, "text": text, **span})
    options = {"family": "text", "context": "text"}
    found = run_extraction(make_tokens(rows), checkpoint_of(made), options, ("0",))
    halves = [word for word in words if word in ("can", "not")]
    assert found.counts["words_with_shared_pieces"] == len(halves)
    named = ", ".join(map(repr, halves))
    told = [f"{len(halves)} words share a piece with another word: {named}"] if halves else []
    assert caplog.messages == told
