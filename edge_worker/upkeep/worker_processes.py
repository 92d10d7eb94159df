"""Settings of the processes that one worker is, and the end of those that it is no longer."""

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from edge_worker.database.sharing.shard_locks import ShardLocks
from edge_worker.database.worker_heartbeat import WorkerHeartbeat
from edge_worker.database.worker_rows import WorkerRows
from edge_worker.errors import StethoError, StoreError
from edge_worker.leases.cluster import Cluster
from edge_worker.protocol.sharing.held_shards import HeldShards
from edge_worker.protocol.sharing.shard import SHARDS, account_of
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line
from edge_worker.upkeep import broker_probe

_LOG: Final = logging.getLogger(__name__)


def settings_of(settings: Settings, process: int) -> Settings:
    """Return the settings of one process: names of its own, and its share of what is limited.

    Raises:
        SettingsError: a name gets too long.
    """
    count, port = settings.process_count, settings.worker_metrics_port
    number = settings.first_process + process - 1
    own = replace(
        settings,
        mqtt_username=account_of(settings.mqtt_username, number),
        worker_id=settings.worker_id if number == 1 else f"{settings.worker_id}-{number}",
        worker_metrics_port=port and port + process - 1,
        max_open=-(-settings.max_open // count),
        max_spool_mb=-(-settings.max_spool_mb // count),
    )
    own.check()
    return own


def shards_of(settings: Settings, process: int) -> HeldShards:
    """Return the shards of one process at its start; one of a cluster takes its share later."""
    if settings.is_cluster:
        return HeldShards((), settings.first_process + process - 1)
    return HeldShards.fixed(process, settings.process_count)


def cluster_of(settings: Settings, process: int) -> Cluster | None:
    """Return what a process of a cluster needs to take its share; None where shards are fixed."""
    if not settings.is_cluster:
        return None
    first = settings.first_process
    return Cluster(settings, ShardLocks(settings.database, first + process - 1, machine=first))


def worker_ids(settings: Settings, heartbeats: Iterable[WorkerHeartbeat] = ()) -> list[str]:
    """Return the ids under which the processes of this worker write their heartbeats.

    Where no setting says how many there are, the last heartbeat of the first does.
    """
    said = {each.worker_id: each.document.get("processes") for each in heartbeats}
    count = settings.processes or said.get(settings.worker_id) or 1
    known = replace(settings, processes=count)
    return [settings_of(known, process).worker_id for process in range(1, count + 1)]


def retire_others(settings: Settings) -> None:
    """End what is left of processes that are not needed any more, before they fill queues at the broker.

    What cannot be done now is done at the next start. In a cluster, others may run on other machines.
    """
    if settings.is_cluster:
        return
    rows = WorkerRows(settings.database)
    try:
        known = rows.ids()
    except StoreError:  # there is no database yet, or the start will say what is wrong with it
        return
    for process in range(settings.process_count + 1, SHARDS + 1):
        other = settings_of(settings, process)
        if other.worker_id in known:
            _retire(other, rows)
    rows.close()


def _retire(other: Settings, rows: WorkerRows) -> None:
    try:
        broker_probe.end_session(other)
        rows.delete(other.worker_id)
    except StethoError as error:
        _LOG.warning(line("process_not_retired", worker=other.worker_id, reason=error))
    else:
        _LOG.info(line("process_retired", worker=other.worker_id))
