"""Command line arguments that several commands share."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_worker.errors import SettingsError
from edge_worker.protocol.chunk import MAX_BODY_BYTES, SAMPLE_BYTES
from simulator.command import argument_type

if TYPE_CHECKING:
    from simulator.device.mqtt_connection import Address
    from simulator.sound.microphone import Microphone

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
    parser.add_argument(
        "--port", type=argument_type.port, default=1883, help="its port (default: %(default)s)"
    )
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="certificate of the CA: use TLS")
    parser.add_argument("--password", metavar="TEXT", help="default: $STETHO_DEVICE_PASSWORD")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="its first line is the password")


def add_format(parser: argparse.ArgumentParser) -> None:
    """Add how the sound is cut and what is to be made of it."""
    parser.add_argument(
        "--chunk-samples",
        type=argument_type.positive,
        default=8192,
        metavar="N",
        help="samples a chunk (%(default)s)",
    )
    parser.add_argument(
        "--models", type=argument_type.names, default=(), metavar="A,B", help="models to ask for"
    )


def add_microphone(group: "Group") -> None:
    """Add what chooses a microphone, beside other sources of sound."""
    group.add_argument(
        "--microphone",
        type=argument_type.count,
        nargs="?",
        const=DEFAULT_MICROPHONE,
        metavar="N",
        help="record this one of --list; without a number the default one",
    )
    group.add_argument("--list", action="store_true", help="list the microphones, and end")


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
    """Add how long to wait."""
    help_text = "wait so long for an analyser, and again for the result (default: %(default)g)"
    parser.add_argument("--timeout", type=argument_type.seconds, default=60.0, metavar="S", help=help_text)


def broker_address(args: argparse.Namespace) -> "Address":
    """Return where the broker is."""
    from simulator.device.mqtt_connection import Address  # noqa: PLC0415 - paho takes a while, and --help is quick

    return Address(args.host, args.port, args.ca_file)


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
