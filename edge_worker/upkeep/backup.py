"""Command `stetho backup`: everything that a site has stored, in one file, while the site runs.

Order makes it whole: first what is still arriving, then the database, then the audio that it names. What
is stored in between is in both, which the next start of a worker recognises.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tqdm import tqdm

from edge_worker import __version__
from edge_worker.audio_store.audio_store import AudioStore, require
from edge_worker.audio_store.opening import open_audio
from edge_worker.audio_store.sound import FOLDER
from edge_worker.database.revision import REVISION
from edge_worker.errors import AudioError, BackupError, StethoError
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.settings import Settings
from edge_worker.upkeep import snapshot
from edge_worker.upkeep.archive import BROKER, DATA, ArchiveWriter

DATABASE: Final = "stetho.db"
"""Name of the database in a data directory, and in an archive."""
NOT_KEPT: Final = (FOLDER, "spool", "cache", "replaced")
"""Folders of a data directory that are not copied as they are: the first two are copied with care."""
_OF_ONE_PROCESS: Final = ("notify/notify.db", "notify/lock")
"""What has to be sent now, not on another day; names begin so. The rules of notifications are kept."""
_MARGIN: Final = 16 * 2**20
_STATE_TRIES: Final = 5
_EXAMPLES: Final = """examples:
  stetho backup /mnt/usb/site.stetho                        while the site runs
  stetho backup /mnt/usb/site.stetho --broker /var/lib/stetho/broker   with accounts and certificates
  stetho backup /mnt/usb/$(date +%F).stetho                 each night, from cron

