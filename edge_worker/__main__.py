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
from edge_worker.database.worker_heartbeat import WorkerHeartbeat
from edge_worker.errors import SettingsError, StethoError
from edge_worker.private_files import keep_private
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import log_to_stdout

_SWITCH_INTERVAL_S: Final = 0.0005
_EXAMPLES: Final = """examples:
  stetho worker                 run with the STETHO_* settings of the environment
  stetho worker check           load settings, models and database, then stop
  stetho worker migrate         create the database or bring it up to date
  stetho worker --processes 2   use two cores (`stetho provision worker --processes 2` makes the account)
  stetho worker health          exit 0 when the worker's last heartbeat is fresh, and the broker has it
  stetho worker health --live   exit 0 while it works, whatever broker and database do

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
    parser.add_argument(
        "--processes", metavar="N", help="share the devices among N processes (default: STETHO_PROCESSES)"
    )
    parser.add_argument("--process", type=int, help=argparse.SUPPRESS)  # which one this is: the supervisor's
    parser.add_argument(
        "--live", action="store_true", help="with `health`: exit 1 where only a new start helps"
    )
    parser.add_argument("--version", action="version", version=f"stetho-edge {__version__}")
    options = parser.parse_args(arguments)
    if options.live and options.command != "health":
        parser.error("--live asks for the health: `health --live`")
    given = {} if options.processes is None else {"STETHO_PROCESSES": options.processes}
    try:
        settings = Settings.from_environ(os.environ | given)
        if options.live:
            return _live(settings)
        if options.process is not None:
            return _run_process(settings, options.process)
        return commands[options.command](settings)
    except StethoError as error:
        print(f"edge_worker: {error}", file=sys.stderr)
        return 2


def _run(settings: Settings) -> int:
    # Imported here so that --help and health answer at once.
    from edge_worker.upkeep.living import liveness  # noqa: PLC0415
    from edge_worker.upkeep.process_supervisor import ProcessSupervisor  # noqa: PLC0415
    from edge_worker.upkeep.site_claim import claim_site, claimed_database  # noqa: PLC0415
    from edge_worker.upkeep.sizing.process_count import with_process_count  # noqa: PLC0415
    from edge_worker.upkeep.start_wait import wait_until_writable  # noqa: PLC0415
    from edge_worker.upkeep.worker_processes import retire_others, worker_ids  # noqa: PLC0415

    log_to_stdout(settings.log_level)
    settings = with_process_count(settings)
    worker_ids(settings)  # raises where a name is too long
    stopping = threading.Event()
    _on_signal(stopping.set)
    wait_until_writable(settings, stopping)
    if stopping.is_set():
        return 0
    locks = claim_site(settings)
    with claimed_database(settings):
        liveness.begin(settings.data_dir)
        retire_others(settings)
        if settings.processes > 1:
            return ProcessSupervisor(settings, locks).run(stopping)
        return _work(settings, 1, stopping, locks)


def _run_process(settings: Settings, process: int) -> int:
    """Be one of several processes, whose supervisor holds the locks of the site."""
    from edge_worker.telemetry.supervisor import Supervisor  # noqa: PLC0415
    from edge_worker.upkeep.process_supervisor import end_with_supervisor  # noqa: PLC0415

    if not 1 <= process <= settings.process_count:
        raise SettingsError(f"--process is {process}; the processes are 1 to {settings.process_count}")
    log_to_stdout(settings.log_level)
    stopping = threading.Event()
    _on_signal(stopping.set)
    end_with_supervisor()
    Supervisor(os.environ).say_that_we_run()
    return _work(settings, process, stopping)


def _work(site: Settings, process: int, stopping: threading.Event, locks: object = None) -> int:
    """Be one process of the worker until `stopping` is set or a signal comes; hold its `locks`."""
    from edge_worker.upkeep.living.gentle_import import import_gently  # noqa: PLC0415

    if site.is_cluster:
        import_gently("edge_worker.assembly")
    from edge_worker.assembly import assemble  # noqa: PLC0415
    from edge_worker.telemetry.metrics import serve  # noqa: PLC0415
    from edge_worker.upkeep.start_wait import announce  # noqa: PLC0415
    from edge_worker.upkeep.worker_processes import cluster_of, settings_of, shards_of  # noqa: PLC0415

    # The network thread waits for so long whenever the live analysis computes; with Python's 5 ms, chunks
    # queue up.
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = settings_of(site, process)
    try:
        worker = assemble(settings, locks, shards_of(site, process), cluster_of(site, process))
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
    from edge_worker.assembly import assemble  # noqa: PLC0415
    from edge_worker.upkeep.site_claim import claim_site, claimed_database  # noqa: PLC0415

    with claimed_database(settings):
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
    from edge_worker.upkeep.worker_processes import worker_ids  # noqa: PLC0415

    try:
        heartbeats = {each.worker_id: each for each in History.open(settings.database).heartbeats()}
    except StoreError as error:
        print(f"unhealthy: {error}")
        return 1
    return max(
        [_process_health(name, heartbeats.get(name)) for name in worker_ids(settings, heartbeats.values())]
    )


def _live(settings: Settings) -> int:
    """Print whether the worker needs a new start, and return 0 when it does not."""
    from edge_worker.upkeep.living import liveness  # noqa: PLC0415

    problem = liveness.problem(settings.data_dir)
    print(f"not alive: {problem}" if problem else "alive")
    return 1 if problem else 0


def _process_health(worker_id: str, own: WorkerHeartbeat | None) -> int:
    """Print how one process is, and return 0 when it runs."""
    if own is None:
        print(f"unhealthy: {worker_id}; last heartbeat never")
        return 1
    state, faults = own.document.get("state"), own.document.get("faults") or []
    is_fresh = own.is_fresh(datetime.now(UTC)) and state != "offline"
    facts = "; ".join([worker_id, f"last heartbeat {own.seen_at}", f"state {state}", *faults])
    print(f"{'healthy' if is_fresh else 'unhealthy'}: {facts}")
    return 0 if is_fresh else 1


if __name__ == "__main__":
    sys.exit(main())
