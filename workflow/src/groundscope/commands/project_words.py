"""Project labelled words into planes, in all layers of one model."""

import argparse
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from groundscope import tables
from groundscope.analysis.inputs import Layer, naming, read_layers, read_selection
from groundscope.analysis.labels import token_labels
from groundscope.analysis.rows import Rows, make_rows
from groundscope.commands import _analysis, _cli
from groundscope.metrics.distances import Distances
from groundscope.metrics.planes import Plane, lda_plane, pca_plane, turned_like
from groundscope.metrics.silhouette import score
from groundscope.metrics.silhouette_coefficients import check_groups


def main() -> None:
    """Write the positions of every word in every layer, and which layer stands for the model."""
    given = _arguments()
    tokens = read_selection(given.tokens, given.selected)
    labels = token_labels(tokens, given.label_options)
    data = make_rows(tokens, given.options["rows"], labels)
    layers = read_layers(given.embeddings)
    made: dict[str, Mapping[str, Plane]] = {}
    scores: dict[str, float] = {}
    before: dict[str, Plane] = {}
    for layer in layers:
        features = data.features(layer)
        with naming(f"planes of {given.labelling!r} in {layer.name}"):
            check_groups(data.grouping, data.units)
            found = {"pca": pca_plane(features), "lda": lda_plane(features, data.grouping)}
            silhouette = score(
                Distances(features, "cosine"), data.grouping, data.units, exchanged=data.exchanged
            )
        before = {name: turned_like(plane, before.get(name)) for name, plane in found.items()}
        made[layer.layer], scores[layer.layer] = before, float(silhouette.estimate[0])
    chosen = _chosen(str(given.options["layer"]), scores)
    rows = [
        row
        for layer in layers
        for row in _positions(layer, made[layer.layer], data, given.labelling)
    ]
    for row in rows:
        row["silhouette"] = scores[row["layer"]]
        row["chosen"] = row["layer"] == chosen
    tables.write_table(given.output, "planes", rows)


def _chosen(asked: str, scores: Mapping[str, float]) -> str:
    """Layer that stands for the model: the best, the last, or the one asked for if it has it."""
    if asked == "best":
        return max(scores, key=scores.__getitem__)
    return asked if asked in scores else list(scores)[-1]


def _positions(
    layer: Layer, planes: Mapping[str, Plane], data: Rows, labelling: str
) -> Iterator[dict[str, Any]]:
    words = data.words.names[data.words.codes]
    labels = data.grouping.names[data.grouping.codes]
    sizes = data.sizes
    for space, plane in planes.items():
        share_x, share_y = (None if math.isnan(share) else float(share) for share in plane.shares)
        for word, label, (x, y) in zip(words, labels, plane.points, strict=True):
            yield {
                **layer.keys,
                "labelling": labelling,
                "space": space,
                "rows": data.kind,
                "word": str(word),
                "label": str(label),
                "x": float(x),
                "y": float(y),
                "share_x": share_x,
                "share_y": share_y,
                **sizes,
            }


def _arguments() -> argparse.Namespace:
    parser = _analysis.parser(__doc__, labelled=True)
    parser.add_argument("--embeddings", type=Path, nargs="+", required=True, help="layers")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
