"""Recordings that a damaged database lost, found by their WAV files."""

import os
from pathlib import Path

import pytest
import wav_files

from edge_worker.analysis.lost_recordings import lost_recordings
from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.database.site_state.clock_check import text_of

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("changed_s", "received_s"),
    [(NOW - 3600, NOW - 3600), (110.0, NOW), (NOW + 10 * 365 * 86_400, NOW)],
    ids=["an hour ago", "1970", "in ten years"],
)
def test_a_file_that_a_wrong_clock_dated_arrived_now(
    tmp_path: Path, changed_s: float, received_s: float
) -> None:
    path = tmp_path / "audio/st-01/00000000000000aa.wav"
    wav_files.write(path, bytes(800), 4000, 1)
    os.utime(path, (changed_s, changed_s))
    (found,) = lost_recordings(AudioDirectory(tmp_path), (), NOW)
    assert (found.device_id, found.recording_id, found.samples) == ("st-01", "00000000000000aa", 400)
    assert found.received_at == found.captured_at == text_of(received_s)
    assert list(lost_recordings(AudioDirectory(tmp_path), [("st-01", "00000000000000aa")], NOW)) == []
