"""What a study's analyses are to be cited with."""

from collections.abc import Mapping
from typing import Any

_REFERENCES = {
    "cka": (
        "Kornblith, Norouzi, Lee & Hinton (2019). Similarity of neural network representations "
        "revisited. ICML.",
        "Song, Smola, Gretton, Bedo & Borgwardt (2012). Feature selection via dependence "
        "maximization. JMLR 13.",
    ),
    "pairs": (
        "Choi, Pasad, Nakamura, Fukayama, Livescu & Watanabe (2024). Self-supervised speech "
        "representations are more phonetic than semantic. Interspeech.",
    ),
    "silhouette": (
        "Rousseeuw (1987). Silhouettes: a graphical aid to the interpretation and validation of "
        "cluster analysis. J. Comput. Appl. Math. 20.",
    ),
    "lda": (
        "Fisher (1936). The use of multiple measurements in taxonomic problems. Ann. Eugen. 7.",
        "Ledoit & Wolf (2004). A well-conditioned estimator for large-dimensional covariance "
        "matrices. J. Multivar. Anal. 88.",
    ),
    "planes": (
        "Hotelling (1933). Analysis of a complex of statistical variables into principal "
        "components. J. Educ. Psychol. 24.",
    ),
    "contrasts": (
        "Efron & Tibshirani (1993). An introduction to the bootstrap. Chapman & Hall.",
        "Holm (1979). A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6.",
    ),
}
# Of an analysis, where this option of it has (or, for a list, holds) the value; True: any.
_OPTIONAL: tuple[tuple[str, str, Any, str], ...] = (
    (
        "cka",
        "measures",
        "rsa",
        "Kriegeskorte, Mur & Bandettini (2008). Representational similarity analysis. "
        "Front. Syst. Neurosci. 2, 4.",
    ),
    (
        "cka",
        "measures",
        "knn",
        "Huh, Cheung, Wang & Isola (2024). The Platonic representation hypothesis. ICML.",
    ),
    (
        "silhouette",
        "kmeans_seeds",
        True,
        "Hubert & Arabie (1985). Comparing partitions. J. Classif. 2.",
    ),
    (
        "lda",
        "control_tasks",
        True,
        "Hewitt & Liang (2019). Designing and interpreting probes with control tasks. EMNLP.",
    ),
)
_ALWAYS = (
    "Mölder et al. (2021). Sustainable data analysis with Snakemake. F1000Research 10:33.",
    "Sauter, Zuidema & de Heer Kloots (2025). The curious case of visual grounding. "
    "arXiv 2509.15837.",
)


def references(settings: Mapping[str, Any]) -> list[str]:
    """List what to cite for the analyses of a study, sorted."""
    analyses = settings["analyses"]
    used = [name for name in _REFERENCES if name in analyses]
    used += ["contrasts"] if settings["contrasts"] else []
    found = {text for name in used for text in _REFERENCES[name]}
    for name, key, wanted, text in _OPTIONAL:
        given = analyses.get(name, {}).get(key)
        if given and (wanted is True or wanted in given):
            found.add(text)
    return sorted(found | set(_ALWAYS))
