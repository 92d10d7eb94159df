"""Real broker with the shipped configuration as a child process, for demo, bench and tests."""

import os
import secrets
import signal
import socket
import ssl
import struct
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from broker import listener
from broker.account import Accounts, Credentials
from broker.directory import PACKAGE, StateDirectory
from broker.listener import LOOPBACK, Listener
from broker.program import CONTAINER, IMAGE, START, find_mosquitto
from edge_worker.errors import BrokerError

CONFIGURATION: Final = PACKAGE / "mosquitto.conf"
DEADLINE_S: Final = 10.0
ACCEPTED: Final = 0  # return code of CONNACK


def free_port() -> int:
    """Return a free loopback port. Another program may take it before it is used."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Return so many free loopback ports, no two the same."""
    with ExitStack() as held:
        servers = [held.enter_context(socket.create_server((LOOPBACK, 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


class Broker:
    """Broker on loopback with its state in `directory`; it differs from a deployment only in its ports.

    A context manager, or call `start` and `stop`. Accounts can be added before and while it runs. It keeps
    ports, accounts and queues when it is stopped or killed and started again.
    """

    def __init__(
        self, directory: Path, port: int | None = None, websocket: bool = False, tls: bool = False
    ) -> None:
        self.host = LOOPBACK
        self.port = port or free_port()
        self.websocket_port = free_port() if websocket else None
        self.tls_port = free_port() if tls else None
        self.tls_websocket_port = free_port() if tls and websocket else None
        self._program = find_mosquitto()
        self._directory = StateDirectory(directory)
        self._accounts = Accounts(self._directory)
        self._process: subprocess.Popen[bytes] | None = None
        self._container = f"stetho-broker-{secrets.token_hex(4)}"
        self.log_path = self._directory.log
        self.ca_path = self._directory.certificates / "ca.pem"
        if tls:
            self._certify()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id while it runs; that of the `docker run` client if the broker is a container."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def environ(self) -> dict[str, str]:
        """Where programs find it, as environment variables."""
        return {"STETHO_MQTT_HOST": self.host, "STETHO_MQTT_PORT": str(self.port)}

    def start(self) -> None:
        """Start the broker and return when it answers.

        Raises:
            BrokerError: it runs already, ended, or did not answer in time; the log says why.
        """
        if self.pid:
            raise BrokerError("the broker runs already")
        listener.require_free([Listener(each.port) for each in self._listeners()])
        listener.write(self._directory, self._listeners())
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), cwd=self._directory.path, stdout=log, stderr=log
            )
        try:
            self._wait_for(None)
        except BrokerError:
            self.kill()
            raise

    def stop(self) -> None:
        """End it with SIGTERM, so that it saves its queues. Does nothing if it does not run."""
        self._terminate(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL, as in a power cut. Does nothing if it does not run."""
        if self._program == CONTAINER and self.pid:
            subprocess.run(["docker", "kill", self._container], capture_output=True, check=False)
        self._terminate(signal.SIGKILL)

    def pause(self) -> None:
        """Stop it with SIGSTOP: connections stay open, and no packet is answered."""
        self._signal(signal.SIGSTOP, "pause")

    def resume(self) -> None:
        """Continue after `pause`."""
        self._signal(signal.SIGCONT, "unpause")

    def add_user(self, role: str, name: str = "", *, rotate: bool = False) -> Credentials:
        """Add an account (`broker.account.username_for`) and return its credentials, which are in force then.

        With `rotate` an existing one gets a new password.

        Raises:
            BrokerError: the name is malformed, reserved or taken.
        """
        credentials = self._accounts.add(role, name, rotate=rotate)
        if self._process and self.pid:
            self._process.send_signal(signal.SIGHUP)
            self._wait_for(credentials)
        return credentials

    def _certify(self) -> None:
        from broker import certificate  # noqa: PLC0415 - needs the cryptography package, which a worker has not

        certificate.ensure(self._directory.certificates, ["localhost", LOOPBACK])

    def _listeners(self) -> list[Listener]:
        address = "" if self._program == CONTAINER else LOOPBACK  # a container's loopback is its own
        listeners = [Listener(self.port, address)]
        if self.websocket_port:
            listeners.append(Listener(self.websocket_port, address, websocket=True))
        if self.tls_port:
            listeners.append(Listener(self.tls_port, address, tls=True))
        if self.tls_websocket_port:
            listeners.append(Listener(self.tls_websocket_port, address, websocket=True, tls=True))
        return listeners

    def _command(self) -> list[str]:
        if self._program != CONTAINER:
            return ["sh", str(START), self._program, str(CONFIGURATION)]
        publish = [f"--publish={LOOPBACK}:{each.port}:{each.port}" for each in self._listeners()]
        mounts = [f"--volume={path}:{path}" for path in (self._directory.path, CONFIGURATION, START)]
        owner = f"--user={os.getuid()}:{os.getgid()}"
        place = [f"--workdir={self._directory.path}", f"--name={self._container}", "--rm", owner]
        return [
            "docker",
            "run",
            *place,
            *publish,
            *mounts,
            IMAGE,
            "sh",
            str(START),
            "mosquitto",
            str(CONFIGURATION),
        ]

    def _wait_for(self, credentials: Credentials | None) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline and self.pid:
            answer = try_connect(self.host, self.port, credentials)
            if answer == ACCEPTED or (answer is not None and credentials is None):
                return
            time.sleep(0.01)
        last_line = self._last_log_line()
        raise BrokerError(
            f"the broker does not answer on port {self.port}; {self.log_path} ends with: {last_line}"
        )

    def _last_log_line(self) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()
        return lines[-1] if lines else "nothing"

    def _signal(self, number: signal.Signals, to_container: str) -> None:
        if self._program == CONTAINER:
            subprocess.run(["docker", to_container, self._container], capture_output=True, check=True)
        elif self._process is not None:
            self._process.send_signal(number)

    def _terminate(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def try_connect(host: str, port: int, credentials: Credentials | None, ca: Path | None = None) -> int | None:
    """Try an MQTT 3.1.1 CONNECT; return the return code of the CONNACK, or None without one.

    A broker that answers is ready, even if it refuses a client without credentials (5, not authorised). With
    `ca` TLS is used.
    """
    flags = 0x02 if credentials is None else 0xC2  # clean session; user name and password follow
    texts = ["stetho-ready"] if credentials is None else [credentials.username] * 2 + [credentials.password]
    payload = b"".join(struct.pack(">H", len(text)) + text.encode() for text in texts)
    body = struct.pack(">H4sBBH", 4, b"MQTT", 4, flags, 10) + payload
    try:
        with socket.create_connection((host, port), timeout=1) as plain:
            client = plain
            if ca is not None:
                client = ssl.create_default_context(cafile=str(ca)).wrap_socket(plain, server_hostname=host)
            client.sendall(bytes([0x10, len(body)]) + body)
            answer = client.recv(4)
    except OSError:
        return None
    return answer[3] if len(answer) == 4 else None  # noqa: PLR2004 - a CONNACK has four bytes
