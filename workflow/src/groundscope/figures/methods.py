"""A Methods paragraph made from the configuration, and what it refers to."""

from collections.abc import Mapping, Sequence
from typing import Any

Settings = Mapping[str, Any]

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
        "Holm (1979). A simple sequentially rejective multiple test procedure. Scand. J. Stat. 6.",
    ),
}
_ALWAYS = (
    "Mölder et al. (2021). Sustainable data analysis with Snakemake. F1000Research 10:33.",
    "Sauter, Zuidema & de Heer Kloots (2025). The curious case of visual grounding. "
    "arXiv 2509.15837.",
)


def references(settings: Settings) -> list[str]:
    """List what to cite for the analyses of a study, sorted."""
    used = [name for name in _REFERENCES if name in settings["analyses"]]
    used += ["contrasts"] if settings["contrasts"] else []
    found = {text for name in used for text in _REFERENCES[name]}
    return sorted(found | set(_ALWAYS))


def methods(settings: Settings, corpora: Sequence[Sequence[Any]]) -> str:
    """Write the paragraph.

    Parameters
    ----------
    settings
        The resolved configuration.
    corpora
        Name, tokens, words and speakers of each corpus.
    """
    analyses = settings["analyses"]
    sentences = [_corpus(row, settings["corpora"]) for row in corpora]
    sentences += [_model(name, options) for name, options in settings["models"].items()]
    sentences.append(
        "One vector was extracted for every word token and layer; only tokens that every compared "
        "model has a vector for were analysed."
    )
    for name, write in _WRITERS.items():
        if name in analyses:
            sentences.append(write(analyses[name]))
    sentences += [_contrast(name, one) for name, one in settings["contrasts"].items()]
    sentences.append("All analyses were run with groundscope, a Snakemake workflow.")
    return " ".join(sentences)


def _corpus(row: Sequence[Any], corpora: Settings) -> str:
    name, tokens, words, speakers = row
    kind = corpora[name]["kind"].replace("-", " ")
    spoken = f", {speakers} speaker{'s' * (speakers != 1)}" if speakers else ""
    return f"Corpus {name} ({kind}) has {tokens:,} tokens of {words:,} words{spoken}."


def _model(name: str, options: Settings) -> str:
    what = [options["family"]]
    if options.get("checkpoint"):
        what.append(f"checkpoint {options['checkpoint']}")
    if options.get("weights") == "random":
        what.append(f"random weights, seed {options['seed']}")
    for key in ("pooling", "slicing", "pieces", "context"):
        if key in options:
            what.append(f"{key} {options[key]}")
    layers = options["layers"]
    asked = "all" if layers == "all" else ", ".join(map(str, layers))
    return f"Model {name} is {', '.join(what)}; layers: {asked}."


def _permuted(options: Settings) -> str:
    number = options["permutations"]
    return f"{number} permutations" if number else "no permuted null"


def _vectors(options: Settings) -> str:
    return {
        "types": "the mean vector of each word",
        "tokens": "word tokens",
        "auto": "the mean vector of each word, or tokens where tokens of a word differ in label",
    }[options["rows"]]


def _cka(options: Settings) -> str:
    sample = f", {options['draws']} draw(s) of {options['sample']:,}" if options["sample"] else ""
    return (
        f"Representations were compared over {_vectors(options)}{sample} by "
        f"{', '.join(options['measures'])} (linear centred kernel alignment, Kornblith et al., "
        "2019, with the debiased estimator of HSIC of Song et al., 2012), with a jackknife over "
        f"words and {_permuted(options)} (seed {options['seed']})."
    )


def _pairs(options: Settings) -> str:
    seeds = ", ".join(map(str, options["seeds"]))
    return (
        "Word pairs were compared by cosine similarity, averaged by word pair and then over pairs, "
        f"minus that of random pairs (Choi et al., 2024), in draws of up to {options['sample']:,} "
        f"tokens with the seeds {seeds}, with {options['bootstrap']} bootstrap replicates over "
        "words."
    )


def _silhouette(options: Settings) -> str:
    return (
        f"Clustering by {', '.join(options['labellings'])} was measured over {_vectors(options)} "
        f"by the silhouette coefficient (Rousseeuw, 1987; {', '.join(options['metrics'])}; "
        f"spaces: {', '.join(options['spaces'])}; {', '.join(options['protocols'])}), with a "
        f"jackknife over words and {_permuted(options)} of the labels of words "
        f"(seed {options['seed']})."
    )


def _lda(options: Settings) -> str:
    solver = {
        "shrinkage": "with Ledoit-Wolf shrinkage (2004)",
        "svd": "by singular value decomposition",
    }[options["solver"]]
    apart = " and speaker" if options["speaker_disjoint"] else ""
    return (
        f"Decodability of {', '.join(options['labellings'])} was measured by the held-out accuracy "
        f"of linear discriminant analysis (Fisher, 1936) {solver}, over {_vectors(options)}, in "
        f"{options['repeats']} repeats of {options['folds']} stratified folds, with no word{apart} "
        "in training and test unless it is the label itself, against chance and "
        f"{_permuted(options)} (seed {options['seed']})."
    )


def _contrast(name: str, options: Settings) -> str:
    return (
        f"Contrast {name}, {options['treated']} minus {options['control']}, was paired over words, "
        f"with bootstrap-t intervals ({options['bootstrap']:,} replicates), sign-flip p values "
        f"({options['permutations']:,} permutations, seed {options['seed']}) and Holm's (1979) "
        "correction over layers."
    )


_WRITERS = {"cka": _cka, "pairs": _pairs, "silhouette": _silhouette, "lda": _lda}
