"""`stetho broker`: Mosquitto in the foreground, with the shipped configuration."""

import argparse
import os
import sys

from broker import directory, listener
from broker.account import Accounts
from broker.directory import StateDirectory
from broker.mosquitto import CONFIGURATION
from broker.program import CONTAINER, START, find_mosquitto
from edge_worker.errors import BrokerError, StethoError


def main(arguments: list[str] | None = None) -> int:
    """Replace this process by Mosquitto; return an exit status only if that fails."""
    parser = argparse.ArgumentParser(
        prog="stetho broker",
        description="Run Mosquitto in the foreground with the shipped configuration: on loopback (1883,"
        " WebSocket 9001), and with TLS everywhere (8883, WebSocket 8084) once there are certificates.",
        epilog="examples:\n  stetho broker\n  stetho broker --dir /var/lib/stetho/broker\n"
        "  stetho broker --port 11883             another port of this machine, to try something out",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    directory.add_option(parser)
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help="listen on this port of loopback only, without TLS and WebSocket",
    )
    chosen = parser.parse_args(arguments)
    try:
        _exec_mosquitto(StateDirectory(chosen.dir or directory.default_path()), chosen.port)
    except (StethoError, OSError) as error:
        print(f"stetho broker: {error}", file=sys.stderr)
    return 2


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text[:6]) <= listener.MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; use 1 to {listener.MAX_PORT}")
    return int(text)


def _exec_mosquitto(state: StateDirectory, port: int | None) -> None:
    program = find_mosquitto()
    if program == CONTAINER:
        raise BrokerError(
            "mosquitto is not installed here; install it (Debian: apt-get install mosquitto, in a checkout: "
            "broker/install.sh), or run the whole site in containers: `docker compose up` in a checkout"
        )
    Accounts(state)  # writes the files that the configuration names
    listeners = [listener.Listener(port)] if port else listener.deployment_listeners(state)
    listener.require_free(listeners)
    listener.write(state, listeners)
    print(
        f"listening on {', '.join(each.describe() for each in listeners)}; state in {state.path}", flush=True
    )
    os.chdir(state.path)
    os.execv("/bin/sh", ["sh", str(START), program, str(CONFIGURATION)])  # noqa: S606 - a script of ours


if __name__ == "__main__":
    sys.exit(main())
