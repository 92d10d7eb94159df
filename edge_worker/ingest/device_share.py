"""Shares of devices: what one device may send a minute, so that none takes the worker from its neighbours.

A device that sends more is refused before its message is decoded, and may send again later. Messages that
waited at the broker while the worker was away came at no fault of their device: they are taken in beyond it,
up to a bound for each device, so that a flood that waited there takes no more.
"""

import logging
from collections import Counter, defaultdict
from typing import Final

from edge_worker.errors import ChunkError
from edge_worker.protocol.chunk import META, Chunk, peek_recording_id
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_IN_ADVANCE_S: Final = 60.0
"""A share of so many seconds may be used up at once."""
_LONGEST_DEBT_S: Final = 5.0
"""A device that was charged beyond its share is refused for so long at most: its recordings wait longer."""
_MESSAGE_BYTES: Final = 4096
"""Charged for each message beside its bytes: very small ones cost time, too."""
UNKNOWN_RECORDING_BYTES: Final = 65_536
"""Charged for a chunk of no open recording: it costs a query, and maybe files, a row and an analysis."""
_SOUND_BYTES_PER_S: Final = 65_536
"""A second of sound of a recording is charged as so many bytes at least: its analysis takes time."""
_STREAM_SPEED: Final = 4.0
"""Seconds of sound a second: streams of one device, each in real time, and some of it late."""
_BACKLOG_BYTES: Final = 2**28
"""What the broker queues for a worker that is away."""
_BACKLOG_BYTES_OF_DEVICE: Final = 2**25
"""Of that one device: six minutes at 44.1 kHz. What is refused beyond it is sent again by and by."""
_BACKLOG_STREAM_S: Final = 600.0
"""Sound of the streams of one device that is taken in beyond its share."""
_BACKLOG_AT_LEAST_S: Final = 10.0
"""For so long after a connection, messages may be of the time before it."""
_LOG_EVERY_S: Final = 60.0
_MAX_DEVICES: Final = 4096
"""Devices whose use is remembered; with more, those that used nothing lately are forgotten."""


class Share:
    """A rate of which each device may use a minute in advance."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._used_until: dict[str, float] = {}
        """By device: the monotonic time until which its share is used up."""

    def charge(self, device_id: str, amount: float, now: float) -> None:
        """Use `amount` of the share of a device, whether there is so much or not."""
        if len(self._used_until) >= _MAX_DEVICES:
            self._used_until = {device: until for device, until in self._used_until.items() if until > now}
        used_until = max(now, self._used_until.get(device_id, now)) + amount / self._per_s
        self._used_until[device_id] = min(used_until, now + _IN_ADVANCE_S + _LONGEST_DEBT_S)

    def wait_s(self, device_id: str, amount: float, now: float) -> float:
        """Return after how many seconds there is room for `amount`; 0 or less: now."""
        return self._used_until.get(device_id, now) + amount / self._per_s - now - _IN_ADVANCE_S


class DeviceShares:
    """What each device has used of its share. Used by the network thread."""

    def __init__(self, mb_per_minute: int) -> None:
        self._mb_per_minute = mb_per_minute
        self._bytes = Share(mb_per_minute * 2**20 / 60)
        self._stream_sound = Share(_STREAM_SPEED)
        self._backlog_bytes = _BACKLOG_BYTES
        self._backlog_since = float("-inf")
        self._backlog_of: Counter[str] = Counter()
        """By device: bytes that were taken in beyond its share."""
        self._backlog_streams: defaultdict[str, float] = defaultdict(float)
        """By device: the same of its streams, in seconds of sound."""
        self._logged_at: dict[str, float] = {}

    def expect_backlog(self, now: float) -> None:
        """Take in messages beyond the shares until `end_backlog`: they waited at the broker."""
        self._backlog_bytes, self._backlog_since = _BACKLOG_BYTES, now
        self._backlog_of, self._backlog_streams = Counter(), defaultdict(float)

    def end_backlog(self, now: float) -> None:
        """Note that no message waits."""
        if now - self._backlog_since >= _BACKLOG_AT_LEAST_S:
            self._backlog_bytes = 0

    @property
    def is_backlog(self) -> bool:
        """Whether messages may be of a time when the worker was away."""
        return self._backlog_bytes > 0

    def admit(self, device_id: str, payload: bytes, now: float) -> None:
        """Charge a message to its device.

        Raises:
            ChunkError: `too_fast`; the device has used its share, and is charged nothing.
        """
        cost = len(payload) + _MESSAGE_BYTES
        if self.is_backlog and self._backlog_of[device_id] < _BACKLOG_BYTES_OF_DEVICE:
            self._backlog_bytes -= cost
            self._backlog_of[device_id] += cost
            return
        wait_s = self._bytes.wait_s(device_id, cost, now)
        if wait_s > 0:
            detail = f"more than {self._mb_per_minute} MiB a minute"
            raise self._too_fast(device_id, detail, peek_recording_id(payload), wait_s, now)
        self._bytes.charge(device_id, cost, now)

    def charge(self, device_id: str, size: float, now: float) -> None:
        """Charge bytes that a device makes us store beyond those of its messages."""
        if self.is_backlog and self._backlog_of[device_id] < _BACKLOG_BYTES_OF_DEVICE:
            self._backlog_of[device_id] += round(size)
        else:
            self._bytes.charge(device_id, size, now)

    def charge_sound(self, device_id: str, chunk: Chunk, now: float) -> None:
        """Charge the sound of a recording as far as its bytes, which are charged already, stand for less."""
        size = chunk.sample_count * _SOUND_BYTES_PER_S - len(chunk.body) * chunk.sample_rate
        if size > 0 and chunk.type != META:
            self.charge(device_id, size / chunk.sample_rate, now)

    def admit_stream(
        self, device_id: str, recording_id: int, seconds: float, now: float, *, has_room: bool
    ) -> None:
        """Charge sound of a stream to its device; `has_room`: not too much of it waits to be analysed.

        Raises:
            ChunkError: `too_fast`, as in `admit`.
        """
        if self.is_backlog and self._backlog_streams[device_id] < _BACKLOG_STREAM_S:
            self._backlog_streams[device_id] += seconds
            return
        wait_s = self._stream_sound.wait_s(device_id, seconds, now)
        if wait_s > 0:
            detail = f"streams have {_STREAM_SPEED:g} s of sound a second"
            raise self._too_fast(device_id, detail, recording_id, wait_s, now)
        if not has_room:
            raise self._too_fast(device_id, "too much of it waits to be analysed", recording_id, 1.0, now)
        self._stream_sound.charge(device_id, seconds, now)

    def _too_fast(
        self, device_id: str, detail: str, recording_id: int | None, wait_s: float, now: float
    ) -> ChunkError:
        """Return the refusal, and log it from time to time."""
        if now - self._logged_at.get(device_id, float("-inf")) >= _LOG_EVERY_S:
            if len(self._logged_at) >= _MAX_DEVICES:
                self._logged_at.clear()
            self._logged_at[device_id] = now
            _LOG.warning(line("too_fast", device=device_id, reason=detail))
        return ChunkError("too_fast", detail, recording_id, retry_after_s=wait_s)
