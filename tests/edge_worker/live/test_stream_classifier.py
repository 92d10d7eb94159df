"""Classifier of a stream, compared with the classification of the same sound as a recording."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from adapted_models import copy_models

from edge_worker.inference.adaptation import log_odds
from edge_worker.inference.classifier import Classifier, load_all
from edge_worker.inference.device_adaptation import DeviceAdaptation, DeviceCalibration
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.live.event_extractor import EventExtractor
from edge_worker.live.stream_buffer import StreamBuffer
from edge_worker.live.stream_classifier import StreamClassifier
from edge_worker.protocol.live_value import LiveValue
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.gate import GateSettings
from simulator.sound.heart_sound import synthesise
from simulator.sound.sound_file import from_samples, read

MODELS = Path(__file__).parents[3] / "models_tflite"
RATE = 4000

Pcm = npt.NDArray[np.int16]


@pytest.fixture(scope="module")
def classifiers() -> list[Classifier]:
    return list(load_all(MODELS, ("heart5", "heart2")).values())


@pytest.fixture(scope="module")
def segmenter() -> HeartSegmenter:
    return HeartSegmenter.load(MODELS)


def heart(seconds: float, bpm: float = 72, rate: int = RATE, seed: int = 1) -> Pcm:
    return from_samples(synthesise("normal", bpm, seconds, rate, seed), rate).pcm


def process(
    stream: StreamClassifier,
    pcm: Pcm,
    classifiers: list[Classifier],
    segmenter: HeartSegmenter,
    *,
    first: int = 0,
    size: int = 700,
) -> None:
    stream.use_models(classifiers)
    for start in range(0, len(pcm), size):
        stream.buffer.append(first + start, pcm[start : start + size])
        stream.classify_windows(classifiers, segmenter)


@pytest.mark.parametrize("rate", [4000, 44_100])
def test_e8_scores_of_a_stream_equal_those_of_the_windows_of_the_recording(
    rate: int, classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm = heart(12, rate=rate)
    stream = StreamClassifier(StreamBuffer(rate))
    process(stream, pcm, classifiers, segmenter)
    stream.buffer.finish()
    stream.classify_windows(classifiers, segmenter, is_end=True)
    signal = Signal.from_pcm(pcm, rate)
    for classifier in classifiers:
        found = stream.scores[classifier.card.model].prediction()
        # A second apart, from the first frame on.
        frames = signal.features(classifier.card.features)
        length, hop = classifier.card.window_frames, classifier.card.hop_frames
        seen = np.stack([frames[s : s + length] for s in range(0, len(frames) - length + 1, hop)])
        wanted = classifier.probabilities(seen).mean(axis=0)
        assert found.windows == len(seen) == 9
        assert list(found.probabilities.values()) == pytest.approx(
            wanted[: len(classifier.card.labels)].tolist(), abs=0.02
        )
    assert stream.heart_quality.heart_rate_bpm() == pytest.approx(72, abs=3)
    quality = stream.heart_quality.quality()
    assert quality is not None
    assert quality.usable


VOICE_S = 6
"""More than the longest window."""


def voice(rate: int = 16_000) -> Pcm:
    """Return six seconds with three syllables: harmonics of 120 Hz around a formant that moves."""
    time_s = np.arange(VOICE_S * rate) / rate
    formant_hz = 500 + 400 * np.sin(2 * np.pi * 2 * time_s)
    tones = sum(
        np.exp(-(((120 * n - formant_hz) / 200) ** 2)) * np.sin(2 * np.pi * 120 * n * time_s)
        for n in range(1, 16)
    )
    loudness = sum(np.exp(-(((time_s - at_s) / 0.15) ** 2)) for at_s in (1.0, 2.9, 4.8))
    noise = np.random.default_rng(1).normal(0, 4, len(time_s))
    return (4000 * loudness * tones + noise).astype(np.int16)[:, np.newaxis]


@pytest.mark.parametrize("model", ["esc50", "us8k", "digits", "emotion"])
def test_c4_a_window_of_any_sound_is_classified_as_a_recording_of_its_length(
    model: str, segmenter: HeartSegmenter
) -> None:
    """With its ends trimmed, its silence and its background, where the card asks for them."""
    rate, pcm = 16_000, voice()
    classifiers = list(load_all(MODELS, (model,)).values())
    card = classifiers[0].card
    stream = StreamClassifier(StreamBuffer(rate))
    process(stream, pcm, classifiers, segmenter)
    frame, hop = card.features.hop_length, card.hop_frames * card.features.hop_length
    length = round(card.window_s * rate)
    last = (card.features.frame_count(VOICE_S) - card.window_frames) * frame
    seen = [Signal.from_pcm(pcm[start : start + length], rate) for start in range(0, last + 1, hop)]
    wanted = [list(classifiers[0].classify(each).probabilities.values()) for each in seen]
    found = stream.scores[model].prediction()
    assert found.windows == len(wanted) > 2
    assert list(found.probabilities.values()) == pytest.approx(np.mean(wanted, axis=0).tolist(), abs=0.02)
    assert stream.schedule.skipped == 0
    assert stream.heart_quality.quality() is None, "no model of hearts was requested"


@pytest.mark.parametrize("word", ["zero", "two", "six", "eight", "nine"])
def test_c4_a_word_is_published_while_the_stream_is_open(
    word: str, segmenter: HeartSegmenter, datasets: Path
) -> None:
    rate = 16_000
    digit = {"zero": 0, "two": 2, "six": 6, "eight": 8, "nine": 9}[word]
    pcm = read(datasets / "fsdd" / "recordings" / f"{digit}_george_0.flac", rate).pcm
    silence = np.random.default_rng(1).integers(-20, 20, (rate, 1)).astype(np.int16)
    classifiers = list(load_all(MODELS, ("digits",)).values())
    stream = StreamClassifier(StreamBuffer(rate))
    process(stream, silence, classifiers, segmenter)
    assert stream.live_value("x", classifiers, segmenter).verdict.label is None
    process(stream, np.concatenate((pcm, silence)), classifiers, segmenter, first=rate)
    value = stream.live_value("x", classifiers, segmenter)
    verdict = value.verdict
    assert (verdict.model, verdict.label, value.hint) == ("digits", word, word.capitalize())


def test_e8_the_hint_follows_the_sound(classifiers: list[Classifier], segmenter: HeartSegmenter) -> None:
    stream = StreamClassifier(StreamBuffer(RATE))
    stream.use_models(classifiers)

    def value_after(pcm: Pcm) -> LiveValue:
        for start in range(0, len(pcm), 400):
            stream.buffer.append(stream.buffer.position, pcm[start : start + 400])
            stream.classify_windows(classifiers, segmenter)
        return stream.live_value("x", classifiers, segmenter)

    assert value_after(heart(1)[:800]).hint == "listening"
    good = value_after(heart(9)[800:])
    assert good.hint == f"HR {good.bpm:.0f} good"
    assert good.bpm == pytest.approx(72, abs=3)
    assert good.quality is not None
    assert good.quality > 0.5
    assert value_after(np.zeros((3 * RATE, 1), np.int16)).hint == "press firmer"
    noise = np.random.default_rng(1).normal(0, 2000, (3 * RATE, 1)).astype(np.int16)
    assert value_after(noise).hint in ("no heartbeat", "hold still")
    loud = np.clip(heart(3).astype(np.int32) * 60, -32768, 32767).astype(np.int16)
    assert value_after(loud).hint == "too loud"


def test_a_stream_continues_where_another_process_stopped(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm = heart(15)
    whole = StreamClassifier(StreamBuffer(RATE))
    process(whole, pcm, classifiers, segmenter)
    first = StreamClassifier(StreamBuffer(RATE))
    process(first, pcm[: 7 * RATE + 123], classifiers, segmenter)
    by_name = {each.card.model: each for each in classifiers}
    state = json.loads(json.dumps(first.document(by_name)))
    assert state["needed_from"] >= 3 * RATE - 200, "the sound before may leave the spool"
    second = StreamClassifier(StreamBuffer(RATE, state["needed_from"], state["position"]))
    second.restore(state, by_name)
    process(second, pcm[state["needed_from"] :], classifiers, segmenter, first=state["needed_from"])
    for model, wanted in whole.scores.items():
        found = second.scores[model].prediction()
        assert found.windows == wanted.prediction().windows
        assert found.probabilities == pytest.approx(wanted.prediction().probabilities, abs=0.01)
    assert second.heart_quality.heart_rate_bpm() == whole.heart_quality.heart_rate_bpm()


def test_missing_sound_is_counted_and_not_classified(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm = heart(20)
    stream = StreamClassifier(StreamBuffer(RATE))
    process(stream, pcm[: 6 * RATE], classifiers, segmenter)
    process(stream, pcm[7 * RATE : 9 * RATE], classifiers, segmenter, first=7 * RATE)
    assert stream.buffer.missing.ranges == [(6 * RATE, 7 * RATE)]
    before = stream.scores["heart5"]
    assert before.usable < before.windows, "a window that lost a quarter of its sound counts for no label"
    # So far away that it is another sound: nothing of a day of silence is computed.
    process(stream, pcm[9 * RATE :], classifiers, segmenter, first=86_400 * RATE)
    assert stream.buffer.missing.samples == (1 + 86_391) * RATE
    assert stream.scores["heart5"].windows > before.usable
    assert stream.buffer.position == 86_411 * RATE


@pytest.mark.parametrize("rate", [4000, 44_100, 16_000])
def test_windows_are_overdue_when_they_are_full_and_no_sooner(
    rate: int, classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    stream, pcm, size = StreamClassifier(StreamBuffer(rate)), heart(12, rate=rate), rate // 6
    stream.use_models(classifiers)
    stream.classify_windows(classifiers, segmenter)
    at_s = []
    for start in range(0, len(pcm), size):
        stream.buffer.append(start, pcm[start : start + size])
        if stream.overdue_s(classifiers) >= 0:
            assert stream.classify_windows(classifiers, segmenter) == 2, "one of each model"
            at_s.append(stream.buffer.position / rate)
    assert at_s == pytest.approx([4.2 + second for second in range(8)], abs=0.15)


def test_a_stretch_leaves_out_its_share_of_windows(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    stream = StreamClassifier(StreamBuffer(RATE))
    stream.use_models(classifiers)
    pcm = heart(44)
    for start in range(0, len(pcm), RATE):
        stream.buffer.append(start, pcm[start : start + RATE])
        stream.classify_windows(classifiers, segmenter, 1.25)
    classified = stream.scores["heart5"].prediction().windows
    assert stream.schedule.skipped == 2 * (40 - classified), "of both models"
    assert classified == pytest.approx(32, abs=1)


def test_memory_is_bounded_for_a_stream_of_any_length(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm, stream = heart(40), StreamClassifier(StreamBuffer(RATE))
    stream.event_extractor = EventExtractor(RATE, GateSettings(max=500), 0)
    stream.use_models(classifiers)
    sizes = []
    for round_ in range(10):
        for start in range(0, len(pcm), 4000):
            stream.buffer.append(round_ * len(pcm) + start, pcm[start : start + 4000])
            stream.event_extractor.process(round_ * len(pcm) + start, pcm[start : start + 4000])
            stream.classify_windows(classifiers, segmenter)
        by_name = {each.card.model: each for each in classifiers}
        sizes.append(len(json.dumps(stream.document(by_name))))
    assert max(sizes) < 120_000
    assert sum(len(part) for _, part in stream.event_extractor._sound) <= 5.5 * RATE
    assert stream.scores["heart5"].windows > 300
    assert len(stream.heart_quality.timeline.document()) <= 240
    assert sum(point[2] for point in stream.heart_quality.timeline.document()) > 300


def test_the_calibration_of_a_device_holds_for_its_streams_too(
    tmp_path: Path, segmenter: HeartSegmenter
) -> None:
    classifier = Classifier.load(copy_models(tmp_path), "heart2")
    facts = ("heart2", classifier.card.sha256, 1.0, 8, "folder", "2026-11-20T17:20:09.000Z", "ann")
    adaptation = DeviceAdaptation(DeviceCalibration(*facts))  # type: ignore[arg-type]
    predictions = []
    for stream in (
        StreamClassifier(StreamBuffer(RATE)),
        StreamClassifier(StreamBuffer(RATE), lambda _card: adaptation),
    ):
        process(stream, heart(12), [classifier], segmenter)
        state = stream.document({"heart2": classifier})
        restored = StreamClassifier(StreamBuffer(RATE), stream._adapt)
        restored.restore(state, {"heart2": classifier})
        predictions.append(stream.scores["heart2"].prediction())
        again = restored.scores["heart2"].prediction()
        assert again.probabilities == pytest.approx(predictions[-1].probabilities)
        assert again.calibration == predictions[-1].calibration
    before, after = predictions
    assert log_odds(after.probabilities) == pytest.approx(log_odds(before.probabilities) - 1.0)
    assert before.calibration is None
    assert after.calibration == {"hearts": 8, "shift": 1.0, "calibrated_at": "2026-11-20T17:20:09.000Z"}


def test_a_stream_of_impossible_samples_has_their_reason_and_no_heart_rate(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm = heart(10)
    as_one = np.stack([pcm[:, 0], np.zeros(len(pcm), np.int16)], axis=1).reshape(-1, 1)
    stream = StreamClassifier(StreamBuffer(RATE))
    process(stream, as_one, classifiers, segmenter)
    summary = stream.summary([each.card.model for each in classifiers])
    assert summary.heart_quality is not None
    assert summary.heart_quality.reasons == ("interleaved",)
    assert summary.heart_rate_bpm is None
    assert not any(each.accepted for each in summary.predictions)
    value = stream.live_value("x", classifiers, segmenter)
    assert (value.hint, value.bpm, value.verdict.label) == ("check the device", None, None)


def test_a_stream_whose_channels_cancel_out_is_heard_on_one_of_them(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm = heart(20)[:, 0]
    stream = StreamClassifier(StreamBuffer(RATE))
    process(stream, np.stack([-pcm, pcm], axis=1), classifiers, segmenter)
    summary = stream.summary([each.card.model for each in classifiers])
    assert summary.channel in ("left", "right")
    assert summary.heart_rate_bpm == pytest.approx(72, abs=3)
