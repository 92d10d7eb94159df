"""An upload on its way to the worker: chunks from a file on disk, sent again as often as it takes.

The device's half of `docs/protocol.md` for sound that is there already. What is spooled here survives a
restart of this process, and is removed when the worker has stored it.
"""

import json
import shutil
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from edge_worker.protocol.chunk import (
    HAS_META,
    LAST,
    MAX_BODY_BYTES,
    META,
    PCM,
    RESEND,
    SAMPLE_BYTES,
    Chunk,
    encode,
    recording_name,
)

_REMIND_AFTER_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 60.0
_TRY_LATER: Final = ("quota",)
"""Rejections that say nothing against the sound."""
Range = tuple[int, int | None]


@dataclass(frozen=True, slots=True)
class Sound:
    """What is to be sent."""

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
        """The recording id as it is written."""
        return recording_name(self.recording_id)


class UploadPublisher:
    """One upload. The MQTT session drives it from its thread; others wait for `has_ended`."""

    def __init__(self, sound: Sound, pcm_path: Path) -> None:
        self.sound = sound
        self.has_ended = threading.Event()
        """Set when there is a result, or never will be."""
        self.result: dict[str, Any] | None = None
        self.problem = ""
        """Why the worker will not have it."""
        self.is_stored = False
        self._path = pcm_path
        self._wanted: deque[Range] = deque([(0, None)])
        self._wants_meta = True
        self._flags = HAS_META
        self._remind_at = float("inf")
        self._pause_s = _REMIND_AFTER_S

    @classmethod
    def spool(cls, sound: Sound, pcm_path: Path) -> Self:
        """Return a publisher of the PCM at `pcm_path`, noted beside it so that `found` finds it."""
        note = pcm_path.with_suffix(".json")
        draft = note.with_suffix(".tmp")
        draft.write_text(json.dumps({name: getattr(sound, name) for name in sound.__dataclass_fields__}))
        draft.replace(note)
        return cls(sound, pcm_path)

    @classmethod
    def found(cls, directory: Path) -> Iterator[Self]:
        """Yield what an earlier process left behind, and remove what it had not finished to take in."""
        left = sorted(directory.iterdir()) if directory.is_dir() else []
        for path in left:
            sound = _noted(path) if path.suffix == ".pcm" else None
            if sound is not None:
                yield cls(sound, path)
            elif path.is_dir():
                shutil.rmtree(path)
            elif not (path.suffix == ".json" and path.with_suffix(".pcm").exists()):
                path.unlink(missing_ok=True)

    def next_payload(self, now: float) -> bytes | None:
        """Return the next chunk to publish, None when there is none now."""
        if self.is_stored or self.problem:
            return None
        if self._wants_meta:
            self._wants_meta = False
            body = json.dumps(self.sound.meta).encode()
            return encode(self._chunk(META, HAS_META, 0, len(body), body))
        if not self._wanted and now >= self._remind_at:
            self._flags |= RESEND
            self._wanted.append((max(0, self.sound.samples - 1), None))
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
        return self._next_pcm(now) if self._wanted else None

    def take(self, document: dict[str, Any]) -> None:
        """Follow what the worker says about this recording."""
        match document.get("type"):
            case "stored":
                self._stored()
            case "missing":
                self._flags |= RESEND
                self._wanted = deque((int(start), end) for start, end in document.get("ranges", []))
                self._wants_meta = document.get("meta") is True
            case "rejected" if document.get("reason") in _TRY_LATER:
                self._wanted, self._wants_meta = deque(), True
                self._remind_at = time.monotonic() + 1
            case "rejected":
                self.problem = str(document.get("detail"))
                self.forget()
                self.has_ended.set()

    def finish(self, result: dict[str, Any]) -> None:
        """Take the result: a recording that has one is stored."""
        self._stored()
        self.result = result
        self.has_ended.set()

    def _next_pcm(self, now: float) -> bytes:
        start, end = self._wanted.popleft()
        sound, frame = self.sound, self.sound.channels * SAMPLE_BYTES
        last = sound.samples if end is None else min(end, sound.samples)
        stop = min(last, start + MAX_BODY_BYTES // frame)
        if stop < last:
            self._wanted.appendleft((stop, end))
        with self._path.open("rb") as file:
            file.seek(start * frame)
            body = file.read((stop - start) * frame)
        flags = self._flags | (LAST if stop == sound.samples else 0)
        if not self._wanted:
            self._remind_at = now + self._pause_s
        return encode(self._chunk(PCM, flags, start, stop - start, body))

    def _chunk(self, kind: int, flags: int, start: int, count: int, body: bytes) -> Chunk:
        sound = self.sound
        return Chunk(kind, flags, sound.channels, sound.sample_rate, sound.recording_id, start, count, body)

    def _stored(self) -> None:
        self.is_stored = True
        self.forget()

    def forget(self) -> None:
        """Remove what is spooled."""
        self._path.with_suffix(".json").unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)


def _noted(pcm_path: Path) -> Sound | None:
    """Return what is noted beside a sound, None where a kill came before."""
    try:
        return Sound(**json.loads(pcm_path.with_suffix(".json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
