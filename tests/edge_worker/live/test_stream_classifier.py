"""What is said of a stream, held to what is said of the same sound as a recording."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edge_worker.inference.classifier import Classifier, load_all
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.live.event_extractor import EventAudio, EventExtractor
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


def listen(
    judge: StreamClassifier,
    pcm: Pcm,
    classifiers: list[Classifier],
    segmenter: HeartSegmenter,
    *,
    first: int = 0,
    size: int = 700,
) -> None:
    judge.listen_with(classifiers)
    for start in range(0, len(pcm), size):
        judge.ear.hear(first + start, pcm[start : start + size])
        judge.judge(classifiers, segmenter)


@pytest.mark.parametrize("rate", [4000, 44_100])
def test_e8_a_stream_says_what_the_windows_of_the_recording_say(
    rate: int, classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm = heart(12, rate=rate)
    judge = StreamClassifier(StreamBuffer(rate))
    listen(judge, pcm, classifiers, segmenter)
    judge.ear.finish()
    judge.judge(classifiers, segmenter, is_end=True)
    signal = Signal.from_pcm(pcm, rate)
    for classifier in classifiers:
        found = judge.sums[classifier.card.model].prediction()
        # A second apart, from the first frame on.
        frames = signal.features(classifier.card.features)
        length, hop = classifier.card.window_frames, classifier.card.hop_frames
        seen = np.stack([frames[s : s + length] for s in range(0, len(frames) - length + 1, hop)])
        wanted = classifier.probabilities(seen).mean(axis=0)
        assert found.windows == len(seen) == 9
        assert list(found.probabilities.values()) == pytest.approx(
            wanted[: len(classifier.card.labels)].tolist(), abs=0.02
        )
    assert judge.heart.heart_rate_bpm() == pytest.approx(72, abs=3)
    quality = judge.heart.quality()
    assert quality is not None
    assert quality.usable


def voice(rate: int = 16_000) -> Pcm:
    """Return four seconds with two syllables: harmonics of 120 Hz around a formant that moves."""
    time_s = np.arange(4 * rate) / rate
    formant_hz = 500 + 400 * np.sin(2 * np.pi * 2 * time_s)
    tones = sum(
        np.exp(-(((120 * n - formant_hz) / 200) ** 2)) * np.sin(2 * np.pi * 120 * n * time_s)
        for n in range(1, 16)
    )
    loudness = np.exp(-(((time_s - 1.0) / 0.15) ** 2)) + np.exp(-(((time_s - 2.9) / 0.15) ** 2))
    noise = np.random.default_rng(1).normal(0, 4, len(time_s))
    return (4000 * loudness * tones + noise).astype(np.int16)[:, np.newaxis]


@pytest.mark.parametrize("model", ["esc50", "us8k", "digits", "emotion"])
def test_c4_a_window_of_any_sound_says_what_a_recording_of_its_length_says(
    model: str, segmenter: HeartSegmenter
) -> None:
    """With its ends trimmed, its silence and its background, where the card asks for them."""
    rate, pcm = 16_000, voice()
    classifiers = list(load_all(MODELS, (model,)).values())
    card = classifiers[0].card
    judge = StreamClassifier(StreamBuffer(rate))
    listen(judge, pcm, classifiers, segmenter)
    frame, hop = card.features.hop_length, card.hop_frames * card.features.hop_length
    length = round(card.window_s * rate)
    last = (card.features.frame_count(4) - card.window_frames) * frame
    seen = [Signal.from_pcm(pcm[start : start + length], rate) for start in range(0, last + 1, hop)]
    wanted = [list(classifiers[0].classify(each).probabilities.values()) for each in seen]
    found = judge.sums[model].prediction()
    assert found.windows == len(wanted) > 2
    assert list(found.probabilities.values()) == pytest.approx(np.mean(wanted, axis=0).tolist(), abs=0.02)
    assert judge.skipped == 0
    assert judge.heart.quality() is None, "nobody asked for a heart"


@pytest.mark.parametrize("word", ["zero", "two", "six", "eight", "nine"])
def test_c4_a_word_is_told_while_the_stream_goes_on(
    word: str, segmenter: HeartSegmenter, datasets: Path
) -> None:
    rate = 16_000
    digit = {"zero": 0, "two": 2, "six": 6, "eight": 8, "nine": 9}[word]
    pcm = read(datasets / "fsdd" / "recordings" / f"{digit}_george_0.flac", rate).pcm
    silence = np.random.default_rng(1).integers(-20, 20, (rate, 1)).astype(np.int16)
    classifiers = list(load_all(MODELS, ("digits",)).values())
    judge = StreamClassifier(StreamBuffer(rate))
    listen(judge, silence, classifiers, segmenter)
    assert judge.value("x", classifiers, segmenter).label is None
    listen(judge, np.concatenate((pcm, silence)), classifiers, segmenter, first=rate)
    said = judge.value("x", classifiers, segmenter)
    assert (said.model, said.label, said.hint) == ("digits", word, word)


def test_e8_what_a_person_is_told_follows_the_sound(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    judge = StreamClassifier(StreamBuffer(RATE))
    judge.listen_with(classifiers)

    def told(pcm: Pcm) -> LiveValue:
        for start in range(0, len(pcm), 400):
            judge.ear.hear(judge.ear.position, pcm[start : start + 400])
            judge.judge(classifiers, segmenter)
        return judge.value("x", classifiers, segmenter)

    assert told(heart(1)[:800]).hint == "listening"
    good = told(heart(9)[800:])
    assert good.hint == f"HR {good.bpm:.0f} good"
    assert good.bpm == pytest.approx(72, abs=3)
    assert good.quality is not None
    assert good.quality > 0.5
    assert told(np.zeros((3 * RATE, 1), np.int16)).hint == "press firmer"
    noise = np.random.default_rng(1).normal(0, 2000, (3 * RATE, 1)).astype(np.int16)
    assert told(noise).hint in ("no heartbeat", "hold still")
    loud = np.clip(heart(3).astype(np.int32) * 60, -32768, 32767).astype(np.int16)
    assert told(loud).hint == "too loud"


def test_a_stream_goes_on_where_another_process_left_it(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm = heart(15)
    whole = StreamClassifier(StreamBuffer(RATE))
    listen(whole, pcm, classifiers, segmenter)
    first = StreamClassifier(StreamBuffer(RATE))
    listen(first, pcm[: 7 * RATE + 123], classifiers, segmenter)
    by_name = {each.card.model: each for each in classifiers}
    left = json.loads(json.dumps(first.document(by_name)))
    assert left["needed_from"] >= 3 * RATE - 200, "the sound before was forgotten"
    second = StreamClassifier(StreamBuffer(RATE, left["needed_from"], left["position"]))
    second.restore(left, by_name)
    listen(second, pcm[left["needed_from"] :], classifiers, segmenter, first=left["needed_from"])
    for model, wanted in whole.sums.items():
        found = second.sums[model].prediction()
        assert found.windows == wanted.prediction().windows
        assert found.probabilities == pytest.approx(wanted.prediction().probabilities, abs=0.01)
    assert second.heart.heart_rate_bpm() == whole.heart.heart_rate_bpm()


def test_what_never_came_is_counted_and_not_judged(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm = heart(20)
    judge = StreamClassifier(StreamBuffer(RATE))
    listen(judge, pcm[: 6 * RATE], classifiers, segmenter)
    listen(judge, pcm[7 * RATE : 9 * RATE], classifiers, segmenter, first=7 * RATE)
    assert judge.ear.missing.ranges == [(6 * RATE, 7 * RATE)]
    before = judge.sums["heart5"]
    assert before.usable < before.windows, "a window that lost a quarter of its sound counts no label"
    # So far away that it is another sound: nothing of a day of silence is computed.
    listen(judge, pcm[9 * RATE :], classifiers, segmenter, first=86_400 * RATE)
    assert judge.ear.missing.samples == (1 + 86_391) * RATE
    assert judge.sums["heart5"].windows > before.usable
    assert judge.ear.position == 86_411 * RATE


@pytest.mark.parametrize("rate", [4000, 44_100, 16_000])
def test_windows_are_looked_for_when_they_are_full_and_no_sooner(
    rate: int, classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    judge, pcm, size = StreamClassifier(StreamBuffer(rate)), heart(12, rate=rate), rate // 6
    judge.listen_with(classifiers)
    judge.judge(classifiers, segmenter)
    at_s = []
    for start in range(0, len(pcm), size):
        judge.ear.hear(start, pcm[start : start + size])
        if judge.overdue_s(classifiers) >= 0:
            assert judge.judge(classifiers, segmenter) == 2, "one of each model"
            at_s.append(judge.ear.position / rate)
    assert at_s == pytest.approx([4.2 + second for second in range(8)], abs=0.15)


def test_who_has_no_time_leaves_out_the_share_that_is_asked_for(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    judge = StreamClassifier(StreamBuffer(RATE))
    judge.listen_with(classifiers)
    pcm = heart(44)
    for start in range(0, len(pcm), RATE):
        judge.ear.hear(start, pcm[start : start + RATE])
        judge.judge(classifiers, segmenter, 1.25)
    judged = judge.sums["heart5"].prediction().windows
    assert judge.skipped == 2 * (40 - judged), "of both models"
    assert judged == pytest.approx(32, abs=1)


def test_memory_is_bounded_whatever_the_length(
    classifiers: list[Classifier], segmenter: HeartSegmenter
) -> None:
    pcm, judge = heart(40), StreamClassifier(StreamBuffer(RATE))
    judge.cutter = EventExtractor(RATE, GateSettings(max=500), 0)
    judge.listen_with(classifiers)
    sizes = []
    for round_ in range(10):
        for start in range(0, len(pcm), 4000):
            judge.ear.hear(round_ * len(pcm) + start, pcm[start : start + 4000])
            judge.cutter.hear(round_ * len(pcm) + start, pcm[start : start + 4000])
            judge.judge(classifiers, segmenter)
        by_name = {each.card.model: each for each in classifiers}
        sizes.append(len(json.dumps(judge.document(by_name))))
    assert max(sizes) < 120_000
    assert sum(len(part) for _, part in judge.cutter._sound) <= 5.5 * RATE
    assert judge.sums["heart5"].windows > 300
    assert len(judge.heart.timeline.document()) <= 240
    assert sum(point[2] for point in judge.heart.timeline.document()) > 300


def test_c4_an_event_has_the_sound_from_its_pre_roll_to_its_end() -> None:
    rate = 8000
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)[:, np.newaxis]
    quiet = np.zeros((rate, 1), np.int16)
    pcm = np.concatenate((quiet, tone, quiet, quiet, tone[: rate // 2]))
    cutter = EventExtractor(rate, GateSettings(), 0)
    found: list[EventAudio] = []
    for start in range(0, len(pcm), 333):
        found += cutter.hear(start, pcm[start : start + 333])
    found += cutter.finish()
    (first, sound), (second, _) = found
    assert (first.start, first.reason) == (rate - 20 * 80, "quiet")
    assert first.end == 2 * rate + 30 * 80
    np.testing.assert_array_equal(sound, pcm[first.start : first.end])
    assert second.reason == "end"
    assert cutter.overlaps(rate, rate + 1)
    assert not cutter.overlaps(0, 10)
