"""Nodes of NATS, and the configuration of each."""

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from broker.directory import write_private
from broker.nats import nkey
from broker.nats.nats_directory import NatsDirectory
from edge_worker.protocol.sharing.shard import SHARDS

CLIENT: Final = "127.0.0.1:4222"
"""Where a node listens for `stetho nats access` of its machine."""
ROUTE_PORT: Final = 6222
TEMPLATE: Final = Path(__file__).with_name("nats.conf")
_REPLICAS: Final = 3
"""Nodes that have each message, where there are so many."""


def node_name(number: int) -> str:
    """Return the name of a node, from 1."""
    return f"n{number}"


@dataclass(frozen=True, slots=True)
class Node:
    """Name and addresses of a node; `host:port` each."""

    name: str
    mqtt: str
    client: str = CLIENT
    monitor: str = "127.0.0.1:8222"
    route: str = f"0.0.0.0:{ROUTE_PORT}"
    """Where it listens for the other nodes."""
    peer: str = ""
    """Where the other nodes reach it; empty: `route`."""
    websocket: str = ""
    """Where it listens for MQTT over WebSocket; empty: nowhere."""
    uses_tls: bool = False


def write_configuration(directory: NatsDirectory, node: Node, nodes: list[Node]) -> Path:
    """Write the configuration of `node`, one of `nodes`, and return its path."""
    cluster = _cluster(node, nodes) if len(nodes) > 1 else ""
    certificate = _certificate("server") if node.uses_tls else ""
    websocket = f'websocket {{ listen: "{node.websocket}"{certificate} }}' if node.websocket else ""
    text = Template(TEMPLATE.read_text()).substitute(
        name=node.name,
        client=node.client,
        monitor=node.monitor,
        mqtt=node.mqtt,
        password=directory.password,
        issuer=nkey.public_key(directory.key),
        shards=SHARDS,
        replicas=_REPLICAS if len(nodes) >= _REPLICAS else 1,
        cluster=cluster,
        mqtt_tls=certificate,
        websocket=websocket,
    )
    path = directory.configuration(node.name)
    write_private(path, text)
    return path


def _cluster(node: Node, nodes: list[Node]) -> str:
    routes = ", ".join(f'"nats://{each.peer or each.route}"' for each in nodes if each is not node)
    certificate = _certificate("node", authority=True) if node.uses_tls else ""
    return f"""
cluster {{
  name: stetho
  listen: "{node.route}"
  routes: [ {routes} ]
  no_advertise: true
  ping_interval: "1s"
  ping_max: 3{certificate}
}}"""


def _certificate(name: str, *, authority: bool = False) -> str:
    files = {"cert_file": f"certificates/{name}.pem", "key_file": f"certificates/{name}.key"}
    if authority:
        files["ca_file"] = "certificates/ca.pem"
    entries = ", ".join(f'{key}: "{path}"' for key, path in files.items())
    return f"\n  tls {{ {entries} }}"
