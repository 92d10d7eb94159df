"""`stetho synth`: a synthesised heart sound in a file."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_worker.errors import SettingsError
from simulator.command import argument, argument_type

if TYPE_CHECKING:
    from simulator.command.argument import Commands

_FINDINGS: Final = ("normal", "murmur", "extrasystole", "third-sound", "artifact")
_EXAMPLES: Final = """examples:
  stetho synth --bpm 72 --finding murmur -o murmur.wav
  stetho synth --seconds 4 --sample-rate 4000 --noise-db -20 --seed 3 -o noisy.flac"""


def add_synth(commands: "Commands") -> None:
    """Add the command that writes a synthesised heart sound."""
    parser = argument.add_command(commands, "synth", "synthesise a heart sound", _EXAMPLES, _synth)
    parser.add_argument("--finding", choices=_FINDINGS, default="normal", help="finding to synthesise")
    parser.add_argument(
        "--bpm", type=argument_type.heart_rate, default=72.0, metavar="BPM", help="heart rate (72)"
    )
    parser.add_argument(
        "--seconds", type=argument_type.sound_seconds, default=8.0, metavar="S", help="length (8)"
    )
    parser.add_argument(
        "--sample-rate", type=argument_type.sample_rate, default=44_100, metavar="HZ", help="(44100)"
    )
    parser.add_argument(
        "--noise-db",
        type=argument_type.decibels,
        default=-45.0,
        metavar="DB",
        help="level of the noise relative to the loudest sample (-45)",
    )
    parser.add_argument(
        "--seed", type=argument_type.count, default=0, metavar="S", help="seed of all random variation (0)"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="such as heart.wav")


def _synth(args: argparse.Namespace) -> int:
    from simulator.sound.heart_sound import heart_sound  # noqa: PLC0415
    from simulator.sound.sound_file import from_samples, write  # noqa: PLC0415

    try:
        sound = heart_sound(
            args.finding, args.bpm, args.seconds, args.sample_rate, args.seed, noise_db=args.noise_db
        )
    except ValueError as error:
        raise SettingsError(str(error)) from error
    write(args.output, from_samples(sound.samples, sound.sample_rate))
    return 0
