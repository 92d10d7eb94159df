"""Session of one device that sends one recording, from the connection to the result; display on stderr."""

import json
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from tqdm import tqdm

from edge_worker.errors import BrokerError
from edge_worker.own_command import stetho
from edge_worker.protocol import topics
from simulator.device import oled
from simulator.device.delivery import Delivery
from simulator.device.device import Device
from simulator.device.display import Display
from simulator.device.event_loop import EventLoop
from simulator.device.message import Message
from simulator.device.mqtt_connection import Account, Address, Connection
from simulator.device.network_fault import FaultInjector
from simulator.device.recording import Recording, encode_meta
from simulator.device.stethoscope import Stethoscope
from simulator.sound.sound_file import Sound

_CONNECT_S: Final = 10.0
_GRACE_S: Final = 0.5
"""Retained worker states follow the subscription at once; after this time no analyser is online."""


class ResultTimeoutError(Exception):
    """The result did not arrive in time; the text says what was missing."""


@dataclass(frozen=True, slots=True)
class SessionResult:
    """Result of a recording."""

    status: str
    """`ok`, `inconclusive` or `error`"""
    payload: bytes
    """JSON as it was published."""


class Session:
    """Device that sends one recording. An instance is used once."""

    def __init__(
        self, address: Address, device_id: str, account: Account, fault_injector: FaultInjector | None
    ) -> None:
        self._event_loop = EventLoop()
        self._address = address
        self._device = Device(device_id, secrets.token_hex(4))
        self._stethoscope = Stethoscope(
            self._device, self._event_loop, address, account, fault_injector, subscribe_live=True
        )
        self._display = Display()
        self._operator: Connection | None = None
        self._full_results: dict[str, bytes] = {}

    def subscribe_as_operator(self, operator: Account) -> None:
        """Subscribe to the full result, too, with an operator's account."""
        topic = topics.result(self._device.device_id)
        self._operator = Connection(
            self._event_loop, self._address, operator, [topic], self._receive_full_result
        )

    def play(
        self,
        sound: Sound,
        *,
        models: Sequence[str],
        site: str | None,
        exam: str | None = None,
        chunk_samples: int,
        in_real_time: bool,
        timeout_s: float,
    ) -> SessionResult:
        """Send `sound` and return the result: the full one for an operator, else the compact one.

        Raises:
            BrokerError: there is no broker, or it refuses the account.
            ResultTimeoutError: no analyser within `timeout_s`, or no result as long after the recording.
        """
        try:
            self._connect()
            self._await_analyser(timeout_s)
            meta = encode_meta(models, site, exam)
            recording = Recording.from_sound(sound, secrets.randbits(64), meta, chunk_samples)
            delivery = self._device.record(recording, time.monotonic(), in_real_time=in_real_time)
            self._stethoscope.send_due_messages()
            self._show_transmission(delivery, recording, sound, in_real_time, timeout_s)
            return self._await_result(delivery, timeout_s)
        finally:
            self._close()

    def _connect(self) -> None:
        connections = [self._stethoscope.connection, *([self._operator] if self._operator else [])]
        for connection in connections:
            connection.open()
        if not self._event_loop.run_until(
            lambda: all(connection.is_ready for connection in connections), _CONNECT_S
        ):
            raise BrokerError(f"the broker at {self._address} accepted the connection and does not answer")

    def _await_analyser(self, timeout_s: float) -> None:
        def is_online() -> bool:
            return bool(self._stethoscope.analysers)

        has_analyser = self._event_loop.run_until(is_online, _GRACE_S)
        self._display.show(oled.ready(self._device.device_id, has_analyser))
        if not has_analyser:
            self._display.say("no analyser is online; waiting")
            if not self._event_loop.run_until(is_online, timeout_s):
                raise ResultTimeoutError(
                    f"no analyser came online within {timeout_s:g} s; start `{stetho('worker')}`"
                )

    def _show_transmission(
        self, delivery: Delivery, recording: Recording, sound: Sound, in_real_time: bool, timeout_s: float
    ) -> None:
        """Show the first transmission on the display."""
        total = recording.chunk_count
        self._display.show(oled.recording(0.0 if in_real_time else sound.seconds, sound.seconds))
        with tqdm(total=total, unit="chunk", file=sys.stderr, disable=None, leave=False) as bar:
            shown: dict[str, Any] | None = None

            def is_over() -> bool:
                nonlocal shown
                bar.update(delivery.chunks - bar.n)
                if delivery.live != shown:
                    shown = delivery.live
                    self._display.show(
                        oled.live(shown, delivery.chunks * recording.chunk_samples / sound.sample_rate)
                    )
                return not self._device.is_recording

            within_s = timeout_s + (sound.seconds if in_real_time else 0.0)
            if not self._event_loop.run_until(is_over, within_s):
                raise ResultTimeoutError(
                    f"the broker accepted only {delivery.chunks} of {total} chunks in time"
                )
        self._display.show(oled.sending(delivery.chunks, total))

    def _await_result(self, delivery: Delivery, timeout_s: float) -> SessionResult:
        deadline = time.monotonic() + timeout_s
        self._event_loop.run_until(lambda: bool(delivery.stored_at or delivery.result), timeout_s)
        self._display.show(oled.waiting(delivery.stored_at is not None))
        self._event_loop.run_until(lambda: delivery.result is not None, deadline - time.monotonic())
        if delivery.result is None:
            raise ResultTimeoutError(_timeout_message(delivery, timeout_s))
        self._display.show(oled.result(delivery.result))
        status = str(delivery.result.get("status"))
        if self._operator is None:
            return SessionResult(status, delivery.result_payload)
        if not self._event_loop.run_until(
            lambda: delivery.name in self._full_results, deadline - time.monotonic()
        ):
            raise ResultTimeoutError("the full result did not come; is the operator account an operator's?")
        return SessionResult(status, self._full_results[delivery.name])

    def _receive_full_result(self, message: Message) -> None:
        try:
            self._full_results[json.loads(message.payload)["recording_id"]] = message.payload
        except (ValueError, TypeError, KeyError):
            return  # not a result

    def _close(self) -> None:
        self._stethoscope.close()
        if self._operator is not None:
            self._operator.close()
        self._event_loop.close()


def _timeout_message(delivery: Delivery, timeout_s: float) -> str:
    state = "stored, but not analysed" if delivery.stored_at is not None else "not stored"
    rejection = f"; the worker rejected: {delivery.rejections[-1]}" if delivery.rejections else ""
    return f"no result within {timeout_s:g} s: the recording is {state}{rejection}"
