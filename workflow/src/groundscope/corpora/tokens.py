"""Word tokens, what was lost on the way to them, and their table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from groundscope.errors import UserError
from groundscope.token_table import SCHEMA


@dataclass(frozen=True, slots=True)
class Token:
    """One word as it is spoken or written somewhere.

    Attributes
    ----------
    token_id
        Stable name, unique in the corpus.
    word
        The word type.
    speaker
        Who speaks, if known.
    audio
        Path of the recording, relative to the working folder; None in text corpora.
    start_s, end_s
        Span in the recording in seconds; both None for the whole recording.
    text
        What the word stands in (the word alone without context).
    char_start, char_end
        Span of the word in `text`, end exclusive.
    phones
        Phones separated by spaces, if known.
    metadata
        Further columns: strings, numbers, None.
    """

    token_id: str
    word: str
    text: str
    char_start: int
    char_end: int
    speaker: str | None = None
    audio: str | None = None
    start_s: float | None = None
    end_s: float | None = None
    phones: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What one rule did to a corpus.

    Attributes
    ----------
    rule
        Name of the rule.
    detail
        Its setting, or what it found.
    unit
        What is counted: ``tokens``, ``files``, ``speakers``.
    before, after
        How many there were before and after it.
    types_before, types_after
        Distinct words before and after it; None where `unit` is not ``tokens``.
    """

    rule: str
    detail: str
    unit: str
    before: int
    after: int
    types_before: int | None = None
    types_after: int | None = None


@dataclass(frozen=True, slots=True)
class Corpus:
    """Tokens in a fixed order, and the steps that led to them."""

    tokens: Sequence[Token]
    steps: Sequence[Step] = ()

    def keep(self, rule: str, detail: str, tokens: Sequence[Token]) -> "Corpus":
        """Return the corpus with `tokens` only; the loss is written down as a step."""
        step = Step(
            rule=rule,
            detail=detail,
            unit="tokens",
            before=len(self.tokens),
            after=len(tokens),
            types_before=count_types(self.tokens),
            types_after=count_types(tokens),
        )
        return Corpus(tokens, [*self.steps, step])


def count_types(tokens: Iterable[Token]) -> int:
    """Count distinct words."""
    return len({token.word for token in tokens})


def require_unique(tokens: Sequence[Token], where: str) -> None:
    """Refuse a token id that occurs twice.

    Raises
    ------
    UserError
        Names the first such id, how often it occurs, and how many ids are affected.
    """
    repeated = [(name, n) for name, n in Counter(t.token_id for t in tokens).items() if n > 1]
    if repeated:
        name, count = repeated[0]
        message = (
            f"{where}: token_id {name!r} occurs {count} times ({len(repeated)} ids are repeated): "
            "each must be unique"
        )
        raise UserError(message)


def token_table(tokens: Sequence[Token]) -> pa.Table:
    """Make the table of `tokens`, as `tables.write_table` takes it; metadata are further columns.

    Raises
    ------
    UserError
        A metadata column has the name of a token column, or mixes numbers and strings.
    """
    declared = SCHEMA
    columns = {
        column.name: pa.array([getattr(token, column.name) for token in tokens], column.type)
        for column in declared
    }
    names = list(dict.fromkeys(name for token in tokens for name in token.metadata))
    for name in names:
        if name in columns:
            message = f"metadata column {name!r} has the name of a token column: rename it"
            raise UserError(message)
        values = [token.metadata.get(name) for token in tokens]
        try:
            columns[name] = pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            message = f"metadata column {name!r} mixes kinds of values: {error}"
            raise UserError(message) from error
    return pa.table(columns)
