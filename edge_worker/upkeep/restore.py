"""Command `stetho restore`: brings a backup back into an empty data directory, each file checked by its hash.

Everything is written and checked in a folder of its own first. Then it is moved into place, the database
last: a restore that is interrupted leaves no site that looks whole.
"""

import argparse
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tqdm import tqdm

from edge_worker.audio_store.sound import FOLDER
from edge_worker.database.revision import REVISION
from edge_worker.directory_lock import lock_directory
from edge_worker.errors import BackupError, StethoError
from edge_worker.own_command import stetho
from edge_worker.private_files import keep_private
from edge_worker.settings import Settings
from edge_worker.upkeep import disk_reserve
from edge_worker.upkeep.archive import BROKER, DATA, Archive
from edge_worker.upkeep.backup import DATABASE

_DRAFT: Final = ".restore"
_LOCK: Final = "worker.lock"
_OURS: Final = {_DRAFT, _LOCK, disk_reserve.NAME, "lost+found"}
"""What may lie in a directory that counts as empty."""
_REPLACED: Final = "replaced"
_MARGIN: Final = 16 * 2**20
_EXAMPLES: Final = """examples:
  stetho restore /mnt/usb/site.stetho                     into STETHO_DATA_DIR, which must be empty
  stetho restore /mnt/usb/site.stetho --into /srv/stetho  into another directory
  stetho restore /mnt/usb/site.stetho --broker /var/lib/stetho/broker   accounts and certificates, too

Stop worker and API first. With --force, what is there is moved to the folder `replaced` beside it.
Exit status: 0, or 2 with one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="stetho restore",
        description="Restore a site from a backup.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a file that `stetho backup` wrote")
    parser.add_argument("--into", type=Path, metavar="DIR", help="directory instead of STETHO_DATA_DIR")
    parser.add_argument("--broker", type=Path, metavar="DIR", help="restore the state of the broker there")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_environ(os.environ)
        into = options.into or settings.data_dir
        if settings.database_url and options.into is None:
            raise BackupError(f"STETHO_DATABASE_URL names another database than {into / DATABASE}; unset it")
        with Archive(options.file) as archive:
            _restore(archive, into, options.broker, may_replace=options.force)
            place = str(archive.facts.get("sounds", ""))
        if place:
            print(
                f"Its sounds are not in it: they are in {place}, which STETHO_AUDIO_URL has to name; a sound "
                "that is not there any more is missing in pages and exports."
            )
        elif settings.audio_url and (into / FOLDER).is_dir():
            command = stetho(f"migrate-audio --from {shlex.quote(str(into))} --to {settings.audio_url}")
            print(f"Its sounds are in {into / FOLDER}: `{command}` brings them into the bucket.")
    except (StethoError, OSError) as error:
        print(f"stetho restore: {error}", file=sys.stderr)
        return 2
    return 0


def _restore(archive: Archive, into: Path, broker: Path | None, *, may_replace: bool) -> None:
    schema = str(archive.facts["schema"])
    if schema > REVISION:
        raise BackupError(
            f"the backup is of schema {schema}, this program knows {REVISION}; install a newer one"
        )
    if broker is not None and not archive.size(BROKER):
        raise BackupError(
            f"the backup holds no accounts; leave out --broker, and run `{stetho('provision init')}`"
        )
    parts = {DATA: into} if broker is None else {DATA: into, BROKER: broker}
    for folder in parts.values():
        _require_empty(folder, may_replace=may_replace)
        keep_private(folder)
        folder.mkdir(parents=True, exist_ok=True)
    refusal = f"a worker uses {into}; stop it, or restore into another directory"
    with lock_directory(into / _LOCK, refusal):
        for part, folder in parts.items():
            _require_room(folder, archive.size(part))
        for part, folder in parts.items():
            _extract(archive, part, folder)
        for folder in reversed(parts.values()):
            _move_into_place(folder)
    print(
        f"{into}: {archive.facts['recordings']} recordings as of {archive.facts['made_at']}. "
        "Start the worker; everybody signs in to the dashboard again."
    )


def _require_empty(folder: Path, *, may_replace: bool) -> None:
    if not folder.exists():
        return
    if not folder.is_dir():
        raise BackupError(f"{folder} is no directory; name another one")
    if not may_replace and any(path.name not in _OURS for path in folder.iterdir()):
        raise BackupError(f"{folder} is not empty; name another directory, or add --force")


def _require_room(folder: Path, size: int) -> None:
    shutil.rmtree(folder / _DRAFT, ignore_errors=True)  # of a restore that was interrupted
    free = shutil.disk_usage(folder).free
    if free < size + _MARGIN:
        raise BackupError(
            f"{folder} has {free >> 20} MiB left, the site takes {(size + _MARGIN) >> 20} MiB; make room, or "
            "name another disk"
        )


def _extract(archive: Archive, part: str, folder: Path) -> None:
    draft = folder / _DRAFT
    try:
        with tqdm(
            total=archive.size(part), desc=part, unit="B", unit_scale=True, disable=None, leave=False
        ) as bar:
            archive.extract(part, draft, bar.update)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    os.sync()


def _move_into_place(folder: Path) -> None:
    """Move what was there aside, then what was restored into place, the database last."""
    former = [path for path in folder.iterdir() if path.name not in {*_OURS, _REPLACED}]
    if former:
        aside = folder / _REPLACED / f"{datetime.now(UTC):%Y%m%dT%H%M%S}"
        aside.mkdir(parents=True)
        for path in sorted(former, key=lambda path: path.name != DATABASE):
            path.rename(aside / path.name)
        print(f"What was in {folder} is in {aside}: delete it when all is well.")
    for path in sorted((folder / _DRAFT).iterdir(), key=lambda path: path.name == DATABASE):
        path.rename(folder / path.name)
    (folder / _DRAFT).rmdir()
    os.sync()


if __name__ == "__main__":
    sys.exit(main())
