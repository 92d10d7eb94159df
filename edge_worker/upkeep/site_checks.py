"""Checks of what runs together at a site: the broker, the worker's account there, the worker, its devices."""

import ssl
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from edge_worker.broker_address import BrokerAddress
from edge_worker.database.history import History
from edge_worker.database.worker_heartbeat import WorkerHeartbeat
from edge_worker.errors import BrokerError, SettingsError, StoreError
from edge_worker.own_command import stetho
from edge_worker.protocol.sharing.shard import SHARDS
from edge_worker.settings import Settings
from edge_worker.upkeep import broker_probe
from edge_worker.upkeep.broker_socket import connection_to
from edge_worker.upkeep.sizing.machine_share import MachineShare
from edge_worker.upkeep.sizing.process_count import ProcessCount
from edge_worker.upkeep.worker_processes import worker_ids

_WELL: Final = "is ready, its heartbeat is fresh"
_RENEW_WITHIN: Final = timedelta(days=14)


def check_broker(settings: Settings) -> str:
    """Check that each broker can be reached; with TLS, that its certificate is trusted and stays valid."""
    return "; ".join(_check_one_broker(settings, broker) for broker in settings.brokers)


def _check_one_broker(settings: Settings, where: BrokerAddress) -> str:
    with connection_to(settings, where) as connection:
        if not isinstance(connection, ssl.SSLSocket):
            return f"{where} accepts connections, without TLS"
        certificate = connection.getpeercert() or {}
        authorities = connection.context.get_ca_certs()
    expiry = min(_expiry(each) for each in (certificate, *authorities))
    left = expiry - datetime.now(UTC)
    if left < _RENEW_WITHIN:
        raise BrokerError(
            f"the certificate of {where} expires on {expiry:%Y-%m-%d}; renew it with "
            f"`{stetho('certificate server')}` and reload the broker"
        )
    return f"{where} accepts connections, and its certificate is trusted until {expiry:%Y-%m-%d}"


def check_account(settings: Settings) -> str:
    """Check that the worker's account is let in and has its rights, without disturbing a worker that runs."""
    user = settings.mqtt_username
    if not settings.password:
        raise SettingsError(
            "the worker has no password for the broker; set STETHO_MQTT_PASSWORD_FILE to the file that "
            f"`{stetho('provision init')}` wrote"
        )
    try:
        running = _fresh_heartbeats(settings)
    except StoreError:
        return f"{user} has a password, which is not tried: without a database, nobody knows if a worker runs"
    if any(each.document.get("state") != "offline" for each in running):
        return f"the worker that runs is connected as {user}"
    broker_probe.require_rights(settings)
    return f"{user} is let in, and may publish as a worker"


def check_worker(settings: Settings) -> str:
    """Check that the worker has written its heartbeat lately, and has no fault."""
    heartbeats = _fresh_heartbeats(settings)
    fresh = {each.worker_id: each.document for each in heartbeats}
    problems = {
        worker_id: _process_problem(fresh.get(worker_id)) for worker_id in worker_ids(settings, heartbeats)
    }
    said = [f"{worker_id} {problem or _WELL}" for worker_id, problem in problems.items()]
    said.append(_size(settings, len(problems)))
    unheld = _unheld(fresh.values()) if settings.is_cluster else ""
    if unheld:
        said.append(
            f"no worker has the devices of the shards {unheld}: look again, as shards move within seconds, "
            "then see the logs of the workers that run"
        )
    if unheld or any(problems.values()):
        raise StoreError("; ".join(said))
    return "; ".join(said)


def _size(settings: Settings, processes: int) -> str:
    """Return how many processes run on how many cores, and what would make them more."""
    machine = MachineShare.current()
    return f"processes: {processes}, cores: {machine.cores} ({ProcessCount.of(settings, machine).reason})"


def _process_problem(document: Mapping[str, Any] | None) -> str:
    """Return what is wrong with a process by its last heartbeat, an empty text where nothing is."""
    if document is None:
        return f"has written no heartbeat lately: start `{stetho('worker')}`"
    if faults := "; ".join(map(str, document.get("faults", []))):
        return f"is degraded: {faults}"
    is_away = document.get("state") == "offline"
    return "runs, but is not connected to the broker; its log says why" if is_away else ""


def _unheld(documents: Iterable[Mapping[str, Any]]) -> str:
    """Return the shards that no worker serves, an empty text where each is served."""
    working = (document for document in documents if document.get("state") != "offline")
    held = {shard for document in working for shard in document.get("shards", {}).get("held", [])}
    return ", ".join(str(shard) for shard in range(SHARDS) if shard not in held)


def check_devices(settings: Settings) -> str:
    """Check that no two devices share an account, as far as a worker that runs has noticed."""
    try:
        running = _fresh_heartbeats(settings)
    except StoreError:
        running = []
    shared = [str(name) for each in running for name in each.document.get("shared_accounts", [])]
    if shared:
        raise StoreError(
            f"two devices use the account {shared[0]}; give one of them an account of its own "
            f"(`{stetho('provision device ID')}`)"
        )
    return "no two devices use one account" if running else "no worker runs that would notice"


def _fresh_heartbeats(settings: Settings) -> list[WorkerHeartbeat]:
    """Return the last heartbeat of each worker that runs."""
    history = History.open(settings.database)
    found = history.heartbeats()
    history.close()
    return [each for each in found if each.is_fresh(datetime.now(UTC))]


def _expiry(certificate: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
