"""`stetho provision`: accounts at the broker, and the files that a deployment needs."""

import argparse
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from broker import announcement, directory, listener, service_settings
from broker.account import Accounts, Credentials, role_of, username_for
from broker.directory import StateDirectory, write_private
from broker.service_settings import PREFIXES
from edge_worker.errors import StethoError
from edge_worker.own_command import IN_COMPOSE, stetho
from edge_worker.protocol.sharing.shard import MOST_PROCESSES, SHARDS

ROLES: Final = {
    "device": "a stethoscope",
    "worker": "an edge worker",
    "operator": "a reader of results",
    "api": "the history API",
    "notify": "the program that sends notifications",
    "homeassistant": "Home Assistant, which shows live values and results",
}
_STARTS_WITHIN_S: Final = 10.0
EXAMPLES: Final = """examples:
  stetho provision init stetho.local 192.168.1.20   certificates, worker and API, once; then
  stetho provision device st-01                     prints the settings of the device
  stetho provision device st-01 --rotate            gives it a new password
  stetho provision device st-01 --password-file st-01.password   writes the password there
  stetho provision worker --processes 4             the worker may be four processes
  stetho provision operator ann                     an account that reads results: operator-ann
  stetho provision homeassistant                    Home Assistant's MQTT integration
  stetho provision nats n1.lan n2.lan n3.lan        files of three nodes of NATS, in place of Mosquitto
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
        if role == "worker":
            command.add_argument(
                "--processes",
                type=_process_count,
                metavar="N",
                help=f"give the worker that is there the accounts of N processes, 1 to {SHARDS}",
            )
        if role not in PREFIXES:
            command.add_argument(
                "--password-file",
                type=Path,
                metavar="FILE",
                help="write the password there, not on the screen",
            )
    nats = commands.add_parser("nats", help="make the files of nodes of NATS; existing keys stay")
    nats.add_argument(
        "hosts", nargs="+", metavar="HOST", help="where the other nodes and clients reach a node"
    )
    commands.add_parser("list", help="show all accounts")
    commands.add_parser("remove", help="remove an account").add_argument("username", metavar="USER")
    return parser


def _process_count(text: str) -> int:
    """Return how many processes a worker may be; argparse says the sentence where it cannot."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= SHARDS):
        raise argparse.ArgumentTypeError(f"it is {text!r}; it takes a whole number from 1 to {SHARDS}")
    return int(text)


def _run(args: argparse.Namespace, state: StateDirectory) -> None:
    accounts = Accounts(state)
    match args.command:
        case "init":
            _initialise(state, accounts, args.hosts)
        case "nats":
            _make_nodes(state, args.hosts)
        case "list":
            for username in accounts.names():
                print(f"{username}\t{role_of(username)}")
        case "remove":
            accounts.remove(args.username)
            print(f"{args.username} is removed.")
            _reload(state)
        case "worker" if args.processes:
            username = username_for("worker", args.name)
            _allow_processes(state, accounts, username, args.processes)
            print(_what_they_are_for(state, username, args.processes))
            _reload(state)
        case role:
            credentials = accounts.add(role, args.name, rotate=args.rotate)
            if role in PREFIXES:
                service_settings.write_password(state, credentials)
                if role == "worker":  # it may have been removed, and its folder not
                    count = accounts.processes(credentials.username)
                    service_settings.write_processes(state, credentials.username, count)
                _show_settings(state, [credentials.username])
            else:
                _print_credentials(state, credentials, args.password_file)
            _reload(state)


def _initialise(state: StateDirectory, accounts: Accounts, hosts: list[str]) -> None:
    from broker import certificate  # noqa: PLC0415 - only this command needs the cryptography package

    names = [*(hosts or [socket.gethostname()]), "localhost", listener.LOOPBACK]
    certificate.ensure(state.certificates, list(dict.fromkeys(names)))
    listener.write(state, listener.deployment_listeners(state))
    new = [role for role in PREFIXES if role not in accounts.names()]
    for role in new:
        service_settings.write_password(state, accounts.add(role))
        if role == "worker":
            _allow_processes(state, accounts, role, MOST_PROCESSES)
    certified = certificate.hosts(state.certificates)
    print(f"{state.path} is ready for {', '.join(certified)}.\n")
    _show_settings(state, list(PREFIXES))
    print(announcement.write(state, certified))
    if new:
        _reload(state)


def _what_they_are_for(state: StateDirectory, username: str, count: int) -> str:
    """Return how so many processes of a worker come to run."""
    if state.nats_hosts.exists():
        return (
            f"{username} may be {count} processes, those of all machines together: STETHO_PROCESSES says how "
            "many of them a machine has, STETHO_FIRST_PROCESS the number of its first. Copy the file "
            f"`passwords` to the other machines that run `{stetho('nats access')}`."
        )
    return (
        f"{username} may be {count} processes, as far as its machine has cores and memory; "
        f"STETHO_PROCESSES={count} makes it so many in any case."
    )


def _allow_processes(state: StateDirectory, accounts: Accounts, username: str, count: int) -> None:
    accounts.set_processes(username, count)
    service_settings.write_processes(state, username, count)


def _make_nodes(state: StateDirectory, hosts: list[str]) -> None:
    from broker.nats import provisioning  # noqa: PLC0415 - needs the cryptography package

    print(provisioning.make(state, hosts))


def _show_settings(state: StateDirectory, usernames: list[str]) -> None:
    """Write the settings of our programs, and print them, one file for each, with how a program starts."""
    texts = {username: service_settings.write(state, username) for username in usernames}
    if IN_COMPOSE:
        return  # docker-compose.yml has those of its programs
    for username, text in texts.items():
        print(f"# {state.path / username}.env\n{text}")
    print("Start a program with its settings so, or name its file as EnvironmentFile= of a systemd unit:")
    for username in usernames:
        print(f"  {service_settings.how_to_start(state, username)}")


def _print_credentials(state: StateDirectory, credentials: Credentials, password_file: Path | None) -> None:
    if password_file is None:
        print("The password is shown only now.")
    else:
        write_private(password_file, f"{credentials.password}\n")
    print(f"  user and client id  {credentials.username}")
    print(f"  password            {credentials.password if password_file is None else f'in {password_file}'}")
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
    if role_of(credentials.username) == "device" and password_file is None:
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
    if (pid := _broker_pid(state)) is not None:
        _hang_up(pid)
    elif IN_COMPOSE and not state.nats_hosts.exists():
        print("Make a broker that runs read its accounts: `docker compose exec broker kill -HUP 1`.")
    elif state.pid_file.exists():
        print("If a broker runs in another container, send it SIGHUP, so that it reads its accounts.")


def _hang_up(pid: int) -> None:
    """Send SIGHUP, once the broker has a handler of it: while it starts, it has none, and would end."""
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while not _catches_hangup(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    with suppress(ProcessLookupError):  # it ended meanwhile, and reads its accounts when it starts
        os.kill(pid, signal.SIGHUP)


def _catches_hangup(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has ended, or this is no Linux
        return True
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", status, re.MULTILINE)
    return caught is None or bool(int(caught[1], 16) & 1 << signal.SIGHUP - 1)


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
