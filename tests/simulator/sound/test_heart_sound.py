"""Synthesised heart sounds: onsets as annotated, spectra and timing as in the literature."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from simulator.sound.heart_sound import FINDINGS, PEAK, Finding, HeartSound, heart_sound, synthesise
from simulator.sound.heartbeat import MAX_BPM, MIN_BPM, systole_s

RATE = 8000
HEARTS: tuple[Finding, ...] = ("normal", "murmur", "extrasystole", "third-sound")


def _rms(heart: HeartSound, start_s: float, end_s: float) -> float:
    part = heart.samples[round(start_s * heart.sample_rate) : round(end_s * heart.sample_rate)]
    return float(np.sqrt(np.mean(part.astype(float) ** 2)))


def _between(heart: HeartSound, low_hz: float, high_hz: float) -> HeartSound:
    filters = butter(4, (low_hz, high_hz), "bandpass", fs=heart.sample_rate, output="sos")
    return HeartSound(sosfiltfilt(filters, heart.samples), heart.sample_rate, heart.s1_s, heart.s2_s)


def _spectrum(samples: NDArray[np.float32]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    power = np.abs(np.fft.rfft(samples, 8 * RATE)) ** 2
    return np.fft.rfftfreq(8 * RATE, 1 / RATE), power


@pytest.mark.parametrize("finding", FINDINGS)
def test_equal_arguments_give_equal_samples_and_another_seed_another_sound(finding: Finding) -> None:
    first = synthesise(finding, 72, 3, RATE, 5)
    assert first.dtype == np.float32
    assert first.shape == (3 * RATE,)
    assert np.array_equal(first, synthesise(finding, 72, 3, RATE, 5))
    assert not np.array_equal(first, synthesise(finding, 72, 3, RATE, 6))


@pytest.mark.parametrize("finding", FINDINGS)
@pytest.mark.parametrize("rate", [1000, 4000, 44_100, 192_000])
def test_every_finding_fits_every_rate_without_clipping(finding: Finding, rate: int) -> None:
    samples = synthesise(finding, 72, 2, rate, 0)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() == pytest.approx(PEAK, rel=1e-6)


def test_beats_are_the_same_at_any_sample_rate() -> None:
    assert heart_sound("normal", 80, 4, 4000, 3).s1_s == heart_sound("normal", 80, 4, 44_100, 3).s1_s


@pytest.mark.parametrize("bpm", [MIN_BPM, 50, 72, 110, 160, MAX_BPM])
@pytest.mark.parametrize("finding", ["normal", "extrasystole"])
def test_the_mean_heart_rate_is_the_requested_one(bpm: float, finding: Finding) -> None:
    onsets_s = heart_sound(finding, bpm, 60, 2000, 1).s1_s
    mean_bpm = 60 * (len(onsets_s) - 1) / (onsets_s[-1] - onsets_s[0])
    assert mean_bpm == pytest.approx(bpm, rel=0.03)


@pytest.mark.parametrize("finding", HEARTS)
def test_a_sound_begins_at_every_annotated_beat_and_nowhere_else(finding: Finding) -> None:
    heart = heart_sound(finding, 72, 10, RATE, 2, noise_db=-60)
    assert len(heart.s1_s) in (11, 12, 13)
    for start_s in heart.s1_s[:-1]:
        assert _rms(heart, start_s, start_s + 0.1) > 5 * _rms(heart, start_s - 0.04, start_s - 0.005)
    onset_only = _between(heart, 25, 60)
    for s2_s, next_s1_s in zip(heart.s2_s, heart.s1_s[1:], strict=False):
        if next_s1_s - s2_s > 0.4:
            assert _rms(onset_only, s2_s + 0.3, next_s1_s - 0.03) < 0.1 * PEAK


def test_the_heart_rate_varies_from_beat_to_beat() -> None:
    cycles_s = np.diff(heart_sound("normal", 72, 60, 2000, 4).s1_s)
    assert 0.01 < cycles_s.std() / cycles_s.mean() < 0.06


def test_first_sound_is_lower_and_louder_than_second_and_both_are_low() -> None:
    heart = heart_sound("normal", 60, 10, RATE, 1, noise_db=-80)
    peaks_hz = []
    for start_s in (heart.s1_s[3], heart.s2_s[3]):
        first = round(start_s * RATE)
        frequency_hz, power = _spectrum(heart.samples[first : first + RATE // 5])
        peaks_hz.append(frequency_hz[power.argmax()])
        assert power[frequency_hz < 150].sum() > 0.95 * power.sum()
    assert 20 < peaks_hz[0] < 50 < peaks_hz[1] < 90
    assert _rms(heart, heart.s1_s[3], heart.s1_s[3] + 0.12) > 1.3 * _rms(
        heart, heart.s2_s[3], heart.s2_s[3] + 0.12
    )


def test_systole_shortens_less_than_diastole_when_the_heart_is_fast() -> None:
    assert 0.30 < systole_s(72) < 0.36
    for slow, fast in ((50, 70), (70, 100), (100, 150), (150, 220)):
        assert systole_s(fast) < systole_s(slow)
        assert systole_s(fast) / (60 / fast) > systole_s(slow) / (60 / slow) - 1e-9
    assert systole_s(220) < 60 / 220


def test_a_murmur_is_crescendo_decrescendo_noise_in_systole() -> None:
    murmur = _between(heart_sound("murmur", 66, 12, RATE, 3, noise_db=-70), 150, 380)
    normal = _between(heart_sound("normal", 66, 12, RATE, 3, noise_db=-70), 150, 380)
    beats = list(zip(murmur.s1_s, murmur.s2_s, strict=False))[:-1]
    early, middle, late, diastole, without = (
        np.mean([_rms(sound, *span) for span in spans])
        for sound, spans in (
            (murmur, [(s1 + 0.05, s1 + 0.09) for s1, _ in beats]),
            (murmur, [((s1 + s2) / 2 - 0.03, (s1 + s2) / 2 + 0.05) for s1, s2 in beats]),
            (murmur, [(s2 - 0.05, s2 - 0.01) for _, s2 in beats]),
            (murmur, [(s2 + 0.2, s2 + 0.35) for _, s2 in beats]),
            (normal, [((s1 + s2) / 2 - 0.03, (s1 + s2) / 2 + 0.05) for s1, s2 in beats]),
        )
    )
    assert middle > 1.5 * early
    assert middle > 1.5 * late
    assert middle > 10 * diastole
    assert middle > 10 * without


def test_an_extrasystole_is_early_and_its_pause_compensatory() -> None:
    cycles_s = np.diff(heart_sound("extrasystole", 72, 12, 2000, 5).s1_s)
    early = np.flatnonzero(cycles_s < 0.75 * np.median(cycles_s))
    assert len(early) >= 2
    for beat in early[early < len(cycles_s) - 1]:
        assert cycles_s[beat + 1] > 1.25 * np.median(cycles_s)
        assert cycles_s[beat] + cycles_s[beat + 1] == pytest.approx(2 * np.median(cycles_s), rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_four_seconds_contain_an_extrasystole(seed: int) -> None:
    cycles_s = np.diff(heart_sound("extrasystole", 60, 4, 2000, seed).s1_s)
    assert cycles_s.min() < 0.7


def test_a_third_sound_follows_the_second_in_early_diastole() -> None:
    third = heart_sound("third-sound", 60, 8, RATE, 6, noise_db=-70)
    normal = heart_sound("normal", 60, 8, RATE, 6, noise_db=-70)
    for s2_s in third.s2_s[:-1]:
        assert _rms(third, s2_s + 0.15, s2_s + 0.22) > 8 * _rms(normal, s2_s + 0.15, s2_s + 0.22)
        assert _rms(third, s2_s + 0.15, s2_s + 0.22) < 0.8 * _rms(third, s2_s, s2_s + 0.07)


def test_an_artifact_has_no_beats_and_a_wider_band_than_a_heart() -> None:
    artifact = heart_sound("artifact", 72, 8, RATE, 7)
    assert artifact.s1_s == artifact.s2_s == ()
    frequency_hz, power = _spectrum(artifact.samples)
    assert power[frequency_hz > 200].sum() > 0.3 * power.sum()


def test_noise_has_the_requested_level() -> None:
    quiet, noisy = (heart_sound("normal", 40, 10, RATE, 8, noise_db=level) for level in (-50, -20))
    pause = (quiet.s2_s[2] + 0.4, quiet.s1_s[3] - 0.05)
    difference_db = 20 * np.log10(_rms(noisy, *pause) / _rms(quiet, *pause))
    assert difference_db == pytest.approx(30, abs=4)


@pytest.mark.parametrize(
    ("finding", "bpm", "seconds"),
    [("normal", 10, 4), ("normal", 400, 4), ("normal", 72, 0.5), ("cough", 72, 4)],
)
def test_invalid_arguments_are_refused(finding: str, bpm: float, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"a heart beats|too short|is not one of"):
        heart_sound(finding, bpm, seconds, 4000, 0)  # type: ignore[arg-type]
