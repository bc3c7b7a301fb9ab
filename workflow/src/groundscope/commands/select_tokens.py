"""Select the tokens that every compared model has a vector for, and count what the others lack."""

import argparse
from pathlib import Path

import numpy as np

from groundscope import tables
from groundscope.analysis.inputs import read_layers
from groundscope.commands import _cli
from groundscope.embeddings import read_token_ids
from groundscope.errors import UserError
from groundscope.token_table import read_tokens

_EXAMPLES = 8


def main() -> None:
    """Write the selection and the coverage table."""
    given = _arguments()
    tokens = read_tokens(given.tokens)
    token_ids = np.asarray(tokens.column("token_id").to_pylist(), np.str_)
    words = np.asarray(tokens.column("word").to_pylist(), np.str_)
    shared = np.ones(len(token_ids), np.bool_)
    rows = []
    for path in given.embeddings:
        layer = read_layers([path])[0]
        has = np.isin(token_ids, read_token_ids(path))
        shared &= has
        lacking = np.unique(words[~has])
        gone = lacking[~np.isin(lacking, words[has])]
        rows.append(
            {
                "corpus": given.corpus,
                "model": layer.model,
                "n_tokens": int(has.sum()),
                "n_types": len(np.unique(words[has])),
                "missing_tokens": int((~has).sum()),
                "missing_types": len(gone),
                "examples": ", ".join(lacking[:_EXAMPLES]) or None,
            }
        )
    if not shared.any():
        counts = ", ".join(f"{row['model']}: {row['n_tokens']}" for row in rows)
        message = (
            f"corpus {given.corpus!r}: no token has a vector in every model "
            f"(of {len(token_ids)} tokens, {counts})"
        )
        raise UserError(message)
    sizes = {
        "shared_tokens": int(shared.sum()),
        "shared_types": len(np.unique(words[shared])),
    }
    tables.write_table(given.output, "selection", {"token_id": token_ids[shared]})
    tables.write_table(given.coverage, "coverage", [{**row, **sizes} for row in rows])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", required=True, help="name of the corpus")
    parser.add_argument("--tokens", type=Path, required=True, help="token table")
    parser.add_argument(
        "--embeddings",
        type=Path,
        nargs="*",
        default=[],
        help="one layer of each model that may lack",
    )
    parser.add_argument("--output", type=Path, required=True, help="selection to write")
    parser.add_argument("--coverage", type=Path, required=True, help="coverage table to write")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
