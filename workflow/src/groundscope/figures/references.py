"""What a study's analyses are to be cited with."""

from groundscope.figures.findings import Tables

_PAIRED = (
    "Efron & Tibshirani (1993). An introduction to the bootstrap. Chapman & Hall.",
    "Holm (1979). A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6.",
)
_CKA = (
    "Kornblith, Norouzi, Lee & Hinton (2019). Similarity of neural network representations "
    "revisited. ICML.",
    "Song, Smola, Gretton, Bedo & Borgwardt (2012). Feature selection via dependence "
    "maximization. JMLR 13.",
)
# Table -> papers.
_REFERENCES = {
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
    ),
    "planes": (
        "Hotelling (1933). Analysis of a complex of statistical variables into principal "
        "components. J. Educ. Psychol. 24.",
    ),
    "contrasts": _PAIRED,
    "cka_contrasts": _PAIRED,
}
# Table, and the value of a column with which it rests on the paper.
_OPTIONAL: tuple[tuple[str, str, str, str], ...] = (
    *(("cka", "measure", kernel, text) for kernel in ("cka-linear", "cka-rbf") for text in _CKA),
    (
        "cka",
        "measure",
        "rsa",
        "Kriegeskorte, Mur & Bandettini (2008). Representational similarity analysis. "
        "Front. Syst. Neurosci. 2, 4.",
    ),
    (
        "cka",
        "measure",
        "knn",
        "Huh, Cheung, Wang & Isola (2024). The Platonic representation hypothesis. ICML.",
    ),
    (
        "silhouette",
        "measure",
        "adjusted-rand",
        "Hubert & Arabie (1985). Comparing partitions. J. Classif. 2.",
    ),
    (
        "lda",
        "solver",
        "shrinkage",
        "Ledoit & Wolf (2004). A well-conditioned estimator for large-dimensional covariance "
        "matrices. J. Multivar. Anal. 88.",
    ),
    (
        "lda",
        "measure",
        "selectivity",
        "Hewitt & Liang (2019). Designing and interpreting probes with control tasks. EMNLP.",
    ),
)
_ALWAYS = (
    "Mölder et al. (2021). Sustainable data analysis with Snakemake. F1000Research 10:33.",
    "Sauter, Zuidema & de Heer Kloots (2025). The curious case of visual grounding. "
    "arXiv 2509.15837.",
)


def references(tables: Tables) -> list[str]:
    """List what to cite for the analyses that have rows in `tables` (name -> table), sorted."""
    some = {name: table for name, table in tables.items() if table.num_rows}
    found = {text for name in some for text in _REFERENCES.get(name, ())}
    for name, column, value, text in _OPTIONAL:
        if name in some and value in some[name].column(column).to_pylist():
            found.add(text)
    return sorted(found | set(_ALWAYS))
