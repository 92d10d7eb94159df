"""Command line of the simulator: `stetho send`, `live`, `synth`, `fleet` and `demo`."""

import argparse
import sys
from collections.abc import Callable

from edge_worker.errors import StethoError
from simulator.command.argument import DISCLAIMER
from simulator.command.demo import add_demo
from simulator.command.fleet import add_fleet
from simulator.command.live import add_live
from simulator.command.send import add_send
from simulator.command.synth import add_synth


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho",
        description="Simulate stethoscopes.",
        epilog=f"Example: stetho synth --finding murmur -o murmur.wav. {DISCLAIMER}",
    )
    commands = parser.add_subparsers(required=True, metavar="send|live|synth|fleet|demo")
    for add in (add_send, add_live, add_synth, add_fleet, add_demo):
        add(commands)
    args = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = args.run
    try:
        return run(args)
    except StethoError as error:
        print(f"stetho: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
