"""Publisher of one upload: chunks from a file on disk, sent again until the worker has stored them.

It implements the device's half of `docs/protocol.md` for sound that exists already. The spooled files survive
a restart of this process; they are removed when the worker has stored the recording.
"""

import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from edge_worker.protocol import strict_json
from edge_worker.protocol.chunk import (
    HAS_META,
    LAST,
    MAX_BODY_BYTES,
    MAX_CHANNELS,
    MAX_RATE_HZ,
    META,
    MIN_RATE_HZ,
    PCM,
    RESEND,
    SAMPLE_BYTES,
    Chunk,
    encode,
    recording_name,
)
from edge_worker.protocol.topics import DEVICE_ID

_REMIND_AFTER_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 60.0
_TEMPORARY_REJECTIONS: Final = ("quota", "too_fast")
"""Reasons of a rejection that does not concern the sound: it is sent again later."""
SampleRange = tuple[int, int | None]
"""First sample and the one after the last; None: to the end."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Format and metadata of the sound that an upload sends."""

    device_id: str
    recording_id: int
    sample_rate: int
    """Hz"""
    channels: int
    samples: int
    """Per channel."""
    meta: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The recording id as text."""
        return recording_name(self.recording_id)

    @property
    def size(self) -> int:
        """Bytes of all samples."""
        return self.samples * self.channels * SAMPLE_BYTES


class UploadPublisher:
    """One upload on its way to the worker.

    The thread of the MQTT session calls its methods; request threads wait for `finished`.
    """

    def __init__(self, sound: Sound, pcm_path: Path) -> None:
        self.sound = sound
        self.finished = threading.Event()
        """Set when the database has a result, or never will."""
        self.rejection = ""
        """Why the worker rejected the upload; empty where it did not."""
        self.is_stored = False
        self._path = pcm_path
        self._ranges: deque[SampleRange] = deque([(0, None)])
        """Still to be sent."""
        self._is_meta_due = True
        self._flags = HAS_META
        self._remind_at = float("inf")
        self._paused_until = 0.0
        """Monotonic time until which the worker takes nothing of it."""
        self._pause_s = _REMIND_AFTER_S
        self._paused_until = 0.0

    @classmethod
    def spool(cls, sound: Sound, pcm_path: Path) -> Self:
        """Return a publisher of the PCM at `pcm_path`; write `sound` beside it for `recover`."""
        sidecar = pcm_path.with_suffix(".json")
        draft = sidecar.with_suffix(".tmp")
        draft.write_text(strict_json.write(asdict(sound)))
        draft.replace(sidecar)
        return cls(sound, pcm_path)

    @classmethod
    def recover(cls, directory: Path) -> Iterator[Self]:
        """Yield the uploads that an earlier process left in `directory`; remove incomplete files."""
        for path in sorted(directory.iterdir()) if directory.is_dir() else []:
            sound = _read_sidecar(path) if path.suffix == ".pcm" else None
            if sound is not None:
                yield cls(sound, path)
            elif path.is_dir():
                shutil.rmtree(path)
            elif not (path.suffix == ".json" and path.with_suffix(".pcm").exists()):
                path.unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)

    def next_payload(self, now: float) -> bytes | None:
        """Return the next chunk to publish; None when nothing is due at `now`, a monotonic time in seconds.

        When all is sent and the worker does not answer, the last sample is sent again from time to time.

        Raises:
            OSError: the spooled sound cannot be read; FileNotFoundError where it is gone for good.
        """
        if self.is_stored or self.rejection or now < self._paused_until:
            return None
        if self._is_meta_due:
            self._is_meta_due = False
            body = strict_json.write(self.sound.meta).encode()
            return encode(self._chunk(META, HAS_META, 0, len(body), body))
        if not self._ranges and now >= self._remind_at:
            self._flags |= RESEND
            self._ranges.append((max(0, self.sound.samples - 1), None))
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return self._next_pcm(now) if self._ranges else None

    def on_control(self, document: dict[str, Any]) -> None:
        """Follow a control message of the worker about this recording."""
        match document.get("type"):
            case "stored":
                self._mark_stored()
            case "missing":
                self._flags |= RESEND
                self._paused_until = 0.0
                self._ranges = deque((start, end) for start, end in document.get("ranges", []))
                self._is_meta_due = document.get("meta") is True
            case "rejected" if document.get("reason") in _TEMPORARY_REJECTIONS:
                self._ranges, self._is_meta_due = deque(), True
                self._paused_until = self._remind_at = time.monotonic() + _again_after_s(document)
            case "rejected":
                self.reject(str(document.get("detail")))

    def on_result(self) -> None:
        """Note that there is a result of this recording, which is therefore stored."""
        self._mark_stored()
        self.finished.set()

    def reject(self, reason: str) -> None:
        """End the upload without a recording."""
        self.rejection = reason
        self.remove_files()
        self.finished.set()

    def pause(self, until: float) -> None:
        """Send nothing before `until`, a monotonic time in seconds."""
        self._paused_until = until

    def remove_files(self) -> None:
        """Remove the spooled files."""
        self._path.with_suffix(".json").unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)

    def _next_pcm(self, now: float) -> bytes:
        start, end = self._ranges.popleft()
        sound, sample_size = self.sound, self.sound.channels * SAMPLE_BYTES
        last = sound.samples if end is None else min(end, sound.samples)
        stop = min(last, start + MAX_BODY_BYTES // sample_size)
        if stop < last:
            self._ranges.appendleft((stop, end))
        with self._path.open("rb") as file:
            file.seek(start * sample_size)
            body = file.read((stop - start) * sample_size)
        if len(body) != (stop - start) * sample_size:
            raise FileNotFoundError(f"{self._path} was cut off")
        flags = self._flags | (LAST if stop == sound.samples else 0)
        if not self._ranges:
            self._remind_at = now + self._pause_s
        return encode(self._chunk(PCM, flags, start, stop - start, body))

    def _chunk(self, kind: int, flags: int, start: int, count: int, body: bytes) -> Chunk:
        sound = self.sound
        return Chunk(kind, flags, sound.channels, sound.sample_rate, sound.recording_id, start, count, body)

    def _mark_stored(self) -> None:
        self.is_stored = True
        self.remove_files()


def _again_after_s(rejection: dict[str, Any]) -> float:
    """Return when to send again what was rejected for now, seconds; 1 to 60."""
    advice = rejection.get("retry_after_s")
    return min(_LONGEST_PAUSE_S, max(1.0, advice)) if isinstance(advice, (int, float)) else 1.0


def _read_sidecar(pcm_path: Path) -> Sound | None:
    """Return the `Sound` written beside a PCM file; None where the process was killed before it was."""
    try:
        sound = Sound(**strict_json.read(pcm_path.with_suffix(".json").read_bytes()))
        return sound if _is_sendable(sound) else None
    except (OSError, ValueError, TypeError):
        return None


def _is_sendable(sound: Sound) -> bool:
    """Return whether a file that may be damaged describes a sound that chunks can carry."""
    return (
        DEVICE_ID.fullmatch(sound.device_id) is not None
        and 0 <= sound.recording_id < 2**64
        and MIN_RATE_HZ <= sound.sample_rate <= MAX_RATE_HZ
        and 1 <= sound.channels <= MAX_CHANNELS
        and 0 < sound.samples < 2**32
        and all(isinstance(each, int) for each in (sound.recording_id, sound.sample_rate, sound.samples))
        and isinstance(sound.channels, int)
        and isinstance(sound.meta, dict)
    )
