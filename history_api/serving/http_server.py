"""HTTP server of one process: uvicorn on the main thread's event loop, until a signal ends it."""

import asyncio
import logging
import os
import signal
import socket
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Final
from wsgiref.types import WSGIApplication

from uvicorn.config import Config
from uvicorn.server import Server

from edge_worker.telemetry.supervisor import Supervisor
from history_api.serving.connections import Connections
from history_api.serving.http_protocol import HttpProtocol
from history_api.serving.limits import Limits
from history_api.serving.wsgi_bridge import WsgiBridge

_CHECK_S: Final = 1.0
_STOP_WITHIN_S: Final = 2
_BACKLOG: Final = 50
"""Accepted at once; fewer than an address may have, so that each is read once before it may have to go."""


class HttpServer:
    """Serves a WSGI application to clients, none of which can hold on to it; from now on signals stop it."""

    def __init__(self, application: WSGIApplication, limits: Limits) -> None:
        self.connections = Connections(limits)
        config = Config(
            WsgiBridge(application, limits),
            interface="asgi3",
            http=partial(HttpProtocol, self.connections, limits),  # type: ignore[arg-type]  # it only calls it
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the application trusts STETHO_API_PROXY proxies, no more
            backlog=_BACKLOG,
            timeout_graceful_shutdown=_STOP_WITHIN_S,
            timeout_keep_alive=int(limits.idle_s) + 1,  # `connections` ends them before
            h11_max_incomplete_event_size=limits.header_bytes,
        )
        self._server = Server(config)
        self._supervisor = Supervisor(os.environ)
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # malformed requests are logged as refused
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def run(self, listener: socket.socket) -> None:
        """Serve until SIGTERM or Ctrl-C."""
        asyncio.run(self._serve(listener))

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._server.should_exit = True  # uvicorn has its own handlers, but calls this once more at the end

    async def _serve(self, listener: socket.socket) -> None:
        checks = asyncio.create_task(self._check())
        await self._server.serve([listener])
        checks.cancel()
        with suppress(asyncio.CancelledError):
            await checks

    async def _check(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_CHECK_S)
            self.connections.check(loop.time())
            if self._supervisor.is_due(loop.time()) and self._server.started:
                self._supervisor.turn(loop.time(), is_ready=True)
