"""Limit of what waits at NATS for clients that are away: it must never take the room that sessions need.

NATS has no such setting for MQTT. Without it the store of a node fills, and then nobody can connect any more,
not even the worker that would empty it. With it the sender of what has no room is disconnected, and holds it.
"""

import logging
from typing import Any, Final

from nats.aio.client import Client
from nats.errors import Error

from edge_worker.protocol import strict_json
from edge_worker.telemetry.logfmt import line

Document = dict[str, Any]
_LOG: Final = logging.getLogger(__name__)
_STREAM: Final = "$MQTT_msgs"
_STORE: Final = "$SYS.REQ.SERVER.PING.JSZ"
_READ: Final = f"$JS.API.STREAM.INFO.{_STREAM}"
_CHANGE: Final = f"$JS.API.STREAM.UPDATE.{_STREAM}"
_SHARE: Final = 0.75
"""Of the store of a node."""
_ANSWER_WITHIN_S: Final = 5.0


async def limit_queue(system: Client, site: Client) -> int:
    """Limit the queue; return its limit in bytes, 0 where it has none: there is no queue before a client."""
    try:
        store = await _ask(system, _STORE, {})
        limit = int(store["data"]["config"]["max_storage"] * _SHARE)
        stream = await _ask(site, _READ, {})
        if "config" not in stream:
            return 0
        config = stream["config"]
        if config["max_bytes"] != limit or config["discard"] != "new":
            answer = await _ask(site, _CHANGE, config | {"max_bytes": limit, "discard": "new"})
            if "error" in answer:
                _LOG.error(line("queue_not_limited", reason=answer["error"].get("description")))
                return 0
    except (Error, KeyError, ValueError) as error:
        _LOG.info(line("queue_not_limited", reason=str(error) or type(error).__name__))
        return 0
    return limit


async def _ask(client: Client, subject: str, question: Document) -> Document:
    answer = await client.request(subject, strict_json.write(question).encode(), timeout=_ANSWER_WITHIN_S)
    document: Document = strict_json.read(answer.data)
    return document
