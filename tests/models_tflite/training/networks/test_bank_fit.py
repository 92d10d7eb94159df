"""Training on a bank of clips, with a stand-in for the teacher."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytestmark = [pytest.mark.training, pytest.mark.timeout(600)]
pytest.importorskip("tensorflow")

import keras  # noqa: E402

from edge_worker.signal.arrays import Float32Array  # noqa: E402
from edge_worker.signal.log_mel import LogMelParameters  # noqa: E402
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording, TrainingError  # noqa: E402
from models_tflite.training.networks import bank_fit, batches, fit  # noqa: E402
from models_tflite.training.recipes.recipe import Lessons, Recipe  # noqa: E402
from models_tflite.training.retraining import class_folders  # noqa: E402
from models_tflite.training.teachers import clip_bank  # noqa: E402
from models_tflite.training.teachers.clip_bank import ClipBank  # noqa: E402

FEATURES = LogMelParameters(sample_rate=8000, n_fft=256, hop_length=160, n_mels=16, fmin=50, fmax=4000)
LESSONS = Lessons(
    weights=Path("nowhere.pt"),
    sha256="0" * 64,
    heads=(("hum", "hiss"), ("hiss", "click")),
    head=0,
    site_weights=(("made", 1.0),),
    clips_per_recording=8,
)
RECIPE = Recipe(
    model="noises",
    version="0",
    labels=("hum", "hiss"),
    gather=lambda _data: iter(()),
    evaluated_on="",
    facts={},
    features=FEATURES,
    window_s=1.0,
    trim_db=60,
    background=True,
    epochs=4,
    steps_per_epoch=120,  # weights are averaged over the last hundred or so
    batch_size=32,
    widths=(8, 16, 16),
    separable=False,
    lessons=LESSONS,
)


class StandIn:
    """A teacher whose embeddings are the loudness of clips in two bands, and their crest."""

    def embed_clips(self, clips: Float32Array, rate: int) -> Float32Array:
        assert rate == 8000
        spectrum = np.abs(np.fft.rfft(clips, axis=1))
        crest = np.abs(clips).max(axis=1) / np.sqrt(np.square(clips).mean(axis=1))
        return np.stack([spectrum[:, :400].mean(axis=1), spectrum[:, 400:].mean(axis=1), crest], axis=1)


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Hums, hisses and clicks in two folds; clicks are none of the labels."""
    recordings, features = [], []
    random, time = np.random.default_rng(0), np.arange(8000) / 8000
    for number in range(16):
        sounds = {
            "hum": np.sin(2 * np.pi * random.uniform(150, 250) * time),
            "hiss": random.normal(0, 0.3, len(time)),
            "click": (time % random.uniform(0.2, 0.3) < 0.01).astype(float),
        }
        for kind, sound in sounds.items():
            path = tmp_path / f"{kind}{number}.wav"
            soundfile.write(path, sound * 0.3, 8000)
            label = kind if kind in RECIPE.labels else BACKGROUND
            recordings.append(Recording(path, label, "made", f"{kind}{number}", str(1 + number % 2), kind))
            features.append(FEATURES.transform((sound * 0.3).astype(np.float32)))
    return Corpus(tuple(recordings), tuple(features), RECIPE.labels)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str]]:
    """Use the stand-in; return the files that it would have been read from."""
    files: list[tuple[Path, str]] = []

    def tagger(weights: Path, sha256: str) -> StandIn:
        files.append((weights, sha256))
        return StandIn()

    monkeypatch.setattr(bank_fit, "_tagger", tagger)
    bank_fit._bank.cache_clear()
    return files


def right(model: keras.Model, corpus: Corpus) -> float:
    windows, owner = batches.corpus_windows(corpus, RECIPE)
    return float((model.predict(windows, verbose=0).argmax(axis=1) == corpus.targets[owner]).mean())


def test_a_network_learns_its_labels_and_background_from_the_bank(
    corpus: Corpus, made: list[tuple[Path, str]]
) -> None:
    epochs: list[int] = []

    model = fit.fit(corpus, RECIPE, None, 1, "noises", on_epoch=epochs.append)

    assert epochs == [1, 2, 3, 4]
    assert model.output_shape == (None, 3), "the other head and the embedding are gone"
    assert right(model, corpus) > 0.9
    assert made == [(LESSONS.weights, LESSONS.sha256)] * 2, "once for each fold"


def test_the_other_head_is_that_of_the_other_model(corpus: Corpus, made: list[tuple[Path, str]]) -> None:
    other = replace(RECIPE, labels=("hiss", "click"), lessons=replace(LESSONS, head=1))
    relabelled = Corpus(
        tuple(
            replace(each, label=each.kind if each.kind != "hum" else BACKGROUND) for each in corpus.recordings
        ),
        corpus.features,
        other.labels,
    )

    model = fit.fit(relabelled, other, None, 1, "other")

    assert right(model, relabelled) > 0.9
    assert made


def test_a_fold_left_out_is_in_no_clip_and_the_bank_of_a_fold_is_made_once(
    corpus: Corpus, made: list[tuple[Path, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[set[str]] = []
    make: Callable[..., ClipBank] = clip_bank.make

    def record(recordings: tuple[Recording, ...], *given: object, **named: object) -> ClipBank:
        heard.append({recording.fold for recording in recordings})
        return make(recordings, *given, **named)

    monkeypatch.setattr(clip_bank, "make", record)
    short = replace(RECIPE, epochs=1, steps_per_epoch=1)
    fold = np.array([recording.fold for recording in corpus.recordings])

    fit.fit(corpus.subset(fold == "2"), short, None, 1, "a fold")
    assert heard == [{"2"}]

    fit.fit(corpus, short, None, 1, "everything")
    assert heard == [{"2"}, {"1"}]
    assert len(made) == 2


def test_targets_of_a_head_sum_the_kinds_that_are_none_of_its_own() -> None:
    kinds = np.array([[0.5, 0.2, 0.1, 0.2]], dtype=np.float32)  # hum, hiss, click, none

    targets = bank_fit._head_targets(kinds, LESSONS)

    np.testing.assert_allclose(targets, [[0.5, 0.2, 0.3, 0.2, 0.1, 0.7]], atol=1e-6)


def test_a_kept_head_holds_all_labels_as_likely_and_background_three_times(
    corpus: Corpus, made: list[tuple[Path, str]]
) -> None:
    """The biases differ from those that were learned by the shares of the outputs in the bank."""
    inputs = keras.Input((4,))
    network = keras.Model(inputs, keras.layers.Dense(LESSONS.outputs)(inputs))
    shares = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)
    nothing = np.zeros((4, 1, 1), np.uint8), shares, np.zeros((4, 2), np.float16), np.zeros(4, int)

    model = bank_fit._with_kept_head(network, LESSONS, ClipBank(*nothing))

    _, biases = model.layers[-1].get_weights()
    np.testing.assert_allclose(biases, -np.log([1 / 4, 1 / 4, 2 / 4 / 3]), rtol=1e-5)
    assert not made


def test_recordings_of_ones_own_are_learned_without_lessons() -> None:
    assert class_folders.for_class_folders(RECIPE).lessons is None


def test_a_missing_teacher_is_refused_in_training(corpus: Corpus) -> None:
    bank_fit._bank.cache_clear()

    with pytest.raises(TrainingError, match=r"nowhere\.pt cannot be read: point --teacher at"):
        fit.fit(corpus, RECIPE, None, 1, "noises")
