"""The commands `send`, `synth` and `fleet`. What one needs is imported when it runs: --help is quick."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_worker.errors import SettingsError
from simulator.command import argument

if TYPE_CHECKING:
    from simulator.command.argument import Commands
    from simulator.device.mqtt_connections import Account, Address

_FINDINGS: Final = ("normal", "murmur", "extrasystole", "third-sound", "artifact")
_SEND: Final = """examples:
  python -m simulator send heart.wav --device st-01 --password-file st-01.password
  python -m simulator send heart.wav --device st-01 --loss 0.2 --duplicate 0.2 --reorder 8 --corrupt 0.1
  python -m simulator send heart.flac --device st-01 --sample-rate 4000 --models heart2 --site MV --realtime
  python -m simulator send mitral.wav --device st-01 --site MV --exam visit-7

The result's JSON is on stdout, the device's display on stderr. Exit status: 0 with a result, 1 when the
analysis failed or no result came in time, 2 when the file, the broker or an argument cannot be used."""
_SYNTH: Final = """examples:
  python -m simulator synth --bpm 72 --finding murmur -o murmur.wav
  python -m simulator synth --seconds 4 --sample-rate 4000 --noise-db -20 --seed 3 -o noisy.flac"""
_FLEET: Final = """examples:
  python -m simulator fleet --devices 20 --seconds 30 --credentials fleet.json
  python -m simulator fleet --devices 200 --seconds 60 --ramp 5 --password shared

