"""Command `stetho worker`: run the worker, check its settings, migrate the database, or report its health."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from edge_worker import __version__
from edge_worker.errors import StethoError
from edge_worker.private_files import keep_private
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import log_to_stdout

_SWITCH_INTERVAL_S: Final = 0.0005
_EXAMPLES: Final = """examples:
  stetho worker                 run with the STETHO_* settings of the environment
  stetho worker check           load settings, models and database, then stop
  stetho worker migrate         create the database or bring it up to date
  stetho worker health          exit 0 when the worker's last heartbeat is fresh

settings: docs/configuration.md. Research and education, not a medical device."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 when unhealthy, 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="stetho worker",
        description="Stetho Edge worker: chunks in over MQTT, results out.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = {"run": _run, "check": _check, "migrate": _migrate, "health": _health}
    parser.add_argument("command", nargs="?", default="run", choices=commands)
    parser.add_argument("--version", action="version", version=f"stetho-edge {__version__}")
    command = commands[parser.parse_args(arguments).command]
    try:
        return command(Settings.from_environ(os.environ))
    except StethoError as error:
        print(f"edge_worker: {error}", file=sys.stderr)
        return 2


def _run(settings: Settings) -> int:
    # Imported here so that --help and health answer at once.
    from edge_worker.assembly import assemble, claim_site  # noqa: PLC0415
    from edge_worker.telemetry.metrics import serve  # noqa: PLC0415
    from edge_worker.upkeep.start_wait import announce, wait_until_writable  # noqa: PLC0415

    # The network thread waits for so long whenever the live analysis computes; with Python's 5 ms, chunks
    # queue up.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    log_to_stdout(settings.log_level)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    stopping = threading.Event()
    _on_signal(stopping.set)
    wait_until_writable(settings, stopping)
    if stopping.is_set():
        return 0
    lock = claim_site(settings)
    try:
        worker = assemble(settings, lock)
    except StethoError as error:
        announce(settings, "offline", str(error))
        raise
    serve(settings, worker.metrics)
    _on_signal(worker.stop)
    if stopping.is_set():  # while it was assembled
        worker.stop()
    worker.run()
    return 0


def _on_signal(stop: Callable[[], None]) -> None:
    """Call `stop` when the process is to end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())


def _check(settings: Settings) -> int:
    from edge_worker.assembly import assemble, claim_site  # noqa: PLC0415

    assemble(settings, claim_site(settings))
    print("settings, models, spool and database are usable")
    return 0


def _migrate(settings: Settings) -> int:
    from edge_worker.database.revision import REVISION  # noqa: PLC0415
    from edge_worker.database.store import Store  # noqa: PLC0415

    keep_private(settings.data_dir)
    Store.open(settings.database, is_ours=not settings.database_url).close()
    print(f"the database is at schema {REVISION}")
    return 0


def _health(settings: Settings) -> int:
    from edge_worker.database.history import History  # noqa: PLC0415
    from edge_worker.errors import StoreError  # noqa: PLC0415

    try:
        heartbeats = History.open(settings.database).heartbeats()
    except StoreError as error:
        print(f"unhealthy: {error}")
        return 1
    own = next((each for each in heartbeats if each.worker_id == settings.worker_id), None)
    if own is None:
        print("unhealthy: last heartbeat never")
        return 1
    state, faults = own.document.get("state"), own.document.get("faults") or []
    is_fresh = own.is_fresh(datetime.now(UTC)) and state != "offline"
    facts = "; ".join([f"last heartbeat {own.seen_at}", f"state {state}", *faults])
    print(f"{'healthy' if is_fresh else 'unhealthy'}: {facts}")
    return 0 if is_fresh else 1


if __name__ == "__main__":
    sys.exit(main())
