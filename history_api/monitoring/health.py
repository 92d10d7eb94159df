"""Whether the service is well, and since when it runs."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Response, jsonify

from edge_worker import __version__
from edge_worker.database.history import History, WorkerHeartbeat
from edge_worker.errors import StoreError
from edge_worker.protocol.timestamp import rfc3339
from history_api.models import models
from history_api.openapi.operation import OK, UNAVAILABLE, Paths, get, json_answer
from history_api.openapi.schemas import NUMBER, TIME, ref, strict_object
from history_api.services import services

STALE: Final = timedelta(seconds=30)
"""A worker writes its heartbeat every 5 s; after this long it is taken for dead."""
blueprint = Blueprint("health", __name__)
PATHS: Final[Paths] = {
    "/health": get(
        "how database, worker and models are",
        "health",
        {"200": json_answer(ref("Health"), "Also when degraded.")},
        role="public",
    ),
    "/livez": get("whether the process lives", "livez", {"200": OK}, role="public"),
    "/readyz": get(
        "whether requests can be answered; 503 says what to do",
        "readyz",
        {"200": OK} | UNAVAILABLE,
        role="public",
    ),
    "/uptime": get(
        "since when this process serves",
        "uptime",
        {
            "200": json_answer(
                strict_object({"started_at": TIME, "uptime_s": NUMBER, "uptime_seconds": NUMBER}),
                "`uptime_seconds` is what clients of the heart system know.",
            )
        },
        role="public",
    ),
}


@blueprint.get("/livez")
def livez() -> Response:
    """Answer while the process lives."""
    return jsonify({"status": "ok"})


@blueprint.get("/readyz")
def readyz() -> Response:
    """Answer 200 when the database can be read, 503 with what to do otherwise."""
    services().history.require_ready()
    return jsonify({"status": "ok"})


@blueprint.get("/uptime")
def uptime() -> Response:
    """Answer since when this process serves."""
    started_at = services().started_at
    seconds = round((datetime.now(UTC) - started_at).total_seconds(), 3)
    return jsonify({"started_at": rfc3339(started_at), "uptime_s": seconds, "uptime_seconds": seconds})


@blueprint.get("/health")
def health() -> Response:
    """Answer how the parts are; always 200, the orchestrator's question is `/readyz`."""
    parts = components(services().history, datetime.now(UTC))
    is_well = all(part["status"] == "ok" for part in parts.values())
    return jsonify(
        {
            "status": _word(is_well),
            "predictor_ready": parts["models"]["status"] == "ok",
            "version": __version__,
            "components": parts,
        }
    )


def components(history: History, now: datetime) -> dict[str, dict[str, Any]]:
    """Return how database, workers and models are at `now`."""
    try:
        history.require_ready()
        database = {"status": "ok", "recordings": history.count()}
        beats = history.heartbeats()
    except StoreError as error:
        database, beats = {"status": "degraded", "detail": str(error)}, []
    workers = [_worker(beat, now) for beat in beats]
    ready = [worker for worker in workers if worker["is_fresh"] and worker["state"] == "ready"]
    loaded = sorted({name for worker in ready for name in worker["models"]})
    return {
        "database": database,
        "worker": {"status": _word(bool(ready)), "workers": workers},
        "models": {
            "status": _word(bool(loaded)),
            "loaded": loaded,
            "cards": list(models.cards(services().settings)),
        },
    }


def _worker(beat: WorkerHeartbeat, now: datetime) -> dict[str, Any]:
    age = now - datetime.fromisoformat(beat.seen_at)
    return {
        "worker_id": beat.worker_id,
        "state": beat.document.get("state"),
        "seen_at": beat.seen_at,
        "age_s": round(age.total_seconds(), 1),
        "is_fresh": age < STALE,
        "models": beat.document.get("models", []),
        "versions": beat.document.get("versions", {}),
        "version": beat.document.get("version"),
        "runtime": beat.document.get("runtime"),
        "open_recordings": beat.document.get("open_recordings"),
        "backlog": beat.document.get("backlog"),
        "counters": beat.document.get("counters", {}),
    }


def _word(is_well: bool) -> str:
    return "ok" if is_well else "degraded"
