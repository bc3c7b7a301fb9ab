"""fetch_dataset: WordNet's release, out of its archive, whole, once."""

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from web import served

from groundscope.checkpoints import read_manifest
from groundscope.commands import fetch_dataset
from groundscope.errors import UserError
from groundscope.lexicon.wordnet import open_wordnet

FILES = {
    "index.noun": "dog n 1 0 1 1 02084071\ndomestic_dog n 1 0 1 0 02084071\n",
    "data.noun": "02084071 05 n 02 dog 0 domestic_dog 0 000 | a member of the genus\n",
}


def archive() -> bytes:
    """Pack the layout of WordNet-3.0.tar.gz: the database is in one of several folders."""
    empty = [f"{kind}.{name}" for name in ("verb", "adj", "adv") for kind in ("index", "data")]
    empty += [f"{name}.exc" for name in ("noun", "verb", "adj", "adv")]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in {**FILES, **dict.fromkeys(empty, "")}.items():
            entry = tarfile.TarInfo(f"WordNet-3.0/dict/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
        tar.addfile(tarfile.TarInfo("WordNet-3.0/src/wn.c"))
    return packed.getvalue()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Address of a server of the folder ``web``."""
    (tmp_path / "web").mkdir()
    with served(tmp_path / "web") as found:
        yield found


def test_wordnet_is_downloaded_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """The database alone is kept, with the digest of each file; a wrong sha256 leaves nothing."""
    data = archive()
    (tmp_path / "web" / "WordNet-3.0.tar.gz").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    web = {"url": f"{address}/WordNet-3.0.tar.gz", "sha256": digest}
    options = {"source": "url", "files": {"WordNet-3.0.tar.gz": web}, "folder": "WordNet-3.0/dict"}
    output = tmp_path / "wordnet" / "manifest.json"

    def fetch() -> None:
        line = ["--name", "wordnet", "--options", json.dumps(options), "--output", str(output)]
        monkeypatch.setattr(sys, "argv", ["fetch_dataset", *line])
        fetch_dataset.main()

    web["sha256"] = "0" * 64
    with pytest.raises(UserError, match=rf"^datasets\.wordnet\.files.*has sha256 {digest}"):
        fetch()
    assert list(output.parent.iterdir()) == []
    web["sha256"] = digest
    fetch()
    assert open_wordnet(output.parent / "files").synonyms("dogs") == {"dog", "domestic_dog"}
    manifest = read_manifest(output)
    assert len(manifest.files) == 12
    noun = hashlib.sha256(FILES["data.noun"].encode()).hexdigest()
    assert manifest.files["data.noun"] == noun
    assert not (output.parent / "files" / "wn.c").exists()
