"""Sound files: all of their sound whatever the header says, or one sentence."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from written_sounds import (
    LIST,
    RATE,
    RAW,
    SOUND,
    TITLE,
    WHOLE,
    Int16Array,
    encoded,
    fmt,
    put,
    tone,
    wav,
    without_count,
)

from edge_worker.sound_files.sound_file_error import MOST_CHANNELS, SoundFileError
from edge_worker.sound_files.sound_reader import open_sound, read, sniff


def pages(ogg: bytes) -> list[bytes]:
    found, position = [], 0
    while position < len(ogg):
        segments = ogg[position + 26]
        end = position + 27 + segments + sum(ogg[position + 27 : position + 27 + segments])
        found.append(ogg[position:end])
        position = end
    return found


VORBIS, OPUS = (encoded(tone(6) / 32768, "OGG", subtype) for subtype in ("VORBIS", "OPUS"))
MP3 = encoded(tone(6) / 32768, "MP3")


@pytest.mark.parametrize("kind", WHOLE)
def test_all_sound_is_read_bit_exact_whatever_the_header_says(tmp_path: Path, kind: str) -> None:
    pcm, rate = read(put(tmp_path, WHOLE[kind]))
    assert rate == RATE
    expected = SOUND[:-1] if kind == "padding counted, not written" else SOUND
    assert np.array_equal(pcm[:, 0], expected)


@pytest.mark.parametrize("subtype", ["PCM_U8", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"])
@pytest.mark.parametrize("sizes", ["right", "placeholders"])
def test_coarse_samples_are_read_whole(tmp_path: Path, subtype: str, sizes: str) -> None:
    content = bytearray(encoded(SOUND / 32768, "WAV", subtype))
    if sizes == "placeholders":
        at = content.index(b"data") + 4
        content[4:8] = content[at : at + 4] = b"\xff" * 4
    pcm, rate = read(put(tmp_path, bytes(content)))
    assert rate == RATE
    assert len(SOUND) <= len(pcm) < len(SOUND) + 2100
    assert np.corrcoef(pcm[: len(SOUND), 0], SOUND)[0, 1] > 0.95


SEVERAL = {
    "WAV": WHOLE["right"] * 2,
    "Vorbis": VORBIS * 2,
    "Opus": OPUS * 2,
    "MP3": MP3 * 2,
    "MP3 with titles": MP3 + b"TAG" + bytes(125) + MP3,
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_recordings_in_one_file_are_not_taken_for_the_first(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SoundFileError, match="several recordings"):
        read(put(tmp_path, SEVERAL[kind]))


CUT: dict[str, bytes] = {
    **{
        kind: content[: len(content) // 2]
        for kind, content in WHOLE.items()
        if kind in ("right", "24 bits", "RF64")
    },
    **{kind: WHOLE[kind][: len(WHOLE[kind]) // 2] for kind in ("AIFF", "AU", "CAF", "W64", "FLAC", "RIFX")},
    **{f"{kind}, cut off": WHOLE[kind][:-1000] for kind in ("VOC", "NIST", "AIFF behind a title")},
    "FLAC of unknown length": WHOLE["FLAC of unknown length"][: len(RAW) // 4],
    "FLAC, a byte damaged": WHOLE["FLAC"][:20_000] + b"\0" + WHOLE["FLAC"][20_001:],
    "Vorbis in a page": VORBIS[:-100],
    "Opus in a page": OPUS[:-100],
    "Vorbis, a page lost": b"".join(page for n, page in enumerate(pages(VORBIS)) if n != 3),
    "Opus, a page lost": b"".join(page for n, page in enumerate(pages(OPUS)) if n != 3),
    "Vorbis, last page damaged": VORBIS[:-50] + b"\0" * 50,
    "MP3 that counts its frames": MP3[: len(MP3) // 2],
    "MP3, bytes lost": MP3[: len(MP3) // 3] + MP3[len(MP3) // 2 :],
    "float that is no number": wav(np.full(1000, np.nan, "<f4").tobytes(), head=fmt(3, width=4)),
    "float beyond all scales": wav(np.full(1000, 1e30, "<f4").tobytes(), head=fmt(3, width=4)),
    "no channels": wav(RAW, head=fmt(channels=0)),
    "1,024 channels": wav(RAW, head=fmt(channels=1024)),
    "65,535 channels": wav(RAW, head=fmt(channels=65_535)),
    "half a header": wav(RAW)[:30],
    "no format": wav(RAW, head=b""),
}


@pytest.mark.parametrize("kind", CUT)
def test_less_sound_than_was_sent_is_an_error(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SoundFileError) as caught:
        read(put(tmp_path, CUT[kind]))
    assert caught.value.fault == "damaged"
    assert str(caught.value) == f"the file {caught.value.predicate}"


@pytest.mark.parametrize(
    "kind",
    [
        "counted",
        "not counted",
        "constant rate",
        "two titles",
        "in a WAV",
        "in a WAV behind a title",
        "layer II",
    ],
)
def test_an_mp3_is_read_whole(tmp_path: Path, kind: str) -> None:
    content = MP3 if kind == "counted" else without_count(MP3)
    if kind == "two titles":
        content = (b"ID3\x03\0\0\0\0\0\x0a" + bytes(10)) * 2 + content + b"TAG" + bytes(125)
    if kind.startswith("in a WAV"):
        content = (TITLE if "title" in kind else b"") + wav(content, head=fmt(0x55))
    if kind == "constant rate":
        content = converted(tmp_path, "-b:a", "64k", "-c:a", "libmp3lame", "-write_xing", "0", "-f", "mp3")
    if kind == "layer II":
        content = converted(tmp_path, "-b:a", "64k", "-c:a", "mp2", "-f", "mp2")
    pcm, rate = read(put(tmp_path, content))
    assert rate == RATE
    assert len(pcm) == pytest.approx(6 * RATE, abs=1800)
    assert len(pcm) >= 6 * RATE


def converted(folder: Path, *arguments: str) -> bytes:
    """Return six seconds as ffmpeg writes them into a pipe."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not here")
    source = put(folder, encoded(tone(6), "WAV"), "source.wav")
    command = ["ffmpeg", "-v", "error", "-i", str(source), *arguments, "pipe:1"]
    return subprocess.run(command, check=True, capture_output=True).stdout


