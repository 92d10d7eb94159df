"""`stetho key`: adds, lists and removes API keys. A key is printed once, when it is made."""

import argparse
import sys
from typing import Final

from edge_worker.database.access.api_key import ROLES, ApiKeys
from edge_worker.database.access.browser_session import BrowserSessions
from edge_worker.settings import Settings

_EXAMPLES: Final = """examples:
  stetho key add ann --role admin               prints the key, once
  stetho key add bob --role owner --device st-01
  stetho key list
  stetho key remove bob                         ends bob's sessions as well
  stetho key sign-out ann                       ends ann's sessions and keeps the key

An owner reads the recordings of one device; an operator reads all of them, uploads, reviews and deletes; an
admin also trains. The database must exist: start the worker once."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command `key` to `commands`."""
    key = commands.add_parser(
        "key",
        prog="stetho key",
        help="add, list and remove API keys",
        description="Add, list and remove the keys of the history API.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = key.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="make a key and print it, once; it is stored as a digest only")
    add.add_argument("name", metavar="NAME", help="name of the holder: letters, digits and @ . _ -")
    add.add_argument("--role", choices=ROLES, required=True, help="what the key may do")
    add.add_argument("--device", metavar="ID", help="the device of an owner")
    add.set_defaults(run=_add)
    actions.add_parser("list", help="show name, role and device of all keys").set_defaults(run=_list)
    remove = actions.add_parser("remove", help="remove a key, at once")
    remove.add_argument("name", metavar="NAME", help="name of the holder")
    remove.set_defaults(run=_remove)
    sign_out = actions.add_parser("sign-out", help="end all sessions that were begun with a key")
    sign_out.add_argument("name", metavar="NAME", help="name of the holder")
    sign_out.set_defaults(run=_sign_out)


def _add(arguments: argparse.Namespace, settings: Settings) -> None:
    token = ApiKeys(settings.database).add(arguments.name, arguments.role, arguments.device)
    print(
        f"the key of {arguments.name}, {arguments.role}; it is shown only now:", file=sys.stderr, flush=True
    )
    print(token)


def _list(_arguments: argparse.Namespace, settings: Settings) -> None:
    for key in ApiKeys(settings.database).all():
        print(f"{key.name}\t{key.role}\t{key.device_id or '-'}\t{key.made_at}")


def _remove(arguments: argparse.Namespace, settings: Settings) -> None:
    ApiKeys(settings.database).remove(arguments.name)
    print(f"{arguments.name} is removed.")


def _sign_out(arguments: argparse.Namespace, settings: Settings) -> None:
    ended = BrowserSessions(settings.database).end_all(arguments.name)
    print(f"{ended} sessions of {arguments.name} are ended.")
