"""Columns that several result tables share: what a number is of, and how sure it is."""

from groundscope.columns import Column
from groundscope.token_table import CORPUS

MODEL = Column("model", "string", "model, as named in the configuration")
KEYS = (
    CORPUS,
    MODEL,
    Column("layer", "string", "layer: 0 enters the first block, k leaves block k; or its name"),
)
SIZES = (
    Column("n_tokens", "int64", "word tokens that entered the number"),
    Column("n_types", "int64", "distinct words among them"),
)
DROPPED = (
    Column("missing_tokens", "int64", "tokens left out: some compared model has no vector"),
    Column("unlabelled_tokens", "int64", "tokens left out: no label, or one of too few words"),
)
INTERVAL = (
    Column("estimate", "float64", "the number"),
    Column("standard_error", "float64", "its standard error", nullable=True),
    Column("ci_low", "float64", "lower end of the 95% interval", nullable=True),
    Column("ci_high", "float64", "upper end of the 95% interval", nullable=True),
    Column(
        "interval",
        "string",
        "what the interval was made from; over words, it holds for the speakers at hand",
        nullable=True,
    ),
)
NULL = (
    Column("null_mean", "float64", "mean of the estimate when labels are permuted", nullable=True),
    Column("null_high", "float64", "95th percentile of the same", nullable=True),
    Column("p_value", "float64", "one-sided permutation p", nullable=True),
)
PERMUTED = Column(
    "permuted",
    "string",
    "what labels are permuted between: word, speaker, or rows; missing where they are not",
    nullable=True,
)
FEATURE_ROWS = Column(
    "rows", "string", "what a row of the feature matrix is: tokens, or types (means)"
)
SPACE = Column("space", "string", "full, pca-K, or lda:LABELLING (fitted in sample)")
LABELLING = Column("labelling", "string", "labelling, as named in the configuration")
PAIR_KIND = Column(
    "kind",
    "string",
    "random, different-word (random pairs of two words), same-word, same-speaker, same-group, or a "
    "relation of the word map",
)
CONTRAST = (
    CORPUS,
    Column("contrast", "string", "contrast, as named in the configuration"),
    Column("treated", "string", "model that is compared (grounded)"),
    Column("control", "string", "model it is compared with (ungrounded)"),
)
CKA = (
    Column("measure", "string", "cka-linear, cka-rbf, rsa, or knn"),
    Column("estimator", "string", "debiased or biased (CKA), plain (others)"),
    SPACE,
    FEATURE_ROWS,
)
DRAWS = Column("draws", "int64", "random draws of rows that the estimate is the mean of")
UNDRAWN = Column(
    "undrawn_tokens",
    "int64",
    "tokens left out: in no draw; in table cka, not in the first, which null and p are of too",
)
SIGN_FLIP = Column("p_value", "float64", "two-sided sign-flip permutation p over words")
SCORE = (
    Column("analysis", "string", "pairs, silhouette or lda"),
    Column("labelling", "string", "labelling; missing for pairs", nullable=True),
    Column(
        "measure",
        "string",
        "auc or normalised (pairs), silhouette, silhouette-above-null (minus the mean of its "
        "permuted null, taken as known), or one of table lda",
    ),
    Column("kind", "string", "kind of pairs; missing for others", nullable=True),
    Column("metric", "string", "cosine or euclidean; missing for lda", nullable=True),
    SPACE,
    *(
        Column(name, "string", "as in table silhouette; missing for others", nullable=True)
        for name in ("protocol", "subset")
    ),
)
