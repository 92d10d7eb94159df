"""Health endpoints: the state of database, workers and models, liveness, readiness and uptime."""

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from edge_worker import __version__
from edge_worker.database.history import History
from edge_worker.database.site_state.clock_reading import uptime_s
from edge_worker.database.site_state.site_state import SiteWarnings
from edge_worker.database.worker_heartbeat import WorkerHeartbeat
from edge_worker.errors import StoreError
from edge_worker.notify import status as notify_status
from edge_worker.own_command import stetho
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.upkeep.data_directory import write_problem
from edge_worker.upkeep.disk_reserve import least_free
from edge_worker.upkeep.worker_processes import worker_ids
from history_api.models import models
from history_api.openapi.operation import OK, UNAVAILABLE, Paths, get, json_answer
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import NUMBER, TIME, ref, strict_object
from history_api.services import services

_RETRY_AFTER_S: Final = 5
blueprint = Blueprint("health", __name__)
PATHS: Final[Paths] = {
    "/health": get(
        "health of database, workers and models",
        "health",
        {"200": json_answer(ref("Health"), "Also when degraded.")},
        role="public",
    ),
    "/livez": get("liveness: the process answers", "livez", {"200": OK}, role="public"),
    "/readyz": get(
        "readiness: requests can be answered; 503 says what to do",
        "readyz",
        {"200": OK} | UNAVAILABLE,
        role="public",
    ),
    "/uptime": get(
        "start time and uptime of this process",
        "uptime",
        {
            "200": json_answer(
                strict_object({"started_at": TIME, "uptime_s": NUMBER, "uptime_seconds": NUMBER}),
                "`uptime_seconds` is for clients of the heart system.",
            )
        },
        role="public",
    ),
}


@blueprint.get("/livez")
def livez() -> Response:
    """Answer 200 while the process runs."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 when the site can record: database, disk and a worker; 503 with what to do otherwise."""
    services().history.require_ready()
    heartbeats = services().history.heartbeats()
    workers = _workers(heartbeats, datetime.now(UTC))
    problem = _disk().get("detail") or _problem(workers, heartbeats)
    if problem:
        raise ProblemError(
            503, f"{problem}; what is stored can be read", {"Retry-After": str(_RETRY_AFTER_S)}
        )
    return jsonify({"status": "ok"})


@blueprint.get("/uptime")
def uptime() -> Response:
    """Answer the start time and the uptime of this process."""
    seconds = round(uptime_s() - services().started_uptime_s, 3)
    return jsonify(
        {"started_at": rfc3339(services().started_at), "uptime_s": seconds, "uptime_seconds": seconds}
    )


@blueprint.get("/health")
def health() -> Response:
    """Answer the health of all parts, always with 200: orchestrators ask `/readyz`."""
    parts = components(services().history, datetime.now(UTC))
    is_ok = all(part["status"] == "ok" for part in parts.values())
    return jsonify(
        {
            "status": _status(is_ok),
            "predictor_ready": bool(parts["models"]["loaded"]),
            "version": __version__,
            "components": parts,
        }
    )


def components(history: History, now: datetime) -> dict[str, dict[str, Any]]:
    """Return the health of database, workers and models at `now` (aware), by name."""
    try:
        history.require_ready()
        database = {"status": "ok", "recordings": history.count()}
        heartbeats, warnings = history.heartbeats(), history.site_warnings()
    except StoreError as error:
        database, heartbeats = {"status": "degraded", "detail": str(error)}, []
        warnings = SiteWarnings()
    workers, mqtt_session = _workers(heartbeats, now), services().mqtt_session
    ready = [worker for worker in workers if _is_ready(worker)]
    loaded = sorted({name for worker in ready for name in worker["models"]})
    refused = _part(_refused_models(heartbeats, {worker["worker_id"] for worker in ready}))
    if not loaded:
        refused["status"] = "degraded"
    return {
        "database": database,
        "disk": _disk(),
        "broker": _part(mqtt_session.account_fault if mqtt_session is not None else ""),
        "clock": _part(warnings.clock),
        "retention": _part(warnings.retention or warnings.room),
        "notifications": _part(_notification_fault()),
        "worker": {"status": _status(not _problem(workers, heartbeats)), "workers": workers},
        "models": refused | {"loaded": loaded, "cards": list(models.cards(services().settings))},
    }


def _workers(heartbeats: Sequence[WorkerHeartbeat], now: datetime) -> list[dict[str, Any]]:
    """Return the health of each worker: its heartbeat, and what the broker reports of it if that is worse."""
    session = services().mqtt_session
    reported = session.workers if session is not None and session.is_connected else {}
    if not heartbeats:
        return [_unread(name, reported[name]) for name in sorted(reported)]
    return [_worker(each, now, reported.get(each.worker_id, {})) for each in heartbeats]


