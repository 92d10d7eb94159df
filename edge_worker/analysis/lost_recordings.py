"""Recordings that a damaged database lost: their sound is there, and is stored and analysed again.

What only their rows knew is lost: META, exam, review, and when they were captured.
"""

import hashlib
import logging
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import Final

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.database.site_state.clock_check import text_of
from edge_worker.database.store import StoredRecording
from edge_worker.errors import AudioError
from edge_worker.ingest import wav
from edge_worker.protocol.chunk import SAMPLE_BYTES
from edge_worker.protocol.topics import DEVICE_ID
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_NAME: Final = re.compile("[0-9a-f]{16}")
_FIRST_S: Final = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""There was no version of this program before."""


def lost_recordings(
    store: AudioStore, known: Collection[tuple[str, str]], now: float
) -> Iterator[StoredRecording]:
    """Yield the recordings in the store of sounds that are not `known`, oldest first; what is no WAV stays.

    A file that a wrong clock dated, before this program was made or after `now`, Unix seconds, arrived now.
    """
    for sound in sorted(store.sounds(), key=lambda sound: (sound.changed_at, sound.name)):
        _, device_id, file_name = sound.name.split("/")
        name = file_name.removesuffix(".wav")
        is_wav = file_name.endswith(".wav") and _NAME.fullmatch(name) is not None
        is_ours = is_wav and DEVICE_ID.fullmatch(device_id) is not None
        if not is_ours or (device_id, name) in known:
            continue
        try:
            audio = wav.read_with_format(sound)
        except AudioError as error:
            _LOG.warning(line("recording_not_adopted", device=device_id, recording=name, reason=error))
            continue
        _LOG.info(line("recording_adopted", device=device_id, recording=name))
        at = sound.changed_at
        moment = text_of(at if _FIRST_S <= at <= now else now)
        yield StoredRecording(
            device_id=device_id,
            recording_id=name,
            received_at=moment,
            captured_at=moment,
            captured_at_source="worker",
            completeness="complete",
            missing=[],
            sample_rate=audio.sample_rate,
            channels=audio.channels,
            samples=len(audio.pcm) // (audio.channels * SAMPLE_BYTES),
            audio_sha256=hashlib.sha256(audio.pcm).hexdigest(),
            audio_file=sound.name,
            meta={},
        )
