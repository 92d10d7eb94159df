"""Audio files as 16-bit PCM: reading, resampling, writing."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_worker.errors import AudioError
from simulator.sound.sound_file import Sound, from_samples, read, write


def test_samples_beyond_full_scale_saturate() -> None:
    samples = np.array([0.0, 0.5, 1.0, 7.5, -1.0, -7.5, np.nan, np.inf], np.float32)
    with np.errstate(invalid="raise"):
        sound = from_samples(samples, 4000)
    assert sound.pcm[:, 0].tolist() == [0, 16384, 32767, 32767, -32768, -32768, 0, 32767]


@pytest.mark.parametrize("channels", [1, 2])
def test_16_bit_files_are_read_bit_exact(tmp_path: Path, channels: int) -> None:
    pcm = np.random.default_rng(1).integers(-32768, 32768, (5000, channels)).astype(np.int16)
    for name in ("x.wav", "x.flac"):
        write(tmp_path / name, Sound(pcm, 8000))
        sound = read(tmp_path / name)
        assert np.array_equal(sound.pcm, pcm)
        assert (sound.sample_rate, sound.seconds) == (8000, 0.625)


def test_more_channels_than_the_protocol_allows_are_mixed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.full((100, 4), [0.1, 0.2, 0.3, 0.4]), 8000, subtype="FLOAT")
    assert read(tmp_path / "x.wav").pcm.tolist() == [[8192]] * 100


def test_resampling_keeps_pitch_and_length(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 50 * np.arange(44_100) / 44_100)
    soundfile.write(tmp_path / "x.wav", tone, 44_100)
    sound = read(tmp_path / "x.wav", 4000)
    assert (sound.sample_rate, len(sound.pcm)) == (4000, 4000)
    assert np.abs(np.fft.rfft(sound.pcm[:, 0])).argmax() == 50


@pytest.mark.parametrize(
    "name", ["missing.wav", "folder", "text.wav", "empty.wav", "nothing.wav", "data.raw"]
)
def test_a_file_without_audio_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.wav").write_text("this is not audio, it is a letter to somebody")
    (tmp_path / "nothing.wav").write_bytes(b"")
    (tmp_path / "data.raw").write_bytes(bytes(1000))
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 8000)
    with pytest.raises(AudioError) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sample_rate_beyond_the_protocol_is_refused_and_can_be_resampled(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(4000), 500)
    with pytest.raises(AudioError, match="--sample-rate"):
        read(tmp_path / "x.wav")
    assert len(read(tmp_path / "x.wav", 1000).pcm) == 8000


@pytest.mark.parametrize("name", ["no/such/folder.wav", "x.docx"])
def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(AudioError, match="cannot be written"):
        write(tmp_path / name, Sound(np.zeros((10, 1), np.int16), 4000))
