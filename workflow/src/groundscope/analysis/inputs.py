"""What every analysis command reads: the selected tokens, layers of a model, word pairs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from groundscope import tables
from groundscope.errors import UserError
from groundscope.files import damaged
from groundscope.token_table import read_tokens


@dataclass(frozen=True)
class Layer:
    """An embedding file by its own account: model, corpus, layer, and vector length."""

    path: Path
    model: str
    corpus: str
    layer: str
    features: int

    @property
    def name(self) -> str:
        """Name for messages."""
        return f"layer {self.layer} of {self.model} on {self.corpus}"

    @property
    def keys(self) -> dict[str, str]:
        """Key columns of a result row."""
        return {"corpus": self.corpus, "model": self.model, "layer": self.layer}


@dataclass(frozen=True)
class Selection:
    """Tokens that every compared model has a vector for, and how many tokens are left out."""

    tokens: pa.Table
    missing: int


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Turn a metric's `ValueError` into a `UserError` that says where it arose."""
    try:
        yield
    except ValueError as error:
        message = f"{what}: {error}"
        raise UserError(message) from error


def read_layers(paths: Sequence[Path]) -> list[Layer]:
    """Describe the layers of one model in one corpus, in the order of the model.

    Raises
    ------
    UserError
        A file does not say what it holds, or the files mix models or corpora.
    """
    layers = []
    for path in paths:
        try:
            with pq.ParquetFile(path) as file:
                metadata, schema = file.metadata.metadata, file.schema_arrow
            stored = {key.decode(): value.decode() for key, value in metadata.items()}
            size = schema.field("vector").type.list_size
            layer = Layer(path, stored["model"], stored["corpus"], stored["layer"], size)
        except (pa.ArrowInvalid, KeyError, AttributeError, OSError) as error:
            raise damaged(path, "embedding file", error) from error
        layers.append(layer)
    sets = sorted({(layer.model, layer.corpus) for layer in layers})
    if len(sets) > 1:
        message = f"expected layers of one model in one corpus, got {sets}"
        raise UserError(message)
    return sorted(layers, key=lambda layer: order_of(layer.layer))


def order_of(layer: str) -> tuple[int, int, str]:
    """Sort key of a layer's name: numbers first, by value."""
    return (0, int(layer), "") if layer.isdecimal() else (1, 0, layer)


def read_selection(tokens: Path, selected: Path) -> Selection:
    """Rows of the token table that are selected, in the token table's order."""
    table = read_tokens(tokens)
    wanted = tables.read_table(selected, "selection").column("token_id")
    chosen = table.filter(pc.is_in(table.column("token_id"), value_set=wanted))
    if len(chosen) < len(wanted):
        message = f"{selected} names {len(wanted) - len(chosen)} tokens that {tokens} lacks"
        raise UserError(message)
    if len(chosen) == 0:
        message = f"{selected} is empty: no token has a vector in every compared model"
        raise UserError(message)
    return Selection(chosen, len(table) - len(chosen))


def read_word_map(path: Path) -> dict[str, list[tuple[str, str]]]:
    """Read word pairs by relation: a Parquet table with columns word_a, word_b, relation.

    Raises
    ------
    UserError
        The file is not such a table.
    """
    try:
        table = pq.read_table(path, columns=["word_a", "word_b", "relation"])
    except (pa.ArrowInvalid, OSError) as error:
        raise damaged(path, "word map", error) from error
    if table.num_columns < 3:
        message = f"{path} is no word map: expected columns word_a, word_b, relation"
        raise UserError(message)
    relations: dict[str, list[tuple[str, str]]] = {}
    for row in table.to_pylist():
        relations.setdefault(row["relation"], []).append((row["word_a"], row["word_b"]))
    return relations
