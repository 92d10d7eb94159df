"""Classifier with the shipped models, on the TFLite runtime that is installed.

Needs only numpy, scipy, soxr and a runtime, so that it also runs with tflite-runtime:
`pytest --noconftest tests/edge_worker/inference/test_classifier.py` in an environment of
requirements/tflite-runtime.txt.
"""

import hashlib
import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edge_worker.errors import ModelError
from edge_worker.inference.classifier import Classifier, load_all
from edge_worker.inference.interpreter import ModelInterpreter, runtime_name
from edge_worker.inference.model_card import ModelCard
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal

ROOT = Path(__file__).parents[3]
MODELS = ROOT / "models_tflite"
PARTLY_FLOAT = {"emotion": 0.08}
"""Models with operators in float between int8 ones, and by how much probabilities may differ: the largest
difference of both runtimes over 195 recordings was 0.078."""
NAMES = tuple(
    path.stem
    for path in sorted(MODELS.glob("*.tflite"))
    if json.loads(path.with_suffix(".json").read_text()).get("kind", "classifier") == "classifier"
)
LIKELIEST = 5
"""Number of probabilities that are recorded for models with many labels."""
VECTORS: dict[str, Any] = json.loads((ROOT / "tests" / "vectors" / "models.json").read_text())


def sound(name: str) -> tuple[npt.NDArray[np.int16], int]:
    """Return the PCM and rate of a vector; the recipe of each is in `tests/vectors/models.json`."""
    recipe = VECTORS["sounds"][name]
    rate, channels = recipe["sample_rate"], recipe["channels"]
    time = np.arange(round(recipe["seconds"] * rate)) / rate
    wave = np.zeros(len(time))
    for onset, hz, level, decay_s in recipe["bursts"]:
        after = time % recipe["cycle_s"] - onset
        wave += np.where(
            after > 0, level * np.exp(-after.clip(0) / decay_s) * np.sin(2 * np.pi * hz * after), 0
        )
    wave += recipe["noise"] * np.random.default_rng(recipe["seed"]).uniform(-1, 1, len(time))
    pcm = np.rint(wave * 32767).clip(-32768, 32767).astype(np.int16)
    return (pcm if channels == 1 else np.stack([pcm] * channels, axis=1)), rate


def sounds_for(classifier: Classifier) -> list[str]:
    """Return the names of the vectors in the sound domain of a model."""
    return [name for name, recipe in VECTORS["sounds"].items() if recipe["kind"] == classifier.card.domain]


def tolerance(model: str) -> float:
    """Return by how much the probabilities of a model may differ between runtimes."""
    return PARTLY_FLOAT.get(model, float(VECTORS["tolerance"]))


def is_decided(recorded: dict[str, Any], model: str) -> bool:
    """Return whether the best label leads the next by more than runtimes may differ."""
    first, second, *_ = recorded["probabilities"].values()
    return bool(first - second > 2 * tolerance(model))


def test_models_exist() -> None:
    assert {"heart2", "heart5"} <= set(NAMES)


@pytest.mark.parametrize("model", NAMES)
def test_every_runtime_gives_the_recorded_prediction(model: str) -> None:
    classifier = Classifier.load(MODELS, model)
    expected = VECTORS["answers"][model]

    assert classifier.card.sha256 == expected["sha256"], "record the vectors again: docs/models.md"
    assert any(is_decided(expected[name], model) for name in sounds_for(classifier))
    for name in sounds_for(classifier):
        prediction = classifier.classify(Signal.from_pcm(*sound(name)))
        if is_decided(expected[name], model):
            assert prediction.label == expected[name]["label"], name
        assert prediction.windows == expected[name]["windows"], name
        likely = {label: prediction.probabilities[label] for label in expected[name]["probabilities"]}
        assert likely == pytest.approx(expected[name]["probabilities"], abs=tolerance(model)), name


@pytest.mark.parametrize("model", NAMES)
def test_a_prediction_is_complete(model: str) -> None:
    classifier = Classifier.load(MODELS, model)

    prediction = classifier.classify(Signal.from_pcm(*sound(sounds_for(classifier)[0])))

    assert tuple(prediction.probabilities) == classifier.card.labels
    total = sum(prediction.probabilities.values())
    assert total <= 1 + 1e-9 if classifier.card.background else total == pytest.approx(1)
    assert (
        prediction.confidence
        == max(prediction.probabilities.values())
        == prediction.probabilities[prediction.label]
    )
    none_of_these = 1 - total
    is_accepted = prediction.confidence >= max(prediction.threshold, none_of_these)
    assert prediction.accepted is is_accepted
    assert prediction.took_ms > 0


@pytest.mark.parametrize("model", NAMES)
def test_constants_of_any_length_are_classified(model: str) -> None:
    classifier = Classifier.load(MODELS, model)
    for samples, value in itertools.product((0, 1, 150, 3000, 40_001), (0, 32767, -32768)):
        prediction = classifier.classify(Signal.from_pcm(np.full(samples, value, dtype=np.int16), 4000))
        assert np.isfinite(list(prediction.probabilities.values())).all()


def test_models_are_int8_and_small() -> None:
    for model in NAMES:
        interpreter = ModelInterpreter((MODELS / f"{model}.tflite").read_bytes())
        assert interpreter._input["dtype"] == interpreter._outputs[0]["dtype"] == np.int8
        assert (MODELS / f"{model}.tflite").stat().st_size < 4_000_000