def _is_ready(worker: dict[str, Any]) -> bool:
    return bool(worker["is_fresh"] and worker["state"] == "ready")


def _problem(workers: list[dict[str, Any]], heartbeats: Sequence[WorkerHeartbeat]) -> str:
    """Return why no worker is ready and well, an empty text where one is; of processes all must be."""
    expected = worker_ids(services().settings, heartbeats)
    if len(expected) > 1:
        known = {worker["worker_id"]: str(worker["reason"]) for worker in workers}
        missing = f"has never run: check `{stetho('worker')}` and its log"
        problems = {each: known.get(each, missing) for each in expected}
        return "; ".join(f"{each}: {reason}" for each, reason in problems.items() if reason)
    if any(_is_ready(worker) and not worker["reason"] for worker in workers):
        return ""
    reasons = [f"{worker['worker_id']}: {worker['reason']}" for worker in workers if worker["reason"]]
    return reasons[0] if reasons else f"no worker has ever run here: start `{stetho('worker')}`"


def _disk() -> dict[str, Any]:
    """Return the health of the disk with the data directory."""
    data_dir = services().settings.data_dir
    try:
        if data_dir.exists() and (problem := write_problem(data_dir)):
            return {"status": "degraded", "detail": problem}
        usage = shutil.disk_usage(data_dir)
    except OSError as error:
        return {"status": "degraded", "detail": f"{data_dir} cannot be read ({error.strerror})"}
    free = usage.free
    if free < least_free(usage.total):
        return {
            "status": "degraded",
            "free_bytes": free,
            "detail": f"the disk of {data_dir} is full: make room",
        }
    return {"status": "ok", "free_bytes": free}


def _notification_fault() -> str:
    """Return what is wrong with the notifications, where they are used; what to do."""
    try:
        return notify_status.read(services().settings.data_dir).fault
    except StoreError as error:
        return str(error)


def _refused_models(heartbeats: Sequence[WorkerHeartbeat], ready: set[str]) -> str:
    """Return which models, or versions of them, the workers that are ready could not load, and why."""
    by_worker = (each.document.get("refused_models") or {} for each in heartbeats if each.worker_id in ready)
    reasons = {f"{model}: {reason}" for refused in by_worker for model, reason in refused.items()}
    return "; ".join(sorted(reasons))


def _unread(worker_id: str, reported: dict[str, Any]) -> dict[str, Any]:
    """Return the health of a worker whose heartbeat cannot be read, or was never written: what it says."""
    heartbeat = WorkerHeartbeat(worker_id, rfc3339(datetime.fromtimestamp(0, UTC)), {})
    worker = _worker(heartbeat, datetime.now(UTC), reported)
    reason = reported.get("reason") or f"{reported.get('state')}, and its heartbeat cannot be read here"
    return worker | {"seen_at": None, "age_s": None, "reason": str(reason)}


def _worker(heartbeat: WorkerHeartbeat, now: datetime, reported: dict[str, Any]) -> dict[str, Any]:
    is_fresh = heartbeat.is_fresh(now)
    is_worse = reported.get("state") in ("degraded", "offline")
    state = reported["state"] if is_worse else heartbeat.document.get("state")
    faults = heartbeat.document.get("faults") or [heartbeat.document.get("warning") or ""]
    reason = str(reported.get("reason") or "; ".join(faults) if is_worse or is_fresh else "")
    if not reason and not (is_fresh and state == "ready"):
        reason = f"{state}, last heard of at {heartbeat.seen_at}: check `{stetho('worker')}` and its log"
    return {
        "worker_id": heartbeat.worker_id,
        "state": state,
        "seen_at": heartbeat.seen_at,
        "age_s": round(heartbeat.age_s(now), 1),
        "is_fresh": is_fresh,
        "reason": reason,
        "models": heartbeat.document.get("models", []),
        "versions": heartbeat.document.get("versions", {}),
        "version": heartbeat.document.get("version"),
        "runtime": heartbeat.document.get("runtime"),
        "open_recordings": heartbeat.document.get("open_recordings"),
        "backlog": heartbeat.document.get("backlog"),
        "counters": heartbeat.document.get("counters", {}),
    }


def _part(warning: str) -> dict[str, Any]:
    """Return a part that is degraded where there is a warning, which says what to do."""
    return {"status": "degraded", "detail": warning} if warning else {"status": "ok"}


def _status(is_ok: bool) -> str:
    return "ok" if is_ok else "degraded"
