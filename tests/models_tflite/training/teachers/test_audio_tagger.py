"""EfficientAT mn04: shapes, a wrong network, and the published weights on real sound where both are there."""

import os
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]
pytest.importorskip("tensorflow")

from edge_worker.signal.arrays import Float32Array  # noqa: E402
from models_tflite.evaluation import audio  # noqa: E402
from models_tflite.training.corpus import datasets as public  # noqa: E402
from models_tflite.training.corpus.corpus import TrainingError  # noqa: E402
from models_tflite.training.recipes.us8k import LESSONS  # noqa: E402
from models_tflite.training.teachers import state_dict, tagger_spectrogram  # noqa: E402
from models_tflite.training.teachers.audio_tagger import AudioTagger  # noqa: E402

WEIGHTS = Path(
    os.environ.get("STETHO_TEACHER", Path(__file__).parents[5] / "shared" / "weights" / "mn04_as.pt")
)


@pytest.fixture(scope="module")
def weights() -> dict[str, Float32Array]:
    if not WEIGHTS.is_file():
        pytest.skip(f"NO TEACHER in {WEIGHTS}: set STETHO_TEACHER to test the published weights")
    return state_dict.read(WEIGHTS, LESSONS.sha256)


def test_a_spectrogram_has_128_bands_and_a_frame_every_10_ms() -> None:
    seconds = np.arange(32000) / 32000
    tone = np.sin(2 * np.pi * 1000 * seconds).astype(np.float32)

    spectrogram = tagger_spectrogram.transform(tone)

    assert spectrogram.shape == (128, 100)
    mel = 1127 * np.log1p(np.array([1000, tagger_spectrogram.FMAX]) / 700)
    assert spectrogram[:, 50].argmax() == pytest.approx(129 * mel[0] / mel[1] - 1, abs=1)
    silent = tagger_spectrogram.transform(np.zeros(32000, np.float32))
    np.testing.assert_allclose(silent, (np.log(1e-5) + 4.5) / 5, rtol=1e-5)


def test_the_weights_of_another_network_are_refused(weights: dict[str, Float32Array]) -> None:
    without = {name: of for name, of in weights.items() if not name.startswith("features.9.")}
    wider = {**weights, "features.16.0.weight": np.zeros((384, 80, 1, 1), np.float32)}

    for other in ({}, without, wider):
        with pytest.raises(TrainingError, match=r"^the teacher's weights are of another network: give those"):
            AudioTagger(other)


def test_a_mean_of_embeddings_tells_kinds_apart(weights: dict[str, Float32Array], datasets: Path) -> None:
    """Nearest mean of five clips of other folds; a wrong spectrogram or network falls far below."""
    tagger = AudioTagger(weights)
    kinds = ("rooster", "crying_baby", "siren", "clock_tick", "toilet_flush", "mouse_click", "pouring_water")
    recordings = [each for each in public.esc50(datasets) if each.label in kinds]

    def embeddings(kind: str, fold: str) -> Float32Array:
        chosen = [each for each in recordings if (each.label, each.fold) == (kind, fold)][:5]
        clips = [np.resize(audio.read(each.path).resampled(16000), 80000) for each in chosen]
        peaks = [clip * np.float32(0.5 / (np.abs(clip).max() + 1e-9)) for clip in clips]
        return tagger.embed_clips(np.stack(peaks), 16000)

    means = np.stack([embeddings(kind, "2").mean(axis=0) for kind in kinds])
    unseen = [embeddings(kind, "1") for kind in kinds]

    assert unseen[0].shape == (5, 384)
    distance = [np.linalg.norm(each[:, np.newaxis] - means, axis=2).argmin(axis=1) for each in unseen]
    right = np.mean([nearest == kind for kind, nearest in enumerate(distance)])
    assert right >= 0.85
