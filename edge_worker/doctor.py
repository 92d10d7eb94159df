"""Command `stetho doctor`: checks what a worker needs on this machine, one line for each check.

It changes nothing and disturbs nobody: the worker's account is tried at the broker only where no worker
runs, which that would disconnect.
"""

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.engine import connect_existing
from edge_worker.database.site_state.site_state import SiteState
from edge_worker.errors import ModelError, SettingsError, StethoError, StoreError
from edge_worker.inference.interpreter import runtime_name
from edge_worker.inference.loaded_models import LoadedModels, load_segmenter
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.notify import status as notify_status
from edge_worker.own_command import stetho
from edge_worker.protocol import strict_json
from edge_worker.settings import Settings
from edge_worker.upkeep import data_checks, disk_reserve, site_checks

_ROOM_MB: Final = 500
"""Less free disk than this is a fault: an hour of 44.1 kHz needs 300 MB."""
_MIB: Final = 2**20
_EXAMPLES: Final = """examples:
  stetho doctor                          check with the STETHO_* settings of the environment
  STETHO_MQTT_HOST=stetho.local stetho doctor
  stetho doctor --json                   for a monitor

Exit status: 0 when every check passes, 1 when one fails, 2 when the settings cannot be read."""

Check = Callable[[Settings], str]
"""Returns what is well; raises StethoError or OSError with what is not, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all checks; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho doctor",
        description="Check a site on this machine, a sentence each: models, disk, data, broker, worker.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print the checks as one JSON document")
    as_json: bool = parser.parse_args(arguments).json
    try:
        settings = Settings.from_environ(os.environ)
    except StethoError as error:
        print(f"stetho doctor: {error}", file=sys.stderr)
        return 2
    results = []
    for name, check in CHECKS.items():
        results.append(_result(name, check, settings))
        if not as_json:
            print(f"{'ok  ' if results[-1].ok else 'FAIL'}  {name:12} {results[-1].text}", flush=True)
    is_well = all(result.ok for result in results)
    if as_json:
        print(
            strict_json.write({"ok": is_well, "checks": [result._asdict() for result in results]}, indent=2)
        )
    return 0 if is_well else 1


class Result(NamedTuple):
    """Outcome of a check: what is well, or what is not and what to do."""

    name: str
    ok: bool
    text: str


def _result(name: str, check: Check, settings: Settings) -> Result:
    try:
        return Result(name, True, check(settings))
    except (StethoError, OSError) as error:
        return Result(name, False, str(error).split("\n", 1)[0])


def check_runtime(_settings: Settings) -> str:
    """Return which Python and which TFLite runtime are used."""
    return f"Python {platform.python_version()}, {runtime_name()}"


def check_models(settings: Settings) -> str:
    """Load every model in its version in use; each runs once on zeros."""
    registry = ModelRegistry.from_settings(settings)
    models = LoadedModels(registry, dict.fromkeys((*settings.models, *registry.classifiers())), is_quiet=True)
    segmenter, damage = load_segmenter(settings.models_dir)
    refused = [*map(str, models.refused.values()), *([] if damage is None else [str(damage)])]
    if refused:
        raise ModelError("; ".join(refused))
    versions = [f"{name} {each.card.version}" for name, each in models.items()]
    return ", ".join([*versions, f"segments {segmenter.version}"])


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
    has_reserve = (path / disk_reserve.NAME).exists()
    reserve = (
        "and the reserve is there" if has_reserve or not settings.reserve_mb else "no reserve is made yet"
    )
    return f"{path} is writable, {free_mb} MiB are free, {reserve}"


def check_clock(settings: Settings) -> str:
    """Check that the clock is believed, and that no old recordings wait for a person to be deleted."""
    state = SiteState(settings.database)
    warnings = state.warnings()
    if any(warnings):
        raise StoreError("; ".join(filter(None, warnings)))
    return state.clock().sentence


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
            f"`{stetho(f'calibrate {device} --undo --model {calibration.model}')}`"
        )
    return f"{len(found)} calibrated" if found else "none is calibrated"


def check_notifications(settings: Settings) -> str:
    """Check that notifications, where they are used, run, have right rules, and reach their receivers."""
    status = notify_status.read(settings.data_dir)
    if status.fault:
        raise SettingsError(status.fault)
    if not status.was_set_up:
        return "not used here: docs/notifications.md"
    rules, receivers = (len(status.document.get(name, [])) for name in ("rules", "receivers"))
    return f"{rules} rules, {receivers} receivers, {status.counters.get('sent', 0)} messages sent"


CHECKS: Final[dict[str, Check]] = {
    "runtime": check_runtime,
    "models": check_models,
    "disk": check_data_directory,
    "privacy": data_checks.check_privacy,
    "database": data_checks.check_database,
    "clock": check_clock,
    "spool": data_checks.check_spool,
    "audio": data_checks.check_audio,
    "quarantine": data_checks.check_quarantine,
    "outbox": data_checks.check_outbox,
    "calibrations": check_calibrations,
    "broker": site_checks.check_broker,
    "account": site_checks.check_account,
    "worker": site_checks.check_worker,
    "devices": site_checks.check_devices,
    "notify": check_notifications,
}


if __name__ == "__main__":
    sys.exit(main())
