"""Load generator: many devices that record in real time, on one thread.

Every device has its own connection, state and recordings; the sound is shared. The devices start evenly
spread over the length of a recording, so that chunks and analyses come as evenly as from independent devices.
"""

import itertools
import resource
import secrets
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from tqdm import tqdm

from edge_worker.errors import BrokerError, SettingsError
from edge_worker.own_command import stetho
from simulator.device.device import Device
from simulator.device.event_loop import EventLoop
from simulator.device.load_report import load_report
from simulator.device.mqtt_connection import Account, Address
from simulator.device.recording import Recording, encode_meta
from simulator.device.stethoscope import Stethoscope
from simulator.sound.heart_sound import FINDINGS, heart_sound
from simulator.sound.sound_file import from_samples

_CONNECT_S: Final = 30.0
_TICK_S: Final = 0.1
_SPARE_DESCRIPTORS: Final = 64


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Load that every device generates."""

    seconds: float
    """Duration of the test."""
    recording_seconds: float
    """Length of a recording; one follows the other without a pause."""
    ramp_s: float
    """Time over which the connections are opened."""
    timeout_s: float
    """Time to wait for an analyser, and after the last recording for its result."""
    models: tuple[str, ...] = ()

    @property
    def recordings(self) -> int:
        """Number of recordings of one device."""
        return max(1, round(self.seconds / self.recording_seconds))


def template_recordings(seconds: float, sample_rate: int, chunk_samples: int) -> list[Recording]:
    """Return one recording of each finding, which many devices send under recording ids of their own.

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
    return [Recording.from_sound(sound, 0, b"", chunk_samples) for sound in sounds]


class _FleetDevice:
    """One device of the fleet, which records until its plan is fulfilled."""

    def __init__(self, stethoscope: Stethoscope, template: Recording, plan: LoadPlan) -> None:
        self.stethoscope = stethoscope
        self.device = stethoscope.device
        self._template = template
        self._plan = plan
        self._remaining = plan.recordings
        self._starts_at = 0.0
        stethoscope.on_change = self._record_next

    @property
    def is_done(self) -> bool:
        """Whether every recording was made and has its result."""
        return not self._remaining and all(delivery.result for delivery in self.device.deliveries.values())

    def start(self) -> None:
        """Start the first recording."""
        self._starts_at = time.monotonic()
        self._record()

    def _record_next(self) -> None:
        if self._starts_at and self._remaining and not self.device.is_recording:
            self._starts_at += self._plan.recording_seconds
            self._record()

    def _record(self) -> None:
        self._remaining -= 1
        number = secrets.randbits(64)
        recording = replace(self._template, recording_id=number, meta=encode_meta(self._plan.models, None))
        self.device.record(recording, self._starts_at, in_real_time=True)
        self.stethoscope.send_due_messages()


class Fleet:
    """Devices on one event loop that follow one load plan."""

    def __init__(
        self, address: Address, accounts: Sequence[Account], recordings: Iterable[Recording], plan: LoadPlan
    ) -> None:
        """Assign the `recordings` to the devices in turn."""
        self._plan = plan
        self._event_loop = EventLoop()
        self._devices = [
            _FleetDevice(self._stethoscope(address, account), recording, plan)
            for account, recording in zip(accounts, itertools.cycle(recordings), strict=False)
        ]

    def run(self) -> dict[str, Any]:
        """Run the plan and return the report (`load_report`).

        Raises:
            BrokerError: there is no broker, or it refuses a device.
            SettingsError: the system does not allow as many connections.
        """
        _allow_descriptors(len(self._devices) + _SPARE_DESCRIPTORS)
        try:
            self._connect()
            cpu_s, began = time.process_time(), time.monotonic()
            self._stream(began)
            return load_report(
                [each.device for each in self._devices],
                self._plan.recordings,
                cpu_s=time.process_time() - cpu_s,
                wall_s=time.monotonic() - began,
            )
        finally:
            for each in self._devices:
                each.stethoscope.close()
            self._event_loop.close()

    def _stethoscope(self, address: Address, account: Account) -> Stethoscope:
        return Stethoscope(Device(account.username, secrets.token_hex(4)), self._event_loop, address, account)

    def _connect(self) -> None:
        self._spread(self._plan.ramp_s, [each.stethoscope.connection.open for each in self._devices])
        waiting = list(self._devices)
        deadline = time.monotonic() + self._plan.ramp_s + _CONNECT_S
        while waiting and time.monotonic() < deadline:
            self._event_loop.run_once(_TICK_S)
            waiting = [each for each in waiting if not each.stethoscope.connection.is_ready]
        if waiting:
            raise BrokerError(f"the broker did not answer {len(waiting)} of {len(self._devices)} devices")
        self._await_analyser()

    def _await_analyser(self) -> None:
        def is_online() -> bool:
            return any(each.stethoscope.analysers for each in self._devices)

        if not self._event_loop.run_until(is_online, self._plan.timeout_s):
            raise BrokerError(f"no analyser is online; start `{stetho('worker')}`")

    def _stream(self, began: float) -> None:
        """Record on every device, and wait for the results."""
        plan = self._plan
        self._spread(plan.recording_seconds, [each.start for each in self._devices])
        deadline = began + (1 + plan.recordings) * plan.recording_seconds + plan.timeout_s
        busy, checked_at = list(self._devices), 0.0
        with tqdm(total=len(busy), unit="device", file=sys.stderr, disable=None, leave=False) as bar:
            while busy and time.monotonic() < deadline:
                self._event_loop.run_once(_TICK_S)
                if time.monotonic() - checked_at > _TICK_S:  # not for each of thousands of events
                    checked_at = time.monotonic()
                    busy = [each for each in busy if not each.is_done]
                    bar.update(len(self._devices) - len(busy) - bar.n)

    def _spread(self, over_s: float, calls: Sequence[Callable[[], None]]) -> None:
        """Schedule `calls` evenly over `over_s` seconds from now."""
        now = time.monotonic()
        for number, call in enumerate(calls):
            self._event_loop.call_at(now + over_s * number / len(calls), call)


def _allow_descriptors(needed: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SettingsError(f"the system allows {hard} open files, {needed} are needed; raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
