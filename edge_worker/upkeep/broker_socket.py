"""Connection to the broker for checks: a socket, and the few packets of MQTT that they need."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from edge_worker.broker_address import BrokerAddress
from edge_worker.errors import BrokerError
from edge_worker.own_command import stetho
from edge_worker.settings import Settings

WITHIN_S: Final = 5.0
CONNACK: Final = 0x20
PUBACK: Final = 0x40
Read = Callable[[int], bytes]
_MATTERS_OF_TIME: Final = {9, 10}
"""Codes of OpenSSL for a certificate that is not yet valid, and for one that has expired."""
_TIME_ADVICE: Final = f"if this clock is wrong, set it; if not, `{stetho('certificate server')}` renews it"
_NATS_GREETING: Final = b"INFO "
_LEAST_BODY: Final = 2


@contextmanager
def connection_to(settings: Settings, broker: BrokerAddress | None = None) -> Iterator[socket.socket]:
    """Yield a connection to `broker`, or to the first that answers, with TLS where the settings name a CA.

    Raises:
        BrokerError: it cannot be reached, or its certificate is not trusted.
    """
    where = settings.brokers if broker is None else [broker]
    plain, address = _first_that_answers(where)
    with plain:
        if settings.mqtt_ca_file is None:
            yield plain
            return
        try:
            context = ssl.create_default_context(cafile=str(settings.mqtt_ca_file))
            secure = context.wrap_socket(plain, server_hostname=address.host)
        except ssl.SSLCertVerificationError as error:
            is_of_time = error.verify_code in _MATTERS_OF_TIME
            advice = _TIME_ADVICE if is_of_time else "check STETHO_MQTT_CA_FILE and STETHO_MQTT_HOST"
            raise BrokerError(f"{address} is not trusted ({error.verify_message}); {advice}") from error
        except ssl.SSLError as error:
            raise BrokerError(
                f"{address} is not trusted ({error.reason}); check STETHO_MQTT_CA_FILE"
            ) from error
        except OSError as error:
            raise _unreachable(address, error) from error
        with secure:
            yield secure


def _first_that_answers(brokers: list[BrokerAddress]) -> tuple[socket.socket, BrokerAddress]:
    problem: BrokerError | None = None
    for broker in brokers:
        try:
            return socket.create_connection(broker, WITHIN_S), broker
        except OSError as error:
            problem = _unreachable(broker, error)
    raise problem or BrokerError("no broker is named; set STETHO_MQTT_HOST")


def _unreachable(broker: BrokerAddress, error: OSError) -> BrokerError:
    return BrokerError(
        f"{broker} cannot be reached ({error}); start `{stetho('broker')}`, or check STETHO_MQTT_HOST"
    )


def packet(kind: int, body: bytes) -> bytes:
    """Return a packet."""
    length, size = b"", len(body)
    while size > 0x7F:  # noqa: PLR2004 - seven bits in a byte
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([kind]) + length + bytes([size]) + body


def text(value: str) -> bytes:
    """Return a text as packets have it."""
    content = value.encode()
    return struct.pack(">H", len(content)) + content


def answer(read: Read, wanted: int) -> bytes:
    """Return the body of the first packet of a kind; messages that waited for the worker are passed over.

    Raises:
        BrokerError: the broker ends the connection, or speaks no MQTT.
    """
    while True:
        kind = read(1)
        size = shift = 0
        while kind and (byte := read(1)):
            size |= (byte[0] & 0x7F) << shift
            shift += 7
            if byte[0] < 0x80:  # noqa: PLR2004 - the last byte of the length
                break
        body = read(size)
        if kind == _NATS_GREETING[:1]:
            raise BrokerError("this port of NATS speaks no MQTT; name the one of its section `mqtt`")
        if not kind or len(body) < size or (kind[0] == wanted and size < _LEAST_BODY):
            raise BrokerError("the broker ends the connection without an answer; its log says why")
        if kind[0] == wanted:
            return body
