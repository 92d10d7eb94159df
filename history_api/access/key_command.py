"""`python -m history_api key`: who may ask the API. A key is printed once, when it is made."""

import argparse
import sys
from typing import Final

from edge_worker.database.api_key import ROLES, ApiKeys
from edge_worker.settings import Settings

_EXAMPLES: Final = """examples:
  python -m history_api key add ann --role admin               prints the key, once
  python -m history_api key add bob --role owner --device st-01
  python -m history_api key list
  python -m history_api key remove bob                         ends bob's sessions as well

An owner reads the recordings of one device; an operator reads all of them, uploads, reviews and deletes; an
admin also trains. The database must exist: start the worker once."""


def add_key(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `key` to the commands."""
    key = commands.add_parser(
        "key",
        help="add, list and remove the keys that open the API",
        description="Keys of the API: add, list, remove.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = key.add_subparsers(dest="action", required=True)
    add = actions.add_parser("add", help="make a key and print it; it cannot be shown again")
    add.add_argument("name", metavar="NAME", help="whose key it is: letters, digits and @ . _ -")
    add.add_argument("--role", choices=ROLES, required=True, help="what the key may do")
    add.add_argument("--device", metavar="ID", help="the device of an owner")
    add.set_defaults(run=_add)
    actions.add_parser("list", help="show all keys, never the secret").set_defaults(run=_list)
    remove = actions.add_parser("remove", help="forget a key, at once")
    remove.add_argument("name", metavar="NAME")
    remove.set_defaults(run=_remove)


def _add(chosen: argparse.Namespace, settings: Settings) -> None:
    token = ApiKeys(settings.database).add(chosen.name, chosen.role, chosen.device)
    print(f"the key of {chosen.name}, {chosen.role}; it is shown this once:", file=sys.stderr, flush=True)
    print(token)


def _list(_chosen: argparse.Namespace, settings: Settings) -> None:
    for key in ApiKeys(settings.database).all():
        print(f"{key.name}\t{key.role}\t{key.device_id or '-'}\t{key.made_at}")


def _remove(chosen: argparse.Namespace, settings: Settings) -> None:
    ApiKeys(settings.database).remove(chosen.name)
    print(f"{chosen.name} is removed.")
