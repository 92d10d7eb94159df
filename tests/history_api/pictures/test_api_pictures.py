"""Pictures of a recording over HTTP: their content, and that they are drawn once and cached."""

import io
import os
import wave
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import pytest
import wav_files
from archive import Api, Archive, problem
from PIL import Image
from pypdf import PdfReader

from edge_worker.protocol.result import HeartSounds
from history_api.pictures.axis import ticks
from history_api.pictures.heat_map import COLUMNS, HEIGHT
from history_api.pictures.picture_cache import PictureCache

pytest_plugins = ["archive_fixtures"]

ADDRESS = "/api/v1/recordings/0000000000000001"
PICTURES = ("waveform.svg", "spectrogram.png", "mfcc.png")
SVG = "{http://www.w3.org/2000/svg}"
LEFT, TOP = 64, 62
Samples = npt.NDArray[np.float64]


def audio_file(archive: Archive) -> Path:
    return archive.settings.data_dir / "audio/st-01/0000000000000001.wav"


def replace_audio(archive: Archive, samples: Samples, rate: int = 4000, channels: int = 1) -> None:
    """Replace the audio of recording 1 by `samples`, 16-bit."""
    wav_files.write(audio_file(archive), samples.astype("<i2").tobytes(), rate, channels)


def tone(hertz: float, seconds: float, rate: int = 4000) -> Samples:
    return 16000 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def waveform(api: Api) -> ET.Element:
    """Return the SVG of the waveform, parsed."""
    return ET.fromstring(api.get(f"{ADDRESS}/waveform.svg").get_data())  # noqa: S314 - our own picture


def heat_map_levels(content: bytes) -> Samples:
    """Return the grey levels of the heat map in a PNG, (rows, columns), lowest row last, without its axes."""
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
    return pixels[TOP : TOP + HEIGHT, LEFT : LEFT + COLUMNS]


def test_d5_waveform_marks_heart_sounds_and_gaps(archive: Archive, api: Api) -> None:
    result = archive.add(1, is_analysed=False, missing=((400, 800),))
    assert b'class="S1"' not in api.get(f"{ADDRESS}/waveform.svg").get_data()
    archive.save(replace(result, heart_sounds=HeartSounds((0.02, 0.12), (0.2,)), missing=((400, 800),)))
    picture = waveform(api)
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert (texts.count("S1"), texts.count("S2")) == (2, 1)
    lines = {each.get("class"): each.get("d", "") for each in picture.iter(f"{SVG}path")}
    assert (lines["S1"].count("M"), lines["S2"].count("M")) == (2, 1)
    (gap,) = [each for each in picture.iter(f"{SVG}rect") if each.get("class") == "gap"]
    duration_s = 1024 / 4000
    assert float(gap.get("x", "")) == pytest.approx(LEFT + 720 * 0.1 / duration_s, abs=0.1)
    assert float(gap.get("width", "")) == pytest.approx(720 * 0.1 / duration_s, abs=0.1)
    assert "not a medical device" in " ".join(filter(None, texts))


def test_pictures_of_a_stream_begin_where_its_kept_sound_does(archive: Archive, api: Api) -> None:
    archive.add(1, missing=((480_000, 488_000),))
    replace_audio(archive, tone(250, 60))
    before = {name: api.get(f"{ADDRESS}/{name}").get_data() for name in PICTURES}
    archive.keep_end(1, samples=600_000, audio_start=360_000)
    picture = waveform(api)
    texts = [each.text or "" for each in picture.iter(f"{SVG}text")]
    seconds = [text for text in texts if text.isdigit() and int(text) >= 10]
    assert (seconds[0], seconds[-1]) == ("90", "150")
    assert "s of the stream; its sound before 90.0 s is not kept" in texts
    (gap,) = [each for each in picture.iter(f"{SVG}rect") if each.get("class") == "gap"]
    assert float(gap.get("x", "")) == pytest.approx(LEFT + 720 * (120 - 90) / 60, abs=0.1)
    (title,) = gap.iter(f"{SVG}title")
    assert title.text == "no sound from 120.000 to 122.000 s"
    for name in PICTURES[1:]:
        after = api.get(f"{ADDRESS}/{name}").get_data()
        assert after != before[name]
        assert (heat_map_levels(after) == heat_map_levels(before[name])).all(), "other axis, same sound"
    said = "only the end, from 90.0 to 150.0 s; the sound before that is not kept"
    assert said in api.get("/ui/recordings/0000000000000001").get_data(as_text=True)
    (media,) = [
        each["resource"]
        for each in api.get(f"{ADDRESS}/fhir.json").get_json()["entry"]
        if each["resource"]["resourceType"] == "Media"
    ]
    assert said[1:] in media["note"][0]["text"]
    report = PdfReader(io.BytesIO(api.get(f"{ADDRESS}/report.pdf").get_data()))
    printed = "\n".join(page.extract_text() for page in report.pages)
    assert said in printed
    assert "150 s" in printed
    assert "\n10 s" not in printed


