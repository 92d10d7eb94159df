"""Connections that nodes of NATS have, and their end: an account that is removed is disconnected."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from nats.aio.client import Client

from edge_worker.protocol import strict_json
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)
_ALL_NODES: Final = "$SYS.REQ.SERVER.PING.CONNZ"
_ONE_NODE: Final = "$SYS.REQ.SERVER.{server}.CONNZ"
_KICK: Final = "$SYS.REQ.SERVER.{server}.KICK"
_PAGE: Final = 1024
_ANSWER_WITHIN_S: Final = 2.0


async def disconnect(client: Client, is_unwanted: Callable[[str], bool]) -> None:
    """End the MQTT connections of users that are unwanted, at all nodes."""
    async for server, connection in _mqtt_connections(client):
        user = connection["authorized_user"]
        if is_unwanted(user):
            _LOG.info(line("ended_connection", user=user))
            kick = strict_json.write({"cid": connection["cid"]}).encode()
            # A node does nothing for one who wants no answer.
            await client.publish(_KICK.format(server=server), kick, reply=client.new_inbox())


async def _mqtt_connections(client: Client) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Yield pairs of a node's id and a connection of its."""
    inbox = client.new_inbox()
    answers = await client.subscribe(inbox)
    await client.publish(_ALL_NODES, _question(0), reply=inbox)
    try:
        while True:
            try:
                answer = await answers.next_msg(_ANSWER_WITHIN_S)
            except (TimeoutError, asyncio.TimeoutError):  # noqa: UP041 - nats-py has one of its own
                return
            document = json.loads(answer.data)
            server, page = document["server"]["id"], document.get("data", {})
            found = page.get("connections") or []
            for each in found:
                if "mqtt_client" in each and "authorized_user" in each:
                    yield server, each
            end = page.get("offset", 0) + len(found)
            if found and end < page.get("total", 0):
                await client.publish(_ONE_NODE.format(server=server), _question(end), reply=inbox)
    finally:
        await answers.unsubscribe()


def _question(offset: int) -> bytes:
    return strict_json.write({"auth": True, "limit": _PAGE, "offset": offset}).encode()
