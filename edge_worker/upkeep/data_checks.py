"""Checks of the data directory: database, spool, audio, quarantine, outbox, and who may read it."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from edge_worker.audio_store.opening import open_audio
from edge_worker.audio_store.sound import ASIDE
from edge_worker.database.engine import connect, connect_existing
from edge_worker.database.history import History
from edge_worker.database.revision import REVISION
from edge_worker.database.site_state.sound_claim import SoundClaim
from edge_worker.errors import SettingsError, SpoolError, StoreError
from edge_worker.ingest.chunk_file import FILE_HEADER_BYTES, chunks_in, received_at_of
from edge_worker.ingest.quarantine import Quarantine
from edge_worker.own_command import stetho
from edge_worker.private_files import open_to_others
from edge_worker.protocol.chunk import HEADER_BYTES
from edge_worker.settings import Settings
from edge_worker.upkeep import orphans
from edge_worker.upkeep.snapshot import integrity_problem

_AT_REST_S: Final = 60.0
"""A file of the spool that is written to may end in half a chunk."""
_MANY_MESSAGES: Final = 100
_MIB: Final = 2**20


def check_database(settings: Settings) -> str:
    """Check that the database is of this version, and all its pages are whole."""
    engine = connect(settings.database, read_only=True)
    path = engine.url.database
    is_file = engine.dialect.name == "sqlite" and path is not None and Path(path).is_file()
    engine.dispose()
    problem = _problem(path) if path is not None and is_file else ""
    if problem:
        raise StoreError(
            f"{path} is damaged ({problem}); a worker repairs it when it starts or reads that page, and "
            f"`{stetho('restore FILE')}` brings the last backup back"
        )
    connect_existing(settings.database, read_only=True).dispose()
    return f"at schema {REVISION}" + (", each page of it whole" if is_file else "")


def _problem(path: str) -> str:
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            connection.execute("PRAGMA query_only=ON")
            return integrity_problem(connection)
    except sqlite3.Error as error:
        return str(error)


def check_spool(settings: Settings) -> str:
    """Check that what is still arriving can be read again after a restart."""
    paths = list(_spool_files(settings.data_dir / "spool"))
    damaged = [path for path in paths if _is_damaged(path)]
    if damaged:
        raise SpoolError(
            f"{_some(damaged)} of the spool damaged: the next start of the worker keeps what is whole of a "
            "file, and asks its device for the rest"
        )
    return f"{len(paths)} files of recordings that are still arriving"


def check_audio(settings: Settings) -> str:
    """Check that recordings and WAV files belong together."""
    store = open_audio(settings)
    place = store.check()
    SoundClaim(settings, store).require()
    history = History.open(settings.database)
    found = orphans.find(history, store)
    history.close()
    if found.recordings:
        raise StoreError(
            f"{_some(found.recordings)} named by a recording, but gone: restore it from a backup, or delete "
            "the recording"
        )
    if found.files:
        raise StoreError(
            f"{_some(found.files)} without a recording ({found.bytes // _MIB} MiB in all): the history API "
            f"moves it to {ASIDE} after an hour"
        )
    if found.aside:
        raise StoreError(f"{_some(found.aside)} moved aside, without a recording: look at it, then delete it")
    return f"each recording has its file {place}, and each file its recording"


def check_quarantine(settings: Settings) -> str:
    """Check that nothing was set aside."""
    entries = Quarantine(settings.data_dir / "quarantine").entries()
    if entries:
        raise SpoolError(
            f"{len(entries)} set aside, the last one for: {entries[-1].reason}; "
            f"`{stetho('quarantine')}` shows them and deletes them"
        )
    return "empty"


def check_outbox(settings: Settings) -> str:
    """Check that results leave."""
    history = History.open(settings.database)
    count = history.outbox_messages()
    history.close()
    if count > _MANY_MESSAGES:
        raise StoreError(f"{count} messages wait for the broker; see `broker` and `worker` below")
    return f"{count} messages wait for the broker"


def check_privacy(settings: Settings) -> str:
    """Check that no other user of this machine can read recordings or the password."""
    if not settings.data_dir.exists():
        return "there is nothing yet that others could read"
    found = open_to_others(settings.data_dir)
    if settings.data_dir.stat().st_mode & 0o077:
        found.insert(0, settings.data_dir)
    password = settings.mqtt_password_file
    if password is not None and password.exists() and password.stat().st_mode & 0o077:
        found.append(password)
    if found:
        raise SettingsError(
            f"{_some(found)} open to other users: `chmod -R go= {found[0]}`; a start of worker or API mends "
            "the data directory"
        )
    return "no other user can read or write the data"


def _spool_files(spool: Path) -> Iterator[Path]:
    for pattern in ("*/*.chunks", "*/*.stream/*.chunks", "*/*.stream/state.json"):
        yield from sorted(spool.glob(pattern))


def _is_damaged(path: Path) -> bool:
    try:
        if time.time() - path.stat().st_mtime < _AT_REST_S:
            return False
        content = path.read_bytes()
    except FileNotFoundError:  # stored meanwhile
        return False
    if path.name == "state.json":
        return not _is_object(content)
    if received_at_of(content) is None:
        return True
    chunks = chunks_in(memoryview(content)[FILE_HEADER_BYTES:])
    return FILE_HEADER_BYTES + sum(HEADER_BYTES + len(each.body) for each in chunks) < len(content)


def _is_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def _some(paths: list[Path] | list[str]) -> str:
    """Return how many these are, with the first: `3 files, the first is a.wav,` or `a.wav is`."""
    return f"{paths[0]} is" if len(paths) == 1 else f"{len(paths)} files, the first {paths[0]}, are"
