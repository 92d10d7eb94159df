"""Command `stetho migrate-history`: the database of a site moves from SQLite to PostgreSQL."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tqdm import tqdm

from edge_worker.database.moving.history_move import HistoryMove
from edge_worker.directory_lock import DATABASE_LOCK, lock_directory
from edge_worker.errors import StethoError

_SQLITE: Final = "sqlite:///"
_EXAMPLES: Final = """examples:
  stetho migrate-history --from sqlite:////var/lib/stetho/data/stetho.db --to postgresql+psycopg://stetho@db/stetho

Stop worker, API, trainer and notifications first. PostgreSQL needs an empty database that its user owns.
All rows are there at the end, or none: after an interruption, run it again. Then set STETHO_DATABASE_URL
to the new URL for all programs; STETHO_DATA_DIR stays, it has the sounds. The old file stays as it is.
Exit status: 0, or 2 with one sentence."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="stetho migrate-history",
        description="Move the database of a site from SQLite to PostgreSQL.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--from", dest="source", required=True, metavar="URL", help="sqlite:///… of today")
    parser.add_argument("--to", dest="target", required=True, metavar="URL", help="postgresql+psycopg://…")
    options = parser.parse_args(arguments)
    try:
        counts = _move(options.source, options.target)
    except StethoError as error:
        print(f"stetho migrate-history: {error}", file=sys.stderr)
        return 2
    print(
        f"{counts['recordings']} recordings, {counts['result_feed']} results, {sum(counts.values())} rows in "
        f"{len(counts)} tables: as many there as here. Set STETHO_DATABASE_URL to the new URL, then "
        "start the site."
    )
    return 0


def _move(source: str, target: str) -> dict[str, int]:
    with ExitStack() as stack:
        path = Path(source.removeprefix(_SQLITE))
        if source.startswith(_SQLITE) and path.is_file():
            lock = path.with_name(path.name + DATABASE_LOCK)
            stack.enter_context(lock_directory(lock, f"a worker uses the database {path}; stop it first"))
        move = HistoryMove.open(source, target)
        stack.callback(move.close)
        bar = stack.enter_context(tqdm(unit=" rows", unit_scale=True, disable=None, leave=False))
        return move.copy(bar.reset, bar.update)


if __name__ == "__main__":
    sys.exit(main())
