"""What word groups are built from, read from the files that the configuration names."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundscope.embeddings import read_embeddings
from groundscope.errors import UserError
from groundscope.lexicon.norms import read_norms
from groundscope.lexicon.pronunciations import Transcribe, read_pronunciations
from groundscope.lexicon.word_pool import Pool, make_pool
from groundscope.records import read_labelled_words
from groundscope.spelling import spellings
from groundscope.token_table import read_tokens


def read_pool(
    tokens: Path, vectors: Path, options: Mapping[str, Any], transcribe: Transcribe
) -> tuple[Pool, Sequence[float]]:
    """Read the words of a corpus with their vectors (mean over tokens), sounds and ratings.

    Parameters
    ----------
    tokens, vectors
        Token table, and embedding file of its tokens.
    options
        ``pronunciations`` as in `read_pronunciations`; ``concreteness``: ``file``, ``word``
        column, ``column``; ``unit`` of the distance.
    transcribe
        As in `read_pronunciations`.

    Returns
    -------
    pool : Pool
        Words that have both a vector and a pronunciation.
    ratings : sequence of float
        All ratings of the file, of other words too.

    Raises
    ------
    UserError
        No word has both, or there is no rating.
    """
    embeddings = read_embeddings(vectors)
    rows = read_tokens(tokens).select(["token_id", "word", "phones"]).to_pylist()
    word_of = {row["token_id"]: row["word"] for row in rows}
    own: defaultdict[str, list[int]] = defaultdict(list)
    for place, token_id in enumerate(embeddings.token_ids.tolist()):
        if token_id in word_of:
            own[word_of[token_id]].append(place)
    means = {word: embeddings.vectors[places].mean(axis=0) for word, places in own.items()}
    phones = ((row["word"], row["phones"]) for row in rows)
    spoken = read_pronunciations(options["pronunciations"], means, phones, transcribe)
    norms = options["concreteness"]
    table = read_norms({**norms, "columns": {"rating": norms["column"]}})
    own_ratings = {word: values["rating"] for word in means if (values := table.get(word))}
    ratings = [values["rating"] for values in table.values() if values]
    pool = make_pool(means, spoken.variants, own_ratings, options.get("unit", "arpabet"))
    if not pool.words or not ratings:
        message = (
            f"word groups: {len(pool.words)} words of {tokens} have a vector in {vectors} and a "
            f"pronunciation, {len(ratings)} words of {norms['file']} a rating: expected some of "
            "each"
        )
        raise UserError(message)
    return pool, sorted(ratings)


def read_candidates(file: str | Path, words: Sequence[str]) -> dict[str, list[str]]:
    """Read hand-written categories: a table with the columns ``word`` and ``label``.

    Returns
    -------
    dict
        Label -> those of `words` that it has, in the order of the table.
    """
    rows = read_labelled_words(file)
    labels: dict[str, set[str]] = {}
    for _, word, label in rows:
        labels.setdefault(word, set()).add(label)
    own = spellings(labels, words)
    found: dict[str, list[str]] = {}
    for _, word, label in rows:
        found.setdefault(label, []).extend(own.get(word, ()))
    return found
