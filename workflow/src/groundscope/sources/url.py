"""Files from web servers, pinned by sha256, resumed where a download broke off."""

import http.client
import logging
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundscope.checkpoints import file_digest
from groundscope.errors import UserError
from groundscope.sources.archives import extract

_log = logging.getLogger(__name__)
_CHUNK = 1 << 20
_REPORT_S = 30.0
# of an answer without a length, which need not end before the disk is full
_MOST_UNANNOUNCED = 32 << 30


def fetch(where: str, options: Mapping[str, Any], target: Path) -> str:
    """Download every file of ``files``; unpack them if ``folder`` is given.

    Parameters
    ----------
    where
        Key path of the options in the configuration, for messages.
    options
        ``files``: name -> ``{url, sha256}``; ``folder``: the files are zip or tar archives, and
        only what lies below this folder in them is kept.
    target
        An existing folder that the files go to. Unfinished downloads wait beside it.

    Returns
    -------
    str
        The addresses, for the manifest.

    Raises
    ------
    UserError
        A malformed option, a server that does not answer, or another sha256.
    """
    sources = []
    for name, entry in sorted(options["files"].items()):
        place = f"{where}.files.{name}"
        if not re.fullmatch(r"[\w][\w.+-]*", name):
            message = f"{place}: expected a plain file name"
            raise UserError(message)
        partial = target.parent / f".{entry['sha256'][:16]}.partial"
        download(place, entry["url"], entry["sha256"], partial)
        if options.get("folder"):
            extract(partial, options["folder"], target, f"{place}: {entry['url']}")
            partial.unlink()
        else:
            partial.replace(target / name)
        sources.append(f"{entry['url']} sha256:{entry['sha256']}")
    inside = f" {options['folder']}" if options.get("folder") else ""
    return "url " + " ".join(sources) + inside


def download(where: str, url: str, sha256: str, place: Path) -> None:
    """Download one file to `place`, going on with what is already there.

    Raises
    ------
    UserError
        No http(s) address, no answer (what has come is kept), another sha256, or no end (it is
        removed).
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        message = f"{where}.url: {url!r} is not an http or https address"
        raise UserError(message)
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        message = f"{where}.sha256: {sha256!r} is not a sha256 (64 hexadecimal digits)"
        raise UserError(message)
    if not (place.exists() and file_digest(place) == sha256):
        try:
            _receive(where, url, place)
        except (OSError, ValueError, http.client.HTTPException) as error:
            said = " ".join(str(error).split())
            message = f"{where}: {url} did not arrive ({said}); run again to go on from there"
            raise UserError(message) from error
    digest = file_digest(place)
    if digest != sha256:
        with place.open("rb") as stream:
            page = stream.read(512).lstrip()[:1] == b"<"
        place.unlink()
        hint = "; the server sent a web page: download by hand, use source: folder" if page else ""
        message = f"{where}.sha256: {url} has sha256 {digest}, expected {sha256}{hint}"
        raise UserError(message)


def _receive(where: str, url: str, place: Path) -> None:
    """Append to `place` what the server still has to send."""
    done = place.stat().st_size if place.exists() else 0
    headers = {"User-Agent": "groundscope"} | ({"Range": f"bytes={done}-"} if done else {})
    request = urllib.request.Request(url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        place.unlink()  # more is here than the server has: not a beginning of its file
        response = urllib.request.urlopen(urllib.request.Request(url), timeout=60)
    with response:
        if urllib.parse.urlsplit(response.url).scheme not in ("http", "https"):
            reason = f"redirected to {response.url}"
            raise OSError(reason)
        going_on = response.status == http.HTTPStatus.PARTIAL_CONTENT
        done = done if going_on else 0
        announced = response.headers.get("Content-Length")
        total = done + int(announced or 0)
        with place.open("ab" if going_on else "wb") as output:
            reported = time.monotonic()
            while chunk := response.read(_CHUNK):
                output.write(chunk)
                done += len(chunk)
                # http.client reads no more than is announced
                if announced is None and done > _MOST_UNANNOUNCED:
                    place.unlink()
                    message = (
                        f"{where}: {url} sent {done >> 30} GiB without saying how much there is: "
                        "download by hand, use source: folder"
                    )
                    raise UserError(message)
                if time.monotonic() - reported > _REPORT_S:
                    reported = time.monotonic()
                    _log.info("%s: %d of %d MB", url, done >> 20, total >> 20)
    if done < total:
        reason = f"{done} of {total} bytes"
        raise OSError(reason)