Ends with one JSON object on stdout. Exit status: 0 when every recording got its result, else 1; 2 when the
broker refuses. A max_late_s of more than the length of a chunk: this machine is too slow for the fleet."""


def add_send(commands: "Commands") -> None:
    """Add the command that plays one device."""
    parser = argument.add_command(commands, "send", "play a device that records a sound file", _SEND, _send)
    parser.add_argument("file", type=Path, metavar="FILE", help="any audio file that libsndfile reads")
    parser.add_argument(
        "--device", type=argument.device_id, required=True, metavar="ID", help="such as st-01"
    )
    argument.add_broker(parser)
    parser.add_argument("--username", metavar="NAME", help="at the broker (default: the device id)")
    argument.add_format(parser)
    parser.add_argument("--sample-rate", type=argument.sample_rate, metavar="HZ", help="resample first")
    parser.add_argument(
        "--site", type=argument.site, metavar="MV", help="where on the chest: AV, PV, TV or MV"
    )
    parser.add_argument(
        "--exam", type=argument.exam_id, metavar="ID", help="exam that the recording belongs to"
    )
    parser.add_argument("--realtime", action="store_true", help="send chunks as they would be recorded")
    argument.add_timeout(parser)
    bad = parser.add_argument_group("a bad network")
    bad.add_argument(
        "--loss", type=argument.probability, default=0.0, metavar="P", help="chunks lost, 0 to 1"
    )
    bad.add_argument("--duplicate", type=argument.probability, default=0.0, metavar="P", help="sent twice")
    bad.add_argument(
        "--reorder", type=argument.count, default=0, metavar="N", help="how many may overtake one"
    )
    bad.add_argument(
        "--corrupt", type=argument.probability, default=0.0, metavar="P", help="with a wrong byte"
    )
    bad.add_argument("--seed", type=argument.count, default=0, metavar="S", help="of all this (default: 0)")
    full = parser.add_argument_group("the full result, which only an operator may read")
    full.add_argument("--full", action="store_true", help="print it instead of the compact one")
    full.add_argument(
        "--operator-username", metavar="NAME", help="default: $STETHO_OPERATOR_USERNAME, operator"
    )
    full.add_argument("--operator-password", metavar="TEXT", help="default: $STETHO_OPERATOR_PASSWORD")


def add_synth(commands: "Commands") -> None:
    """Add the command that writes a synthesised heart sound."""
    parser = argument.add_command(commands, "synth", "synthesise a heart sound", _SYNTH, _synth)
    parser.add_argument("--finding", choices=_FINDINGS, default="normal", help="what is to be heard")
    parser.add_argument(
        "--bpm", type=argument.heart_rate, default=72.0, metavar="BPM", help="heart rate (72)"
    )
    parser.add_argument("--seconds", type=argument.sound_seconds, default=8.0, metavar="S", help="length (8)")
    parser.add_argument(
        "--sample-rate", type=argument.sample_rate, default=44_100, metavar="HZ", help="(44100)"
    )
    parser.add_argument(
        "--noise-db",
        type=argument.decibels,
        default=-45.0,
        metavar="DB",
        help="noise against the loudest sample (-45)",
    )
    parser.add_argument("--seed", type=argument.count, default=0, metavar="S", help="of all that varies (0)")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="such as heart.wav")


def add_fleet(commands: "Commands") -> None:
    """Add the load generator."""
    parser = argument.add_command(commands, "fleet", "play many devices that stream at once", _FLEET, _fleet)
    parser.add_argument("--devices", type=argument.positive, required=True, metavar="N", help="how many")
    parser.add_argument("--seconds", type=argument.seconds, required=True, metavar="S", help="how long")
    argument.add_broker(parser)
    parser.add_argument(
        "--credentials", type=Path, metavar="FILE", help="JSON object: device id to password, one each"
    )
    parser.add_argument("--device-prefix", default="sim-", metavar="TEXT", help="sim-, as in sim-0000")
    argument.add_format(parser)
    parser.add_argument(
        "--sample-rate", type=argument.sample_rate, default=44_100, metavar="HZ", help="(44100)"
    )
    parser.add_argument(
        "--recording-seconds",
        type=argument.sound_seconds,
        default=4.0,
        metavar="S",
        help="length of each (4)",
    )
    parser.add_argument("--ramp", type=argument.seconds, default=0.0, metavar="S", help="connect within S")
    argument.add_timeout(parser)


def _send(args: argparse.Namespace) -> int:
    from simulator.device.mqtt_connections import Account  # noqa: PLC0415
    from simulator.device.network_fault import FaultInjector, FaultRates  # noqa: PLC0415
    from simulator.device.session import ResultTimeoutError, Session  # noqa: PLC0415
    from simulator.sound.sound_file import read  # noqa: PLC0415

    sound = read(args.file, args.sample_rate)
    argument.check_chunk_samples(args.chunk_samples, sound.pcm.shape[1])
    rates = FaultRates(args.loss, args.duplicate, args.reorder, args.corrupt)
    account = Account(args.username or args.device, argument.password_of(args))
    session = Session(_address(args), args.device, account, FaultInjector(rates, args.seed))
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
    except ResultTimeoutError as reached:
        print(f"simulator: {reached}", file=sys.stderr)
        return 1
    print(outcome.payload.decode())
    return 1 if outcome.status == "error" else 0


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


def _fleet(args: argparse.Namespace) -> int:
    from simulator.device.fleet import Fleet, LoadPlan, template_recordings  # noqa: PLC0415

    argument.check_chunk_samples(args.chunk_samples, 1)
    plan = LoadPlan(args.seconds, args.recording_seconds, args.ramp, args.timeout, args.models)
    recordings = template_recordings(args.recording_seconds, args.sample_rate, args.chunk_samples)
    report = Fleet(_address(args), _accounts(args), recordings, plan).run()
    print(json.dumps(report))
    return 0 if report["results"] == report["recordings_planned"] else 1


def _address(args: argparse.Namespace) -> "Address":
    from simulator.device.mqtt_connections import Address  # noqa: PLC0415

    return Address(args.host, args.port, args.ca_file)


def _operator(args: argparse.Namespace) -> "Account":
    from simulator.device.mqtt_connections import Account  # noqa: PLC0415

    username = args.operator_username or os.environ.get("STETHO_OPERATOR_USERNAME", "operator")
    password = args.operator_password or os.environ.get("STETHO_OPERATOR_PASSWORD", "")
    return Account(username, password, "operator")


def _accounts(args: argparse.Namespace) -> "list[Account]":
    from simulator.device.fleet import parse_accounts  # noqa: PLC0415
    from simulator.device.mqtt_connections import Account  # noqa: PLC0415

    if args.credentials is None:
        password = argument.password_of(args)
        return [Account(f"{args.device_prefix}{number:04d}", password) for number in range(args.devices)]
    return parse_accounts(argument.read_text(args.credentials), args.device_prefix, args.devices)
