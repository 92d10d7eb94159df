"""Test rig: an intake on a real spool, with a clock that only moves when told, and chunks to feed it."""

import random
from collections.abc import Iterator
from pathlib import Path

from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording, ControlMessage, IntakeEvent
from edge_worker.ingest.spool import Spool
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.protocol.result import Completeness
from edge_worker.settings import Settings

RATE = 4000

SETTINGS = Settings(
    max_recording_s=10.0, max_open_per_device=2, max_open=5, give_up_s=30.0, offline_give_up_s=300.0
)


class IntakeRig:
    """An intake on a spool of its own, with a clock that only moves when told."""

    def __init__(self, directory: Path, settings: Settings = SETTINGS) -> None:
        self.directory, self.settings = directory, settings
        self.stored: dict[tuple[str, str], Completeness] = {}
        self.now = 0.0
        self.restart()

    def restart(self) -> list[IntakeEvent]:
        """What `kill -9` and a new process do: memory is gone, files stay."""
        self.spool = Spool(self.directory)
        self.intake = Intake(self.spool, self.settings, lambda device, name: self.stored.get((device, name)))
        return self.intake.load(self.now)

    def send(self, chunk: Chunk, device_id: str = "st-01") -> list[IntakeEvent]:
        return self.intake.receive(device_id, encode(chunk), self.now)

    def wait(self, seconds: float, busy_s: float = 0.0) -> list[IntakeEvent]:
        self.now += seconds
        return self.intake.check_timeouts(self.now, busy_s)

    def pcm(self, closed: ClosedRecording) -> bytes:
        end = closed.recording.end
        return bytes(
            self.spool.read_pcm(closed.recording, closed.recording.received.end if end is None else end)
        )


def random_pcm(samples: int, seed: int = 1, channels: int = 1) -> bytes:
    return random.Random(seed).randbytes(samples * channels * 2)


def split(pcm: bytes, size: int, recording_id: int = 7, channels: int = 1, flags: int = 0) -> list[Chunk]:
    unit = channels * 2
    total = len(pcm) // unit
    starts = range(0, total, size)
    return [
        Chunk(
            codec.PCM,
            flags | (codec.LAST if start + size >= total else 0),
            channels,
            RATE,
            recording_id,
            start,
            min(size, total - start),
            pcm[start * unit : min(start + size, total) * unit],
        )
        for start in starts
    ]


def meta(body: bytes = b'{"site":"MV"}', recording_id: int = 7) -> Chunk:
    return Chunk(codec.META, 0, 1, RATE, recording_id, 0, len(body), body)


def closed_recordings(events: list[IntakeEvent]) -> list[ClosedRecording]:
    return [event for event in events if isinstance(event, ClosedRecording)]


def control_documents(events: list[IntakeEvent]) -> list[dict[str, object]]:
    return [event.document for event in events if isinstance(event, ControlMessage)]


def resent(pcm: bytes, ranges: list[list[int | None]], size: int, channels: int = 1) -> Iterator[Chunk]:
    """What a device does when asked: chunks cut as it likes."""
    unit = channels * 2
    total = len(pcm) // unit
    for start, asked_end in ranges:
        assert start is not None
        end = total if asked_end is None else asked_end
        for first in range(start, end, size):
            stop = min(first + size, end)
            flags = codec.RESEND | (codec.LAST if stop == total else 0)
            yield Chunk(
                codec.PCM, flags, channels, RATE, 7, first, stop - first, pcm[first * unit : stop * unit]
            )
