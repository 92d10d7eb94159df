"""HTTPS server of a firmware image, which cuts it off where a test wants it."""

import ssl
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from broker import certificate

BLOCK: Final = 4_096
"""Bytes that the device writes at once."""
PATIENCE_S: Final = 60.0


def image(version: str, blocks: int) -> bytes:
    """Return an image of the Linux program: so many blocks, the last of which is not full."""
    size = blocks * BLOCK - 100
    body = f"stethoscope-posix {version} {size}\n".encode().ljust(size - 4, b"\xa5")
    return body + zlib.crc32(body).to_bytes(4, "little")


class ImageServer:
    """Server of one image at `url`. Use it as a context manager."""

    def __init__(self, folder: Path, content: bytes) -> None:
        folder.mkdir()
        certificate.ensure(folder, ["127.0.0.1"])
        self.ca = quote((folder / "ca.pem").read_text())
        """Certificate of its CA, as the form of a device takes it."""
        self.content = content
        self.cut: int | None = None
        """Byte of the image at which it stops; None: nowhere."""
        self.is_hanging = False
        """Where it stops, it neither sends nor closes until `go_on`, which ends that."""
        self.requests = 0
        self._may_go_on = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner.requests += 1
                self.send_response(200)
                self.send_header("Content-Length", str(len(owner.content)))
                self.end_headers()
                self.wfile.write(owner.content[: owner.cut])
                self.wfile.flush()
                if owner.is_hanging and owner._may_go_on.wait(PATIENCE_S) and owner.cut is not None:
                    self.wfile.write(owner.content[owner.cut :])

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a device that was killed
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}/stethoscope.bin"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._may_go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def go_on(self) -> None:
        """Send the rest of the image."""
        self._may_go_on.set()
