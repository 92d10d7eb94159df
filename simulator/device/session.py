"""Plays one device for one recording, from its birth to the result, with its OLED on stderr."""

import json
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tqdm import tqdm

from edge_worker.errors import BrokerError
from edge_worker.protocol import topics
from simulator.device import oled
from simulator.device.device import Device, Journey
from simulator.device.mqtt_connections import Account, Address, Connection, Network
from simulator.device.network_fault import Fault
from simulator.device.recording import Recording, meta
from simulator.device.stethoscope import Stethoscope
from simulator.sound.sound_file import Sound

_CONNECT_S: Final = 10.0
_GRACE_S: Final = 0.5
"""Retained worker states follow the subscription at once; later than this, nobody is there."""
_TICK_S: Final = 0.1


class TimeoutReached(Exception):  # noqa: N818 - a fact, not a mistake of anybody
    """The result did not come in time; the text says what was waited for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the device got for its sound."""

    status: str
    """`ok`, `inconclusive` or `error`"""
    payload: bytes
    """The JSON as it was published."""


class Session:
    """One device that makes one recording."""

    def __init__(self, address: Address, device_id: str, account: Account, fault: Fault | None) -> None:
        self._network = Network()
        self._address = address
        self._device = Device(device_id, secrets.token_hex(4))
        self._stethoscope = Stethoscope(self._device, self._network, address, account, fault, hears_live=True)
        self._operator: Connection | None = None
        self._full: dict[str, bytes] = {}

    def listen_as(self, operator: Account) -> None:
        """Get the full result too, with the rights of an operator."""
        topic = topics.result(self._device.device_id)
        self._operator = Connection(self._network, self._address, operator, [topic], self._keep_full)

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
    ) -> Outcome:
        """Send `sound` and return the result: the full one for an operator, else the compact one.

        Raises:
            BrokerError: the broker is not there or refuses us.
            TimeoutReached: no analyser within `timeout_s`, or no result as long after the recording.
        """
        try:
            self._connect()
            self._await_analyser(timeout_s)
            about = meta(models, site, exam)
            recording = Recording.of(sound, secrets.randbits(64), about, chunk_samples)
            journey = self._device.record(recording, time.monotonic(), in_real_time=in_real_time)
            self._stethoscope.work()
            self._show_transmission(journey, recording, sound, in_real_time, timeout_s)
            return self._await_result(journey, timeout_s)
        finally:
            self._close()

    def _connect(self) -> None:
        connections = [self._stethoscope.connection, *([self._operator] if self._operator else [])]
        for connection in connections:
            connection.open()
        if not self._wait(lambda: all(connection.is_ready for connection in connections), _CONNECT_S):
            raise BrokerError(f"the broker at {self._address} took the connection and says nothing")

    def _await_analyser(self, timeout_s: float) -> None:
        def is_there() -> bool:
            return bool(self._stethoscope.analysers)

        has_analyser = self._wait(is_there, _GRACE_S)
        _show(oled.ready(self._device.device_id, has_analyser))
        if not has_analyser:
            print("no analyser is online; waiting", file=sys.stderr)
            if not self._wait(is_there, timeout_s):
                raise TimeoutReached(
                    f"no analyser came online within {timeout_s:g} s; start `python -m edge_worker`"
                )

    def _show_transmission(
        self, journey: Journey, recording: Recording, sound: Sound, in_real_time: bool, timeout_s: float
    ) -> None:
        """Follow the first transmission on the screen."""
        total = recording.chunk_count
        _show(oled.recording(0.0 if in_real_time else sound.seconds, sound.seconds))
        with tqdm(total=total, unit="chunk", file=sys.stderr, disable=None, leave=False) as bar:
            shown: dict[str, Any] | None = None

            def is_over() -> bool:
                nonlocal shown
                bar.update(journey.chunks - bar.n)
                if journey.live != shown:
                    shown = journey.live
                    _show(oled.live(shown, journey.chunks * recording.chunk_samples / sound.sample_rate))
                return not self._device.is_recording

            patience_s = timeout_s + (sound.seconds if in_real_time else 0.0)
            if not self._wait(is_over, patience_s):
                raise TimeoutReached(f"the broker took only {journey.chunks} of {total} chunks in time")
        _show(oled.sending(journey.chunks, total))

    def _await_result(self, journey: Journey, timeout_s: float) -> Outcome:
        deadline = time.monotonic() + timeout_s
        self._wait(lambda: bool(journey.stored_at or journey.result), timeout_s)
        _show(oled.waiting(journey.stored_at is not None))
        self._wait(lambda: journey.result is not None, deadline - time.monotonic())
        if journey.result is None:
            raise TimeoutReached(_what_is_missing(journey, timeout_s))
        _show(oled.result(journey.result))
        status = str(journey.result.get("status"))
        if self._operator is None:
            return Outcome(status, journey.result_text)
        if not self._wait(lambda: journey.name in self._full, deadline - time.monotonic()):
            raise TimeoutReached("the full result did not come; is the operator account an operator's?")
        return Outcome(status, self._full[journey.name])

    def _wait(self, is_done: Callable[[], bool], within_s: float) -> bool:
        """Let the network work until `is_done`; return whether it is."""
        deadline = time.monotonic() + within_s
        while not is_done():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            self._network.spin(min(left_s, _TICK_S))
        return True

    def _keep_full(self, _topic: str, payload: bytes) -> None:
        try:
            self._full[json.loads(payload)["recording_id"]] = payload
        except (ValueError, TypeError, KeyError):
            return  # not a result; somebody tries things out

    def _close(self) -> None:
        self._stethoscope.close()
        if self._operator is not None:
            self._operator.close()
        self._network.close()


def _show(screen: oled.Screen) -> None:
    print(oled.framed(screen), file=sys.stderr)


def _what_is_missing(journey: Journey, timeout_s: float) -> str:
    known = "stored, but not analysed" if journey.stored_at is not None else "not stored"
    said = f"; the worker said: {journey.rejections[-1]}" if journey.rejections else ""
    return f"no result within {timeout_s:g} s: the recording is {known}{said}"
