"""Command `stetho quarantine`: lists, shows and deletes what the worker set aside.

It may run while the worker does.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from edge_worker.errors import QuarantineError, StethoError
from edge_worker.ingest.quarantine import Quarantine, QuarantineEntry
from edge_worker.own_command import stetho
from edge_worker.protocol import strict_json
from edge_worker.settings import Settings

_SHOWN_BYTES: Final = 256
_BYTES_A_LINE: Final = 16
_EXAMPLES: Final = """examples:
  stetho quarantine                        list all entries, the oldest first
  stetho quarantine show 000001-3fa9c01b   one entry: where it came from, why, and its first bytes
  stetho quarantine delete 000001-3fa9c01b
  stetho quarantine clear                  delete all entries

An entry is a message, recording or stream that the worker's code could not process, or a message that cannot
leave: report it with its reason. What to do: docs/operations.md, Quarantine. Exit status: 0, or 2 with one
sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 with one sentence on stderr."""
    options = _parser().parse_args(arguments)
    try:
        quarantine = Quarantine(Settings.from_environ(os.environ).data_dir / "quarantine")
        _run(options, quarantine)
    except (StethoError, OSError) as error:
        print(f"stetho quarantine: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace, quarantine: Quarantine) -> None:
    entries = quarantine.entries()
    match options.command:
        case "show":
            _show(_entry(entries, options.id), quarantine)
        case "delete":
            for entry in [_entry(entries, name) for name in options.id]:
                quarantine.remove(entry.id)
        case "clear":
            for entry in entries:
                quarantine.remove(entry.id)
            print(f"{len(entries)} deleted")
        case _:
            _list(entries)


def _list(entries: list[QuarantineEntry]) -> None:
    if not entries:
        print("The quarantine is empty.")
    for entry in entries:
        source = entry.device or entry.topic or "-"
        print(f"{entry.id}\t{entry.at}\t{entry.kind}\t{source}\t{entry.bytes} bytes\t{entry.reason}")


def _entry(entries: list[QuarantineEntry], name: str) -> QuarantineEntry:
    for entry in entries:
        if entry.id == name:
            return entry
    raise QuarantineError(f"there is no entry {name!r}; `{stetho('quarantine')}` lists them")


def _show(entry: QuarantineEntry, quarantine: Quarantine) -> None:
    path = quarantine.payload_path(entry.id)
    print(strict_json.write(asdict(entry), indent=2))
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    for file in files:
        print(f"{file}:")
        _dump(file)


def _dump(file: Path) -> None:
    """Print the first bytes of a file in hexadecimal and as text, safe for any terminal."""
    with file.open("rb") as content:
        head = content.read(_SHOWN_BYTES)
    for start in range(0, len(head), _BYTES_A_LINE):
        row = head[start : start + _BYTES_A_LINE]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)  # noqa: PLR2004 - ASCII
        print(f"  {start:04x}  {row.hex(' '):{3 * _BYTES_A_LINE - 1}}  {text}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho quarantine",
        description="Look at what the worker could not process and set aside, and delete it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("list", help="list all entries (default)")
    show = commands.add_parser("show", help="show one entry and the beginning of its content")
    show.add_argument("id", metavar="ID")
    delete = commands.add_parser("delete", help="delete entries")
    delete.add_argument("id", metavar="ID", nargs="+")
    commands.add_parser("clear", help="delete all entries")
    return parser


if __name__ == "__main__":
    sys.exit(main())
