"""Command `stetho migrate-audio`: the sounds of a site move from a directory to a bucket, or back."""

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from tqdm import tqdm

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.audio_store.opening import audio_at
from edge_worker.audio_store.sound import ASIDE, FOLDER, Sound
from edge_worker.errors import AudioOwnerError, SettingsError, StethoError
from edge_worker.settings import Settings, is_bucket

_S3: Final = "s3://"
_AT_ONCE: Final = 8
_BLOCK_BYTES: Final = 2**20
_EXAMPLES: Final = """examples:
  stetho migrate-audio --from /var/lib/stetho/data --to s3://sounds/ward-3
  stetho migrate-audio --from s3://sounds/ward-3 --to /var/lib/stetho/data

AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and so on are as for the worker: docs/configuration.md. A site may run
meanwhile: what is there already is left out, so run it once more when worker and API are stopped, then set
STETHO_AUDIO_URL for all programs and start them. Nothing is deleted where the sounds were.
Exit status: 0 when all sounds are there, or 2 with one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="stetho migrate-audio",
        description="Copy the sounds of a site from its data directory into an S3-compatible store, or back.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    of_either = "data directory, or s3://BUCKET/PREFIX"
    parser.add_argument("--from", dest="source", required=True, metavar="PLACE", help=of_either)
    parser.add_argument("--to", dest="target", required=True, metavar="PLACE", help=of_either)
    options = parser.parse_args(arguments)
    try:
        secret = Settings.from_environ(os.environ).read_password("audio_secret_file")
        source, target = (_store(place, secret) for place in (options.source, options.target))
        copied, there = _copy(source, target)
    except (StethoError, OSError) as error:
        print(f"stetho migrate-audio: {error}", file=sys.stderr)
        return 2
    print(f"{copied} sounds copied, {there} are there now {target.check()}: all of {options.source}.")
    return 0


def _store(place: str, secret: str) -> AudioStore:
    if place.startswith(_S3):
        if not is_bucket(place):
            raise SettingsError(f"{place} is no place of sounds; use s3://BUCKET or s3://BUCKET/PREFIX")
        return audio_at(place, secret, Path())
    if not Path(place).is_dir():
        raise SettingsError(f"{place} is no directory; name the data directory of the site")
    return audio_at("", secret, Path(place))


def _copy(source: AudioStore, target: AudioStore) -> tuple[int, int]:
    """Copy what the target lacks; return how many sounds these were, and how many it has of the source.

    Raises:
        StethoError: a store refuses, or the target has not all at the end.
        OSError: a disk refuses.
    """
    source.check()
    owner = _owner(source, target)
    there = _sizes(target)
    wanted = [sound for sound in _sounds(source) if there.get(sound.name) != sound.size]
    size = sum(sound.size for sound in wanted)
    bar = tqdm(total=size, unit="B", unit_scale=True, disable=None, leave=False)
    with bar, ThreadPoolExecutor(_AT_ONCE, "copy") as threads:
        try:
            for copied in threads.map(partial(_copy_one, target), wanted):
                bar.update(copied)
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    there, left = _sizes(target), list(_sounds(source))
    lacking = [sound.name for sound in left if there.get(sound.name) != sound.size]
    if lacking:
        raise SettingsError(f"{len(lacking)} sounds are not there yet, such as {lacking[0]}: run it again")
    if owner:
        target.set_owner(owner)
    return len(wanted), len(left)


def _owner(source: AudioStore, target: AudioStore) -> str:
    """Return whose sounds these are, an empty text where nobody has said so.

    Raises:
        AudioOwnerError: those of another site are there already.
    """
    owner, other = source.owner(), target.owner()
    if other and other != owner and any(target.sounds()):
        raise AudioOwnerError(f"{target.place} has the sounds of another site: name a place of its own")
    return owner


def _copy_one(target: AudioStore, sound: Sound) -> int:
    """Copy a sound; return its size."""
    try:
        with sound.open() as file:
            target.write(sound.name, iter(partial(file.read, _BLOCK_BYTES), b""), sound.size)
    except FileNotFoundError:  # deleted meanwhile
        return 0
    return sound.size


def _sounds(store: AudioStore) -> list[Sound]:
    return [*store.sounds(FOLDER), *store.sounds(ASIDE)]


def _sizes(store: AudioStore) -> dict[str, int]:
    return {sound.name: sound.size for sound in _sounds(store)}


if __name__ == "__main__":
    sys.exit(main())