def test_d5_spectrogram_shows_a_tone_where_it_is(archive: Archive, api: Api) -> None:
    archive.add(1)
    replace_audio(archive, np.concatenate([tone(250, 1), tone(750, 1)]))
    levels = heat_map_levels(api.get(f"{ADDRESS}/spectrogram.png").get_data())
    assert levels[:, 180].argmin() == pytest.approx(HEIGHT * (1 - 0.25), abs=4)
    assert levels[:, 540].argmin() == pytest.approx(HEIGHT * (1 - 0.75), abs=4)
    wider = heat_map_levels(api.get(f"{ADDRESS}/spectrogram.png?max_hz=2000").get_data())
    assert wider[:, 540].argmin() == pytest.approx(HEIGHT * (1 - 0.375), abs=4)
    assert problem(api.get(f"{ADDRESS}/spectrogram.png?max_hz=100"), 400)["parameter"] == "max_hz"


def test_d5_a_click_within_a_column_of_a_long_recording_is_visible(archive: Archive, api: Api) -> None:
    archive.add(1)
    long = np.zeros(600 * 4000)
    long[1_000_700:1_000_740] = 30000
    replace_audio(archive, long)
    column = round(COLUMNS * 1_000_720 / len(long))
    assert (
        heat_map_levels(api.get(f"{ADDRESS}/spectrogram.png").get_data())[:, column - 2 : column + 2].min()
        < 128
    )
    picture = waveform(api)
    assert "0.92" in [each.text for each in picture.iter(f"{SVG}text")]


