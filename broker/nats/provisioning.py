"""Files of the nodes of NATS of a site: what `stetho provision nats` makes."""

from typing import Final

from broker import certificate, listener, service_settings
from broker.account import read_hashes
from broker.directory import StateDirectory, write_private
from broker.nats.nats_directory import NatsDirectory
from broker.nats.node import ROUTE_PORT, Node, node_name, write_configuration
from edge_worker.broker_address import is_host
from edge_worker.errors import BrokerError
from edge_worker.own_command import stetho

_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - with TLS
_FEW: Final = 2


def make(state: StateDirectory, hosts: list[str]) -> str:
    """Make certificates, keys and the configuration of a node for each host; return what to do next.

    Raises:
        BrokerError: a host is none, or two nodes are no more than one: without either nothing would go on.
    """
    for host in hosts:
        if ":" in host or not is_host(host):
            raise BrokerError(
                f"{host!r} is no host; name each node by its name or its IPv4 address, without a port"
            )
    if len(hosts) == _FEW:
        raise BrokerError("two nodes are not safer than one, as each is needed; name one host, or three")
    if len(set(hosts)) < len(hosts):
        raise BrokerError("a host is named twice; each node is on a machine of its own")
    certificate.ensure(state.certificates, [*hosts, "localhost", listener.LOOPBACK])
    certificate.create_node(state.certificates, hosts)
    directory = NatsDirectory(state)
    directory.create()
    nodes = [_node(number, host) for number, host in enumerate(hosts, 1)]
    for node in nodes:
        write_configuration(directory, node, nodes)
    write_private(state.nats_hosts, "".join(f"{host}\n" for host in hosts))
    programs = [name for name in read_hashes(state) if (state.path / f"{name}.env").exists()]
    for name in programs:
        service_settings.write(state, name)
    starts = [
        f"  {host}: {stetho(f'nats node {node.name}')}" for host, node in zip(hosts, nodes, strict=True)
    ]
    return "\n".join(
        (
            f"{directory.path} has the files of {len(nodes)} nodes. Copy {state.path}, but for",
            "certificates/ca.key, to each machine, under the same path and for its owner alone; then run on",
            *starts,
            f"and beside each node {stetho('nats access')}",
            "which says who is let in: the accounts of the file `passwords`. It reads that again when it",
            "changes, so that a change of accounts needs that file alone on each machine.",
            *([f"{', '.join(f'{name}.env' for name in programs)} name the nodes now."] if programs else []),
        )
    )


def _node(number: int, host: str) -> Node:
    return Node(
        node_name(number),
        mqtt=f"{_EVERYWHERE}:{listener.TLS.port}",
        websocket=f"{_EVERYWHERE}:{listener.TLS_WEBSOCKET.port}",
        peer=f"{host}:{ROUTE_PORT}",
        uses_tls=True,
    )
