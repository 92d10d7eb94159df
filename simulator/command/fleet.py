"""`stetho fleet`: load test with many simulated devices."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_worker.errors import SettingsError
from edge_worker.protocol import strict_json
from simulator.command import argument, argument_type

if TYPE_CHECKING:
    from simulator.command.argument import Commands
    from simulator.device.mqtt_connection import Account

_EXAMPLES: Final = """examples:
  stetho fleet --devices 20 --seconds 30 --credentials fleet.json
  stetho fleet --devices 200 --seconds 60 --ramp 5 --password shared

Ends with one JSON object on stdout. Exit status: 0 when every recording got its result, else 1; 2 when the
broker refuses. If max_late_s is more than the length of a chunk, this machine is too slow for the fleet."""


def add_fleet(commands: "Commands") -> None:
    """Add the command that runs a load test."""
    parser = argument.add_command(
        commands, "fleet", "run a load test with many devices that record at once", _EXAMPLES, _fleet
    )
    parser.add_argument(
        "--devices", type=argument_type.positive, required=True, metavar="N", help="number of devices"
    )
    parser.add_argument(
        "--seconds", type=argument_type.seconds, required=True, metavar="S", help="duration of the test"
    )
    argument.add_broker(parser)
    parser.add_argument("--credentials", type=Path, metavar="FILE", help="JSON object: device id to password")
    parser.add_argument(
        "--device-prefix",
        default="sim-",
        metavar="TEXT",
        help="prefix of the device ids (sim-, as in sim-0000)",
    )
    argument.add_format(parser)
    parser.add_argument(
        "--sample-rate", type=argument_type.sample_rate, default=44_100, metavar="HZ", help="(44100)"
    )
    parser.add_argument(
        "--recording-seconds",
        type=argument_type.sound_seconds,
        default=4.0,
        metavar="S",
        help="length of a recording (4)",
    )
    parser.add_argument(
        "--ramp",
        type=argument_type.seconds,
        default=0.0,
        metavar="S",
        help="open the connections over S seconds",
    )
    argument.add_timeout(parser)


def _fleet(args: argparse.Namespace) -> int:
    from simulator.device.fleet import Fleet, LoadPlan, template_recordings  # noqa: PLC0415

    argument.check_chunk_samples(args.chunk_samples, 1)
    plan = LoadPlan(args.seconds, args.recording_seconds, args.ramp, args.timeout, args.models)
    recordings = template_recordings(args.recording_seconds, args.sample_rate, args.chunk_samples)
    report = Fleet(argument.broker_address(args), _accounts(args), recordings, plan).run()
    print(strict_json.write(report))
    return 0 if report["results"] == report["recordings_planned"] else 1


def _accounts(args: argparse.Namespace) -> "list[Account]":
    from simulator.device.mqtt_connection import Account  # noqa: PLC0415

    if args.credentials is None:
        password = argument.password_of(args)
        return [Account(f"{args.device_prefix}{number:04d}", password) for number in range(args.devices)]
    return _parse_accounts(argument.read_text(args.credentials), args.device_prefix, args.devices)


def _parse_accounts(text: str, prefix: str, count: int) -> "list[Account]":
    """Return the first `count` accounts whose device ids begin with `prefix` from JSON `{device: password}`.

    Raises:
        SettingsError: `text` is not such an object, or has too few accounts.
    """
    from simulator.device.mqtt_connection import Account  # noqa: PLC0415

    try:
        passwords = json.loads(text)
        accounts = [
            Account(name, str(password)) for name, password in passwords.items() if name.startswith(prefix)
        ]
    except (ValueError, AttributeError) as error:
        raise SettingsError(
            'the credentials are not a JSON object such as {"sim-0000": "password"}'
        ) from error
    if len(accounts) < count:
        raise SettingsError(f"the credentials name {len(accounts)} devices {prefix}…; {count} are needed")
    return accounts[:count]
