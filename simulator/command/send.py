"""`stetho send`: a device that records a sound file."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulator.command import argument, argument_type

if TYPE_CHECKING:
    from simulator.command.argument import Commands
    from simulator.device.mqtt_connection import Account

_EXAMPLES: Final = """examples:
  stetho send heart.wav --device st-01 --password-file st-01.password
  stetho send heart.wav --device st-01 --loss 0.2 --duplicate 0.2 --reorder 8 --corrupt 0.1
  stetho send heart.flac --device st-01 --sample-rate 4000 --models heart2 --site MV --realtime
  stetho send mitral.wav --device st-01 --site MV --exam visit-7

The result's JSON is on stdout, the device's display on stderr. Exit status: 0 with a result, 1 when the
analysis failed or no result came in time, 2 when the file, the broker or an argument cannot be used."""


def add_send(commands: "Commands") -> None:
    """Add the command that simulates one device."""
    parser = argument.add_command(
        commands, "send", "simulate a device that records a sound file", _EXAMPLES, _send
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="any audio file that libsndfile reads")
    parser.add_argument(
        "--device", type=argument_type.device_id, required=True, metavar="ID", help="such as st-01"
    )
    argument.add_broker(parser)
    parser.add_argument("--username", metavar="NAME", help="user name at the broker (default: the device id)")
    argument.add_format(parser)
    parser.add_argument("--sample-rate", type=argument_type.sample_rate, metavar="HZ", help="resample first")
    parser.add_argument(
        "--site", type=argument_type.site, metavar="MV", help="auscultation site: AV, PV, TV or MV"
    )
    parser.add_argument(
        "--exam", type=argument_type.exam_id, metavar="ID", help="exam that the recording belongs to"
    )
    parser.add_argument(
        "--realtime", action="store_true", help="send each chunk when it would have been recorded"
    )
    argument.add_timeout(parser)
    faults = parser.add_argument_group("network faults")
    faults.add_argument(
        "--loss",
        type=argument_type.probability,
        default=0.0,
        metavar="P",
        help="probability that a chunk is lost",
    )
    faults.add_argument(
        "--duplicate",
        type=argument_type.probability,
        default=0.0,
        metavar="P",
        help="probability that it is sent twice",
    )
    faults.add_argument(
        "--reorder",
        type=argument_type.count,
        default=0,
        metavar="N",
        help="how many later chunks may overtake one",
    )
    faults.add_argument(
        "--corrupt",
        type=argument_type.probability,
        default=0.0,
        metavar="P",
        help="probability that one byte is changed",
    )
    faults.add_argument(
        "--seed", type=argument_type.count, default=0, metavar="S", help="seed of these faults (default: 0)"
    )
    full = parser.add_argument_group("the full result, which only an operator may read")
    full.add_argument("--full", action="store_true", help="print it instead of the compact one")
    full.add_argument(
        "--operator-username", metavar="NAME", help="default: $STETHO_OPERATOR_USERNAME, operator"
    )
    full.add_argument("--operator-password", metavar="TEXT", help="default: $STETHO_OPERATOR_PASSWORD")


def _send(args: argparse.Namespace) -> int:
    from simulator.device.mqtt_connection import Account  # noqa: PLC0415
    from simulator.device.network_fault import FaultInjector, FaultRates  # noqa: PLC0415
    from simulator.device.session import ResultTimeoutError, Session  # noqa: PLC0415
    from simulator.sound.sound_file import read  # noqa: PLC0415

    sound = read(args.file, args.sample_rate)
    argument.check_chunk_samples(args.chunk_samples, sound.pcm.shape[1])
    rates = FaultRates(args.loss, args.duplicate, args.reorder, args.corrupt)
    account = Account(args.username or args.device, argument.password_of(args))
    session = Session(argument.broker_address(args), args.device, account, FaultInjector(rates, args.seed))
    if args.full:
        session.subscribe_as_operator(_operator(args))
    try:
        outcome = session.play(
            sound,
            models=args.models,
            site=args.site,
            exam=args.exam,
            chunk_samples=args.chunk_samples,
            in_real_time=args.realtime,
            timeout_s=args.timeout,
        )
    except ResultTimeoutError as error:
        print(f"stetho send: {error}", file=sys.stderr)
        return 1
    print(outcome.payload.decode())
    return 1 if outcome.status == "error" else 0


def _operator(args: argparse.Namespace) -> "Account":
    from simulator.device.mqtt_connection import Account  # noqa: PLC0415

    username = args.operator_username or os.environ.get("STETHO_OPERATOR_USERNAME", "operator")
    password = args.operator_password or os.environ.get("STETHO_OPERATOR_PASSWORD", "")
    return Account(username, password, "operator")
