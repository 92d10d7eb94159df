"""Listeners of the broker, and the part of its configuration that depends on the machine."""

import errno
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from broker.directory import StateDirectory, write_private
from edge_worker.errors import BrokerError

LOOPBACK: Final = "127.0.0.1"
MAX_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener. An empty `address` means all interfaces."""

    port: int
    address: str = LOOPBACK
    websocket: bool = False
    tls: bool = False

    def render(self) -> str:
        """Return the listener in the syntax of mosquitto.conf."""
        lines = [f"listener {self.port} {self.address}".rstrip()]
        # The user name replaces the client id, so that no client takes over the session of another.
        lines.append("use_username_as_clientid true")
        if self.websocket:
            lines.append("protocol websockets")
        if self.tls:
            lines += [
                "tls_version tlsv1.2",
                "certfile certificates/server.pem",
                "keyfile certificates/server.key",
            ]
        return "\n".join(lines) + "\n"

    def describe(self) -> str:
        """Return in words where it listens and for what."""
        kind = " and ".join(["TLS"] * self.tls + ["WebSocket"] * self.websocket) or "MQTT"
        return f"{self.address or 'all addresses'} port {self.port} ({kind})"


PLAIN: Final = Listener(1883)
WEBSOCKET: Final = Listener(9001, websocket=True)
TLS: Final = Listener(8883, address="", tls=True)
TLS_WEBSOCKET: Final = Listener(8084, address="", websocket=True, tls=True)


def deployment_listeners(directory: StateDirectory) -> list[Listener]:
    """Return the listeners of a deployment: plain ones on loopback; with a certificate TLS everywhere."""
    certified = (directory.certificates / "server.pem").exists()
    return [PLAIN, WEBSOCKET, TLS, TLS_WEBSOCKET] if certified else [PLAIN, WEBSOCKET]


def require_free(listeners: Iterable[Listener]) -> None:
    """Check that nobody else listens there: Mosquitto would not say which port is taken.

    Raises:
        BrokerError: another program has a port, or this one may not have it.
    """
    for each in listeners:
        try:
            socket.create_server((each.address, each.port)).close()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                problem = (
                    "is in use by another program, maybe another broker; stop that, or choose another port"
                )
            else:
                problem = f"cannot be listened on ({error.strerror}); choose another one"
            raise BrokerError(f"port {each.port} {problem}") from error


def write(directory: StateDirectory, listeners: Iterable[Listener]) -> None:
    """Write `conf.d/listeners.conf`: the listeners, and the user that runs the broker."""
    # Started by root, Mosquitto would switch to a user that cannot read the private state directory.
    user = "user root\n" if os.geteuid() == 0 else ""
    write_private(directory.listeners, user + "\n".join(listener.render() for listener in listeners))
