"""Claim of a site: the locks that let one worker at a time use its data directory and its database."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from edge_worker.database.claim.database_claim import DatabaseClaim
from edge_worker.database.engine import connect, sqlite_path
from edge_worker.directory_lock import DATABASE_LOCK, lock_directory
from edge_worker.errors import SettingsError, StoreError
from edge_worker.private_files import keep_private
from edge_worker.settings import Settings
from edge_worker.upkeep.data_directory import LOCK


def claim_site(settings: Settings) -> tuple[TextIO, ...]:
    """Return the locks of the data directory, which is made if it does not exist, and of its SQLite file.

    A worker with another data directory and the same database would store and publish what this one does.

    Raises:
        SettingsError: one of them cannot be made or written, or another worker uses it.
    """
    keep_private(settings.data_dir)
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"STETHO_DATA_DIR {settings.data_dir} cannot be made: {error.strerror}"
        ) from error
    directory = lock_directory(
        settings.data_dir / LOCK,
        f"another worker uses STETHO_DATA_DIR {settings.data_dir}; stop it, or give this one "
        "another directory",
    )
    return directory, *_claim_database(settings)


def _claim_database(settings: Settings) -> Iterator[TextIO]:
    """Yield the lock of a SQLite file; none where there is no such file, or `assemble` will say why not."""
    with suppress(StoreError):
        path = sqlite_path(connect(settings.database))
        if path is not None and os.access(path.parent, os.W_OK):
            yield lock_directory(
                path.with_name(path.name + DATABASE_LOCK),
                f"another worker uses the database {path}; stop it, or give this one another "
                "STETHO_DATABASE_URL",
            )


@contextmanager
def claimed_database(settings: Settings) -> Iterator[None]:
    """Claim a PostgreSQL database as long as this lasts; end this process when another worker has it.

    One that cannot be reached now is claimed as soon as it can: `assemble` will say why not.

    Raises:
        SettingsError: another worker uses it, at the beginning or by the end.
    """
    if not settings.database.startswith("postgresql"):
        yield
        return
    claim = DatabaseClaim(settings.database, settings.worker_id, is_shared=settings.broker == "nats")
    with suppress(StoreError):
        claim.take()
    claim.keep(lambda: os.kill(os.getpid(), signal.SIGTERM))
    try:
        yield
    finally:
        claim.close()
    if claim.problem:
        raise SettingsError(claim.problem)
