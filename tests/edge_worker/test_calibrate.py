"""The command `stetho calibrate`: on real files, a real database and a heart2 whose card has a rule."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wav_files
from adapted_models import ADAPTATION, copy_models, write_card
from stored_results import NOW, empty_database, result_of

from edge_worker import calibrate
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.engine import connect
from edge_worker.database.reviewing.review import ReviewTable
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.inference.adaptation import AdaptationRule, log_odds
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.device_adaptation import DeviceAdaptation, DeviceCalibration
from edge_worker.inference.device_proof import LEAST_KNOWN
from edge_worker.signal.audio_signal import Signal
from simulator.sound.heart_sound import heart_sound
from simulator.sound.sound_file import from_samples, write

RATE = 4000
HEARTS = 6


def synth(path: Path, seed: int, finding: Any = "normal") -> Path:  # noqa: ANN401 - a literal
    """Write what `stetho synth` writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, from_samples(heart_sound(finding, 60 + 4 * (seed % 20), 8.0, RATE, seed).samples, RATE))
    return path


def signal_of(path: Path) -> Signal:
    audio = wav_files.read_with_format(path)
    return Signal.from_pcm(np.frombuffer(audio.pcm, "<i2"), audio.sample_rate)


def odds_of(models: Path, path: Path) -> float:
    return log_odds(Classifier.load(models, "heart2").classify(signal_of(path)).probabilities)


def never_strange(models: Path) -> dict[str, Any]:
    """Return the entry of the card on unfamiliar devices, with synthetic hearts not too strange to accept."""
    entry: dict[str, Any] = json.loads((models / "heart2.json").read_text())["unfamiliar_device"]
    none = [1.0] * len(entry["thresholds"])
    return {**entry, "max_strangeness": 1e9, "thresholds": none, "threshold": 1.0}


@pytest.fixture(scope="module")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hearts")
    for seed in range(HEARTS):
        synth(folder / f"heart-{seed}.wav", seed)
    return folder


