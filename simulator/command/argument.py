"""Command line arguments that several commands share."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_worker import text_file
from edge_worker.errors import SettingsError
from edge_worker.protocol.chunk import MAX_BODY_BYTES, SAMPLE_BYTES
from simulator.command import argument_type

if TYPE_CHECKING:
    from simulator.device.mqtt_connection import Address
    from simulator.sound.microphone import Microphone

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    Group = argparse._MutuallyExclusiveGroup

DEFAULT_MICROPHONE: Final = -1
"""Value of `--microphone` without a number: the default microphone."""
DISCLAIMER: Final = "Research and education, not a medical device: labels describe a sound, not a diagnosis."


def add_command(
    commands: "Commands", name: str, purpose: str, examples: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a subcommand that calls `run` and return its parser."""
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
    """Add the options of the connection to the broker."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="broker, of a cluster HOST,HOST (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=argument_type.port, default=1883, help="its port (default: %(default)s)"
    )
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="certificate of the CA: use TLS")
    parser.add_argument("--password", metavar="TEXT", help="default: $STETHO_DEVICE_PASSWORD")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password")


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add the size of chunks and the models to request."""
    parser.add_argument(
        "--chunk-samples",
        type=argument_type.positive,
        default=8192,
        metavar="N",
        help="samples per chunk (%(default)s)",
    )
    parser.add_argument(
        "--models", type=argument_type.names, default=(), metavar="A,B", help="models to request"
    )


def add_microphone(group: "Group") -> None:
    """Add the options that choose a microphone to a group of sound sources."""
    group.add_argument(
        "--microphone",
        type=argument_type.count,
        nargs="?",
        const=DEFAULT_MICROPHONE,
        metavar="N",
        help="record this one of --list; without a number the default one",
    )
    group.add_argument("--list", action="store_true", help="list the microphones and exit")


def chosen_microphone(args: argparse.Namespace) -> "Microphone | None":
    """Return the microphone that `--microphone` chose; None when another source was chosen.

    Raises:
        SettingsError, AudioError: as `Microphone`.
    """
    from simulator.sound.microphone import Microphone  # noqa: PLC0415 - numpy takes a while, and --help is quick

    if args.microphone is None:
        return None
    number = None if args.microphone == DEFAULT_MICROPHONE else int(args.microphone)
    return Microphone(number, getattr(args, "sample_rate", None))


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """Add the timeout."""
    help_text = "seconds to wait for an analyser, and again for the result (default: %(default)g)"
    parser.add_argument("--timeout", type=argument_type.seconds, default=60.0, metavar="S", help=help_text)


def broker_address(args: argparse.Namespace) -> "Address":
    """Return the address of the broker."""
    from simulator.device.mqtt_connection import Address  # noqa: PLC0415 - paho takes a while, and --help is quick

    return Address(args.host, args.port, args.ca_file)


def password_of(args: argparse.Namespace) -> str:
    """Return the password of the device, from `--password`, `--password-file` or the environment.

    Raises:
        SettingsError: the file cannot be read.
    """
    if args.password is not None:
        return str(args.password)
    if args.password_file is not None:
        return read_text(args.password_file).split("\n", 1)[0].strip()
    return os.environ.get("STETHO_DEVICE_PASSWORD", "")


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        return text_file.read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}); name a text file") from error


def check_chunk_samples(chunk_samples: int, channels: int) -> None:
    """Refuse chunks that are larger than the protocol allows.

    Raises:
        SettingsError: a chunk of `chunk_samples` per channel would be too large.
    """
    limit = MAX_BODY_BYTES // (SAMPLE_BYTES * channels)
    if chunk_samples > limit:
        raise SettingsError(
            f"--chunk-samples {chunk_samples} is too much; a chunk of this sound holds at most {limit}"
        )
