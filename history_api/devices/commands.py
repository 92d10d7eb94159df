"""Endpoint of commands to a device: record, stop, identify, restart; the answer is that of the device."""

import logging
import time
from math import ceil
from typing import Any, Final

from flask import Blueprint, Response, current_app, g, jsonify

from edge_worker.own_command import stetho
from edge_worker.protocol.device_report import ONLINE
from edge_worker.telemetry.logfmt import line
from history_api.access.rate_limit import RateLimiter
from history_api.devices import command_words
from history_api.models import label_words
from history_api.mqtt.command_exchange import SentCommand
from history_api.mqtt.mqtt_session import MqttSession
from history_api.openapi.operation import (
    DEVICE_PARAMETERS,
    PROBLEM,
    UNAVAILABLE,
    Paths,
    json_answer,
    json_body,
    operation,
    query,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import DEVICE, TEXT, Schema, or_null, ref, strict_object
from history_api.services import services

_LOG: Final = logging.getLogger(__name__)
_LIMITER: Final = "stetho_command_limiter"
_PER_MINUTE: Final = 30
"""Commands to one device, whoever sends them."""
_WAIT_S: Final = 5
_LONGEST_WAIT_S: Final = 20
_RETRY: Final = {"Retry-After": "5"}
_COMMAND: Final[Schema] = {"type": "string", "enum": list(command_words.BUTTONS)}
SCHEMAS: Final[dict[str, Schema]] = {
    "NewCommand": strict_object(
        {
            "command": _COMMAND,
            "seconds": {
                "type": "number",
                "minimum": 0.1,
                "maximum": 3600,
                "description": "of `record`: length of the recording; without it, that of the device",
            },
            "stream": {
                "type": "boolean",
                "description": "of `record`: until it is stopped, classified while it is recorded",
            },
        },
        optional=("seconds", "stream"),
    ),
    "CommandAnswer": strict_object(
        {
            "id": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
            "device_id": DEVICE,
            "command": _COMMAND,
            "answer": {"type": "string", "enum": ["done", "refused", "no_answer"]},
            "reason": or_null(TEXT)
            | {"description": "why it was refused; `later`: done as soon as nothing is lost by it"},
            "text": {
                "type": "string",
                "description": "the same for people, in the language of Accept-Language",
            },
        }
    ),
}
blueprint = Blueprint("commands", __name__)
PATHS: Final[Paths] = {
    "/api/v1/devices/{device_id}/commands": {
        "post": operation(
            "command a device, and wait for its answer",
            "command_device",
            {"200": json_answer(ref("CommandAnswer")), "409": PROBLEM} | UNAVAILABLE,
            (
                *DEVICE_PARAMETERS,
                query(
                    "wait",
                    {"type": "integer", "minimum": 0, "maximum": _LONGEST_WAIT_S, "default": _WAIT_S},
                    "how many seconds to wait for the answer",
                ),
            ),
            json_body(ref("NewCommand")),
            role="operator",
        )
    }
}


@blueprint.post("/api/v1/devices/<device_id>/commands")
def command(device_id: str) -> Response:
    """Send a command to a device that is connected, and answer what the device answered."""
    session = _session()
    _require_online(session, device_id)
    _limit(device_id)
    sent = SentCommand(device_id, g.body["command"], _args())
    began = time.monotonic()
    is_clock_right = not services().history.site_warnings().clock
    session.command(sent, g.query["wait"], with_expiry=is_clock_right)
    if not sent.is_sent:
        raise ProblemError(503, "the connection to the broker was lost; nothing was sent, try again", _RETRY)
    document = _document(sent)
    _LOG.info(
        line(
            "device_command",
            device=device_id,
            command=sent.command,
            id=sent.id,
            by=g.principal.name,
            answer=document["answer"],
            reason=document["reason"],
            took_ms=round(1000 * (time.monotonic() - began)),
        )
    )
    response = jsonify(document)
    response.vary.add("Accept-Language")
    return response


def _session() -> MqttSession:
    """Return the MQTT session, or raise ProblemError 503 while it is not connected."""
    session = services().mqtt_session
    if session is None:
        raise ProblemError(
            503,
            f"commands need an account at the broker: `{stetho('provision api')}` makes one, "
            "STETHO_API_MQTT_PASSWORD_FILE names its password",
            _RETRY,
        )
    if not session.is_connected:
        reason = session.connection_error or "the broker cannot be reached"
        raise ProblemError(503, f"{reason}; nothing was sent, try again later", _RETRY)
    return session


def _require_online(session: MqttSession, device_id: str) -> None:
    """Raise ProblemError 409 unless the device is connected: a command that waits for it would run late."""
    state = session.devices.get(device_id, {}).get("state")
    if state in ONLINE:
        return
    known = "has lost its connection" if state == "lost" else "is not connected"
    raise ProblemError(
        409,
        f"{device_id} {known}, and nothing was sent: switch it on, wait until its display says READY, "
        "and send the command again",
    )


def _limit(device_id: str) -> None:
    limiter: RateLimiter = current_app.extensions.setdefault(_LIMITER, RateLimiter(_PER_MINUTE))
    wait_s = limiter.take(device_id)
    if wait_s:
        seconds = ceil(wait_s)
        raise ProblemError(
            429,
            f"{device_id} got {_PER_MINUTE} commands within a minute; try again in {seconds} s",
            {"Retry-After": str(seconds)},
        )


def _args() -> dict[str, Any]:
    args = {key: g.body[key] for key in ("seconds", "stream") if key in g.body}
    if args and g.body["command"] != "record":
        raise ProblemError(400, f"only `record` takes {' and '.join(args)}", pointer=f"/{next(iter(args))}")
    return args


def _document(sent: SentCommand) -> dict[str, Any]:
    language = label_words.of_request().language
    answer = sent.answer
    return {
        "id": sent.id,
        "device_id": sent.device_id,
        "command": sent.command,
        "answer": "no_answer" if answer is None else answer["answer"],
        "reason": None if answer is None else answer["reason"],
        "text": command_words.sentence(sent.command, answer, language),
    }
