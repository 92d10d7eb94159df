"""Annotations of heart sounds, scores of found beats, and a short training of `segments`."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.heart_cycle import HeartCycle
from edge_worker.signal.log_mel import HEART_LOG_MEL
from models_tflite import signal_report
from models_tflite.evaluation import beat_score, fast_hearts
from models_tflite.evaluation.annotation import S1, Annotation
from models_tflite.evaluation.beat_score import SegmentedRecording
from models_tflite.training.augmentation.heart_rate import change_heart_rate
from models_tflite.training.corpus import annotated_recording

BEAT = ((0.0, 0.1, 1), (0.1, 0.3, 2), (0.3, 0.4, 3), (0.4, 0.8, 4))


def annotation(*begins: float, hole: tuple[float, float] | None = None) -> Annotation:
    """Return cycles of 0.8 s from each of these times, with a stretch that is not annotated."""
    states = [(begin + start, begin + end, state) for begin in begins for start, end, state in BEAT]
    return Annotation(tuple(sorted([*states, *([(*hole, 0)] if hole else [])])))


def test_annotation_is_read_to_the_end_of_the_sound(tmp_path: Path) -> None:
    marks = tmp_path / "marks.tsv"
    marks.write_text("0\t0.5\t0\n0.5\t0.6\t1\n0.6\t0.9\t2\n0.9\t1.2\t3\n1.2\t2\t4\n2\t2.1\t1\n")

    read = Annotation.read(marks, until_s=1.5)

    assert read.states == ((0, 0.5, 0), (0.5, 0.6, 1), (0.6, 0.9, 2), (0.9, 1.2, 3), (1.2, 1.5, 4))
    assert read.annotated_intervals() == ((0.5, 1.5),)
    assert read.covers(0.5)
    assert not read.covers(0.4)
    assert not read.covers(1.5)
    assert not read.is_complete(1.5)
    assert read.is_complete(1.2)


def test_rate_counts_only_cycles_without_a_hole() -> None:
    holed = annotation(1.0, 1.8, 2.6, 5.0, 5.8, hole=(3.4, 5.0))

    assert holed.rate_bpm(holed.onsets_s(S1)) == pytest.approx(75)
    assert annotation(1.0, 1.8).rate_bpm((1.0, 1.8)) is None, "one cycle is not enough"
    assert annotation(0.0, 0.8).onsets_s(S1) == (0.8,), "what had begun before the sound has no begin"


def test_hearts_are_reported_by_their_true_rate_and_played_faster() -> None:
    adult = annotation(1.0, 1.8, 2.6)
    fast = adult.played_faster(2.0)
    cases = [
        SegmentedRecording(HeartCycle(each.onsets_s(S1), (), bpm, 0.9), each, "a")
        for each, bpm in ((adult, 75.0), (fast, 75.0), (annotation(1.0, 1.8), 75.0))
    ]

    by_rate = beat_score.report_by_rate(cases, resamples=20)

    assert fast.onsets_s(S1) == pytest.approx((0.5, 0.9, 1.3))
    assert fast.heart_rate_bpm() == pytest.approx(150)
    assert {name: each["recordings"] for name, each in by_rate.items()} == {
        "0_to_100_bpm": 1,
        "140_to_180_bpm": 1,
    }, "where two cycles are annotated"
    assert by_rate["0_to_100_bpm"]["heart_rate"]["within_5_bpm_of_all"] == 1
    assert by_rate["140_to_180_bpm"]["heart_rate"]["within_5_bpm_of_all"] == 0


def test_only_versions_between_140_and_220_bpm_are_played_faster() -> None:
    adult = annotation(1.0, 1.8, 2.6)
    signal = Signal(np.random.default_rng(0).normal(size=8000).astype(np.float32), 2000)

    versions = list(fast_hearts.played_faster(signal, adult))

    assert len(versions) == 0, "75 bpm played 1.8 times as fast are 135"
    child = adult.played_faster(1.25)
    rates = [its.heart_rate_bpm() for _, its in fast_hearts.played_faster(signal, child)]
    assert rates == pytest.approx([93.75 * 1.6, 93.75 * 1.8])


def test_a_worker_gives_no_rate_where_quality_finds_no_heartbeat() -> None:
    hiss = Signal(np.random.default_rng(0).normal(size=8000).astype(np.float32), 2000).features(HEART_LOG_MEL)

    answered = fast_hearts.as_answered(hiss, HeartCycle((1.0,), (), 150.0, 0.9))

    assert answered == HeartCycle((), (), None, 0.9)


def test_marks_are_matched_once_and_count_only_where_annotated() -> None:
    truth = annotation(1.0, 1.8, 2.6)

    errors_s, missed, extra = beat_score.match_onsets((0.2, 1.02, 1.03, 1.83, 2.4, 9.0), truth, S1)

    assert errors_s == pytest.approx([0.02, 0.03])
    assert (missed, extra) == (1, 2), "2.6 is missed; 1.03 and 2.4 are too many; not annotated at 0.2 and 9"


def test_the_report_counts_right_wrong_and_missing_answers() -> None:
    truth = annotation(1.0, 1.8, 2.6)
    s1_s, s2_s = truth.onsets_s(1), truth.onsets_s(3)
    cases = [
        SegmentedRecording(HeartCycle(s1_s, s2_s, 76.0, 0.9), truth, "a"),
        SegmentedRecording(HeartCycle(s1_s, (), 150.0, 0.9), truth, "b"),
        SegmentedRecording(HeartCycle((), (), None, 0.1), truth, "c"),
        SegmentedRecording(HeartCycle((), (), None, 0.1), annotation(1.0), "d"),
    ]

    report = beat_score.report(cases, resamples=50)

    rate = report["heart_rate"]
    assert (report["recordings"], report["subjects"], rate["n"]) == (4, 4, 3)
    assert rate["answered"] == pytest.approx(2 / 3, abs=1e-4)
    assert rate["within_5_bpm_of_answered"] == 0.5
    assert rate["within_5_bpm_of_all"] == pytest.approx(1 / 3, abs=1e-4)
    assert rate["within_5_bpm_where_annotated"] == 1
    assert rate["median_error_bpm"] == pytest.approx(38)
    assert report["S1"]["sensitivity"] == 0.6
    assert report["S1"]["f1"] == 0.75
    assert report["S2"]["sensitivity"] == 0.3
    assert report["S2"]["median_error_ms"] == 0


def test_aims_are_met_on_unseen_subjects_and_by_the_shipped_network(datasets: Path) -> None:
    """Cross-validated figures, and those of the shipped network on recordings that it was trained on."""
    segmenter = HeartSegmenter.load(signal_report.MODELS_DIR)
    cross_validated = segmenter.card.document["figures"]["cross_validation"]["int8"]
    reports = signal_report.beat_report(datasets / "circor", segmenter, every=8)
    report, by_loudness = reports["all"], reports["rate_by_loudness_alone"]

    assert cross_validated["annotated_throughout"]["heart_rate"]["within_5_bpm_of_answered"] >= 0.95
    assert min(cross_validated["all"]["S1"]["f1"], cross_validated["all"]["S2"]["f1"]) >= 0.95
    assert report["heart_rate"]["n"] > 100
    assert report["heart_rate"]["answered"] > 0.95
    assert report["heart_rate"]["within_5_bpm_of_answered"] > 0.88
    assert report["heart_rate"]["within_5_bpm_where_annotated"] > 0.95
    assert min(report["S1"]["f1"], report["S2"]["f1"]) > 0.94
    assert by_loudness["answered"] > 0.75
    assert by_loudness["within_5_bpm_of_answered"] > 0.8
    fast = reports["played_faster_by_true_rate"]["180_bpm_and_more"]
    assert fast["heart_rate"]["n"] > 50
    assert fast["heart_rate"]["answered"] > 0.8
    assert fast["heart_rate"]["within_5_bpm_of_answered"] > 0.8
    assert min(fast["S1"]["f1"], fast["S2"]["f1"]) > 0.85


def test_newborns_get_about_as_many_rates_and_right_ones_as_adults() -> None:
    """Figures of the card: of subjects that the network of each fold was trained without."""
    card = json.loads((signal_report.MODELS_DIR / "segments.json").read_text())
    figures = card["figures"]["cross_validation"]["int8"]
    slow = figures["by_true_rate"]["0_to_100_bpm"]["heart_rate"]

    for name in ("140_to_180_bpm", "180_bpm_and_more"):
        fast = figures["played_faster_by_true_rate"][name]["heart_rate"]
        assert fast["n"] > 500
        assert fast["answered"] > slow["answered"] - 0.05
        assert fast["within_5_bpm_of_answered"] > slow["within_5_bpm_of_answered"] - 0.05


def test_targets_are_the_shares_of_states_in_a_frame() -> None:
    shares = annotated_recording.state_shares(annotation(1.0, 1.8, hole=(2.6, 9.0)), 200)

    known = shares.sum(axis=1)
    assert shares.sum(axis=0) * 0.02 == pytest.approx([0.2, 0.4, 0.2, 0.8], abs=1e-4)
    assert known.max() == pytest.approx(1)
    assert set(np.flatnonzero(known)) == set(range(48, 128)), "a frame's middle: 0.04 s and 20 ms"


def test_another_heart_rate_keeps_the_order_of_states_and_changes_their_lengths() -> None:
    frames = np.arange(290, dtype=np.float32)[:, np.newaxis]
    shares = annotated_recording.state_shares(annotation(*np.arange(0.04, 5, 0.8).tolist()), 290)
    recording = annotated_recording.AnnotatedRecording(frames, shares, Annotation(()), True, "s")
    random = np.random.default_rng(0)
    diastoles = []
    for _ in range(20):
        frames_out, shares_out = change_heart_rate(recording, 196, random)
        assert np.array_equal(shares[frames_out[:, 0].astype(int)], shares_out), (
            "frames and targets go together"
        )
        forward = np.diff(frames_out[:, 0])
        assert (forward >= 0).sum() >= len(forward) - 1, "time goes on, or starts anew once"
        diastoles.append((shares_out[:, 3] > 0.5).mean())
    assert max(diastoles) - min(diastoles) > 0.15


def test_no_subject_is_in_two_folds() -> None:
    nothing = np.zeros((1, 4), dtype=np.float32)
    recordings = [
        annotated_recording.AnnotatedRecording(nothing, nothing, Annotation(()), True, f"s{n // 4}")
        for n in range(80)
    ]

    fold = annotated_recording.subject_folds(recordings, 4, seed=0)

    assert all(len(set(fold[n : n + 4])) == 1 for n in range(0, 80, 4))
    assert np.bincount(fold).tolist() == [20, 20, 20, 20]


def make_data(root: Path, subjects: int = 6) -> Path:
    """Write a tiny CirCor of hearts at 75 bpm."""
    folder = root / "circor"
    (folder / "segmentation").mkdir(parents=True)
    time = np.arange(5 * 2000) / 2000
    for subject in range(subjects):
        sound = np.random.default_rng(subject).normal(0, 0.002, len(time))
        lines = []
        for begin in np.arange(0.1, 4.0, 0.8):
            for start, end, state in BEAT:
                lines.append(f"{begin + start:.3f}\t{begin + end:.3f}\t{state}")
                if state in (1, 3):
                    inside = (time >= begin + start) & (time < begin + end)
                    sound[inside] += 0.3 * np.sin(2 * np.pi * (40 + 10 * state) * time[inside])
        soundfile.write(folder / f"{subject}.wav", sound, 2000)
        (folder / "segmentation" / f"{subject}.tsv").write_text("\n".join(lines))
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.DictWriter(file, ["file", "subject"])
        rows.writeheader()
        rows.writerows(
            {"file": f"{subject}.wav", "subject": f"s{subject // 2}"} for subject in range(subjects)
        )
    return root


@pytest.mark.training
class TestTraining:
    @pytest.fixture(autouse=True)
    def tensorflow(self) -> None:
        pytest.importorskip(
            "tensorflow", reason="TensorFlow is not installed: pip install -r requirements/training.txt"
        )

    def test_writes_a_network_and_card_that_load(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from models_tflite.training import segments  # noqa: PLC0415
        from models_tflite.training.networks import state_fit, state_network  # noqa: PLC0415 TensorFlow

        monkeypatch.setattr(state_fit, "STEPS_PER_EPOCH", 2)
        monkeypatch.setattr(state_network, "WEIGHTS", tmp_path / "weights" / "state_network.npz")
        data, out = make_data(tmp_path / "data"), tmp_path / "models"
        arguments = ["--data", str(data), "--out", str(out), "--epochs", "1", "--folds", "2"]

        status = segments.main([*arguments, "--weights", str(state_network.WEIGHTS)])

        assert status == 0
        assert sorted(path.name for path in out.iterdir()) == ["segments.json", "segments.tflite"]
        segmented = HeartSegmenter.load(out).segment(Signal(np.zeros(9000, dtype=np.float32), 2000))
        assert segmented.heart_rate_bpm is None
        card = json.loads((out / "segments.json").read_text())
        figures = card["figures"]["cross_validation"]
        for form in ("int8", "float"):
            assert figures[form]["all"]["recordings"] == 6, "every recording is predicted exactly once"
            assert figures[form]["all"]["subjects"] == 3
        windows = np.random.default_rng(0).normal(size=(2, 196, 40)).astype(np.float32)
        float_outputs = state_network.load_trained().predict(windows, verbose=0)
        int8_outputs = ModelInterpreter((out / "segments.tflite").read_bytes()).run(windows)
        assert np.corrcoef(float_outputs.ravel(), int8_outputs.ravel())[0, 1] > 0.8, (
            "the weights are of this network"
        )

    def test_wrong_data_is_refused_with_one_sentence(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from models_tflite.training import segments  # noqa: PLC0415 TensorFlow

        data = make_data(tmp_path)
        arguments = ["--data", str(data), "--out", str(tmp_path / "models")]
        for marks in (data / "circor" / "segmentation").iterdir():
            marks.unlink()
        assert segments.main(arguments) == 2
        assert "holds no marks" in capsys.readouterr().err
        (data / "circor" / "labels.csv").unlink()
        assert segments.main(arguments) == 2
        assert "labels.csv is missing" in capsys.readouterr().err
        assert not list((tmp_path / "models").iterdir())
