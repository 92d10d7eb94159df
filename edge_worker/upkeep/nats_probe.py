"""Probe of NATS as the broker: the worker's account, its rights, and how chunks are dealt out by shard.

NATS speaks MQTT 3.1.1, which acknowledges and drops what may not be published; but it says what may not be
subscribed to. The session of the worker's own account keeps nothing, so that a probe takes nothing away.
"""

import secrets
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from edge_worker.errors import BrokerError
from edge_worker.own_command import stetho
from edge_worker.protocol import topics
from edge_worker.protocol.sharing.shard import SHARDS, shard_of
from edge_worker.settings import Settings
from edge_worker.upkeep.broker_socket import CONNACK, PUBACK, Read, answer, connection_to, packet, text

_SUBACK: Final = 0x90
_MESSAGE: Final = 0x30
"""At QoS 0."""
_CLEAN_WITH_PASSWORD: Final = 0xC2
_DISCONNECT: Final = b"\xe0\0"
_REFUSED: Final = 0x80
_NOT_LET_IN: Final = {4, 5}
"""Codes of CONNACK."""
_PACKET_ID: Final = struct.pack(">H", 1)
_PROBES: Final = (*(f"Probe-{number}" for number in range(16)), "Probe-end")
"""In the place of a device; none has a capital letter, so that no worker takes these for chunks. So many, as
with twice the shards every other device is dealt out as with 32."""


class UnfitBrokerError(BrokerError):
    """The broker answers, and is not what a site on NATS needs."""


def require_site(settings: Settings) -> None:
    """Check that NATS lets the worker in, that it may what a worker does, and that chunks find their shard.

    Raises:
        BrokerError: it is not so, with what to do.
    """
    with _client(settings) as (send, read):
        for pattern in (topics.ALL_STATES, topics.ALL_SHARD_PCM):
            send(packet(0x82, _PACKET_ID + text(pattern) + b"\0"))
            if answer(read, _SUBACK)[2] == _REFUSED:
                raise BrokerError(
                    f"the account {settings.mqtt_username!r} may not read what devices send; names of "
                    f"workers begin with `worker`: `{stetho('provision worker')}` makes one"
                )
        # Workers that start at once see the probes of each other.
        *probes, end = [f"{name}-{secrets.token_hex(4)}" for name in _PROBES]
        for topic in (*map(topics.pcm, probes), _mapped(end, 0)):
            send(packet(_MESSAGE, text(topic)))
        arrived = [topic for topic in _arrivals(read, end) if topic.split("/")[5] in probes]
        if arrived != [_mapped(name, shard_of(name)) for name in probes]:
            raise UnfitBrokerError(
                f"NATS does not deal chunks out to {SHARDS} shards: its account SITE lacks the mapping that "
                f"`{stetho('provision nats HOST HOST HOST')}` writes, or has another one"
            )


def fault(settings: Settings) -> str:
    """Return what is wrong with NATS' configuration; empty where it fits, or NATS does not answer."""
    try:
        require_site(settings)
    except UnfitBrokerError as error:
        return str(error)
    except (BrokerError, OSError):
        return ""  # the connection tries again
    return ""


def publish(settings: Settings, payload: str) -> None:
    """Publish the state of a worker that does not run, retained.

    Raises:
        BrokerError: it is refused, with what to do.
    """
    with _client(settings) as (send, read):
        send(packet(0x33, text(topics.worker(settings.worker_id)) + _PACKET_ID + payload.encode()))
        answer(read, PUBACK)


@contextmanager
def _client(settings: Settings) -> Iterator[tuple[Callable[[bytes], None], Read]]:
    """Yield what sends and what reads, on a connection that was let in."""
    user = settings.mqtt_username
    with connection_to(settings) as connection, connection.makefile("rb") as answers:
        connect = text("MQTT") + bytes([4, _CLEAN_WITH_PASSWORD, 0, 30])
        connection.sendall(packet(0x10, connect + text(user) + text(user) + text(settings.password)))
        code = answer(answers.read, CONNACK)[1]
        if code in _NOT_LET_IN:
            raise BrokerError(
                f"NATS refuses the account {user!r}: there is none (`{stetho(settings.provision_command)}` "
                f"makes it), its password is wrong (`{stetho('provision worker --rotate')}` gives it a new "
                f"one), or no `{stetho('nats access')}` that knows it answers NATS"
            )
        if code:
            raise BrokerError(
                "NATS cannot serve MQTT now: JetStream is off, or too few nodes are there; its log says why"
            )
        yield connection.sendall, answers.read
        connection.sendall(_DISCONNECT)


def _mapped(name: str, shard: int) -> str:
    return topics.shard_pcm(shard).replace("+", name)


def _arrivals(read: Read, end: str) -> Iterator[str]:
    """Yield the topics of messages until that of the last probe."""
    topic = ""
    while end not in topic:
        body = answer(read, _MESSAGE)
        size = int.from_bytes(body[:2])
        topic = body[2 : 2 + size].decode()
        yield topic
