"""`stetho live`: a device that streams, with its display on stderr."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulator.command import argument, argument_type

if TYPE_CHECKING:
    from simulator.command.argument import Commands
    from simulator.sound.audio_source import AudioSource

_EXAMPLES: Final = """examples:
  stetho live --file heart.wav --device st-01 --password-file st-01.password
  stetho live --file street.flac --device room-01 --models esc50 --seconds 60
  stetho live --list
  stetho live --microphone 1 --device st-01 --site MV --exam visit-7
  stetho live --file heart.wav --device st-01 --remote     the buttons of its page in the dashboard record

The sound is played in real time; the display shows the worker's live values while it plays. The result's
JSON is on stdout. Exit status: 0 with a result, 1 when the analysis failed or no result came in time, 2 when
the sound, the broker or an argument cannot be used. Ctrl-C ends the stream in order."""


def add_live(commands: "Commands") -> None:
    """Add the command that simulates a streaming device."""
    parser = argument.add_command(
        commands, "live", "simulate a device that streams, and show its display", _EXAMPLES, _live
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--file", type=Path, metavar="FILE", help="play an audio file that libsndfile reads, in real time"
    )
    argument.add_microphone(source)
    parser.add_argument(
        "--device", type=argument_type.device_id, default="live-01", metavar="ID", help="(live-01)"
    )
    argument.add_broker(parser)
    argument.add_format(parser)
    parser.add_argument(
        "--sample-rate",
        type=argument_type.sample_rate,
        metavar="HZ",
        help="rate to resample a file to, or to record a microphone at",
    )
    parser.add_argument(
        "--site", type=argument_type.site, metavar="MV", help="auscultation site: AV, PV, TV or MV"
    )
    parser.add_argument(
        "--exam", type=argument_type.exam_id, metavar="ID", help="exam that the stream belongs to"
    )
    parser.add_argument(
        "--seconds",
        type=argument_type.seconds,
        metavar="S",
        help="duration of the stream; a file is repeated until then",
    )
    parser.add_argument(
        "--remote",
        action="store_true",
        help="record when a command says so, not at once: record, stop, identify and restart, until Ctrl-C",
    )
    argument.add_timeout(parser)


def _source(args: argparse.Namespace, *, repeat: bool) -> "AudioSource":
    """Return the sound source that the arguments choose."""
    from simulator.sound.audio_source import FileSource  # noqa: PLC0415
    from simulator.sound.sound_file import read  # noqa: PLC0415

    microphone = argument.chosen_microphone(args)
    if microphone is not None:
        return microphone
    return FileSource(read(args.file, args.sample_rate), repeat=repeat)


def _live(args: argparse.Namespace) -> int:
    from simulator.device.live_session import LiveSession, StreamPlan  # noqa: PLC0415
    from simulator.device.mqtt_connection import Account  # noqa: PLC0415

    if args.list:
        from simulator.sound import microphone  # noqa: PLC0415

        print(microphone.list_microphones())
        return 0
    source = _source(args, repeat=args.seconds is not None)
    argument.check_chunk_samples(args.chunk_samples, source.channels)
    account = Account(args.device, argument.password_of(args))
    session = LiveSession(argument.broker_address(args), account, args.chunk_samples)
    plan = StreamPlan(args.models, args.site, args.exam, args.seconds, args.timeout)
    if args.remote:
        session.serve(lambda repeat: _source(args, repeat=repeat), plan, _print_result)
        return 0
    payload = session.play(source, plan)
    _print_result(payload)
    return 1 if payload is None or session.status == "error" else 0


def _print_result(payload: bytes | None) -> None:
    if payload is None:
        print("stetho live: no result came in time", file=sys.stderr)
    else:
        print(payload.decode(), flush=True)
