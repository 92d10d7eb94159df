"""Listeners of the broker: where it can be reached, and how."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from broker.directory import StateDirectory, write_private

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener; an empty `address` is every interface."""

    port: int
    address: str = LOOPBACK
    websocket: bool = False
    tls: bool = False

    def render(self) -> str:
        """Return the lines of Mosquitto's configuration."""
        lines = [f"listener {self.port} {self.address}".rstrip()]
        # Client id = user name for everybody, whatever a client says: nobody takes over a foreign session.
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


PLAIN: Final = Listener(1883)
WEBSOCKET: Final = Listener(9001, websocket=True)
TLS: Final = Listener(8883, address="", tls=True)
TLS_WEBSOCKET: Final = Listener(8084, address="", websocket=True, tls=True)


def deployment_listeners(directory: StateDirectory) -> list[Listener]:
    """Return the listeners of a deployment: on loopback, and with a certificate TLS on all interfaces."""
    certified = (directory.certificates / "server.pem").exists()
    return [PLAIN, WEBSOCKET, TLS, TLS_WEBSOCKET] if certified else [PLAIN, WEBSOCKET]


def write_configuration(directory: StateDirectory, listeners: Iterable[Listener]) -> None:
    """Write the part of the configuration that depends on the machine: listeners, and who runs the broker."""
    # Started by root, Mosquitto would turn into a user who cannot read the private state directory.
    user = "user root\n" if os.geteuid() == 0 else ""
    write_private(directory.listeners, user + "\n".join(listener.render() for listener in listeners))
