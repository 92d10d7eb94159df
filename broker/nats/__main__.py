"""`stetho nats`: a node of NATS in the foreground, or the program that says who is let in."""

import argparse
import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Final

from broker import directory
from broker.directory import StateDirectory
from broker.nats.access import Access
from broker.nats.account_watch import AccountWatch
from broker.nats.nats_directory import NatsDirectory
from broker.nats.nats_program import find_nats
from broker.nats.node import CLIENT, node_name
from edge_worker.errors import BrokerError, StethoError
from edge_worker.own_command import stetho
from edge_worker.telemetry.logfmt import log_to_stdout

_EXAMPLES: Final = """examples:
  stetho provision nats n1.lan n2.lan n3.lan   makes the files of three nodes, once; then
  stetho nats node                             the node of this machine, in the foreground
  stetho nats access                           beside each node: it says who is let in"""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="stetho nats",
        description="NATS JetStream as the broker of a site that is larger than one machine.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    directory.add_option(parser)
    commands = parser.add_subparsers(dest="command", required=True)
    node = commands.add_parser("node", help="run a node in the foreground")
    node.add_argument("name", metavar="NODE", nargs="?", help="its name (default: the node of this machine)")
    access = commands.add_parser("access", help="answer the nodes who is let in")
    access.add_argument(
        "--server",
        action="append",
        metavar="HOST:PORT",
        help=f"port for NATS clients of a node; may be repeated (default: {CLIENT})",
    )
    chosen = parser.parse_args(arguments)
    try:
        files = NatsDirectory(StateDirectory(chosen.dir or directory.default_path()))
        if chosen.command == "node":
            _run_node(files, chosen.name or _node_of_this_machine(files.state))
        log_to_stdout("INFO")
        servers = [f"nats://{each}" for each in chosen.server or [CLIENT]]
        asyncio.run(Access(files, AccountWatch(files.state)).run(servers))
    except (StethoError, OSError) as error:
        print(f"stetho nats: {error}", file=sys.stderr)
        return 2
    return 0


def _node_of_this_machine(state: StateDirectory) -> str:
    """Return the name of the node whose host is this machine.

    Raises:
        BrokerError: none is.
    """
    if not state.nats_hosts.exists():
        command = stetho("provision nats HOST HOST HOST")
        raise BrokerError(
            f"{state.path} has no files of NATS: `{command}` makes them on one machine, from which this "
            "folder is copied to each"
        )
    hosts = state.nats_hosts.read_text().split()
    own = {socket.gethostname(), socket.getfqdn()}
    for number, host in enumerate(hosts, 1):
        if host in own:
            return node_name(number)
    raise BrokerError(
        f"no node is on {socket.gethostname()}; name one, such as `{stetho('nats node n1')}` (nodes are on "
        f"{', '.join(hosts)})"
    )


def _run_node(files: NatsDirectory, name: str) -> None:
    """Replace this process by a node of NATS."""
    configuration = files.configuration(name)
    if not configuration.exists():
        command = stetho("provision nats HOST HOST HOST")
        raise BrokerError(f"there is no node {name!r} in {files.path}; `{command}` makes the files of nodes")
    program = str(Path(find_nats()).absolute())
    os.chdir(files.state.path)
    os.execv(program, [program, "--config", str(configuration)])  # noqa: S606 - no shell is meant


if __name__ == "__main__":
    sys.exit(main())