def test_large_inputs_are_clipped_to_int8() -> None:
    """Values beyond the range of int8 are clipped: else +3 sigma would wrap around to -3 sigma."""
    interpreter = ModelInterpreter((MODELS / "heart2.tflite").read_bytes())

    beyond, far_beyond = (
        interpreter.run(np.full((1, *interpreter.input_shape), x, dtype=np.float32)) for x in (50.0, 5000.0)
    )

    np.testing.assert_array_equal(beyond, far_beyond)


def test_load_all_keeps_the_order() -> None:
    assert tuple(load_all(MODELS, ("heart5", "heart2"))) == ("heart5", "heart2")
    assert load_all(MODELS, ()) == {}


def test_runtime_is_named_with_its_version() -> None:
    name, version = runtime_name().split(" ")

    assert name in {"ai-edge-litert", "tflite-runtime"}
    assert version[0].isdigit()


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Directory with a copy of heart2 that a test may damage."""
    for suffix in ("json", "tflite"):
        shutil.copy(MODELS / f"heart2.{suffix}", tmp_path)
    return tmp_path


def rewrite(directory: Path, **changes: object) -> None:
    path = directory / "heart2.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def swap_model(directory: Path, content: bytes) -> None:
    (directory / "heart2.tflite").write_bytes(content)
    rewrite(directory, sha256=hashlib.sha256(content).hexdigest())


def without(directory: Path, key: str) -> None:
    path = directory / "heart2.json"
    card = json.loads(path.read_text())
    del card[key]
    path.write_text(json.dumps(card))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no card": (lambda d: (d / "heart2.json").unlink(), r"heart2\.json cannot be read"),
    "no model": (lambda d: (d / "heart2.tflite").unlink(), r"heart2\.tflite cannot be read"),
    "card is no JSON": (lambda d: (d / "heart2.json").write_text("{"), "is not a model card"),
    "card is a list": (lambda d: (d / "heart2.json").write_text("[]"), "is not a model card"),
    "card is not text": (lambda d: (d / "heart2.json").write_bytes(b"\xff\xfe\x00"), "is not a model card"),
    "no threshold": (lambda d: without(d, "threshold"), "'threshold' is missing"),
    "threshold of 2": (lambda d: rewrite(d, threshold=2), "a threshold from 0 to 1"),
    "temperature of 0": (lambda d: rewrite(d, temperature=0), "a temperature above 0"),
    "one label": (lambda d: rewrite(d, labels=["normal"]), "two different labels"),
    "window of no time": (lambda d: rewrite(d, window_s=0), "window_s"),
    "features of another kind": (lambda d: rewrite(d, features={"n_mfcc": 13}), "is not a model card"),
    "hop of nothing": (
        lambda d: rewrite(
            d, features=json.loads((d / "heart2.json").read_text())["features"] | {"hop_length": 0}
        ),
        "features that can be computed",
    ),
    "other model's card": (lambda d: rewrite(d, model="heart5"), "do not belong together"),
    "wrong checksum": (lambda d: rewrite(d, sha256="0" * 64), "do not belong together"),
    # Refused by its checksum: tflite-runtime would crash on it.
    "truncated model": (
        lambda d: (d / "heart2.tflite").write_bytes((d / "heart2.tflite").read_bytes()[:1000]),
        "do not belong together",
    ),
    "no model at all": (lambda d: swap_model(d, b"not a model"), "does not load"),
    "empty model": (lambda d: swap_model(d, b""), "does not load"),
    "three labels for two": (lambda d: rewrite(d, labels=["a", "b", "c"]), "an adaptation only for normal"),
    "longer windows": (lambda d: rewrite(d, window_s=5.0), "tensors of shape"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_pair_is_refused_with_one_sentence(damage: str, pair: Path) -> None:
    harm, sentence = DAMAGE[damage]
    harm(pair)

    with pytest.raises(ModelError, match=sentence) as caught:
        Classifier.load(pair, "heart2")

    assert "heart2" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_card_keeps_its_whole_document() -> None:
    card = ModelCard.parse((MODELS / "heart2.json").read_text())

    assert card.document["licence_of_data"]
    assert card.document["figures"]["cross_validation"]["n"] > 0


def test_silence_noise_and_hum_are_not_usable() -> None:
    """A model always gives a label; signal quality keeps it from being accepted."""
    time = np.arange(16000) / 4000
    for samples in (
        0 * time,
        np.random.default_rng(0).normal(size=16000) * 0.1,
        np.sin(2 * np.pi * 50 * time) * 0.3,
    ):
        signal = Signal(samples.astype(np.float32), 4000)
        assert not quality.assess(signal).usable


def record() -> None:
    """Record the predictions of the shipped models; run as a program after training."""
    for model in NAMES:
        classifier = Classifier.load(MODELS, model)
        VECTORS["answers"][model] = {"sha256": classifier.card.sha256}
        for name in sounds_for(classifier):
            prediction = classifier.classify(Signal.from_pcm(*sound(name)))
            likeliest = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[:LIKELIEST]
            probabilities = {label: round(p, 4) for label, p in likeliest}
            recorded = {
                "label": prediction.label,
                "windows": prediction.windows,
                "probabilities": probabilities,
            }
            VECTORS["answers"][model][name] = recorded
    (ROOT / "tests" / "vectors" / "models.json").write_text(json.dumps(VECTORS, indent=1) + "\n")


if __name__ == "__main__":
    record()
