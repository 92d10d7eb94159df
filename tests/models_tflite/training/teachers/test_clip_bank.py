"""Banks of clips: what is mixed, what is stored, and that a bank comes out again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.log_mel import LogMelParameters
from models_tflite.training.augmentation import sampling
from models_tflite.training.corpus.corpus import Recording
from models_tflite.training.teachers import clip_bank
from models_tflite.training.teachers.clip_bank import ClipBank, ClipForm

FEATURES = LogMelParameters(sample_rate=8000, n_fft=256, hop_length=160, n_mels=16, fmin=50, fmax=4000)
FORM = ClipForm(FEATURES, window_s=1.0, trim_db=60)
KINDS = ("hum", "hiss")
SECONDS = 1.5


@pytest.fixture
def recordings(tmp_path: Path) -> list[Recording]:
    """Hums, hisses and, as background, clicks: twelve of each, two of a source, with quiet ends."""
    made = []
    random, time = np.random.default_rng(0), np.arange(round(SECONDS * 8000)) / 8000
    for number in range(12):
        sounds = {
            "hum": np.sin(2 * np.pi * 200 * time),
            "hiss": random.normal(0, 1, len(time)),
            "": (time % 0.25 < 0.01).astype(float),
        }
        for kind, sound in sounds.items():
            path = tmp_path / f"{kind}{number}.wav"
            soundfile.write(path, np.pad(sound * 0.1, 4000), 8000)
            site = "esc50" if kind else "background-clicks"
            made.append(Recording(path, kind, site, f"{kind}{number // 2}", "1", kind))
    return made


def loudness(clips: Float32Array) -> Float32Array:
    """Return the loudness of four parts of each clip: an embedding that needs no weights."""
    return np.asarray(np.sqrt(np.square(clips).reshape(len(clips), 4, -1).mean(axis=2)))


def bank_of(recordings: list[Recording], clips: int = 80, seed: int = 1) -> ClipBank:
    probabilities = sampling.by_site_kind_and_source(recordings, {"esc50": 1.0, "background": 0.5})
    return clip_bank.make(recordings, probabilities, KINDS, FORM, clips=clips, teacher=loudness, seed=seed)


def test_a_bank_has_clips_of_one_and_of_two_sounds(recordings: list[Recording]) -> None:
    bank = bank_of(recordings)

    assert len(bank) == 80
    assert bank.levels.shape == (80, FEATURES.frame_count(1.0), 16)
    assert bank.embeddings.shape == (80, 4)
    total = bank.shares.sum(axis=1)
    assert total.max() == pytest.approx(1, abs=1e-6)
    assert total.min() == 0, "none of the kinds"
    is_mixed = (bank.shares.max(axis=1) < 0.999) & (total > 0)
    assert 0.1 < is_mixed.mean() < 0.6
    assert bank.shares[is_mixed].max(axis=1).min() > 0


def test_a_bank_comes_out_again_and_another_seed_mixes_others(recordings: list[Recording]) -> None:
    first, again, other = bank_of(recordings), bank_of(recordings), bank_of(recordings, seed=2)

    np.testing.assert_array_equal(first.levels, again.levels)
    np.testing.assert_array_equal(first.embeddings, again.embeddings)
    assert not np.array_equal(first.levels, other.levels)
    longer = bank_of(recordings, clips=96)
    np.testing.assert_array_equal(first.levels, longer.levels[:80])


def test_groups_are_whole_and_every_kind_is_in_every_part(recordings: list[Recording]) -> None:
    part_of = clip_bank.part_of_groups(recordings)

    assert set(part_of) == {recording.group for recording in recordings}
    for kind in (*KINDS, ""):
        assert {part_of[each.group] for each in recordings if each.kind == kind} == set(
            range(clip_bank.PARTS)
        )


def test_a_clip_mixes_recordings_of_its_part_only(recordings: list[Recording]) -> None:
    """The loudest sounds of one part are renamed: no clip of another part has a share of them."""
    part_of = clip_bank.part_of_groups(recordings)
    marked = [
        replace(each, kind="marked") if part_of[each.group] == 2 and each.kind == "hum" else each
        for each in recordings
    ]
    probabilities = sampling.by_site_kind_and_source(recordings, {"esc50": 1.0, "background": 0.5})
    bank = clip_bank.make(marked, probabilities, ("marked",), FORM, clips=80, teacher=loudness, seed=1)

    has_marked = bank.shares[:, 0] > 0
    parts_with_it = set(bank.part[has_marked].tolist())
    assert len(parts_with_it) == 1
    assert set(bank.part.tolist()) == set(range(clip_bank.PARTS))


def test_stored_levels_are_the_features_within_a_sixth_of_a_decibel(recordings: list[Recording]) -> None:
    heard: list[Float32Array] = []

    def record(clips: Float32Array) -> Float32Array:
        heard.extend(clips)
        return loudness(clips)

    probabilities = np.full(len(recordings), 1 / len(recordings))
    bank = clip_bank.make(recordings, probabilities, KINDS, FORM, clips=5, teacher=record, seed=1)

    assert len(heard) == 5
    for clip, stored in zip(heard, bank.features(np.arange(5)), strict=True):
        assert np.abs(clip).max() == pytest.approx(clip_bank.PEAK, abs=1e-4)
        frames = FEATURES.transform(clip)
        expected = (frames - frames.max() + clip_bank.DEPTH_DB).clip(0)
        np.testing.assert_allclose(stored, expected, atol=0.5 / clip_bank.STEPS_PER_DB + 1e-3)


def test_quiet_ends_are_cut_off_and_short_sounds_repeated(recordings: list[Recording]) -> None:
    hum = next(each for each in recordings if each.kind == "hum")
    bank = clip_bank.make(
        [hum] * 4, np.full(4, 0.25), KINDS, ClipForm(FEATURES, 4.0, 60), clips=8, teacher=loudness, seed=1
    )

    loudest = bank.features(np.arange(8)).max(axis=2)
    assert (loudest > 50).mean() > 0.9, "a hum of 1.5 s with silence around it fills four seconds"


def test_banks_of_folds_are_joined(recordings: list[Recording]) -> None:
    one, other = bank_of(recordings, clips=8), bank_of(recordings, clips=12, seed=2)

    joined = clip_bank.concatenate([one, other])

    assert len(joined) == 20
    np.testing.assert_array_equal(joined.shares, np.vstack([one.shares, other.shares]))
    np.testing.assert_array_equal(joined.part, np.concatenate([one.part, other.part]))
