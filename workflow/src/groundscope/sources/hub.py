"""Files of a Hugging Face repository at one revision."""

import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from groundscope.checkpoints import SMALL_FILES, main_weights
from groundscope.errors import UserError

_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.bin")
# what the index of shards, which is not here yet, names
_SHARDS = {
    "model.safetensors.index.json": "model-*-of-*.safetensors",
    "pytorch_model.bin.index.json": "pytorch_model-*-of-*.bin",
}


def fetch(where: str, options: Mapping[str, Any], target: Path) -> str:
    """Download weights, configuration and tokenizer of a repository.

    Parameters
    ----------
    where
        Key path of the options in the configuration, for messages.
    options
        ``repo``; ``revision`` (a full commit hash pins it); ``files`` (patterns; without it, the
        top-level weights that transformers takes or, if there are none, those in the safest
        format, configuration and tokenizer).
    target
        An existing folder that the files go to.

    Returns
    -------
    str
        Repository and commit, for the manifest.

    Raises
    ------
    UserError
        The repository, revision or file is missing, gated, or out of reach.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    for library in ("httpx", "httpx2"):  # they log every request
        logging.getLogger(library).setLevel(logging.WARNING)
    repo, revision = str(options["repo"]), str(options["revision"])
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", repo):
        message = f"{where}.repo: {repo!r} is not the id of a repository (owner/name)"
        raise UserError(message)
    reason = ""
    try:
        info = HfApi().model_info(repo, revision=revision)
        names = [entry.rfilename for entry in info.siblings or []]
        chosen = _choose(where, names, options.get("files"))
        snapshot_download(repo, revision=info.sha, allow_patterns=chosen, local_dir=target)
    except GatedRepoError:
        reason = f"{repo} is gated: accept its terms on the hub and log in with `hf auth login`"
    except RepositoryNotFoundError:
        reason = f"the hub has no model {repo!r} that you may read"
    except RevisionNotFoundError:
        reason = f"{repo} has no revision {revision!r}"
    except UserError:
        raise
    except Exception as error:  # the client passes on whatever its HTTP library raises
        text = (str(error).splitlines() or [type(error).__name__])[0]
        reason = f"{repo} cannot be downloaded: {text}"
    if reason:
        message = f"{where}: {reason}"
        raise UserError(message)
    # the hub's own bookkeeping holds times, and would make two downloads differ
    shutil.rmtree(target / ".cache", ignore_errors=True)
    return f"hub {repo}@{info.sha}"


def _choose(where: str, names: Sequence[str], patterns: Sequence[str] | None) -> list[str]:
    """Names to download; weights that are read and no others, safetensors first."""
    if patterns:
        chosen = [name for name in names if any(fnmatch(name, each) for each in patterns)]
    else:
        top = [name for name in names if "/" not in name]
        wanted = (*(_SHARDS.get(main, main) for main in main_weights(top)), *_WEIGHTS)
        weights = ([name for name in top if fnmatch(name, pattern)] for pattern in wanted)
        chosen = next((found for found in weights if found), [])
        small = [name for name in top if any(fnmatch(name, each) for each in SMALL_FILES)]
        chosen = chosen + small if chosen else []
    if not chosen:
        message = f"{where}: no weights among the repository's files ({', '.join(names[:8])})"
        raise UserError(message)
    return chosen