def test_d5_mfcc_changes_with_the_timbre(archive: Archive, api: Api) -> None:
    archive.add(1)
    replace_audio(archive, np.concatenate([tone(60, 1), tone(700, 1)]))
    levels = heat_map_levels(api.get(f"{ADDRESS}/mfcc.png").get_data()).astype(int)
    assert np.abs(levels[:, 180] - levels[:, 540]).max() > 50
    assert np.abs(levels[:, 180] - levels[:, 200]).max() < 50


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("audio", [(0, 1, 4000), (1, 1, 1000), (7, 2, 192000)])
def test_d5_an_almost_empty_recording_has_pictures(
    archive: Archive, api: Api, kind: str, audio: tuple[int, int, int]
) -> None:
    samples, channels, rate = audio
    archive.add(1)
    replace_audio(archive, np.full(samples * channels, 99), rate, channels)
    assert api.get(f"{ADDRESS}/{kind}").status_code == 200


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_are_cached_and_answered_once(archive: Archive, api: Api, kind: str) -> None:
    archive.add(1)
    first = api.get(f"{ADDRESS}/{kind}")
    (cached,) = (archive.settings.data_dir / "cache").iterdir()
    assert cached.read_bytes() == first.get_data()
    assert cached.name.startswith("5" * 64)
    cached.write_bytes(b"cached")
    assert api.get(f"{ADDRESS}/{kind}").get_data() == b"cached"
    again = api.get(f"{ADDRESS}/{kind}", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.get_data()) == (304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_needs_the_device_where_two_share_the_id(archive: Archive, api: Api, kind: str) -> None:
    archive.add(1, "st-01")
    archive.add(1, "st-02")
    assert problem(api.get(f"{ADDRESS}/{kind}"), 409)["devices"] == ["st-01", "st-02"]
    own = [api.get(f"{ADDRESS}/{kind}?device={device}") for device in ("st-01", "st-02")]
    assert own[0].get_data() != own[1].get_data()  # the device is in the title
    assert own[0].headers["ETag"] != own[1].headers["ETag"]
    problem(api.get(f"{ADDRESS}/{kind}?device=st-03"), 404)


def test_removed_audio_has_no_pictures(archive: Archive, api: Api) -> None:
    archive.add(1)
    assert api.get(f"{ADDRESS}/waveform.svg").status_code == 200
    audio_file(archive).unlink()
    problem(api.get(f"{ADDRESS}/waveform.svg"), 410)


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound at all"])
def test_damaged_audio_is_a_410(archive: Archive, api: Api, kind: str, content: bytes) -> None:
    archive.add(1)
    audio_file(archive).write_bytes(content)
    assert "damaged" in problem(api.get(f"{ADDRESS}/{kind}"), 410)["detail"]


def test_8_bit_audio_is_a_410(archive: Archive, api: Api) -> None:
    archive.add(1)
    with wave.open(str(audio_file(archive)), "wb") as sound:
        sound.setparams((1, 1, 4000, 0, "NONE", ""))
        sound.writeframes(bytes(100))
    assert "16-bit" in problem(api.get(f"{ADDRESS}/waveform.svg"), 410)["detail"]


def test_pictures_are_drawn_without_a_writable_cache(
    archive: Archive, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    archive.add(1)
    (archive.settings.data_dir / "cache").write_text("in the way")
    assert api.get(f"{ADDRESS}/waveform.svg").status_code == 200
    assert "event=cache_refuses" in caplog.text


def test_the_cache_evicts_the_least_recently_used(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path / "cache", limit_bytes=250)
    for age, name in enumerate(("a", "b")):
        cache.put(name, bytes(100))
        os.utime(tmp_path / "cache" / name, (age + 1, age + 1))
    assert cache.read("a") == bytes(100)  # now b is the least recently used
    cache.put("c", bytes(100))
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["a", "c"]


def test_pictures_of_a_deleted_recording_are_removed(tmp_path: Path) -> None:
    cache = PictureCache(tmp_path, limit_bytes=1000)
    cache.put("aa-1-waveform.svg", b"1")
    cache.put("ab-1-waveform.svg", b"2")
    cache.remove("aa")
    assert [path.name for path in tmp_path.iterdir()] == ["ab-1-waveform.svg"]


@pytest.mark.parametrize(
    ("last", "numbers"),
    [(0, [0]), (0.25, [0, 0.05, 0.1, 0.15, 0.2, 0.25]), (4, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4])],
)
def test_ticks_are_round(last: float, numbers: list[float]) -> None:
    assert ticks(last) == pytest.approx(numbers)


def test_peaks_are_few_however_long_the_sound_is(archive: Archive, api: Api) -> None:
    result = archive.add(1, is_analysed=False)
    archive.save(replace(result, heart_sounds=HeartSounds((0.02,), (0.2,))))
    short = api.json(f"{ADDRESS}/peaks.json")
    assert len(short["low"]) == len(short["high"]) == round(200 * short["duration_s"])
    assert (short["s1_s"], short["s2_s"], short["gaps_s"]) == ([0.02], [0.2], [])
    replace_audio(archive, tone(250, 600))
    archive.keep_end(1, samples=4000 * 700, audio_start=4000 * 100)
    answer = api.get(f"{ADDRESS}/peaks.json")
    long = answer.get_json()
    assert (long["start_s"], long["duration_s"], len(long["low"])) == (100, 600, 12_000)
    assert (min(long["low"]), max(long["high"])) == pytest.approx((-0.488, 0.488), abs=0.001)
    assert len(answer.get_data()) < 300_000
    again = api.get(f"{ADDRESS}/peaks.json", **{"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
