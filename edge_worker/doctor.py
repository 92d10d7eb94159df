"""Command `stetho doctor`: checks what a worker needs on this machine, one line for each check.

It changes nothing and disturbs nobody: the broker is reached, but not with the worker's account, which would
disconnect a worker that runs.
"""

import argparse
import os
import platform
import shutil
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.engine import connect_existing
from edge_worker.database.revision import REVISION
from edge_worker.database.store import open_existing
from edge_worker.errors import BrokerError, SettingsError, StethoError, StoreError
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.interpreter import runtime_name
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings

_CONNECT_WITHIN_S: Final = 5.0
_ROOM_MB: Final = 500
"""Less free disk than this is a fault: an hour of 44.1 kHz needs 300 MB."""
_STALE_S: Final = 30.0
_MIB: Final = 2**20
_EXAMPLES: Final = """examples:
  stetho doctor                          check with the STETHO_* settings of the environment
  STETHO_MQTT_HOST=stetho.local stetho doctor

Exit status: 0 when every check passes, 1 when one fails, 2 when the settings cannot be read."""

Check = Callable[[Settings], str]
"""Returns what is well; raises StethoError or OSError with what is not, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all checks; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho doctor",
        description="Check what a worker needs on this machine: settings, models, disk, database, broker.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    try:
        settings = Settings.from_environ(os.environ)
    except StethoError as error:
        print(f"stetho doctor: {error}", file=sys.stderr)
        return 2
    results = [_passes(name, check, settings) for name, check in CHECKS.items()]
    return 0 if all(results) else 1


def _passes(name: str, check: Check, settings: Settings) -> bool:
    try:
        print(f"ok    {name:9} {check(settings)}")
    except (StethoError, OSError) as error:
        print(f"FAIL  {name:9} {error}")
        return False
    return True


def check_runtime(_settings: Settings) -> str:
    """Return which Python and which TFLite runtime are used."""
    return f"Python {platform.python_version()}, {runtime_name()}"


def check_models(settings: Settings) -> str:
    """Load every model in its version in use; each runs once on zeros."""
    registry = ModelRegistry.from_settings(settings)
    models = LoadedModels(registry, dict.fromkeys((*settings.models, *registry.classifiers())))
    segmenter = HeartSegmenter.load(settings.models_dir)
    versions = [f"{name} {each.card.version}" for name, each in models.items()]
    return ", ".join([*versions, f"segments {segmenter.card.version}"])


def check_data_directory(settings: Settings) -> str:
    """Check that the data directory can be written, and how much room is left."""
    path = settings.data_dir
    if not path.is_dir():
        raise SettingsError(f"STETHO_DATA_DIR {path} is no directory; the worker makes it when it starts")
    if not os.access(path, os.W_OK | os.X_OK):
        raise SettingsError(f"STETHO_DATA_DIR {path} is not writable for this user")
    free_mb = shutil.disk_usage(path).free // _MIB
    if free_mb < _ROOM_MB:
        raise SettingsError(f"{path} has {free_mb} MiB left; make room, or set STETHO_KEEP_FREE_MB")
    return f"{path} is writable, {free_mb} MiB are free"


def check_database(settings: Settings) -> str:
    """Check that the database can be read and is of this version."""
    open_existing(settings.database)
    return f"at schema {REVISION}"


def check_calibrations(settings: Settings) -> str:
    """Check that the calibrations of devices belong to the model versions in use."""
    registry = ModelRegistry.from_settings(settings)
    found = AdaptationTables(connect_existing(settings.database, read_only=True)).all()
    pairs = [(device, each) for device, by_model in found.items() for each in by_model.values()]
    old = [(device, each) for device, each in pairs if registry.adaptable_sha256(each.model) != each.sha256]
    if old:
        device, calibration = old[0]
        names = ", ".join(f"{device} ({each.model})" for device, each in old)
        raise StoreError(
            f"calibrated for another version, and not applied: {names}; calibrate again, or run "
            f"`stetho calibrate {device} --undo --model {calibration.model}`"
        )
    return f"{len(found)} calibrated" if found else "none is calibrated"


def check_worker(settings: Settings) -> str:
    """Check that a worker has written its heartbeat lately."""
    seen_at = open_existing(settings.database).last_heartbeat(settings.worker_id)
    if seen_at is None:
        raise StoreError(f"{settings.worker_id} has never run with this database: start `stetho worker`")
    age_s = (datetime.now(UTC) - datetime.fromisoformat(seen_at)).total_seconds()
    if not -_STALE_S < age_s < _STALE_S:
        raise StoreError(f"{settings.worker_id} wrote its last heartbeat at {seen_at}: start `stetho worker`")
    return f"{settings.worker_id} wrote its heartbeat at {seen_at}"


def check_broker(settings: Settings) -> str:
    """Check that the broker accepts a connection, and that its certificate is trusted where TLS is used."""
    address = (settings.mqtt_host, settings.mqtt_port)
    where = f"{address[0]}:{address[1]}"
    try:
        with socket.create_connection(address, _CONNECT_WITHIN_S) as connection:
            if settings.mqtt_ca_file is None:
                return f"{where} accepts connections, without TLS"
            context = ssl.create_default_context(cafile=str(settings.mqtt_ca_file))
            with context.wrap_socket(connection, server_hostname=settings.mqtt_host):
                return f"{where} accepts connections, and its certificate is trusted"
    except ssl.SSLError as error:
        raise BrokerError(f"{where} is not trusted ({error.reason}); check STETHO_MQTT_CA_FILE") from error
    except OSError as error:
        raise BrokerError(
            f"{where} cannot be reached ({error}); start `stetho broker`, or check STETHO_MQTT_HOST"
        ) from error


def check_password(settings: Settings) -> str:
    """Check that the worker has a password for the broker."""
    if not settings.password:
        raise SettingsError(
            "the worker has no password for the broker; set STETHO_MQTT_PASSWORD_FILE to the file that "
            "`stetho provision init` wrote"
        )
    return f"the account {settings.mqtt_username} has a password"


CHECKS: Final[dict[str, Check]] = {
    "runtime": check_runtime,
    "models": check_models,
    "disk": check_data_directory,
    "database": check_database,
    "devices": check_calibrations,
    "account": check_password,
    "broker": check_broker,
    "worker": check_worker,
}


if __name__ == "__main__":
    sys.exit(main())
