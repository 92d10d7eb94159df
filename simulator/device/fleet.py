"""Many devices that stream in real time, on one thread: the load generator, and what it measured.

Every device has its own connection, state and recordings; the sound is shared. The devices are spread evenly
over the length of a recording, so that chunks and analyses come as evenly as from strangers.
"""

import itertools
import json
import resource
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from edge_worker.errors import BrokerError, SettingsError
from simulator.device.device import Device, Journey
from simulator.device.mqtt_connections import Account, Address, Network
from simulator.device.recording import Recording, meta
from simulator.device.stethoscope import Stethoscope
from simulator.sound.heart_sound import FINDINGS, heart_sound
from simulator.sound.sound_file import from_samples

_CONNECT_S: Final = 30.0
_TICK_S: Final = 0.1
_SPARE_DESCRIPTORS: Final = 64


@dataclass(frozen=True, slots=True)
class Plan:
    """What every device does."""

    seconds: float
    """How long it streams."""
    recording_seconds: float
    """It makes recordings of this length, one right after the other."""
    ramp_s: float
    """Connections are opened over this time."""
    timeout_s: float
    """How long to wait for an analyser, and after the last recording for its result."""
    models: tuple[str, ...] = ()

    @property
    def recordings(self) -> int:
        """How many recordings one device makes."""
        return max(1, round(self.seconds / self.recording_seconds))


def templates(seconds: float, sample_rate: int, chunk_samples: int) -> list[Recording]:
    """Return one recording of each finding, to be sent by many devices under ids of their own.

    Raises:
        SettingsError: `seconds` is too short.
    """
    try:
        hearts = [
            heart_sound(finding, 60 + 10 * number, seconds, sample_rate, number)
            for number, finding in enumerate(FINDINGS)
        ]
    except ValueError as error:
        raise SettingsError(str(error)) from error
    sounds = (from_samples(heart.samples, sample_rate) for heart in hearts)
    return [Recording.of(sound, 0, b"", chunk_samples) for sound in sounds]


class _Member:
    """One device of the fleet."""

    def __init__(self, stethoscope: Stethoscope, template: Recording, plan: Plan) -> None:
        self.stethoscope = stethoscope
        self.device = stethoscope.device
        self._template = template
        self._plan = plan
        self._left = plan.recordings
        self._starts_at = 0.0
        stethoscope.on_change = self._go_on

    @property
    def is_done(self) -> bool:
        """Whether every recording was made and has its result."""
        return not self._left and all(journey.result for journey in self.device.journeys.values())

    def start(self) -> None:
        """Press the button for the first time."""
        self._starts_at = time.monotonic()
        self._record()

    def _go_on(self) -> None:
        if self._starts_at and self._left and not self.device.is_recording:
            self._starts_at += self._plan.recording_seconds
            self._record()

    def _record(self) -> None:
        self._left -= 1
        number = secrets.randbits(64)
        recording = replace(self._template, recording_id=number, meta=meta(self._plan.models, None))
        self.device.record(recording, self._starts_at, in_real_time=True)
        self.stethoscope.work()


