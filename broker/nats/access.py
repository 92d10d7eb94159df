"""`stetho nats access`: answers the nodes of NATS who is let in, as which client, with which rights.

The client id of MQTT must be the user name: a session belongs to its client id, so that no client takes over
the session of another. Of several such programs, each request is answered by one.
"""

import asyncio
import logging
import signal
import time
from contextlib import suppress
from typing import Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from broker import password
from broker.nats import access_token
from broker.nats.access_token import AccessRequest
from broker.nats.account_watch import AccountWatch
from broker.nats.connections import disconnect
from broker.nats.nats_directory import NatsDirectory
from broker.nats.permissions import permissions_of
from broker.nats.queue_limit import limit_queue
from broker.nats.redelivery import Redelivery
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)
USER: Final = "access"
_SITE_USER: Final = "keeper"
"""Of the account of NATS in which the clients are."""
_SUBJECT: Final = "$SYS.REQ.USER.AUTH"
_LOOK_EVERY_S: Final = 1.0
_LIMIT_EVERY_S: Final = 60.0


class Access:
    """The program: accounts of one state directory, and a connection to the nodes."""

    def __init__(self, directory: NatsDirectory, accounts: AccountWatch) -> None:
        """Answer with the key of `directory`."""
        self._key = directory.key
        self._password = directory.password
        self._accounts = accounts

    async def run(self, servers: list[str]) -> None:
        """Serve until SIGTERM; the nodes may come, go and come back."""
        serving = asyncio.create_task(self._serve(servers))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        with suppress(asyncio.CancelledError):
            await serving
        _LOG.info(line("stopped"))

    async def _serve(self, servers: list[str]) -> None:
        system, site = await self._connect(servers, USER), await self._connect(servers, _SITE_USER)
        self._redelivery = Redelivery(site)
        try:
            await system.subscribe(_SUBJECT, queue=USER, cb=self._on_request)
            await system.flush()
            _LOG.info(line("ready", accounts=len(self._accounts.names())))
            await asyncio.gather(self._end_removed(system), _keep_limit(system, site))
        finally:
            await system.close()
            await site.close()

    async def _end_removed(self, system: Client) -> None:
        """Disconnect accounts that are removed, or have a new password."""
        await disconnect(system, lambda user: not self._accounts.has(user))
        while True:
            if changed := self._accounts.changed():
                await disconnect(system, changed.__contains__)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _connect(self, servers: list[str], user: str) -> Client:
        return await nats.connect(
            servers,
            name="stetho access",
            user=user,
            password=self._password,
            allow_reconnect=True,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.2,
            connect_timeout=5,
            ping_interval=1,
            max_outstanding_pings=2,
            error_cb=_on_error,
            disconnected_cb=_on_disconnected,
            reconnected_cb=_on_reconnected,
        )

    async def _on_request(self, message: Msg) -> None:
        try:
            request = AccessRequest.from_token(message.data.decode())
        except (ValueError, KeyError, IndexError) as error:
            _LOG.error(line("request_not_understood", reason=error))
            return
        if time.time() > request.expires_at + 1:
            return  # it comes again; those who still wait are answered sooner
        if reason := self._objection(request):
            _LOG.warning(line("refused", user=request.username, address=request.host, reason=reason))
            await message.respond(access_token.refusal(self._key, request, reason))
            return
        rights = permissions_of(request.username)
        await message.respond(access_token.admission(self._key, request, rights))
        self._redelivery.admitted(request.client_id)

    def _objection(self, request: AccessRequest) -> str:
        """Return why a client is not let in, empty where it is."""
        encoded = self._accounts.hash_of(request.username)
        if encoded is None or not password.matches(encoded, request.password):
            return "user name or password are wrong"
        if request.client_id != request.username:
            return f"its client id is {request.client_id!r}; it must be the user name"
        return ""


async def _keep_limit(system: Client, site: Client) -> None:
    known = 0
    while True:
        limit = await limit_queue(system, site)
        if limit and limit != known:
            known = limit
            _LOG.info(line("queue_limited", bytes=limit))
        await asyncio.sleep(_LIMIT_EVERY_S if limit else _LOOK_EVERY_S)


async def _on_error(error: Exception) -> None:
    _LOG.warning(line("nats_error", reason=str(error) or type(error).__name__))


async def _on_disconnected() -> None:
    _LOG.warning(line("disconnected"))


async def _on_reconnected() -> None:
    _LOG.info(line("connected"))
