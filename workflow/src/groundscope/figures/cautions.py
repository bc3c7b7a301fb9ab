"""Whether a study is large and even enough to carry a claim."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from groundscope.figures.findings import Tables
from groundscope.figures.selection import FEWEST_PERMUTED, Row, of_all_groups
from groundscope.figures.sheet import groups_of

# Below these a number carries no claim.
FEW_TYPES, FEW_WORDS = 50, 5
# A group with this many times the rows of another makes means hard to compare.
UNEVEN = 5
# With fewer words no two-sided sign-flip p is below 0.05: 2 / 2**6 is the first.
FEWEST_PAIRED = 6
# Means of so many tokens hardly differ in noise from those of any more.
MANY_TOKENS = 100


def warnings(
    tables: Tables,
    speakers: Mapping[str, int],
    unequal: Collection[str] = (),
    analyses: Mapping[str, Any] | None = None,
) -> list[str]:
    """Say where a study is too small to carry a claim.

    Parameters
    ----------
    tables
        Name -> table.
    speakers
        Corpus -> number of distinct speakers; 0 where there is no speech.
    unequal
        Corpora whose words have unequal numbers of tokens (see `noisier`).
    analyses
        Analysis -> its options, where they are known.
    """
    found = [
        f"Corpus {corpus} has one speaker: nothing here generalises to other voices."
        for corpus, number in sorted(speakers.items())
        if number == 1
    ]
    if "cka" in tables:
        for (corpus,), part in groups_of(tables["cka"].to_pylist(), "corpus"):
            fewest = min(row["n_types"] for row in part)
            if fewest < FEW_TYPES:
                found.append(
                    f"CKA in {corpus} rests on {fewest} words, fewer than {FEW_TYPES}: even "
                    "debiased values are uncertain."
                )
            if any(row["null_mean"] is None for row in part):
                found.append(f"CKA in {corpus} has no permuted null to be compared with.")
            found += _of_unequal_means(corpus, part, known=corpus in unequal)
    for name in ("silhouette", "lda"):
        rows = tables[name].to_pylist() if name in tables else []
        for (corpus, labelling), part in groups_of(rows, "corpus", "labelling"):
            found += _small(f"{labelling} in {corpus}", name, part)
            found += _uneven(f"{labelling} in {corpus}", part)
            found += _of_noisy_labels(
                f"{labelling} in {corpus}", name, part, known=corpus in unequal
            )
    for name, options in (analyses or {}).items():
        rows = tables[name].to_pylist() if name in tables else []
        if rows and 0 < options.get("permutations", 0) < FEWEST_PERMUTED:
            found.append(
                f"{name}: with {options['permutations']} permutations no p can be 0.05 or less, "
                f"which takes {FEWEST_PERMUTED}: nothing can be told from chance by p."
            )
        found += _lacking(options.get("subsets", {}), rows)
    if "contrasts" in tables:
        for (corpus, contrast), part in groups_of(
            tables["contrasts"].to_pylist(), "corpus", "contrast"
        ):
            fewest = min(row["n_types"] for row in of_all_groups(part))
            if fewest < FEWEST_PAIRED:
                found.append(
                    f"contrast {contrast} in {corpus} is paired over {fewest} words: with fewer "
                    f"than {FEWEST_PAIRED} no p can be below 0.05."
                )
    return found


def noisier(tokens: Collection[int]) -> bool:
    """Whether means of so many tokens differ in noise: by over 0.01 of the variance of a token's.

    As `metrics.groups.of_similar_count` has it, which says what a null exchanges.
    """
    least, most = min(tokens, default=1), max(tokens, default=1)
    return MANY_TOKENS * (most - least) > least * most


def _has_unequal_means(row: Row) -> bool:
    tokens, words = row["n_tokens"], row["n_types"]
    return bool(tokens % words and tokens < MANY_TOKENS * words)


def _of_unequal_means(corpus: str, rows: Sequence[Row], *, known: bool) -> list[str]:
    affected = sorted(
        {
            "biased cka-linear" if row["measure"] == "cka-linear" else row["measure"]
            for row in rows
            if row["rows"] == "types"
            and (row["measure"] != "cka-linear" or row["estimator"] == "biased")
            and (known or _has_unequal_means(row))
        }
    )
    if not affected:
        return []
    return [
        f"{corpus}: words have unequal numbers of tokens, and the mean of few is noisier and so "
        "farther from all others, in every model. Over types unrelated layers are then alike by "
        f"{', '.join(affected)}, in estimates, intervals and contrasts (p values of estimates "
        "allow for it): read estimates minus null_mean, or give all words one number of tokens, "
        "by min_tokens and max_tokens in the filters of the corpus."
    ]


def _of_noisy_labels(where: str, name: str, rows: Sequence[Row], *, known: bool) -> list[str]:
    if not any(row["rows"] == "types" and (known or _has_unequal_means(row)) for row in rows):
        return []
    return [
        f"{where}: words have unequal numbers of tokens, and the mean of few is noisier: {name} "
        "tells labels that go with these numbers apart by noise, in estimates, intervals and "
        "contrasts (p values allow for it): read estimates minus null_mean."
    ]


def _small(where: str, analysis: str, rows: Sequence[Row]) -> list[str]:
    found = []
    # a group of speakers holds all words; a group of words is what may be too small
    small = {row["group"]: row["n_types"] for row in rows if row.get("level") == "group"}
    few = sorted(group for group, words in small.items() if words < FEW_WORDS)
    if few:
        found.append(
            f"{where}: {len(few)} of {len(small)} groups have fewer than {FEW_WORDS} words "
            f"({', '.join(few[:5])}{', ...' if len(few) > 5 else ''})."
        )
    tested = [
        row
        for row in rows
        if row["measure"] in ("silhouette", "accuracy") and row.get("level", "overall") == "overall"
    ]
    if any(row["null_mean"] is None for row in tested):
        found.append(f"{where}: {analysis} has no permuted null, so it cannot be told from chance.")
    return found


def _lacking(subsets: Mapping[str, Sequence[str]], rows: Sequence[Row]) -> list[str]:
    """Name groups of subsets that no labelling had, where there are scores of single groups."""
    had = {row["group"] for row in rows if row["level"] == "group"} if subsets else set()
    lines = []
    for name, groups in subsets.items():
        lacking = [group for group in groups if group not in had]
        if had and lacking:
            lines.append(f"subset {name}: no labelling has {', '.join(lacking)} in any corpus.")
    return lines


def _uneven(where: str, rows: Sequence[Row]) -> list[str]:
    sizes = {row["group"]: row["n_tokens"] for row in rows if row.get("level") == "group"}
    if sizes and max(sizes.values()) >= UNEVEN * min(sizes.values()):
        large, small = (choose(sizes, key=lambda name: sizes[name]) for choose in (max, min))
        return [
            f"{where}: groups are unbalanced, {large} has {sizes[large]:,} tokens and {small} "
            f"{sizes[small]:,}."
        ]
    for row in rows:
        chance = row.get("chance")
        majority = chance is not None and row["chance_kind"] == "majority"
        if majority and chance > min(0.75, 2 / row["n_classes"]):
            return [
                f"{where}: classes are unbalanced, the largest holds {chance:.0%} of the rows: "
                "compare accuracy with that, or read balanced accuracy."
            ]
    return []
