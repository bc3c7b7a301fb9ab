"""Which model a released file holds, by the names of its tensors."""

import re
from collections.abc import Mapping
from typing import Any

from groundscope.errors import UserError
from groundscope.releases.release import some

# Patterns of tensor names that only one kind of file has.
_SIGNS = (
    (r"conv1_trm1_trm3\.", "fast-vgs", "a FaST-VGS bundle"),
    (r"parallel_branch\.|cascaded_branch\.", "speech-clip", "a SpeechCLIP checkpoint"),
    (
        r"audio_encoder\.|conv1_trm1_conv2_trm2\.|^(module\.)?pos_conv\.",
        "vg-hubert",
        "a VG-HuBERT bundle",
    ),
    (r"language_model\.language_model\.", "vg-bert", "a VG-BERT checkpoint"),
    (r"post_extract_proj\.", "", "an ungrounded fairseq wav2vec 2.0 or HuBERT checkpoint"),
    (r"encoder\.transformer\.pos_conv_embed\.", "torchaudio", "a torchaudio pipeline"),
    (r"feature_projection\.", "", "a Hugging Face wav2vec 2.0 or HuBERT checkpoint"),
    (r"encoder\.layer\.0\.attention\.self\.", "", "a Hugging Face BERT checkpoint"),
)


def check_family(bundle: Mapping[str, Any], family: str, what: str) -> None:
    """Refuse a bundle that is of another family, and say of which.

    Parameters
    ----------
    bundle
        Content of the released file: a state dict, or a dictionary of state dicts.
    family
        The configured format.
    what
        The release, for messages.
    """
    states = [value for value in bundle.values() if isinstance(value, dict)] + [bundle]
    names = [name for state in states for name in state if isinstance(name, str)]
    for sign, kind, description in _SIGNS:
        if any(re.search(sign, name) for name in names):
            if kind == family:
                return
            message = f"{what}: this is {description}, expected format {family}"
            raise UserError(message)
    message = f"{what}: no known model ({some(names)}), expected format {family}"
    raise UserError(message)
