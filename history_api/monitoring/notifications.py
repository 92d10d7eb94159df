"""Notifications: rules without their addresses, receivers, the last messages; and a test of a rule."""

import time
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify

from edge_worker.notify import status
from edge_worker.notify.message import Writer
from edge_worker.notify.status import NotifyStatus
from history_api.models import label_words
from history_api.openapi.operation import (
    PROBLEM,
    UNAVAILABLE,
    Paths,
    get,
    json_answer,
    json_body,
    operation,
    query,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import (
    COUNT,
    SEVERITY,
    TEXT,
    TIME,
    Schema,
    list_of,
    map_of,
    or_null,
    ref,
    strict_object,
)
from history_api.services import services

_LAST: Final = 30
_LONGEST_WAIT_S: Final = 25
_POLL_S: Final = 0.05
_RETRY: Final = {"Retry-After": "5"}
_STATES: Final = ("waiting", "sent", "given up")
blueprint = Blueprint("notifications", __name__)
PATHS: Final[Paths] = {
    "/api/v1/notifications": get(
        "rules of the notifications, their receivers without addresses, the last messages",
        "notifications",
        {"200": json_answer(ref("Notifications"))} | UNAVAILABLE,
        role="operator",
    ),
    "/api/v1/notifications/tests": {
        "post": operation(
            "send a test message to the receivers of a rule, and wait for them",
            "test_notification",
            {"200": json_answer(ref("NotificationTest")), "404": PROBLEM} | UNAVAILABLE,
            (
                query(
                    "wait",
                    {"type": "integer", "minimum": 0, "maximum": _LONGEST_WAIT_S, "default": _LONGEST_WAIT_S},
                    "how many seconds to wait for the receivers",
                ),
            ),
            json_body(ref("NewNotificationTest")),
            role="admin",
        )
    },
}
_FLAG: Final[Schema] = {"type": "boolean"}
_RULE: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 40}
SCHEMAS: Final[dict[str, Schema]] = {
    "NewNotificationTest": strict_object({"rule": _RULE}),
    "NotificationTest": strict_object(
        {
            "rule": _RULE,
            "receivers": list_of(
                strict_object(
                    {
                        "name": TEXT,
                        "taken": _FLAG,
                        "error": or_null(TEXT) | {"description": "why it did not take the message"},
                    }
                )
            ),
        }
    ),
    "NotificationRule": strict_object(
        {
            "name": TEXT,
            "on": {"type": "string", "enum": ["sound", "disconnected", "worker"]},
            "send_to": list_of(TEXT),
            "devices": list_of(TEXT),
            "labels": list_of(TEXT),
            "severities": list_of(SEVERITY),
            "held": COUNT | {"description": "what waits to be summed up"},
        }
    ),
    "Notifications": strict_object(
        {
            "used": _FLAG | {"description": "whether notifications ever ran here"},
            "running": _FLAG,
            "fault": or_null(TEXT) | {"description": "what is wrong, and what to do"},
            "rules": list_of(ref("NotificationRule")),
            "receivers": list_of(strict_object({"name": TEXT, "waiting": COUNT, "error": or_null(TEXT)})),
            "counters": map_of(COUNT),
            "last": list_of(
                strict_object(
                    {
                        "at": TIME,
                        "rule": TEXT,
                        "receiver": TEXT,
                        "title": TEXT,
                        "state": {"type": "string", "enum": list(_STATES)},
                        "error": or_null(TEXT),
                    }
                )
            ),
        }
    ),
}


@blueprint.get("/api/v1/notifications")
def notifications() -> Response:
    """Answer the state of the notifications."""
    return jsonify(document())


@blueprint.post("/api/v1/notifications/tests")
def test() -> Response:
    """Have `stetho notify`, which alone knows the addresses, send a test; answer what came of it."""
    data_dir, rule = services().settings.data_dir, g.body["rule"]
    found = status.read(data_dir)
    if not found.was_set_up:
        raise ProblemError(503, "notifications are not used here: docs/notifications.md", _RETRY)
    if not found.is_running:
        raise ProblemError(503, f"{found.fault}; nothing was sent", _RETRY)
    names = [each["name"] for each in found.document.get("rules", [])]
    if rule not in names:
        raise ProblemError(404, f"no rule is called {rule!r}; there are {', '.join(names)}")
    identity = status.ask_for_test(data_dir, rule)
    deadline = time.monotonic() + g.query["wait"]
    while (outcome := status.test_outcome(data_dir, identity)) is None:
        if time.monotonic() > deadline:
            raise ProblemError(503, f"the test of {rule!r} goes on: look at the last messages", _RETRY)
        time.sleep(_POLL_S)
    taken = [
        {"name": name, "taken": not error, "error": error or None} for name, error in sorted(outcome.items())
    ]
    return jsonify({"rule": rule, "receivers": taken})


def document() -> dict[str, Any]:
    """Return the document `Notifications`; the newest message first."""
    found = status.read(services().settings.data_dir, _LAST)
    return {
        "used": found.was_set_up,
        "running": found.is_running,
        "fault": found.fault or None,
        "rules": found.document.get("rules", []),
        "receivers": [
            {"name": name, "waiting": found.waiting.get(name, 0), "error": found.errors.get(name)}
            for name in found.document.get("receivers", [])
        ],
        "counters": found.counters,
        "last": _last(found),
    }


def _last(found: NotifyStatus) -> list[dict[str, Any]]:
    writer = Writer(label_words.of_request().language)
    return [
        {name: each[name] for name in ("at", "rule", "receiver", "state")}
        | {"title": writer.title(each["occurrence"]), "error": each["error"] or None}
        for each in found.last
    ]
