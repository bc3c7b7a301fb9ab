"""Every result table: its columns, their types, units and meanings; one writer, one reader."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from groundscope.columns import Column, Rows, read_rows, write_rows
from groundscope.shared_columns import (
    CKA,
    CONTRAST,
    DRAWS,
    DROPPED,
    FEATURE_ROWS,
    INTERVAL,
    KEYS,
    LABELLING,
    MODEL,
    NULL,
    PAIR_KIND,
    PERMUTED,
    SCORE,
    SIGN_FLIP,
    SIZES,
    SPACE,
    UNDRAWN,
)
from groundscope.token_table import CORPUS, CORPUS_REPORT
from groundscope.word_tables import WORD_GROUP_STATISTICS, WORD_MAP

QUOTED_SIZES = tuple(
    Column(column.name, "int64", "as in that table; missing where status is not run", nullable=True)
    for column in (*SIZES, *DROPPED)
)
REPLICATION_KEYS = tuple(
    Column(name, "string", "as in that table; missing where it does not matter", nullable=True)
    for name in (
        *("corpus", "model", "layer", "model_a", "layer_a", "model_b", "layer_b", "labelling"),
        *("measure", "estimator", "metric", "space", "rows", "protocol", "subset", "level"),
        *("kind", "contrast", "cka_measure", "cka_space", "cka_rows", "x", "correlation"),
    )
)

ROWS: Mapping[str, str] = {
    "selection": "a token that is analysed",
    "coverage": "a model that may lack tokens (static, short_clips: drop) on a corpus: what it has",
    "cka": "two layers of two models",
    "cka_contrasts": "a layer of a treated and a control model, with a layer of a third model",
    "pairs": "a kind of word pair in a layer",
    "pair_values": "a pair of words of one kind in a layer",
    "silhouette": "a labelling, or one of its groups, in a layer",
    "lda": "a labelling in a layer",
    "confusion": "a true and a predicted label in a layer",
    "word_scores": "a word's share in a score of a layer",
    "planes": "a word of a labelling in a layer, in two dimensions",
    "contrasts": "a score in a layer of a treated and a control model",
    "change_correlation": "a contrast: change (1 - CKA) against change in clustering, over layers",
    "corpus_report": "a rule that kept or dropped tokens of a corpus",
    "replication": "a number that a paper published",
    "word_map": "two words that are related",
    "word_group_statistics": "a group of words, accepted or not",
}
TABLES: Mapping[str, tuple[Column, ...]] = {
    "selection": (
        Column("token_id", "string", "a token that every compared model has a vector for"),
    ),
    "coverage": (
        CORPUS,
        MODEL,
        *SIZES,
        Column("missing_tokens", "int64", "tokens of the corpus that the model has no vector for"),
        Column("missing_types", "int64", "words that the model has no vector for at all"),
        Column("examples", "string", "some words with missing tokens; none if none", nullable=True),
        Column("shared_tokens", "int64", "tokens that every compared model has: those analysed"),
        Column("shared_types", "int64", "distinct words among the shared tokens"),
    ),
    "cka": (
        CORPUS,
        Column("model_a", "string", "first model"),
        Column("layer_a", "string", "layer of the first model"),
        Column("model_b", "string", "second model"),
        Column("layer_b", "string", "layer of the second model"),
        *CKA,
        *INTERVAL,
        DRAWS,
        Column("draw_sd", "float64", "deviation between draws; missing for one", nullable=True),
        *NULL,
        *SIZES,
        *DROPPED,
        UNDRAWN,
    ),
    "pairs": (
        *KEYS,
        PAIR_KIND,
        Column("metric", "string", "cosine"),
        Column(
            "measure",
            "string",
            "raw, normalised (minus random), or auc (against random; of listed pairs, over all "
            "tokens of their words too; compares between models; no interval where few words "
            "make most pairs)",
        ),
        *INTERVAL,
        Column("seeds", "int64", "random draws of tokens that the estimate is the mean of"),
        Column("n_pairs", "int64", "token pairs, mean over draws"),
        Column("n_type_pairs", "int64", "(left word, right word) pairs, mean over draws"),
        *SIZES,
        *DROPPED,
    ),
    "pair_values": (
        *KEYS,
        Column("kind", "string", "as in table pairs; pairs of different-word are among the random"),
        Column("word_a", "string", "left word"),
        Column("word_b", "string", "right word"),
        Column("similarity", "float64", "cosine, mean over token pairs, then over draws"),
        Column("n_pairs", "int64", "token pairs over all draws"),
        *SIZES,
        *DROPPED,
    ),
    "silhouette": (
        *KEYS,
        LABELLING,
        Column("measure", "string", "silhouette, or adjusted-rand (of k-means and the labels)"),
        Column("metric", "string", "cosine or euclidean"),
        SPACE,
        FEATURE_ROWS,
        Column("protocol", "string", "all-groups, or leave-one-group-out (mean over the runs)"),
        Column("subset", "string", "all, or a subset of groups as named in the configuration"),
        Column("level", "string", "overall, or group"),
        Column("group", "string", "the group; missing where level is overall", nullable=True),
        *INTERVAL,
        PERMUTED,
        *NULL,
        *SIZES,
        *DROPPED,
        Column("n_groups", "int64", "groups that were clustered"),
    ),
    "lda": (
        *KEYS,
        LABELLING,
        Column(
            "measure",
            "string",
            "accuracy, balanced-accuracy; for labels of words that recur seen-word-accuracy, "
            "control-accuracy and selectivity, their difference",
        ),
        Column("solver", "string", "shrinkage (Ledoit-Wolf) or svd"),
        FEATURE_ROWS,
        *INTERVAL,
        Column("chance", "float64", "score that needs no vectors; see chance_kind", nullable=True),
        Column(
            "chance_kind",
            "string",
            "majority (share of the largest class) or uniform (1 / classes)",
            nullable=True,
        ),
        PERMUTED,
        *NULL[:2],
        Column("p_value", "float64", "one-sided permutation p, of the first repeat", nullable=True),
        *SIZES,
        *DROPPED,
        Column("n_classes", "int64", "classes"),
        Column("folds", "int64", "folds of one repeat: of words times of speakers if both apart"),
        Column("repeats", "int64", "times the folds were drawn"),
        Column("held_apart", "string", "what no fold shares: rows, word, speaker, word+speaker"),
    ),
    "confusion": (
        *KEYS,
        LABELLING,
        Column("true_label", "string", "label of the word"),
        Column("predicted_label", "string", "label that held-out LDA gave"),
        Column("share", "float64", "share of the true label's held-out rows, 0 to 1"),
        Column("count", "int64", "held-out rows, over all repeats"),
        Column("n_tokens", "int64", "word tokens of all labels"),
        Column("n_types", "int64", "distinct words among them"),
        *DROPPED,
    ),
    "planes": (
        *KEYS,
        LABELLING,
        Column("space", "string", "pca (principal components) or lda (fitted in sample)"),
        FEATURE_ROWS,
        Column("word", "string", "the word"),
        Column("label", "string", "its label"),
        Column("x", "float64", "position on the first axis; its sign is arbitrary"),
        Column("y", "float64", "position on the second axis; its sign is arbitrary"),
        Column("share_x", "float64", "of the variance (pca; lda: between classes) on x", "0 to 1"),
        Column(
            "share_y", "float64", "on y; missing in lda of two classes", "0 to 1", nullable=True
        ),
        Column("silhouette", "float64", "overall cosine silhouette of the layer, all dimensions"),
        Column("chosen", "bool", "whether figures show this layer of the model"),
        *SIZES,
        *DROPPED,
    ),
    "word_scores": (
        *KEYS,
        *SCORE,
        Column("label", "string", "label of the word; missing where it varies", nullable=True),
        Column("word", "string", "word type"),
        Column(
            "value",
            "float64",
            "mean score of a word (balanced-accuracy: its accuracy); missing in random pairs only",
            nullable=True,
        ),
        Column(
            "pseudo_values",
            "list of float64",
            "the word's part in the score of all, with what it does to other words: the jackknife "
            "pseudo-value of its unit, one a repeat or control task of lda, one otherwise (farther "
            "from the score where words have unequal numbers of rows, or of pairs); empty inside "
            "where a kind of pairs has fewer than 10 words in effect",
        ),
        Column("unit", "int64", "words that the jackknife leaves out together have the same"),
        Column("n_tokens", "int64", "tokens of the word that entered; of pairs, of the kind"),
        *DROPPED,
    ),
    "contrasts": (
        *CONTRAST,
        Column("layer", "string", "layer, of both models"),
        *SCORE,
        Column("mean_treated", "float64", "score of all words, treated model"),
        Column("mean_control", "float64", "score of all words, control model"),
        *INTERVAL,
        SIGN_FLIP,
        Column("p_holm", "float64", "the same, Holm-corrected over layers"),
        Column("n_tokens", "int64", "tokens of these words, treated model"),
        Column("n_types", "int64", "words with a score (`value`) in both models"),
        Column("dropped_types", "int64", "words left out: a score in one of the models only"),
        *DROPPED,
    ),
    "cka_contrasts": (
        *CONTRAST,
        Column("layer", "string", "layer, of both models"),
        Column("model_b", "string", "third model, which both are compared with"),
        Column("layer_b", "string", "layer of the third model"),
        *CKA,
        Column("mean_treated", "float64", "alignment of the treated model with the third"),
        Column("mean_control", "float64", "alignment of the control with the third"),
        *INTERVAL,
        SIGN_FLIP,
        Column("p_holm", "float64", "the same, Holm-corrected over all pairs of layers"),
        DRAWS,
        *SIZES,
        *DROPPED,
        UNDRAWN,
    ),
    "change_correlation": (
        *CONTRAST,
        Column("labelling", "string", "labelling of the clustering"),
        Column("measure", "string", "of the clustering: silhouette, or silhouette-above-null"),
        Column("metric", "string", "cosine or euclidean, of the clustering"),
        Column("space", "string", "space of the clustering"),
        Column("protocol", "string", "of the clustering: all-groups, or leave-one-group-out"),
        Column("subset", "string", "groups of the clustering: all, or a subset of them"),
        Column("cka_measure", "string", "measure and estimator of the CKA"),
        Column("cka_space", "string", "space of the CKA"),
        Column("cka_rows", "string", "rows of the CKA: types or tokens"),
        Column("x", "string", "cka, or change (1 - CKA); y is treated minus control silhouette"),
        Column("correlation", "string", "pearson or spearman, across layers"),
        Column("estimate", "float64", "the correlation, -1 to 1"),
        Column("ci_low", "float64", "lower end of the 95% Fisher interval", nullable=True),
        Column("ci_high", "float64", "upper end of the 95% Fisher interval", nullable=True),
        Column("p_value", "float64", "two-sided permutation p; layers taken as exchangeable"),
        Column("n_layers", "int64", "layers"),
        Column("n_tokens", "int64", "tokens of these words"),
        Column("n_types", "int64", "words behind the silhouette differences, fewest of any layer"),
        *DROPPED,
    ),
    "corpus_report": CORPUS_REPORT,
    "replication": (
        Column("table", "string", "result table that has our number; the keys are its columns"),
        *REPLICATION_KEYS,
        Column("average", "string", "layers: mean over equal blocks; else missing", nullable=True),
        Column("published", "float64", "the published number"),
        Column("reading_error", "float64", "of reading it; missing if unknown", nullable=True),
        Column("reading", "string", "how the number was read, and what is unsure about it"),
        Column("source", "string", "where it is published"),
        Column("ours", "float64", "our estimate; missing where status is not run", nullable=True),
        Column("difference", "float64", "ours minus published", nullable=True),
        Column("n_layers", "int64", "layers that ours is over; missing if of one", nullable=True),
        *QUOTED_SIZES,
        Column("status", "string", "compared, or not run"),
    ),
    "word_map": WORD_MAP,
    "word_group_statistics": WORD_GROUP_STATISTICS,
}


def write_table(path: str | Path, table: str, rows: Rows) -> None:
    """Write result table `table`, a key of `TABLES` (see `columns.write_rows`)."""
    write_rows(path, TABLES[table], rows)


def read_table(path: str | Path, table: str) -> pa.Table:
    """Read result table `table`, a key of `TABLES` (see `columns.read_rows`)."""
    return read_rows(path, TABLES[table], f"{table!r} table")
