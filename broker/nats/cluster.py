"""Real nodes of NATS with the shipped configuration as child processes on loopback, for tests."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from broker import certificate
from broker.account import Accounts, Credentials
from broker.directory import PACKAGE, StateDirectory
from broker.listener import LOOPBACK
from broker.mosquitto import ACCEPTED, free_ports, try_connect
from broker.nats.nats_directory import NatsDirectory
from broker.nats.nats_program import find_nats
from broker.nats.node import Node, node_name, write_configuration
from edge_worker.errors import BrokerError

_DEADLINE_S: Final = 60.0
_PORTS: Final = 4
"""Of a node."""


class NatsCluster:
    """Nodes on loopback, with their state in `directory`, and programs that say who is let in.

    A context manager, or call `start` and `stop`. It differs from a deployment only in its addresses, and
    uses TLS only where that is asked for. Accounts can be added before and while it runs. Nodes keep ports,
    sessions and queues when they are stopped or killed and started again; they are numbered from 0.
    """

    def __init__(self, directory: Path, nodes: int = 3, access: int = 3, *, tls: bool = False) -> None:
        """Prepare so many nodes, and so many programs that say who is let in."""
        self._directory = StateDirectory(directory)
        self._files = NatsDirectory(self._directory)
        self._files.create()
        self._accounts = Accounts(self._directory)
        self._program = find_nats()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._log_starts: dict[str, int] = {}
        self._access = access
        self.host = LOOPBACK
        self.ca_path = self._directory.certificates / "ca.pem"
        if tls:
            certificate.ensure(self._directory.certificates, [LOOPBACK])
            certificate.create_node(self._directory.certificates, [LOOPBACK])
        self._ca = self.ca_path if tls else None
        ports = iter(free_ports(_PORTS * nodes))
        self.nodes = [_node(number, ports, uses_tls=tls) for number in range(nodes)]
        for node in self.nodes:
            write_configuration(self._files, node, self.nodes)
        # Asked whether it is let in, for lack of another who always may be.
        self._checker = self._accounts.add("operator", "checker", rotate=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def ports(self) -> list[int]:
        """MQTT ports of the nodes."""
        return [int(node.mqtt.rpartition(":")[2]) for node in self.nodes]

    @property
    def port(self) -> int:
        """MQTT port of the first node."""
        return self.ports[0]

    @property
    def address(self) -> str:
        """All nodes, as `STETHO_MQTT_HOST` has them."""
        return ",".join(f"{self.host}:{port}" for port in self.ports)

    @property
    def environ(self) -> dict[str, str]:
        """Where programs find it, as environment variables."""
        return {"STETHO_BROKER": "nats", "STETHO_MQTT_HOST": self.address}

    @property
    def configuration(self) -> Path:
        """Folder of the nodes' files."""
        return self._files.path

    def start(self) -> None:
        """Start all nodes, and return when each lets a client in.

        Raises:
            BrokerError: a node ended, or did not answer in time; its log says why.
        """
        try:
            for number in range(len(self.nodes)):
                self._start_node(number)
            for number in range(self._access):
                self.start_access(number)
            for number in range(len(self.nodes)):
                self.wait_for(number)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all programs; nodes last, as the others would try to reach them."""
        for process in reversed(self._processes.values()):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def start_node(self, number: int) -> None:
        """Start a node that was killed, and return when it lets a client in."""
        self._start_node(number)
        self.wait_for(number)

    def kill_node(self, number: int) -> None:
        """End a node with SIGKILL."""
        self._kill(self.nodes[number].name)

    def pause_node(self, number: int) -> None:
        """Stop a node with SIGSTOP: connections stay open, and nothing is answered."""
        self._processes[self.nodes[number].name].send_signal(signal.SIGSTOP)

    def resume_node(self, number: int) -> None:
        """Let a node go on after `pause_node`."""
        self._processes[self.nodes[number].name].send_signal(signal.SIGCONT)

    def start_access(self, number: int) -> None:
        """Start a program that says who is let in; it begins with another node than its neighbours."""
        first = number % len(self.nodes)
        servers = [node.client for node in self.nodes[first:] + self.nodes[:first]]
        options = [word for server in servers for word in ("--server", server)]
        command = [
            sys.executable,
            "-m",
            "broker.nats",
            "--dir",
            str(self._directory.path),
            "access",
            *options,
        ]
        self._run(f"access-{number}", command)

    def kill_access(self, number: int) -> None:
        """End a program that says who is let in with SIGKILL."""
        self._kill(f"access-{number}")

    def add_user(self, role: str, name: str = "", *, rotate: bool = False) -> Credentials:
        """Add an account (`broker.account.username_for`) and return its credentials, which are in force then.

        With `rotate` an existing one gets a new password.

        Raises:
            BrokerError: the name is malformed, reserved or taken.
        """
        return self._accounts.add(role, name, rotate=rotate)

    def remove_user(self, username: str) -> None:
        """Remove an account; its connections end soon."""
        self._accounts.remove(username)

    def log(self, name: str) -> str:
        """Return what a node such as `n1`, or an access program such as `access-0`, has written."""
        return (self._files.path / f"{name}.log").read_text(errors="replace")

    def wait_for(self, number: int) -> None:
        """Wait until a node lets a client in."""
        port = self.ports[number]
        self._wait_until(
            self.nodes[number].name,
            lambda: try_connect(self.host, port, self._checker, self._ca) == ACCEPTED,
        )

    def _start_node(self, number: int) -> None:
        name = self.nodes[number].name
        command = [self._program, "--config", str(self._files.configuration(name))]
        self._run(name, command, self._directory.path)

    def _run(self, name: str, command: list[str], folder: Path = PACKAGE.parent) -> None:
        if name in self._processes:
            raise BrokerError(f"{name} runs already")
        with (self._files.path / f"{name}.log").open("ab") as log:
            self._log_starts[name] = log.tell()
            self._processes[name] = subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _wait_until(self, name: str, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _DEADLINE_S
        while time.monotonic() < deadline and self._processes[name].poll() is None:
            if condition():
                return
            time.sleep(0.1)
        raise BrokerError(f"{name} ended or does not answer; its log ends with:\n{self.log(name)[-2000:]}")

    def _kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()


def _node(number: int, ports: Iterator[int], *, uses_tls: bool) -> Node:
    mqtt, client, monitor, route = (f"{LOOPBACK}:{next(ports)}" for _ in range(_PORTS))
    return Node(
        node_name(number + 1), mqtt=mqtt, client=client, monitor=monitor, route=route, uses_tls=uses_tls
    )
