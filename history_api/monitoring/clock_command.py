"""`stetho clock`: says whether the clock of the site is believed; a person may confirm that it is right."""

import argparse
import sys
from typing import Final

from edge_worker.database.site_state.site_state import SiteState
from edge_worker.settings import Settings

_EXAMPLES: Final = """examples:
  stetho clock             is the clock believed, and does anything wait for it?
  stetho clock confirm     the clock is right: believe it, and delete by age again

A clock that jumped deletes no recordings: docs/operations.md.
It reads STETHO_DATA_DIR and STETHO_DATABASE_URL."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `clock` to `commands`."""
    clock = commands.add_parser(
        "clock",
        prog="stetho clock",
        help="is the clock believed? or confirm it",
        description="Say whether the clock of this site is believed, or confirm that it is right.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    clock.set_defaults(run=_show)
    actions = clock.add_subparsers(metavar="confirm")
    actions.add_parser("confirm", help="the clock is right").set_defaults(run=_confirm)


def _show(_arguments: argparse.Namespace, settings: Settings) -> None:
    state = SiteState(settings.database)
    print(state.clock().sentence)
    warnings = state.warnings()
    for sentence in (warnings.retention, warnings.room):
        if sentence:
            print(sentence, file=sys.stderr)


def _confirm(_arguments: argparse.Namespace, settings: Settings) -> None:
    print(f"the clock says {SiteState(settings.database).confirm_clock()}, and is believed from now on")
