"""Probe of an account at the broker: does it let the worker in, and may the worker publish there?

Spoken in MQTT 5, which has an answer to a refused publish; MQTT 3.1.1 acknowledges and drops it. What it
publishes, by default that the worker is offline, is true: it is asked only while no worker runs.
"""

import struct
from typing import Final

from edge_worker.errors import BrokerError
from edge_worker.own_command import stetho
from edge_worker.protocol import strict_json, topics
from edge_worker.settings import Settings
from edge_worker.upkeep import nats_probe
from edge_worker.upkeep.broker_socket import CONNACK, PUBACK, answer, connection_to, packet, text

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


def require_rights(settings: Settings) -> None:
    """Check that the worker's account is let in and may publish the state of a worker.

    Raises:
        BrokerError: it is refused, with what to do.
    """
    if settings.broker == "nats":
        nats_probe.require_site(settings)
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
    if settings.broker == "nats":
        nats_probe.publish(settings, payload)
        return
    user = settings.mqtt_username
    with connection_to(settings) as connection, connection.makefile("rb") as answers:
        connection.sendall(_connect(user, settings.password, start))
        body = answer(answers.read, CONNACK)
        if body[1]:
            reason = _REFUSED.get(body[1], f"code {body[1]}")
            raise BrokerError(
                f"the broker refuses the account {user!r}: {reason}; `{stetho('provision worker --rotate')}` "
                "gives it a new password"
            )
        had_session = bool(body[0] & 1)
        connection.sendall(_publish(topics.worker(settings.worker_id), payload))
        body = answer(answers.read, PUBACK)
        connection.sendall(_KEEP_SESSION if had_session else _END_SESSION)
    if len(body) > len(_PACKET_ID) and body[len(_PACKET_ID)] == _NOT_AUTHORISED:
        raise BrokerError(
            f"the account {user!r} may not publish as a worker; names of workers begin with `worker`: "
            f"`{stetho('provision worker')}` makes one"
        )


def _connect(user: str, password: str, start: int) -> bytes:
    properties = _NO_EXPIRY + _ONE_AT_A_TIME
    body = text("MQTT") + bytes([5, 0xC0 | start, 0, 30, len(properties)]) + properties
    return packet(0x10, body + text(user) + text(user) + text(password))


def _publish(topic: str, payload: str) -> bytes:
    return packet(0x33, text(topic) + _PACKET_ID + b"\0" + payload.encode())
