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
from edge_worker.live import recording_preview
from edge_worker.live.recording_preview import RecordingPreview
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk, encode
from edge_worker.protocol.live_value import LiveValue
from edge_worker.settings import Settings
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples

MODELS = Path(__file__).parents[3] / "models_tflite"
RATE = 4000
CHUNK = RATE // 2
HEART = from_samples(synthesise("normal", 72, 6, RATE, 1), RATE).pcm[:, 0]


def previews(directory: Path, pcm: npt.NDArray[np.int16], pauses: int = 1) -> list[LiveValue]:
    """Return the live values of a recording that goes on with `pcm` (samples, channels).

    There is one after each `pauses` chunks of half a second.
    """
    settings = Settings(data_dir=directory, models_dir=MODELS)
    spool = Spool(directory / "spool")
    intake = Intake(spool, settings, lambda _device, _name: None)
    models = LoadedModels(ModelRegistry.from_settings(settings), settings.models, is_quiet=True)
    segmenter, profiles = HeartSegmenter.load(MODELS), ActiveProfiles(settings).current
    found, shown = [], None
    for number, start in enumerate(range(0, len(pcm), CHUNK), 1):
        part = pcm[start : start + CHUNK]
        chunk = Chunk(codec.PCM, 0, pcm.shape[1], RATE, 7, start, len(part), part.astype("<i2").tobytes())
        intake.receive("st-01", encode(chunk), 0.0)
        shown = shown or RecordingPreview(intake.recordings.open["st-01", 7])
        if number % pauses == 0:
            (value,) = recording_preview.values([shown], spool, models, segmenter, profiles)
            assert value is not None
            found.append(value)
    return found


def preview(directory: Path, pcm: npt.NDArray[np.int16]) -> LiveValue:
    """Return the first live value of a recording, which began with `pcm` (samples, channels)."""
    (value,) = previews(directory, pcm, len(pcm) // CHUNK)
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


@pytest.mark.parametrize("channels", [[HEART], [0 * HEART, HEART]])
def test_values_of_a_recording_that_goes_on_are_as_one_of_all_its_last_seconds(
    tmp_path: Path, channels: list[npt.NDArray[np.int16]]
) -> None:
    pcm = np.stack(channels, axis=1)
    *_, last = previews(tmp_path / "often", pcm)
    once = preview(tmp_path / "once", pcm)
    assert last.hint == once.hint
    assert last.bpm == pytest.approx(once.bpm, abs=2)
    assert last.quality == pytest.approx(once.quality, abs=0.05)


def test_a_hint_is_about_the_last_two_seconds(tmp_path: Path) -> None:
    silence = np.zeros(3 * RATE, np.int16)
    silence[::7] = 1
    values = previews(tmp_path, np.concatenate((HEART, silence))[:, np.newaxis])
    assert values[11].hint.endswith("good")
    assert values[-1].hint == "press firmer"


def test_sound_that_came_without_a_value_between_is_no_part_of_the_next(tmp_path: Path) -> None:
    loud = np.full(8 * RATE, 32_767, np.int16)
    loud[::2] = -32_768
    first, second = previews(tmp_path, np.concatenate((loud, HEART, HEART[: 2 * RATE]))[:, np.newaxis], 16)
    assert not first.hint.endswith("good")
    assert second.hint.endswith("good")
