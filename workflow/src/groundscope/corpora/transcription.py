"""Phones of words in any language that espeak-ng speaks."""

from collections.abc import Sequence

from groundscope.corpora.espeak import Espeak, SaysNothingError


def transcribe(words: Sequence[str], voice: str) -> dict[str, str]:
    """Transcribe words, each spoken alone.

    Parameters
    ----------
    words
        In the spelling of the language.
    voice
        Language of espeak-ng, such as ``tr`` or ``en-us``.

    Returns
    -------
    dict
        Word -> IPA phones with stress marks, separated by blanks, as in corpora of kind
        ``synthesized``; words that it does not speak are left out.

    Raises
    ------
    UserError
        espeak-ng is not installed, or has no such language.
    """
    espeak = Espeak()
    name = espeak.require_voice(voice)
    found = {}
    for word in words:
        try:
            spoken = espeak.speak(word, name).words
        except SaysNothingError:
            continue
        found[word] = " ".join(phone for each in spoken for phone in each.phones)
    return found