It holds recordings, results, reviews, keys of the API, clips and models trained here, rules of
notifications with their passwords; no settings, pictures or sessions of browsers, and no sounds that are
in a bucket (STETHO_AUDIO_URL). It is as private as the site. `stetho restore FILE` brings it back.
Exit status: 0; 1 when the audio of some recordings could not be read; 2 with one sentence, and no file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho backup",
        description="Back up a site into one file, while it runs.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="file to write")
    parser.add_argument("--broker", type=Path, metavar="DIR", help="state directory of the broker to include")
    parser.add_argument("--force", action="store_true", help="replace FILE where it exists")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.from_environ(os.environ)
        _require_place(options.file, settings.data_dir, may_replace=options.force)
        lost = _back_up(settings, options.file, options.broker)
    except (StethoError, OSError) as error:
        print(f"stetho backup: {error}", file=sys.stderr)
        return 2
    if lost:
        names = ", ".join(lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")  # noqa: PLR2004
        print(f"stetho backup: without the audio of {names}, which cannot be read", file=sys.stderr)
    return 1 if lost else 0


def _require_place(file: Path, data_dir: Path, *, may_replace: bool) -> None:
    if file.resolve().is_relative_to(data_dir.resolve()):
        raise BackupError(f"{file} is in the data directory; a backup belongs on another disk")
    if not file.absolute().parent.is_dir():
        raise BackupError(f"{file.absolute().parent} is no directory; make it first")
    if file.is_dir():
        raise BackupError(f"{file} is a directory; name a file in it")
    if file.exists() and not may_replace:
        raise BackupError(f"{file} exists already; name another file, or add --force")


def _back_up(settings: Settings, file: Path, broker: Path | None) -> list[str]:
    """Write the archive; return the audio files that could not be read."""
    data_dir, database = settings.data_dir, snapshot.sqlite_file(settings.database)
    if broker is not None and not (broker / "passwords").is_file():
        raise BackupError(f"{broker} is no state directory of a broker: it has no `passwords`")
    audio = open_audio(settings)
    # A bucket stays where it is when this machine is lost, and is large: it is not copied here.
    sounds = 0 if audio.is_remote else sum(sound.size for sound in audio.sounds())
    size = _size_of(data_dir, database, broker) + sounds
    _require_room(file, size + database.stat().st_size)
    copy = file.with_name(f"{file.name}.db.part")
    bar = tqdm(total=size, unit="B", unit_scale=True, disable=None, leave=False)
    try:
        with bar, ArchiveWriter(file, bar.update) as archive:
            open_recordings = _add_spool(archive, data_dir / "spool")
            snapshot.take(database, copy)
            snapshot.forget_browser_sessions(copy)
            lost = [] if audio.is_remote else _add_audio(archive, audio, database, copy)
            archive.add_file(f"{DATA}/{DATABASE}", copy)
            for name, path in _others(data_dir, broker):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    archive.add(name, path.read_bytes())
            recordings = len(snapshot.audio_files(copy))
            archive.commit(
                {
                    "made_at": rfc3339(datetime.now(UTC)),
                    "program": __version__,
                    "schema": REVISION,
                    "recordings": recordings,
                    "lost": lost,
                    "sounds": settings.audio_url,
                }
            )
    finally:
        copy.unlink(missing_ok=True)
    print(
        f"{file}: {recordings} recordings and {open_recordings} that are still arriving, "
        f"{file.stat().st_size / 2**20:.1f} MiB."
    )
    if audio.is_remote:
        print(f"The sounds are not in it: they stay in {settings.audio_url}, which has its own backup.")
    if broker is None:
        print("The broker's accounts and certificates are not in it; --broker DIR adds them.")
    return lost


def _add_spool(archive: ArchiveWriter, spool: Path) -> int:
    """Add what is still arriving; return how many recordings and streams that is."""
    count = 0
    for path in sorted(spool.glob("*/*")):
        name = f"{DATA}/spool/{path.parent.name}/{path.name}"
        try:
            contents = _stream(path) if path.is_dir() else {"": path.read_bytes()}
        except FileNotFoundError:  # stored meanwhile: the database, which is copied later, has it
            continue
        for each, content in contents.items():
            archive.add(f"{name}/{each}" if each else name, content)
        count += 1
    return count


def _stream(folder: Path) -> dict[str, bytes]:
    """Return the files of a stream, its state no newer than its audio: that is deleted after a new state."""
    state = folder / "state.json"
    for _ in range(_STATE_TRIES):
        before = state.read_bytes() if state.exists() else b""
        contents = {path.name: path.read_bytes() for path in sorted(folder.glob("*.chunks"))}
        if before == (state.read_bytes() if state.exists() else b""):
            break
    return contents | ({state.name: before} if before else {})


def _add_audio(archive: ArchiveWriter, audio: AudioStore, database: Path, copy: Path) -> list[str]:
    """Add the WAV files that the snapshot names; return those that cannot be read.

    What was deleted while this ran is deleted from the snapshot, too.
    """
    missing = []
    for name in snapshot.audio_files(copy):
        try:
            with require(audio, name).open() as file:
                archive.add(f"{DATA}/{name}", file.read())
        except (AudioError, OSError):
            missing.append(name)
    named = snapshot.still_named(database, missing)
    snapshot.forget(copy, [name for name in missing if name not in named])
    return [name for name, is_kept in named.items() if is_kept]


def _others(data_dir: Path, broker: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield the other files that belong to a site, with their names in an archive."""
    folders = (path for path in data_dir.iterdir() if path.is_dir() and path.name not in NOT_KEPT)
    for folder in sorted(path for path in folders if not path.name.startswith(DATABASE)):  # damaged ones
        for path in _files(folder):
            if not (name := path.relative_to(data_dir).as_posix()).startswith(_OF_ONE_PROCESS):
                yield f"{DATA}/{name}", path
    if broker is not None:
        for path in _files(broker):
            inside = path.relative_to(broker)
            # Not the broker's own queue, which devices fill again, its log and its process id.
            if inside.parts[0] != "data" and path.suffix not in (".log", ".pid"):
                yield f"{BROKER}/{inside}", path


def _files(folder: Path) -> list[Path]:
    """Return all files below a folder but drafts, which are hidden or in hidden folders."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(
        path for path in files if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


def _size_of(data_dir: Path, database: Path, broker: Path | None) -> int:
    paths = _files(data_dir / "spool")
    paths += [path for _, path in _others(data_dir, broker)]
    return database.stat().st_size + sum(_size(path) for path in paths)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _require_room(file: Path, size: int) -> None:
    free = shutil.disk_usage(file.absolute().parent).free
    if free < size + _MARGIN:
        raise BackupError(
            f"{file.absolute().parent} has {free >> 20} MiB left, the backup takes {(size + _MARGIN) >> 20} "
            "MiB; make room, or name another disk"
        )


if __name__ == "__main__":
    sys.exit(main())
