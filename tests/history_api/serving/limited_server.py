"""A history API as a process of its own, with limits small enough for a test, and what clients do to it."""

import http.client
import json
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from archive import Archive
from test_api_server import environment, first_line
from upload_site import WITHIN_S

_PROGRAM = (
    "import json, logging, os, sys\n"
    "from edge_worker.telemetry.logfmt import log_to_stdout\n"
    "from history_api import server\n"
    "from history_api.serving.limits import Limits\n"
    "from history_api.settings import ApiSettings\n"
    "server.serve(ApiSettings.from_environ(os.environ), Limits(**json.loads(sys.argv[1])))\n"
)


class LimitedServer:
    """The running process, and the ways in which clients use it."""

    def __init__(self, process: "subprocess.Popen[bytes]", url: str) -> None:
        self.process, self.url = process, url
        host, port = url.removeprefix("http://").split(":")
        self.address = (host, int(port))

    def is_live(self) -> bool:
        return requests.get(f"{self.url}/livez", timeout=WITHIN_S).status_code == 200

    def get(self, path: str, key: str = "", **headers: str) -> requests.Response:
        return requests.get(self.url + path, headers={"X-API-Key": key, **headers}, timeout=WITHIN_S)

    def connect(self, request: bytes = b"", receive_buffer: int = 0) -> socket.socket:
        client = socket.socket()
        client.settimeout(WITHIN_S)
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.connect(self.address)
        client.sendall(request)
        return client

    def gauge(self, name: str) -> float:
        """Return the sum of a metric over its labels, 0 where it is not there yet."""
        lines = requests.get(f"{self.url}/metrics", timeout=WITHIN_S).text
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in lines.splitlines()
            if line.split("{", maxsplit=1)[0].split(" ", maxsplit=1)[0] == name
        )


@contextmanager
def limited(directory: Path, limits: dict[str, Any], **changed: str) -> Iterator[LimitedServer]:
    """Run a history API on the archive in `directory`."""
    command = [sys.executable, "-c", _PROGRAM, json.dumps({"threads": 16, **limits})]
    environ = environment(directory, STETHO_API_RATE="0", **changed)
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield LimitedServer(process, first_line(process).removeprefix("listening on ").strip())
        finally:
            process.kill()


def with_many_results(archive: Archive, count: int) -> None:
    """Copy the archive's one result, with 8 KiB of text more, `count` times."""
    archive.add(1)
    with sqlite3.connect(archive.settings.data_dir / "stetho.db") as connection:
        columns = [each[1] for each in connection.execute("pragma table_info(recordings)")]
        row = dict(zip(columns, connection.execute("select * from recordings").fetchone(), strict=True))
        document = json.loads(row["document"]) | {"site": "x" * 8192}
        for number in range(2, 2 + count):
            row |= {"id": None, "recording_id": f"{number:016x}", "document": json.dumps(document)}
            connection.execute(f"insert into recordings values ({','.join('?' * len(row))})", [*row.values()])  # noqa: S608


def get_request(path: str, key: str = "", *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", *([f"X-API-Key: {key}"] if key else []), *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def post_request(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def answer_of(client: socket.socket) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Return status, headers and body of the answer that comes on a connection."""
    answer = http.client.HTTPResponse(client)
    answer.begin()
    return answer.status, answer.headers, answer.read()


def is_closed(client: socket.socket) -> bool:
    """Return whether the server has closed the connection; what it sent before is dropped."""
    client.setblocking(False)
    try:
        while client.recv(1 << 16):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def drip_until_closed(client: socket.socket, byte: bytes) -> bytes:
    """Send a byte now and then until the server has enough; return what it answers."""
    deadline = time.monotonic() + WITHIN_S
    client.settimeout(0.05)
    answer = b""
    while time.monotonic() < deadline:
        try:
            client.sendall(byte)
            received = client.recv(1 << 16)
            if not received:
                return answer
            answer += received
        except TimeoutError:
            continue
        except OSError:
            return answer
    raise AssertionError("the server waits for a client that drips")
