"""`stetho provision`: accounts at the broker, and the files that a deployment needs."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from broker import announcement, directory, listener
from broker.account import Accounts, Credentials, role_of
from broker.directory import StateDirectory, write_private
from edge_worker.errors import StethoError

ROLES: Final = {
    "device": "a stethoscope",
    "worker": "an edge worker",
    "operator": "a reader of results",
    "api": "the history API",
    "notify": "the program that sends notifications",
    "homeassistant": "Home Assistant, which shows live values and results",
}
SERVICES: Final = {"worker": "STETHO_MQTT", "api": "STETHO_API_MQTT", "notify": "STETHO_NOTIFY_MQTT"}
"""Our programs that read their password from a file, and the prefix of their settings."""
EXAMPLES: Final = """examples:
  stetho provision init stetho.local 192.168.1.20   certificates, worker and API, once; then
  stetho provision device st-01                     prints the settings of the device
  stetho provision device st-01 --rotate            gives it a new password
  stetho provision operator ann                     an account that reads results: operator-ann
  stetho provision homeassistant                    Home Assistant's MQTT integration
  stetho provision list
  stetho provision remove st-01"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    args = _parser().parse_args(arguments)
    try:
        _run(args, StateDirectory(args.dir or directory.default_path()))
    except (StethoError, OSError, ValueError) as error:
        print(f"stetho provision: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho provision",
        description="Add and remove accounts at the broker.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    directory.add_option(parser)
    commands = parser.add_subparsers(dest="command", required=True)
    init = commands.add_parser("init", help="make the files of a first start; existing ones stay")
    init.add_argument("hosts", nargs="*", metavar="HOST", help="name or address that devices connect to")
    for role, note in ROLES.items():
        command = commands.add_parser(role, help=f"add {note}")
        # A device always has a name; other roles may do without.
        command.add_argument("name", metavar="NAME", nargs=None if role == "device" else "?", default="")
        command.add_argument("--rotate", action="store_true", help="give an existing one a new password")
    commands.add_parser("list", help="show all accounts")
    commands.add_parser("remove", help="remove an account").add_argument("username", metavar="USER")
    return parser


def _run(args: argparse.Namespace, state: StateDirectory) -> None:
    accounts = Accounts(state)
    match args.command:
        case "init":
            _initialise(state, accounts, args.hosts)
        case "list":
            for username in accounts.names():
                print(f"{username}\t{role_of(username)}")
        case "remove":
            accounts.remove(args.username)
            print(f"{args.username} is removed.")
            _reload(state)
        case role:
            credentials = accounts.add(role, args.name, rotate=args.rotate)
            if role in SERVICES:
                _write_service_credentials(state, credentials, SERVICES[role])
            else:
                _print_credentials(state, credentials)
            _reload(state)


def _initialise(state: StateDirectory, accounts: Accounts, hosts: list[str]) -> None:
    from broker import certificate  # noqa: PLC0415 - only this command needs the cryptography package

    names = [*(hosts or [socket.gethostname()]), "localhost", listener.LOOPBACK]
    certificate.ensure(state.certificates, list(dict.fromkeys(names)))
    listener.write(state, listener.deployment_listeners(state))
    for role, prefix in SERVICES.items():
        if role not in accounts.names():
            _write_service_credentials(state, accounts.add(role), prefix)
            _reload(state)
    certified = certificate.hosts(state.certificates)
    print(f"{state.path} is ready for {', '.join(certified)}.")
    print(announcement.write(state, certified))


def _write_service_credentials(state: StateDirectory, credentials: Credentials, prefix: str) -> None:
    """Write the password of a service, and the CA's certificate if there is one, to a folder of its own."""
    folder = state.path / credentials.username
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / "password", f"{credentials.password}\n")
    print(f"{prefix}_USERNAME={credentials.username}")
    print(f"{prefix}_PASSWORD_FILE={folder / 'password'}")
    if (ca := state.certificates / "ca.pem").exists():
        write_private(folder / "ca.pem", ca.read_text())
        print(f"STETHO_MQTT_PORT={listener.TLS.port}")
        print(f"STETHO_MQTT_CA_FILE={folder / 'ca.pem'}")


def _print_credentials(state: StateDirectory, credentials: Credentials) -> None:
    print("The password is shown only now.")
    print(f"  user and client id  {credentials.username}")
    print(f"  password            {credentials.password}")
    if not (state.certificates / "server.pem").exists():
        print(
            f"  host, port          127.0.0.1, {listener.PLAIN.port} (this machine only: no certificates yet)"
        )
        return
    from broker import certificate  # noqa: PLC0415 - as above

    print(f"  host                {' or '.join(certificate.hosts(state.certificates))}")
    print(f"  port                {listener.TLS.port} (TLS), {listener.TLS_WEBSOCKET.port} (TLS WebSocket)")
    print(f"  CA                  {state.certificates / 'ca.pem'}")
    print(f"  CA's SHA-256        {certificate.fingerprint(state.certificates / 'ca.pem')}")
    if role_of(credentials.username) == "device":
        print("For the serial console of a stethoscope, as one line; wifi_ssid and wifi_password are yours:")
        host = certificate.hosts(state.certificates)[0]
        print(_serial_line(credentials, host, state.certificates / "ca.pem"))


def _serial_line(credentials: Credentials, host: str, ca: Path) -> str:
    """Return the settings of a device as the firmware reads them from its serial console."""
    settings = {
        "host": host,
        "port": listener.TLS.port,
        "device_id": credentials.username,
        "password": credentials.password,
        "time": int(time.time()),
        "ca": ca.read_text(),
    }
    return f"set wifi_ssid=NAME&wifi_password=PASSWORD&{urlencode(settings)}"


def _reload(state: StateDirectory) -> None:
    """Make a broker that runs natively in the directory reload its accounts, or print how to do it."""
    if (pid := _broker_pid(state)) is None:
        print(
            "If the broker runs, make it reload: `docker compose kill -s HUP broker`, or SIGHUP to mosquitto."
        )
    else:
        os.kill(pid, signal.SIGHUP)


def _broker_pid(state: StateDirectory) -> int | None:
    try:
        pid = state.pid_file.read_text().strip()
        program = _program_of(pid)
    except OSError:  # no broker has run here yet, it has ended, or there is no `ps`
        return None
    # A stale id, or that of process 1 in another container, is another program's.
    return int(pid) if program == "mosquitto" else None


def _program_of(pid: str) -> str:
    if Path("/proc/self").exists():  # a minimal Linux has no `ps`
        return Path(f"/proc/{pid}/comm").read_text().strip()
    ps = subprocess.run(["ps", "-o", "comm=", "-p", pid], capture_output=True, text=True, check=False)
    return Path(ps.stdout.strip()).name


if __name__ == "__main__":
    sys.exit(main())
