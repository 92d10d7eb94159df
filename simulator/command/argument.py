"""Command line arguments that several commands take, and the types of their values."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_worker.errors import SettingsError
from edge_worker.protocol.chunk import MAX_BODY_BYTES, MAX_RATE_HZ, MIN_RATE_HZ, SAMPLE_BYTES
from edge_worker.protocol.meta import MAX_MODEL_NAME, MAX_MODELS, MAX_SITE
from edge_worker.protocol.topics import DEVICE_ID, EXAM_ID
from simulator.sound.heartbeat import MAX_BPM, MIN_BPM

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    Group = argparse._MutuallyExclusiveGroup

DEFAULT_MICROPHONE: Final = -1
"""`--microphone` without a number."""
DISCLAIMER: Final = "Research and education, not a medical device: labels describe a sound, not a diagnosis."


def add_command(
    commands: "Commands", name: str, purpose: str, examples: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a subcommand that calls `run`, and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=f"{examples}\n\n{DISCLAIMER}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_broker(parser: argparse.ArgumentParser) -> None:
    """Add how to reach the broker."""
    parser.add_argument("--host", default="127.0.0.1", help="broker (default: %(default)s)")
    parser.add_argument("--port", type=port, default=1883, help="its port (default: %(default)s)")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="certificate of the CA: use TLS")
    parser.add_argument("--password", metavar="TEXT", help="default: $STETHO_DEVICE_PASSWORD")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password")


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add how the sound is cut and what is to be made of it."""
    parser.add_argument(
        "--chunk-samples", type=positive, default=8192, metavar="N", help="samples a chunk (%(default)s)"
    )
    parser.add_argument("--models", type=names, default=(), metavar="A,B", help="models to ask for")


def add_microphone(group: "Group") -> None:
    """Add what chooses a microphone, beside other sources of sound."""
    group.add_argument(
        "--microphone",
        type=count,
        nargs="?",
        const=DEFAULT_MICROPHONE,
        metavar="N",
        help="record this one of --list; without a number the default one",
    )
    group.add_argument("--list", action="store_true", help="list the microphones, and end")


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add how long to wait."""
    help_text = "wait so long for an analyser, and again for the result (default: %(default)g)"
    parser.add_argument("--timeout", type=seconds, default=60.0, metavar="S", help=help_text)


def password_of(args: argparse.Namespace) -> str:
    """Return the password of the device: given, in a file, or in the environment.

    Raises:
        SettingsError: the file cannot be read.
    """
    if args.password is not None:
        return str(args.password)
    if args.password_file is not None:
        return read_text(args.password_file).partition("\n")[0].strip()
    return os.environ.get("STETHO_DEVICE_PASSWORD", "")


def read_text(path: Path) -> str:
    """Return what is in a file with secrets.

    Raises:
        SettingsError: it cannot be read.
    """
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}); name a text file") from error


def check_chunk_samples(chunk_samples: int, channels: int) -> None:
    """Refuse chunks larger than the protocol allows.

    Raises:
        SettingsError: they are.
    """
    most = MAX_BODY_BYTES // (SAMPLE_BYTES * channels)
    if chunk_samples > most:
        raise SettingsError(
            f"--chunk-samples {chunk_samples} is too much; a chunk of this sound holds at most {most}"
        )


def device_id(text: str) -> str:
    """Return `text` as a device id."""
    if not DEVICE_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a device id; use 1 to 32 of a-z, 0-9 and -")
    return text


def names(text: str) -> tuple[str, ...]:
    """Return the comma separated parts of `text`, no more and no longer than META takes."""
    found = tuple(name.strip() for name in text.split(",") if name.strip())
    if len(found) > MAX_MODELS or any(len(name) > MAX_MODEL_NAME for name in found):
        raise argparse.ArgumentTypeError(f"at most {MAX_MODELS} names of {MAX_MODEL_NAME} characters")
    return found


def site(text: str) -> str:
    """Return `text` as a place on the chest that META takes."""
    if len(text) > MAX_SITE or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is not a text of at most {MAX_SITE} characters")
    return text


def exam_id(text: str) -> str:
    """Return `text` as the id of an exam."""
    if not EXAM_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an exam id; use 1 to 32 of a-z, 0-9 and -")
    return text


def positive(text: str) -> int:
    """Return `text` as a whole number of at least 1."""
    return _whole(text, 1, 2**32)


def count(text: str) -> int:
    """Return `text` as a whole number of at least 0."""
    return _whole(text, 0, 2**32)


def port(text: str) -> int:
    """Return `text` as a TCP port."""
    return _whole(text, 1, 65_535)


def sample_rate(text: str) -> int:
    """Return `text` as a sample rate of the protocol, Hz."""
    return _whole(text, MIN_RATE_HZ, MAX_RATE_HZ)


def probability(text: str) -> float:
    """Return `text` as a number of 0 to 1."""
    return _number(text, 0.0, 1.0)


def seconds(text: str) -> float:
    """Return `text` as a time of up to a day, s."""
    return _number(text, 0.0, 86_400.0)


def sound_seconds(text: str) -> float:
    """Return `text` as the length of a sound, s: it is held in memory."""
    return _number(text, 0.0, 600.0)


def decibels(text: str) -> float:
    """Return `text` as a level below full scale, dB."""
    return _number(text, -200.0, 0.0)


def heart_rate(text: str) -> float:
    """Return `text` as a heart rate, beats a minute."""
    return _number(text, MIN_BPM, MAX_BPM)


def _whole(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} to {most}")
    return int(text)


def _number(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of {least:g} to {most:g}")
    return number
