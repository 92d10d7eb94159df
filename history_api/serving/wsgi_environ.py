"""WSGI environment of a request that arrived as an ASGI scope."""

import sys
from collections.abc import MutableMapping
from typing import IO, Any, Final
from urllib.parse import unquote_to_bytes

from werkzeug.wsgi import FileWrapper

_FILE_BLOCK_BYTES: Final = 1 << 18
_UNPREFIXED: Final = ("CONTENT_TYPE", "CONTENT_LENGTH")


def environ_of(scope: MutableMapping[str, Any], body: IO[bytes]) -> dict[str, Any]:
    """Return the environment of `scope`, whose body is `body` (PEP 3333)."""
    host, port = scope["server"] or ("", 0)
    client_host, client_port = scope["client"] or ("", 0)
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client_host,
        "REMOTE_PORT": str(client_port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": _in_large_blocks,
        **_headers(scope["headers"]),
    }


def _headers(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in headers:
        if b"_" in name:  # it would be taken for the header with hyphens, which a proxy has checked
            continue
        key = name.decode("latin-1").upper().replace("-", "_")
        key = key if key in _UNPREFIXED else f"HTTP_{key}"
        text = value.decode("latin-1")
        between = "; " if key == "HTTP_COOKIE" else ","
        joined[key] = f"{joined[key]}{between}{text}" if key in joined else text
    return joined


def _in_large_blocks(file: IO[bytes], _block_bytes: int = 0) -> FileWrapper:
    """Return an iterator of a file's content, in fewer steps than the default's."""
    return FileWrapper(file, _FILE_BLOCK_BYTES)
