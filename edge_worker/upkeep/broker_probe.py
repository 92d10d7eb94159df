"""Probe of an account at the broker: does it let the worker in, and may the worker publish there?

Spoken in MQTT 5, which has an answer to a refused publish; MQTT 3.1.1 acknowledges and drops it. What it
publishes, by default that the worker is offline, is true: it is asked only while no worker runs.
"""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from edge_worker.errors import BrokerError
from edge_worker.own_command import stetho
from edge_worker.protocol import strict_json, topics
from edge_worker.settings import Settings

WITHIN_S: Final = 5.0
Read = Callable[[int], bytes]
_CONNACK, _PUBACK = 0x20, 0x40
_MATTERS_OF_TIME: Final = {9, 10}
"""Codes of OpenSSL for a certificate that is not yet valid, and for one that has expired."""
_TIME_ADVICE: Final = f"if this clock is wrong, set it; if not, `{stetho('certificate server')}` renews it"
_REFUSED: Final = {0x86: "user name or password are wrong", 0x87: "it is not authorised"}
_NOT_AUTHORISED: Final = 0x87
_NO_EXPIRY: Final = b"\x11\xff\xff\xff\xff"
"""The session of the worker and what waits in it stay."""
_ONE_AT_A_TIME: Final = b"\x21\x00\x01"
"""The broker sends one message of that queue, which is not acknowledged: it comes again, to the worker."""
_CLEAN_START: Final = 0x02
_END_SESSION: Final = b"\xe0\x07\x00\x05\x11\x00\x00\x00\x00"
_KEEP_SESSION: Final = b"\xe0\x00"
_PACKET_ID: Final = struct.pack(">H", 1)


@contextmanager
def connection_to(settings: Settings) -> Iterator[socket.socket]:
    """Yield a connection to the broker, with TLS where the settings name a CA.

    Raises:
        BrokerError: it cannot be reached, or its certificate is not trusted.
    """
    address = (settings.mqtt_host, settings.mqtt_port)
    where = f"{address[0]}:{address[1]}"
    try:
        with socket.create_connection(address, WITHIN_S) as plain:
            if settings.mqtt_ca_file is None:
                yield plain
                return
            context = ssl.create_default_context(cafile=str(settings.mqtt_ca_file))
            with context.wrap_socket(plain, server_hostname=settings.mqtt_host) as secure:
                yield secure
    except ssl.SSLCertVerificationError as error:
        is_of_time = error.verify_code in _MATTERS_OF_TIME
        advice = _TIME_ADVICE if is_of_time else "check STETHO_MQTT_CA_FILE and STETHO_MQTT_HOST"
        raise BrokerError(f"{where} is not trusted ({error.verify_message}); {advice}") from error
    except ssl.SSLError as error:
        raise BrokerError(f"{where} is not trusted ({error.reason}); check STETHO_MQTT_CA_FILE") from error
    except OSError as error:
        raise BrokerError(
            f"{where} cannot be reached ({error}); start `{stetho('broker')}`, or check STETHO_MQTT_HOST"
        ) from error


def require_rights(settings: Settings) -> None:
    """Check that the worker's account is let in and may publish the state of a worker.

    Raises:
        BrokerError: it is refused, with what to do.
    """
    publish_state(settings, {"state": "offline"})


def publish_state(settings: Settings, document: dict[str, str]) -> None:
    """Publish the state of a worker that does not run, retained; only while it does not.

    Raises:
        BrokerError: it is refused, with what to do.
    """
    _publish_once(settings, strict_json.write(document))


def end_session(settings: Settings) -> None:
    """End the session of a worker that will not run again, and clear its state; only while it does not run.

    Raises:
        BrokerError: it is refused, with what to do.
    """
    _publish_once(settings, "", _CLEAN_START)


def _publish_once(settings: Settings, payload: str, start: int = 0) -> None:
    user = settings.mqtt_username
    with connection_to(settings) as connection, connection.makefile("rb") as answers:
        connection.sendall(_connect(user, settings.password, start))
        body = _answer(answers.read, _CONNACK)
        if body[1]:
            reason = _REFUSED.get(body[1], f"code {body[1]}")
            raise BrokerError(
                f"the broker refuses the account {user!r}: {reason}; `{stetho('provision worker --rotate')}` "
                "gives it a new password"
            )
        had_session = bool(body[0] & 1)
        connection.sendall(_publish(topics.worker(settings.worker_id), payload))
        body = _answer(answers.read, _PUBACK)
        connection.sendall(_KEEP_SESSION if had_session else _END_SESSION)
    if len(body) > len(_PACKET_ID) and body[len(_PACKET_ID)] == _NOT_AUTHORISED:
        raise BrokerError(
            f"the account {user!r} may not publish as a worker; names of workers begin with `worker`: "
            f"`{stetho('provision worker')}` makes one"
        )


def _connect(user: str, password: str, start: int) -> bytes:
    properties = _NO_EXPIRY + _ONE_AT_A_TIME
    body = _text("MQTT") + bytes([5, 0xC0 | start, 0, 30, len(properties)]) + properties
    return _packet(0x10, body + _text(user) + _text(user) + _text(password))


def _publish(topic: str, payload: str) -> bytes:
    return _packet(0x33, _text(topic) + _PACKET_ID + b"\0" + payload.encode())


def _packet(kind: int, body: bytes) -> bytes:
    length, size = b"", len(body)
    while size > 0x7F:  # noqa: PLR2004 - seven bits in a byte
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([kind]) + length + bytes([size]) + body


def _text(text: str) -> bytes:
    content = text.encode()
    return struct.pack(">H", len(content)) + content


def _answer(read: Read, wanted: int) -> bytes:
    """Return the body of the first packet of a kind; messages that waited for the worker are passed over.

    Raises:
        BrokerError: the broker ends the connection, or speaks no MQTT 5.
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
        if not kind or len(body) < size or (kind[0] == wanted and size < len(_PACKET_ID)):
            raise BrokerError("the broker ends the connection without an answer; its log says why")
        if kind[0] == wanted:
            return body
