"""What needs somebody's care is answered as JSON and as a page, to operators."""

import os
import time
from pathlib import Path

import pytest
from archive import Archive
from keyed_api import KeyedApi

from edge_worker.ingest.quarantine import Origin, Quarantine
from edge_worker.protocol.result import Result

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")
BROWSER = {"Accept": "text/html"}
HOSTILE = "<script>alert(1)</script>"


def fill(archive: Archive) -> Result:
    """Set something aside, and take from one recording its audio, from one file its recording."""
    quarantine = Quarantine(archive.settings.data_dir / "quarantine")
    quarantine.put(Origin("message", "st-01", None, "stetho/v1/x"), b"12345", HOSTILE)
    archive.add(1)
    (archive.settings.data_dir / "audio/st-01/0000000000000001.wav").unlink()
    other = archive.settings.data_dir / "audio/st-01/00000000000000ff.wav"
    other.write_bytes(bytes(3000))
    os.utime(other, (time.time() - 3600,) * 2)
    return archive.add(2)


def test_what_needs_care_is_listed(archive: Archive) -> None:
    fill(archive)
    document = archive.api().json("/api/v1/upkeep")
    assert document["orphans"] == {
        "files": 1,
        "bytes": 3000,
        "first_files": ["audio/st-01/00000000000000ff.wav"],
        "aside": 0,
        "recordings": 1,
        "first_recordings": ["audio/st-01/0000000000000001.wav"],
    }
    (entry,) = document["quarantine"]
    assert (entry["kind"], entry["device"], entry["reason"], entry["bytes"]) == (
        "message",
        "st-01",
        HOSTILE,
        5,
    )
    assert document["outbox"] == len(archive.store.pending())


def test_the_page_shows_it_and_believes_none_of_it(archive: Archive) -> None:
    fill(archive)
    text = archive.api().get("/ui/upkeep", **BROWSER).get_data(as_text=True)
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert "00000000000000ff.wav" in text
    assert "0000000000000001.wav" in text
    assert "0000000000000002.wav" not in text


def test_only_operators_see_it(tmp_path: Path) -> None:
    keyed = KeyedApi(tmp_path)
    statuses = {role: keyed.ask("/api/v1/upkeep", role=role).status_code for role in keyed.keys}
    assert statuses == {"owner": 403, "operator": 200, "admin": 200}
