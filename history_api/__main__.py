"""`python -m history_api`: serve the history over HTTP until SIGTERM or Ctrl-C."""

import argparse
import logging
import os
import signal
import socket
import sys
from types import FrameType
from typing import Final

from waitress.server import create_server

from edge_worker import __version__
from edge_worker.errors import SettingsError, StethoError
from edge_worker.settings import Settings
from history_api.application import create_app
from history_api.retention import Retention

_THREADS: Final = 8
_MAX_BODY_BYTES: Final = 65_536
"""Nothing here takes a body; waitress would otherwise put a gigabyte on disk before we see the request."""
_EXAMPLES: Final = """examples:
  python -m history_api                          serve on 127.0.0.1:8080
  STETHO_API_PORT=0 python -m history_api        serve on any free port and say which
  curl http://127.0.0.1:8080/api/v1/results      the newest results
  curl http://127.0.0.1:8080/openapi.json        everything that can be asked

It reads STETHO_DATABASE_URL, STETHO_DATA_DIR, STETHO_MODELS_DIR, STETHO_API_HOST, STETHO_API_PORT and
STETHO_LOG_LEVEL: docs/configuration.md. Research and education, not a medical device."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; return the exit status: 0, or 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m history_api",
        description="Stetho Edge history API: results, recordings and health over HTTP.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"stetho-edge {__version__}")
    parser.parse_args(arguments)
    try:
        _serve(Settings.from_environ(os.environ))
    except (StethoError, OSError) as error:
        print(f"history_api: {error}", file=sys.stderr)
        return 2
    return 0


def _serve(settings: Settings) -> None:
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s level=%(levelname)s %(message)s", stream=sys.stdout
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    app = create_app(settings)
    listener = _listen(settings.api_host, settings.api_port)
    server = create_server(
        app, sockets=[listener], threads=_THREADS, ident=None, max_request_body_size=_MAX_BODY_BYTES
    )
    host, port = listener.getsockname()[:2]
    print(f"listening on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
    keeper = Retention(settings, app.extensions["stetho"].curation)
    keeper.start()
    server.run()
    server.close()
    keeper.stop()


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; we make it so that `0` has its number before anybody is served."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise SettingsError(
            f"cannot listen on {host}:{port} ({error}); set STETHO_API_HOST and STETHO_API_PORT"
        ) from error


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)  # waitress takes this as the end of `run`


if __name__ == "__main__":
    sys.exit(main())
