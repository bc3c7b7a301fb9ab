"""What each model was given, and what it dropped: none is a finding, too."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from groundscope.figures.selection import Row
from groundscope.figures.sheet import Sheet


def coverage(
    corpora: Sequence[Sequence[Any]],
    lacking: Sequence[Row],
    embeddings: Sequence[Mapping[str, str]],
) -> Sheet:
    """Make a table of all models, and say what was analysed.

    Parameters
    ----------
    corpora
        Name, tokens and words of each corpus.
    lacking
        Rows of the ``coverage`` table: of models that may lack tokens.
    embeddings
        Metadata of one embedding file a model and corpus.
    """
    known = {(row["corpus"], row["model"]): row for row in lacking}
    shared = {row["corpus"]: (row["shared_tokens"], row["shared_types"]) for row in lacking}
    cells, sentences = [], []
    for name, tokens, words, *_ in corpora:
        kept, kept_words = shared.get(name, (tokens, words))
        share = "all" if kept == tokens else f"{kept:,} of"
        sentences.append(
            f"{name}: {share} {tokens:,} tokens ({kept_words:,} of {words:,} words) have a vector "
            "in every compared model and were analysed."
        )
        for one in (one for one in embeddings if one["corpus"] == name):
            row = known.get((name, one["model"]), {})
            dropped = json.loads(one["tokens_dropped"])
            why = [f"{reason}: {number:,}" for reason, number in dropped.items()]
            short = one.get("fact.short_clips_found")
            cells.append(
                [name, one["model"], int(one["tokens"]) - sum(dropped.values()),
                 sum(dropped.values()),
                 "; ".join(why) or "nothing", row.get("missing_types", 0),
                 row.get("examples") or "none",
                 "no speech" if short is None else f"{short} ({one['option.short_clips']})"]
            )  # fmt: skip
    return Sheet(
        "Coverage and dropped words",
        "Only tokens that every compared model has a vector for are analysed. A clip is short if "
        "the model needs more samples for one frame; in brackets what is done with it.",
        ("corpus", "model", "tokens with a vector", "tokens dropped", "why", "words lacking",
         "examples", "short clips"),
        cells,
        sentences,
    )  # fmt: skip