class Fleet:
    """The devices, their network and their plan."""

    def __init__(
        self, address: Address, accounts: Sequence[Account], recordings: Iterable[Recording], plan: Plan
    ) -> None:
        """Give the devices the `recordings` in turn."""
        self._plan = plan
        self._network = Network()
        self._members = [
            _Member(self._stethoscope(address, account), recording, plan)
            for account, recording in zip(accounts, itertools.cycle(recordings), strict=False)
        ]

    def run(self) -> dict[str, Any]:
        """Play the plan; return what was measured, as JSON knows it.

        Raises:
            BrokerError: the broker is not there, or refuses a device.
            SettingsError: the system does not allow so many connections.
        """
        _allow_descriptors(len(self._members) + _SPARE_DESCRIPTORS)
        try:
            self._connect()
            cpu_s, began = time.process_time(), time.monotonic()
            self._stream(began)
            return self._report(time.process_time() - cpu_s, time.monotonic() - began)
        finally:
            for member in self._members:
                member.stethoscope.close()
            self._network.close()

    def _stethoscope(self, address: Address, account: Account) -> Stethoscope:
        return Stethoscope(Device(account.username, secrets.token_hex(4)), self._network, address, account)

    def _connect(self) -> None:
        self._spread(self._plan.ramp_s, [member.stethoscope.connection.open for member in self._members])
        waiting = list(self._members)
        deadline = time.monotonic() + self._plan.ramp_s + _CONNECT_S
        while waiting and time.monotonic() < deadline:
            self._network.spin(_TICK_S)
            waiting = [member for member in waiting if not member.stethoscope.connection.is_ready]
        if waiting:
            raise BrokerError(f"the broker did not answer {len(waiting)} of {len(self._members)} devices")
        self._await_analyser()

    def _await_analyser(self) -> None:
        deadline = time.monotonic() + self._plan.timeout_s
        while not any(member.stethoscope.analysers for member in self._members):
            if time.monotonic() > deadline:
                raise BrokerError("no analyser is online; start `python -m edge_worker`")
            self._network.spin(_TICK_S)

    def _stream(self, began: float) -> None:
        """Let every device record, and wait for the results."""
        plan = self._plan
        self._spread(plan.recording_seconds, [member.start for member in self._members])
        deadline = began + (1 + plan.recordings) * plan.recording_seconds + plan.timeout_s
        busy, looked_at = list(self._members), 0.0
        with tqdm(total=len(busy), unit="device", file=sys.stderr, disable=None, leave=False) as bar:
            while busy and time.monotonic() < deadline:
                self._network.spin(_TICK_S)
                if time.monotonic() - looked_at > _TICK_S:  # not for each of thousands of events
                    looked_at = time.monotonic()
                    busy = [member for member in busy if not member.is_done]
                    bar.update(len(self._members) - len(busy) - bar.n)

    def _spread(self, over_s: float, calls: Sequence[Callable[[], None]]) -> None:
        """Have `calls` made at even distances within `over_s` from now."""
        now = time.monotonic()
        for number, call in enumerate(calls):
            self._network.call_at(now + over_s * number / len(calls), call)

    def _report(self, cpu_s: float, wall_s: float) -> dict[str, Any]:
        devices = [member.device for member in self._members]
        journeys = [journey for device in devices for journey in device.journeys.values()]
        counts = sum((device.counts for device in devices), Counter[str]())
        return {
            "devices": len(devices),
            "wall_s": round(wall_s, 2),
            "cpu_s": round(cpu_s, 2),
            "max_late_s": round(max(device.max_late_s for device in devices), 3),
            "chunks": counts["chunks"],
            "resent_chunks": counts["resent"],
            "recordings_planned": len(devices) * self._plan.recordings,
            "recordings": len(journeys),
            "stored": sum(journey.completeness is not None for journey in journeys),
            "partial": sum(journey.completeness == "partial" for journey in journeys),
            "asked_samples": sum(journey.asked_samples for journey in journeys),
            "rejections": sum(len(journey.rejections) for journey in journeys),
            "results": sum(journey.result is not None for journey in journeys),
            "status": dict(Counter(str(j.result.get("status")) for j in journeys if j.result)),
            "last_to_stored_ms": _latency(journeys, lambda journey: journey.stored_at),
            "last_to_result_ms": _latency(journeys, lambda journey: journey.result_at),
        }


def _latency(journeys: Iterable[Journey], end: Callable[[Journey], float | None]) -> dict[str, float] | None:
    """Return percentiles of the time from the last chunk to `end`, in ms; None when it never came."""
    spans_ms = [
        1000 * (ended - journey.last_sent_at)
        for journey in journeys
        if journey.last_sent_at is not None and (ended := end(journey)) is not None
    ]
    if not spans_ms:
        return None
    values = np.percentile(spans_ms, (50, 95, 99, 100))
    return dict(zip(("p50", "p95", "p99", "max"), (round(float(value), 1) for value in values), strict=True))


def accounts_of(text: str, prefix: str, count: int) -> list[Account]:
    """Return the first `count` accounts whose device ids begin with `prefix` from JSON `{device: password}`.

    Raises:
        SettingsError: `text` is no such JSON, or has too few of them.
    """
    try:
        passwords = json.loads(text)
        found = [Account(name, str(word)) for name, word in passwords.items() if name.startswith(prefix)]
    except (ValueError, AttributeError) as error:
        raise SettingsError(
            'the credentials are not a JSON object such as {"sim-0000": "password"}'
        ) from error
    if len(found) < count:
        raise SettingsError(f"the credentials name {len(found)} devices {prefix}…; {count} are needed")
    return found[:count]


def _allow_descriptors(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SettingsError(f"the system allows {hard} open files, {needed} are needed; raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
