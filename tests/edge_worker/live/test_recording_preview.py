"""Preview of a recording that is still open, read back from a real spool."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.spool import Spool
from edge_worker.live.recording_preview import RecordingPreview
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.protocol.live_value import LiveValue
from edge_worker.settings import Settings
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples

MODELS = Path(__file__).parents[3] / "models_tflite"
RATE = 4000
HEART = from_samples(synthesise("normal", 72, 6, RATE, 1), RATE).pcm[:, 0]


def preview(directory: Path, pcm: npt.NDArray[np.int16]) -> LiveValue:
    """Return the live value of a recording that has begun with `pcm` (samples, channels)."""
    settings = Settings(data_dir=directory, models_dir=MODELS)
    spool = Spool(directory / "spool")
    intake = Intake(spool, settings, lambda _device, _name: None)
    for start in range(0, len(pcm), RATE):
        part = pcm[start : start + RATE]
        chunk = Chunk(codec.PCM, 0, pcm.shape[1], RATE, 7, start, len(part), part.astype("<i2").tobytes())
        intake.receive("st-01", encode(chunk), 0.0)
    models = LoadedModels(ModelRegistry.from_settings(settings), settings.models, is_quiet=True)
    recording = intake.recordings.open["st-01", 7]
    value = RecordingPreview(recording).value(
        spool, models, HeartSegmenter.load(MODELS), ActiveProfiles(settings).current
    )
    assert value is not None
    return value


@pytest.mark.parametrize("channels", [[HEART], [HEART, HEART], [HEART, -HEART], [0 * HEART, HEART]])
def test_a_heart_has_a_rate_whatever_its_channels(
    tmp_path: Path, channels: list[npt.NDArray[np.int16]]
) -> None:
    value = preview(tmp_path, np.stack(channels, axis=1))
    assert value.hint.endswith("good")
    assert value.bpm == pytest.approx(72, abs=3)


def test_impossible_samples_are_told_at_once(tmp_path: Path) -> None:
    as_mono = np.stack([HEART, 0 * HEART], axis=1).reshape(-1, 1)
    value = preview(tmp_path, as_mono)
    assert (value.hint, value.bpm, value.quality) == ("check the device", None, None)
