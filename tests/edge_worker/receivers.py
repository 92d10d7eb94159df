"""Real receivers on loopback for tests: a web server, a server for e-mail, and one that can be away."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class WebReceiver:
    """Web server that keeps what is posted to it; a context manager. It answers `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.posted: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._server: ThreadingHTTPServer | None = None
        self._waiting = self._listen(0)
        self.port = int(self._waiting.server_address[1])

    def __enter__(self) -> Self:
        self._serve(self._waiting)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.go_away()

    def come_back(self) -> None:
        """Answer again."""
        self._serve(self._listen(self.port))

    def go_away(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _serve(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def titles(self) -> list[str]:
        """Return the titles of what came, in this order."""
        return [each["title"] for each in self.posted]

    def _listen(self, port: int) -> ThreadingHTTPServer:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.status < 300:
                    receiver.paths.append(self.path)
                    receiver.headers.append(dict(self.headers))
                    is_json = body.startswith(b"{")
                    receiver.posted.append(json.loads(body) if is_json else {"title": body.decode()})
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        return ThreadingHTTPServer(("127.0.0.1", port), Handler)


class MailReceiver:
    """Server that takes e-mail (SMTP) and keeps its lines; a context manager."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        receiver = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 ready\r\n")
                while line := self.rfile.readline():
                    word = line.split()[0].upper() if line.split() else b""
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines: list[bytes] = []
                        while (text := self.rfile.readline()) not in (b".\r\n", b""):
                            lines.append(text)
                        receiver.mails.append(b"".join(lines).decode())
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                    if word == b"QUIT":
                        return

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
