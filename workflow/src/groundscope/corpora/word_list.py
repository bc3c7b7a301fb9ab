"""Corpora of text only: words alone or in templates."""

from collections.abc import Mapping
from typing import Any

from groundscope.corpora.tokens import Corpus, Token, require_unique
from groundscope.corpora.words import contexts, read_words

DEFAULT_TEMPLATES = ("{word}",)


def load(options: Mapping[str, Any]) -> Corpus:
    """Make a text corpus.

    Parameters
    ----------
    options
        ``words`` as `read_words` takes them, and optionally ``templates`` as `contexts` does.
    """
    templates = options.get("templates") or DEFAULT_TEMPLATES
    tokens = [
        Token(
            token_id=text if text == word else f"{word}/{text}",
            word=word,
            text=text,
            char_start=start,
            char_end=start + len(word),
        )
        for word, text, start in contexts(read_words(options["words"]), templates)
    ]
    require_unique(tokens, "templates")
    return Corpus(tokens)
