"""Blocks: embedding files of parts of a corpus, which several jobs make and one job joins.

The metadata of a block hold what all blocks share, and counts that are added up when they are
joined. A block that no tokens fell to has neither.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from groundscope.embeddings import read_metadata, read_pieces, writing
from groundscope.errors import UserError

_COUNTS = ("block.dropped", "block.counts")


class Tally:
    """What happened to the tokens of a corpus, added up over its parts.

    Attributes
    ----------
    dropped
        Reason -> number of tokens.
    counts
        Fact -> number.
    kept
        Tokens that have a vector.
    """

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.kept = 0

    def add(self, dropped: Mapping[str, int], counts: Mapping[str, int], *, kept: int) -> None:
        """Add a part."""
        self.dropped.update(dropped)
        self.counts.update(counts)
        self.kept += kept

    def of_block(self) -> dict[str, str]:
        """Give the metadata of a block, to be joined with others."""
        return {
            name: json.dumps(found)
            for name, found in zip(_COUNTS, (self.dropped, self.counts), strict=True)
        }

    def of_corpus(self, model: str) -> dict[str, str]:
        """Give the metadata of the whole corpus.

        Raises
        ------
        UserError
            No token has a vector.
        """
        if not self.kept:
            message = f"models.{model}: no token of the corpus is left"
            raise UserError(message)
        facts = {f"fact.{name}": str(number) for name, number in self.counts.items()}
        return {"tokens_dropped": json.dumps(dict(sorted(self.dropped.items()))), **facts}


def join_blocks(path: str | Path, blocks: Sequence[str | Path]) -> None:
    """Join the blocks of one layer, in order, into the file that one job would have written.

    Raises
    ------
    UserError
        A block is not readable, was made in another way than the others, or all are empty.
    """
    tally = Tally()
    shared: dict[str, str] = {}
    devices: set[str] = set()
    first = ""
    with writing(path, str(path)) as writer:
        for block in blocks:
            metadata = dict(read_metadata(block))
            if not metadata:
                continue
            dropped, counts = (json.loads(metadata.pop(name)) for name in _COUNTS)
            devices.add(metadata.pop("device"))  # does not change what a vector stands for
            if shared and metadata != shared:
                differing = sorted(dict(metadata.items() ^ shared.items()))
                message = (
                    f"{block} was not made as {first} was ({', '.join(differing)} differ): "
                    "delete both and rerun"
                )
                raise UserError(message)
            shared, first = metadata, first or str(block)
            tally.add(dropped, counts, kept=0)
            for token_ids, vectors in read_pieces(block):
                writer.add(token_ids, vectors)
                tally.kept += len(token_ids)
        of_corpus = tally.of_corpus(shared.get("model", "?"))
        writer.describe({**shared, "device": ", ".join(sorted(devices)), **of_corpus})
