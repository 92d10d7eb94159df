"""Command `stetho`: one subcommand for each program of the project.

A program is imported when its subcommand is called: `stetho --help` is quick and needs no package but click.
Each program reads its own arguments: `stetho send --help` is the help of `send`.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import groupby
from typing import Final, NamedTuple

import click

from edge_worker import __version__
from edge_worker.own_command import pip_install

_OURS: Final = ("broker", "edge_worker", "history_api", "models_tflite", "simulator")

_BROKER: Final = "run the shipped broker: Mosquitto, or nodes of NATS"
_CHECK: Final = "whether the worker lives; check a whole site"
_BACKUP: Final = "a site in one file, while it runs; back from it"
_ACCESS: Final = "keys of the API; is the clock believed? or confirm it"
_SEND: Final = "send a file, or stream sound, as a stethoscope does"
_SIMULATE: Final = "synthesise a heart sound; simulate many stethoscopes"
_EXPLAIN: Final = "draw what in a sound made its label; the models' pages"
_TRAIN: Final = "train a model on recordings; retrain from labelled uploads"


class Program(NamedTuple):
    """A program: what it does, the module whose `main` runs it, the extra of the package that it needs."""

    help: str
    """Neighbours with the same help share a line of the list: `health, doctor`."""
    target: str
    """The module, and the arguments that come before the user's."""
    extra: str


PROGRAMS: Final = {
    "demo": Program("run a whole site here, with a simulated stethoscope", "simulator.__main__ demo", "demo"),
    "worker": Program("receive chunks over MQTT, publish results", "edge_worker.__main__", "worker"),
    "api": Program("serve results, dashboard and reports over HTTP", "history_api.__main__", "api"),
    "broker": Program(_BROKER, "broker.__main__", "broker"),
    "nats": Program(_BROKER, "broker.nats.__main__", "nats"),
    "notify": Program("tell people what was heard: ntfy, e-mail …", "edge_worker.notify.__main__", "notify"),
    "health": Program(_CHECK, "edge_worker.__main__ health", "worker"),
    "doctor": Program(_CHECK, "edge_worker.doctor", "worker"),
    "quarantine": Program("look at what could not be processed", "edge_worker.quarantine", "worker"),
    "calibrate": Program("teach a stethoscope its own threshold", "edge_worker.calibrate", "worker"),
    "backup": Program(_BACKUP, "edge_worker.upkeep.backup", "worker"),
    "restore": Program(_BACKUP, "edge_worker.upkeep.restore", "worker"),
    "migrate-history": Program(
        "move the database to PostgreSQL", "edge_worker.upkeep.migrate_history", "worker"
    ),
    "migrate-audio": Program("move the sounds to an S3 store", "edge_worker.upkeep.migrate_audio", "worker"),
    "provision": Program("add or remove devices and other accounts", "broker.provision", "broker"),
    "certificate": Program("make the broker's certificates", "broker.certificate", "broker"),
    "key": Program(_ACCESS, "history_api.__main__ key", "api"),
    "clock": Program(_ACCESS, "history_api.__main__ clock", "api"),
    "send": Program(_SEND, "simulator.__main__ send", "simulator"),
    "live": Program(_SEND, "simulator.__main__ live", "simulator"),
    "synth": Program(_SIMULATE, "simulator.__main__ synth", "simulator"),
    "fleet": Program(_SIMULATE, "simulator.__main__ fleet", "simulator"),
    "evaluate": Program("measure a model on labelled recordings", "models_tflite.evaluate", "evaluation"),
    "explain": Program(_EXPLAIN, "models_tflite.explain", "evaluation"),
    "report": Program(_EXPLAIN, "models_tflite.report", "evaluation"),
    "train": Program(_TRAIN, "models_tflite.training.__main__", "training"),
    "trainer": Program(_TRAIN, "models_tflite.training.retraining.commands", "training"),
}


class _Forwarding(click.Command):
    """A subcommand that hands its arguments to a program as they are, `--help` and `--` included."""

    def __init__(self, name: str, program: Program) -> None:
        super().__init__(name, help=program.help, add_help_option=False)
        self._program = program

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave all arguments to the program."""
        ctx.args = list(args)
        return []

    def invoke(self, ctx: click.Context) -> int:
        """Run the program; return its exit status."""
        return _run(self._program, ctx.args)


class _Programs(click.Group):
    """The group of all programs, listed in the order of `PROGRAMS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(PROGRAMS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, None when there is none of that name."""
        return _Forwarding(cmd_name, PROGRAMS[cmd_name]) if cmd_name in PROGRAMS else None

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of programs, short enough for a terminal of 24 lines."""
        formatter.write("usage: stetho COMMAND [ARGUMENTS]      digital stethoscopes at the edge\n")
        formatter.indent()
        lines = groupby(PROGRAMS, key=lambda name: PROGRAMS[name].help)
        formatter.write_dl([(", ".join(names), text) for text, names in lines])
        formatter.dedent()
        formatter.write("\nstetho COMMAND --help shows options and examples; stetho --version the version.\n")
        formatter.write("Research and education, not a medical device.\n")


@click.group(cls=_Programs)
@click.version_option(__version__, prog_name="stetho-edge", message="%(prog)s %(version)s")
def command() -> None:
    """Digital stethoscopes at the edge."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; return its exit status: 2 with one sentence on stderr when it cannot run."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        status = command.main(given or ["--help"], prog_name="stetho", standalone_mode=False)
    except click.ClickException as error:
        print(f"stetho: {error.format_message()} 'stetho --help' lists the commands.", file=sys.stderr)
        return error.exit_code
    return status if isinstance(status, int) else 0


def _run(program: Program, arguments: Sequence[str]) -> int:
    name, *first = program.target.split()
    try:
        status: int = import_module(name).main([*first, *arguments])
    except ModuleNotFoundError as error:  # some programs import what they need only when they run
        missing = (error.name or "").split(".", 1)[0]
        if missing in _OURS:
            raise
        print(f"stetho: the package {missing} is missing: {pip_install(program.extra)}", file=sys.stderr)
        return 2
    return status


if __name__ == "__main__":
    sys.exit(main())