class Rig:
    """Data directory with a database, models that can be calibrated, and the command."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data_dir = directory / "data"
        self.data_dir.mkdir()
        (self.data_dir / "stetho.db").write_bytes(empty_database())
        self.url = f"sqlite:///{self.data_dir / 'stetho.db'}"
        self.models = copy_models(directory / "models", within_site=5.0)
        self.tables = AdaptationTables(connect(self.url))
        self._capsys = capsys

    def run(self, *arguments: str) -> str:
        """Return what a command prints that works."""
        status = calibrate.main(list(arguments))
        printed = self._capsys.readouterr()
        assert status == 0, printed.err
        return printed.out + printed.err

    def refusal(self, *arguments: str) -> str:
        """Return the one sentence of a command that refuses; it changes nothing."""
        before = self.tables.all()
        status = calibrate.main(list(arguments))
        printed = self._capsys.readouterr()
        assert (status, printed.out) == (2, "")
        assert self.tables.all() == before
        sentence = printed.err.splitlines()[-1]
        assert sentence.startswith("stetho calibrate: ")
        return sentence

    def calibration(self, device: str = "st-01") -> DeviceCalibration:
        return self.tables.all()[device]["heart2"]


@pytest.fixture
def rig(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    made = Rig(tmp_path, capsys)
    monkeypatch.setenv("STETHO_DATA_DIR", str(made.data_dir))
    monkeypatch.setenv("STETHO_MODELS_DIR", str(made.models))
    monkeypatch.delenv("STETHO_DATABASE_URL", raising=False)
    yield made
    made.tables._engine.dispose()


# --- from a folder ----------------------------------------------------------------------------------


def test_a_folder_of_hearts_moves_the_threshold_by_the_rule(rig: Rig, hearts: Path) -> None:
    odds = [odds_of(rig.models, path) for path in sorted(hearts.glob("*.wav"))]
    write_card(rig.models, adaptation=ADAPTATION | {"within_site": 5.0, "normal_log_odds": min(odds) - 3})
    rule = AdaptationRule.parse(json.loads((rig.models / "heart2.json").read_text())["adaptation"])
    printed = rig.run("st-01", "--normals", str(hearts))
    calibration = rig.calibration()
    assert calibration.shift == pytest.approx(rule.shift(odds), abs=1e-3)
    assert (calibration.hearts, calibration.source, calibration.model) == (HEARTS, "folder", "heart2")
    assert calibration.reference is not None
    assert len(calibration.reference) == 40
    assert f"{HEARTS} healthy hearts; on st-01 they sound" in printed
    assert f"moves by {calibration.shift:.1f}" in printed
    after = sum(each - calibration.shift > 0 for each in odds)
    assert f"{sum(each > 0 for each in odds)} of {HEARTS}" in printed
    assert f"{after} of {HEARTS}" in printed
    assert "st-01 has sent no recording yet" in printed


def test_it_is_listed_and_undone_by_one_command(rig: Rig, hearts: Path) -> None:
    assert rig.run("--list") == "No device is calibrated.\n"
    rig.run("st-01", "--normals", str(hearts))
    assert rig.run("--list").startswith(f"st-01\theart2\t{HEARTS} hearts\t")
    assert "in use" in rig.run("--list")
    rig.tables.put("st-01", replace(rig.calibration(), sha256="0" * 64))
    assert "older model" in rig.run("--list")
    assert "removed" in rig.run("st-01", "--undo")
    assert rig.tables.all() == {}
    assert "has no calibration of heart2" in rig.refusal("st-01", "--undo")


def test_hearts_are_found_in_folders_and_a_copy_counts_once(rig: Rig, hearts: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted(hearts.glob("*.wav"))):
        target = tmp_path / "given" / f"person-{number}"
        target.mkdir(parents=True)
        shutil.copy(path, target / "A.WAV")
    shutil.copy(target / "A.WAV", target / "copy.wav")
    printed = rig.run("st-01", "--normals", str(tmp_path / "given"))
    assert rig.calibration().hearts == HEARTS
    assert "the same sound was given before: 1" in printed


def test_a_sound_that_is_no_heart_is_left_out_and_named(rig: Rig, hearts: Path, tmp_path: Path) -> None:
    given = shutil.copytree(hearts, tmp_path / "given")
    wav_files.write(given / "silence.wav", bytes(2 * 8 * RATE), RATE, 1)
    printed = rig.run("st-01", "--normals", str(given))
    assert rig.calibration().hearts == HEARTS
    assert "no usable hearts: silence.wav (one value)" in printed


def test_hearts_of_another_kind_sound_more_abnormal_and_are_fewer_afterwards(
    rig: Rig, tmp_path: Path
) -> None:
    paths = [synth(tmp_path / "given" / f"{seed}.wav", seed, "murmur") for seed in range(HEARTS)]
    mean = float(np.mean([odds_of(rig.models, path) for path in paths]))
    rule = {"within_site": 20.0, "between_sites": 100.0, "normal_log_odds": -6.0}
    write_card(rig.models, adaptation=ADAPTATION | rule)
    printed = rig.run("st-01", "--normals", str(tmp_path / "given"))
    assert rig.calibration().shift == pytest.approx(mean + 6, rel=0.05)
    assert f"after   {'.' * 24}  0 of {HEARTS}" in printed


# --- from reviews -----------------------------------------------------------------------------------


def reviewed(
    rig: Rig,
    path: Path,
    number: int,
    label: str,
    verdict: str | None,
    **changed: Any,  # noqa: ANN401 - as the fields
) -> None:
    """Store a recording of st-01 with the sound of a file, its result, and a review."""
    audio, finding = wav_files.read_with_format(path), changed.pop("finding", None)
    result = result_of(number, labels={"heart2": label}, accepted=changed.pop("accepted", True))
    name = f"audio/st-01/{number:016x}.wav"
    wav_files.write(rig.data_dir / name, audio.pcm, audio.sample_rate, audio.channels)
    samples = len(audio.pcm) // 2
    stored = StoredRecording(
        *("st-01", result.recording_id, NOW, NOW, "device", "complete", [], RATE, 1, samples),
        **({"audio_sha256": str(path), "audio_file": name, "meta": {}} | changed),
    )
    store = Store.open(rig.url)
    (saved,) = store.save_recordings([stored])
    assert saved.id is not None
    store.save_results([AnalysisResult(saved.id, result, result.to_json().decode(), NOW, ())])
    store.close()
    if verdict is not None:
        table = ReviewTable(rig.url)
        table.save(
            *("st-01", result.recording_id),
            **{"verdict": verdict, "note": "", "reviewer": "ann", "expected": 0, "finding": finding},
        )
        table.close()


def review_all(rig: Rig, hearts: Path, count: int = HEARTS) -> list[Path]:
    paths = sorted(hearts.glob("*.wav"))[:count]
    for number, path in enumerate(paths):
        label, verdict = (("normal", "confirmed"), ("abnormal", "rejected"))[number % 2]
        reviewed(rig, path, number, label, verdict)
    return paths


def test_reviews_as_normal_and_corrections_to_it_calibrate(rig: Rig, hearts: Path, tmp_path: Path) -> None:
    paths = review_all(rig, hearts)
    murmur = synth(tmp_path / "murmur.wav", 1, "murmur")
    reviewed(rig, murmur, 20, "abnormal", "confirmed")
    reviewed(rig, murmur, 21, "normal", "rejected", audio_sha256="2" * 64)
    reviewed(rig, murmur, 22, "normal", "confirmed", accepted=False, audio_sha256="3" * 64)
    reviewed(rig, murmur, 23, "normal", None, audio_sha256="4" * 64)
    reviewed(rig, murmur, 24, "normal", "confirmed", parent="00000000000000ff", audio_sha256="5" * 64)
    printed = rig.run("st-01", "--reviews")
    rule = AdaptationRule.parse(json.loads((rig.models / "heart2.json").read_text())["adaptation"])
    wanted = rule.shift([odds_of(rig.models, path) for path in paths])
    assert (rig.calibration().hearts, rig.calibration().source) == (HEARTS, "reviews")
    assert rig.calibration().shift == pytest.approx(wanted, abs=1e-3)
    assert "has sent no recording" not in printed


def test_contradictory_reviews_of_one_sound_are_refused(rig: Rig, hearts: Path) -> None:
    paths = review_all(rig, hearts)
    reviewed(rig, paths[2], 30, "abnormal", "confirmed")
    sentence = rig.refusal("st-01", "--reviews")
    assert "0000000000000002, 000000000000001e are the same sound" in sentence


def test_too_few_reviews_are_refused(rig: Rig, hearts: Path) -> None:
    assert "not 0: record more" in rig.refusal("st-01", "--reviews")
    review_all(rig, hearts, 3)
    assert "needs 5 different healthy hearts or more, not 3" in rig.refusal("st-01", "--reviews")


def test_a_reviewed_recording_whose_sound_is_gone_is_one_sentence(rig: Rig, hearts: Path) -> None:
    review_all(rig, hearts)
    (rig.data_dir / "audio/st-01/0000000000000001.wav").unlink()
    assert "0000000000000001.wav is gone" in rig.refusal("st-01", "--reviews")


def test_what_a_reviewer_says_that_the_heart_is_counts_without_an_accepted_label(
    rig: Rig, hearts: Path
) -> None:
    for number, path in enumerate(sorted(hearts.glob("*.wav"))):
        reviewed(rig, path, number, "abnormal", "confirmed", accepted=False, finding="normal")
    rig.run("st-01", "--reviews")
    assert (rig.calibration().hearts, rig.calibration().abnormal_hearts) == (HEARTS, 0)
    assert rig.calibration().threshold is None


# --- proof ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("both")
    for seed in range(LEAST_KNOWN):
        synth(folder / "normal" / f"{seed}.wav", seed)
        synth(folder / "abnormal" / f"{seed}.wav", seed, "murmur")
    return folder / "normal", folder / "abnormal"


def test_hearts_of_both_labels_prove_from_which_confidence_on_labels_are_accepted(
    rig: Rig, of_both: tuple[Path, Path]
) -> None:
    normals, abnormals = of_both
    write_card(rig.models, unfamiliar_device=never_strange(rig.models))
    signal = signal_of(normals / "0.wav")
    assert not Classifier.load(rig.models, "heart2").classify(signal).accepted
    printed = rig.run("st-01", "--normals", str(normals), "--abnormals", str(abnormals))
    calibration = rig.calibration()
    assert (calibration.hearts, calibration.abnormal_hearts) == (LEAST_KNOWN, LEAST_KNOWN)
    assert calibration.threshold is not None
    assert 0.5 <= calibration.threshold < 1
    odds = [[odds_of(rig.models, path) for path in sorted(of.glob("*.wav"))] for of in of_both]
    assert calibration.shift == pytest.approx(np.mean([np.mean(each) for each in odds]), abs=1e-3)
    assert f"accepted on st-01 from a confidence of {calibration.threshold:.2f} on" in printed
    assert f"accepts from {calibration.threshold:.2f}" in rig.run("--list")
    taught = Classifier.load(rig.models, "heart2").classify(signal, DeviceAdaptation(calibration))
    assert (taught.label, taught.accepted, taught.threshold) == ("normal", True, calibration.threshold)


def test_a_device_where_the_model_is_no_better_than_a_coin_accepts_nothing(
    rig: Rig, of_both: tuple[Path, Path], tmp_path: Path
) -> None:
    for number, path in enumerate(sorted(path for of in of_both for path in of.glob("*.wav"))):
        target = tmp_path / ("one", "other")[number % 2] / f"{number}.wav"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    printed = rig.run("st-01", "--normals", str(tmp_path / "one"), "--abnormals", str(tmp_path / "other"))
    assert rig.calibration().threshold == 1
    assert "No label is accepted on st-01" in printed
    assert "accepts nothing" in rig.run("--list")


def test_too_few_hearts_of_one_label_prove_nothing(
    rig: Rig, hearts: Path, of_both: tuple[Path, Path]
) -> None:
    sentence = rig.refusal("st-01", "--normals", str(hearts), "--abnormals", str(of_both[1]))
    assert f"not {HEARTS} normal and {LEAST_KNOWN} abnormal" in sentence


def test_reviews_of_both_labels_prove_as_well(rig: Rig, of_both: tuple[Path, Path]) -> None:
    for label, folder in zip(("normal", "abnormal"), of_both, strict=True):
        for number, path in enumerate(sorted(folder.glob("*.wav"))):
            digest = f"{label}-{number}"
            facts = {"accepted": False, "finding": label, "audio_sha256": digest}
            reviewed(rig, path, number + 100 * (label == "normal"), "normal", "confirmed", **facts)
    rig.run("st-01", "--reviews")
    assert (rig.calibration().abnormal_hearts, rig.calibration().source) == (LEAST_KNOWN, "reviews")
    assert rig.calibration().threshold is not None


# --- bad input --------------------------------------------------------------------------------------


def test_one_recording_is_too_few(rig: Rig, tmp_path: Path) -> None:
    synth(tmp_path / "given" / "one.wav", 1)
    sentence = rig.refusal("st-01", "--normals", str(tmp_path / "given"))
    assert "needs 5 different healthy hearts or more, not 1: record more; nothing was changed" in sentence


def test_a_known_heart_is_heard_as_the_worker_hears_it(rig: Rig, hearts: Path, tmp_path: Path) -> None:
    given = shutil.copytree(hearts, tmp_path / "given")
    first, second, third, *_ = sorted(given.glob("*.wav"))
    one, other, last = (np.frombuffer(wav_files.read(path), "<i2") for path in (first, second, third))
    wav_files.write(first, np.stack([one, -one], axis=1).astype("<i2").tobytes(), RATE, 2)  # they cancel out
    wav_files.write(second, np.repeat(other, 2).astype("<i2").tobytes(), RATE, 1)
    killed = third.read_bytes()
    third.write_bytes(
        killed[:4] + bytes(4) + killed[8:40] + bytes(4) + killed[44:]
    )  # sizes were not filled in
    assert len(last) > 0
    printed = rig.run("st-01", "--normals", str(given))
    assert rig.calibration().hearts == HEARTS - 1
    assert f"{second.name} (held samples)" in printed


def test_a_heart_that_is_cut_off_is_refused(rig: Rig, hearts: Path, tmp_path: Path) -> None:
    given = shutil.copytree(hearts, tmp_path / "given")
    first = min(given.glob("*.wav"))
    first.write_bytes(first.read_bytes()[:-1000])
    assert f"{first.name} is damaged or truncated after" in rig.refusal("st-01", "--normals", str(given))


def test_sounds_that_are_no_hearts_are_counted_and_the_first_are_named(
    rig: Rig, hearts: Path, tmp_path: Path
) -> None:
    given = shutil.copytree(hearts, tmp_path / "given")
    noise = np.random.default_rng(1).normal(0, 3000, (4, 8 * RATE)).astype("<i2")
    for number, sound in enumerate(noise):
        wav_files.write(given / f"noise-{number}.wav", sound.tobytes(), RATE, 1)
    sentence = rig.refusal("st-01", "--normals", str(given))
    assert "4 of 10 sounds are no usable hearts, noise-0.wav (" in sentence
    assert "noise-2.wav (" in sentence
    assert "and 1 more: take them out" in sentence


def test_hearts_that_are_not_all_healthy_are_refused(rig: Rig, hearts: Path, tmp_path: Path) -> None:
    given = shutil.copytree(hearts, tmp_path / "given")
    synth(given / "murmur.wav", 1, "murmur")
    write_card(rig.models, adaptation=ADAPTATION | {"within_site": 0.01})
    sentence = rig.refusal("st-01", "--normals", str(given))
    assert "these are not all healthy hearts" in sentence
    assert "murmur.wav the most" in sentence


@pytest.mark.parametrize(
    ("device", "folder", "reason"),
    [
        ("St 01", "hearts", "'St 01' is no device id"),
        ("st-01", "nowhere", "nowhere is no folder"),
        ("st-01", "empty", "empty has no WAV file"),
        ("st-01", "damaged", "damaged: a.wav cannot be read as WAV: it is damaged"),
        ("st-01", "eight-bit", "a.wav is not 16-bit PCM"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    rig: Rig, tmp_path: Path, device: str, folder: str, reason: str
) -> None:
    for name in ("hearts", "empty", "damaged", "eight-bit"):
        (tmp_path / name).mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("none")
    (tmp_path / "damaged" / "a.wav").write_bytes(b"RIFF")
    wav_files.write(tmp_path / "eight-bit" / "a.wav", bytes(100), RATE, 1)
    content = bytearray((tmp_path / "eight-bit" / "a.wav").read_bytes())
    content[32:36] = b"\x01\x00\x08\x00"  # bytes a frame, bits a sample
    (tmp_path / "eight-bit" / "a.wav").write_bytes(content)
    assert reason in rig.refusal(device, "--normals", str(tmp_path / folder))


def test_a_model_without_a_rule_cannot_be_calibrated(rig: Rig, hearts: Path) -> None:
    write_card(rig.models, adaptation=None)
    assert "cannot be calibrated: its card has no adaptation" in rig.refusal(
        "st-01", "--normals", str(hearts)
    )
    assert "heart5" in rig.refusal("st-01", "--normals", str(hearts), "--model", "heart5")
    assert "model none needs" in rig.refusal("st-01", "--normals", str(hearts), "--model", "none")


def test_a_database_that_no_worker_made_is_one_sentence(
    rig: Rig, hearts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STETHO_DATA_DIR", str(tmp_path / "none"))
    assert "start the worker once" in rig.refusal("st-01", "--normals", str(hearts))


def test_a_device_must_be_named(rig: Rig) -> None:
    with pytest.raises(SystemExit) as caught:
        calibrate.main(["--undo"])
    assert caught.value.code == 2
