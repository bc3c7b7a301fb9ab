"""Find the words of transcripts in their recordings, with a CTC speech model."""

import argparse
import logging
from dataclasses import asdict
from pathlib import Path

from groundscope.alignment.path import load_torchaudio
from groundscope.alignment.utterances import align_utterance, spell_all, steps
from groundscope.alignment.vocabulary import read_vocabulary
from groundscope.checkpoints import read_manifest
from groundscope.commands import _cli
from groundscope.corpora.tokens import token_table
from groundscope.corpora.transcripts import read_utterances
from groundscope.token_table import write_corpus_report, write_tokens


def main() -> None:
    """Read arguments, align every utterance, write the tokens and what was left out."""
    given = _arguments()
    # before transformers is imported, which a torchaudio that cannot be loaded would break
    load_torchaudio()
    from groundscope.encoders.ctc import load_ctc
    from groundscope.encoders.execution import find_device

    device = find_device(given.device)
    checkpoint = read_manifest(given.checkpoint)
    utterances = read_utterances(given.options, workers=given.workers)
    model = load_ctc(checkpoint, device)
    vocabulary = read_vocabulary(checkpoint, model.labels)
    options = given.options["align"]
    spelled = spell_all(utterances, vocabulary, model.labels, options)
    tokens = []
    for number, each in enumerate(spelled, start=1):
        tokens += align_utterance(each, model, vocabulary, options["window_s"])
        logging.info("%d of %d: %s", number, len(spelled), each.utterance.name)
    rows = [
        {"corpus": given.name, "step": number, **asdict(step)}
        for number, step in enumerate(steps(spelled, tokens), start=1)
    ]
    write_corpus_report(given.report, rows)
    write_tokens(given.output, token_table(tokens))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the corpus")
    parser.add_argument("--options", required=True, type=_cli.options, help="its configuration")
    parser.add_argument("--checkpoint", required=True, type=Path, help="checkpoint manifest")
    parser.add_argument("--output", required=True, type=Path, help="token table to write")
    parser.add_argument("--report", required=True, type=Path, help="corpus report to write")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=int, default=2, help="threads that decode audio")
    return parser.parse_args()


if __name__ == "__main__":
    _cli.run(main)