@pytest.mark.parametrize("content", [VORBIS, OPUS])
def test_an_ogg_file_whose_recorder_was_killed_is_read_to_its_last_page(
    tmp_path: Path, content: bytes
) -> None:
    *whole, _ = pages(content)
    pcm, rate = read(put(tmp_path, b"".join(whole)))
    assert 3 * rate < len(pcm) < 6 * rate


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("m4a", ("-c:a", "aac", "-f", "mp4", "-movflags", "frag_keyframe+empty_moov")),
        ("webm", ("-ar", "48000", "-c:a", "libopus", "-f", "webm", "-live", "1")),
        ("aac", ("-c:a", "aac", "-f", "adts")),
    ],
)
def test_what_libsndfile_does_not_read_is_converted(
    tmp_path: Path, name: str, arguments: tuple[str, ...]
) -> None:
    content = converted(tmp_path, *arguments)
    with open_sound(put(tmp_path, content), tmp_path) as sound:
        samples = sum(len(block) for block in sound.blocks())
        assert samples / sound.sample_rate == pytest.approx(6, abs=0.1)
        assert sound.kind == ""
    assert {path.name for path in tmp_path.iterdir()} == {"source.wav", "sound"}, name


def test_an_m4a_file_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    whole = tmp_path / "whole.m4a"
    converted(tmp_path, "-c:a", "aac", "-movflags", "+faststart", "-y", str(whole), "-f", "null")
    content = whole.read_bytes()
    with pytest.raises(SoundFileError, match="damaged or truncated"):
        read(put(tmp_path, content[: len(content) // 2]))


def written(folder: Path, name: str, *arguments: str) -> bytes:
    """Return a file as ffmpeg writes it where it can go back and fill in what it knows at the end."""
    file = folder / name
    converted(folder, *arguments, "-y", str(file), "-f", "null")
    return file.read_bytes()


@pytest.mark.parametrize(("name", "codec"), [("sound.mkv", "pcm_s16le"), ("sound.webm", "libvorbis")])
def test_a_file_that_says_how_long_it_is_and_is_cut_off_is_an_error(
    tmp_path: Path, name: str, codec: str
) -> None:
    content = written(tmp_path, name, "-c:a", codec)
    assert len(read(put(tmp_path, content))[0]) == pytest.approx(6 * RATE, abs=200)
    with pytest.raises(SoundFileError, match="damaged or truncated"):
        read(put(tmp_path, content[: len(content) // 2]))


def test_of_a_film_the_sound_alone_has_to_be_whole(tmp_path: Path) -> None:
    film = ("-f", "lavfi", "-i", "testsrc=d=9:s=64x64:r=5", "-map", "1:v", "-map", "0:a")
    content = written(tmp_path, "film.webm", *film, "-c:v", "libvpx", "-c:a", "libvorbis")
    assert len(read(put(tmp_path, content))[0]) == pytest.approx(6 * RATE, abs=200)
    with pytest.raises(SoundFileError, match="damaged or truncated"):
        read(put(tmp_path, content[: len(content) // 2]))


def test_several_tracks_are_not_taken_for_the_first(tmp_path: Path) -> None:
    silence = ("-f", "lavfi", "-i", "anullsrc=d=2:r=16000:cl=mono", "-map", "1:a", "-map", "0:a")
    content = written(tmp_path, "tracks.m4a", *silence, "-c:a", "aac")
    with pytest.raises(SoundFileError, match="holds several sound tracks; send one of them"):
        read(put(tmp_path, content))


def test_an_m4a_file_without_its_index_was_not_finished(tmp_path: Path) -> None:
    content = written(tmp_path, "sound.m4a", "-c:a", "aac")
    with pytest.raises(SoundFileError, match="was not finished, its index is missing; stop the recorder"):
        read(put(tmp_path, content[: content.rindex(b"moov") - 4]))


def test_without_ffmpeg_the_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SoundFileError, match="ffmpeg, which decodes others, is not installed"):
        read(put(tmp_path, b"\x1aE\xdf\xa3webm" * 100))


LISTS: dict[str, Callable[[Path], str]] = {
    "m3u8": lambda path: f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n{path}\n#EXT-X-ENDLIST\n",
    "ffconcat": lambda path: f"ffconcat version 1.0\nfile '{path.name}'\n",
    "sdp": lambda path: f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns={path}\nm=audio 5004 RTP/AVP 0\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_files_does_not_read_what_others_stored(tmp_path: Path, kind: str) -> None:
    other = put(tmp_path, wav(RAW), "other.wav")
    with pytest.raises(SoundFileError) as caught:
        read(put(tmp_path, LISTS[kind](other).encode()))
    assert caught.value.fault == "unknown"


@pytest.mark.parametrize(
    "content", [b"", wav(b""), wav(b"", 0, 0), wav(b"", after=LIST), encoded(SOUND[:0], "FLAC")]
)
def test_a_file_without_sound_is_empty(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SoundFileError) as caught:
        read(put(tmp_path, content))
    assert caught.value.fault == "empty"


def test_a_few_samples_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    samples = (SOUND / 32768).astype("<f4")
    samples[100:110] = np.nan
    pcm, _ = read(put(tmp_path, wav(samples.tobytes(), head=fmt(3, width=4))))
    assert not pcm[100:110].any()
    assert np.array_equal(pcm[110:, 0], SOUND[110:])


def test_float_sound_that_is_too_loud_is_not_taken_for_integers(tmp_path: Path) -> None:
    pcm, _ = read(put(tmp_path, encoded(4.0 * SOUND / 32768, "WAV", "FLOAT")))
    assert pcm.max() == 32767
    assert np.mean(np.abs(pcm.astype(int)) >= 32767) > 0.2


def test_quiet_integers_that_are_stored_as_floats_stay_quiet(tmp_path: Path) -> None:
    quiet = np.rint(SOUND / 4000)
    pcm, _ = read(put(tmp_path, wav(quiet.astype("<f4").tobytes(), head=fmt(3, width=4))))
    assert np.array_equal(pcm[:, 0], quiet)


def test_more_than_two_channels_are_averaged(tmp_path: Path) -> None:
    pcm, _ = read(put(tmp_path, encoded(np.stack([SOUND, SOUND, SOUND * 0], axis=1), "WAV")))
    expected: Int16Array = np.rint(2 * SOUND.astype(float) / 3).astype(np.int16)
    assert pcm.shape == (len(SOUND), 1)
    assert np.abs(pcm[:, 0].astype(int) - expected).max() <= 1


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """A process of its own: the peak of this one may be of another test."""
    program = (
        "import resource, sys; from pathlib import Path; import soundfile, scipy\n"
        "from edge_worker.sound_files.sound_reader import open_sound\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with open_sound(Path(sys.argv[1])) as sound:\n"
        "    count = sum(len(block) for block in sound.blocks())\n"
        "print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    size = 64 * 2**20
    file = put(tmp_path, wav(b"", data=size, head=fmt(3, channels=MOST_CHANNELS, width=4)))
    with file.open("r+b") as sparse:
        sparse.truncate(size + 44)
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], capture_output=True, text=True, check=True
    )
    samples, grown_kib = map(int, done.stdout.split())
    assert samples == size // (4 * MOST_CHANNELS)
    assert grown_kib * 1024 < size / 2


LONG: dict[str, bytes] = {
    "MP3": without_count(MP3) * 3,
    "tiny pages": pages(VORBIS)[0] + (b"OggS" + bytes(23)) * 3000,
}


@pytest.mark.parametrize("kind", LONG)
def test_a_file_that_is_too_long_is_not_read_to_its_end(tmp_path: Path, kind: str) -> None:
    with pytest.raises(SoundFileError) as caught, open_sound(put(tmp_path, LONG[kind]), max_s=10):
        pass
    assert caught.value.fault == "too_long"


def test_the_format_is_told_by_the_content() -> None:
    heads = {kind: sniff(WHOLE[kind][:12]) for kind in ("RF64", "AIFF", "AU", "CAF", "W64", "FLAC")}
    assert heads == {"RF64": "wav", "AIFF": "aiff", "AU": "au", "CAF": "caf", "W64": "w64", "FLAC": "flac"}
    assert sniff(MP3[:12]) is None
