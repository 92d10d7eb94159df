"""One recording and its audio file over HTTP."""

import io
import wave
from pathlib import Path
from urllib.parse import quote

import pytest
from archive import PCM, SAMPLE_RATE, Api, Archive, problem

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

ADDRESS = "/api/v1/recordings/0000000000000001"


def test_a_recording_has_its_facts_and_its_result(archive: Archive, api: Api) -> None:
    result = archive.add(1, captured_at="2026-11-20T07:00:00.000Z")
    document = api.json(ADDRESS)
    assert document["result"] == result.document()
    assert document["captured_at"] == "2026-11-20T07:00:00.000Z"
    assert document["received_at"] == "2026-11-20T08:00:00.000Z"
    assert document["meta"] == {"site": "MV"}
    assert document["audio"]["duration_s"] == len(PCM) / 2 / SAMPLE_RATE


def test_the_links_of_a_recording_lead_to_it_and_its_audio(archive: Archive, api: Api) -> None:
    archive.add(1)
    document = api.json(ADDRESS)
    assert api.json(document["links"]["self"]) == document
    assert api.get(document["links"]["audio"]).mimetype == "audio/wav"


def test_the_result_is_null_while_it_is_analysed(archive: Archive, api: Api) -> None:
    archive.add(1, is_analysed=False)
    document = api.json(ADDRESS)
    assert document["result"] is None
    assert document["analysed_at"] is None
    assert api.get(document["links"]["audio"]).status_code == 200


@pytest.mark.parametrize("suffix", ["", "/audio.wav"])
def test_an_id_that_two_devices_share_needs_the_device(archive: Archive, api: Api, suffix: str) -> None:
    archive.add(1, "st-01")
    archive.add(1, "st-02")
    document = problem(api.get(ADDRESS + suffix), 409)
    assert document["devices"] == ["st-01", "st-02"]
    assert "?device=" in document["detail"]
    assert api.get(f"{ADDRESS}{suffix}?device=st-02").status_code == 200
    problem(api.get(f"{ADDRESS}{suffix}?device=st-03"), 404)
    assert api.json(f"{ADDRESS}?device=st-02")["device_id"] == "st-02"


@pytest.mark.parametrize("suffix", ["", "/audio.wav"])
@pytest.mark.parametrize(
    "recording_id",
    [
        "0000000000000002",
        "1",
        "000000000000000G",
        "' OR 1=1 --",
        "%00",
        "..%2f..%2fstetho.db",
        "..",
        "ä" * 16,
    ],
)
def test_an_unknown_recording_is_a_404(archive: Archive, api: Api, recording_id: str, suffix: str) -> None:
    archive.add(1)
    problem(api.get(f"/api/v1/recordings/{quote(recording_id, safe='%')}{suffix}"), 404)


def test_the_audio_is_what_the_worker_stored(archive: Archive, api: Api) -> None:
    archive.add(1)
    answer = api.get(f"{ADDRESS}/audio.wav")
    with wave.open(io.BytesIO(answer.get_data())) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (SAMPLE_RATE, 1)
        assert sound.readframes(sound.getnframes()) == PCM
    assert "st-01-0000000000000001.wav" in answer.headers["Content-Disposition"]


def test_audio_by_byte_range(archive: Archive, api: Api) -> None:
    archive.add(1)
    whole = api.get(f"{ADDRESS}/audio.wav").get_data()
    middle = api.get(f"{ADDRESS}/audio.wav", Range="bytes=44-143")
    assert middle.status_code == 206
    assert middle.get_data() == whole[44:144]
    assert middle.headers["Content-Range"] == f"bytes 44-143/{len(whole)}"
    assert api.get(f"{ADDRESS}/audio.wav", Range="bytes=-10").get_data() == whole[-10:]


def test_a_range_behind_the_end_is_a_416(archive: Archive, api: Api) -> None:
    archive.add(1)
    answer = api.get(f"{ADDRESS}/audio.wav", Range="bytes=99999-")
    problem(answer, 416)
    assert answer.headers["Content-Range"] == f"bytes */{len(PCM) + 44}"


def test_unchanged_audio_is_a_304(archive: Archive, api: Api) -> None:
    archive.add(1)
    first = api.get(f"{ADDRESS}/audio.wav")
    again = api.get(f"{ADDRESS}/audio.wav", If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.get_data()) == (304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"


def test_head_of_audio_answers_its_size(archive: Archive, api: Api) -> None:
    archive.add(1)
    answer = api.ask("HEAD", f"{ADDRESS}/audio.wav")
    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(PCM) + 44


def test_removed_audio_is_a_410_and_its_result_stays(archive: Archive, api: Api) -> None:
    archive.add(1)
    (archive.settings.data_dir / "audio/st-01/0000000000000001.wav").unlink()
    problem(api.get(f"{ADDRESS}/audio.wav"), 410)
    assert api.json(ADDRESS)["result"] is not None


@pytest.mark.parametrize("audio_file", ["secret.wav", "audio/../secret.wav", "audio/../../secret.wav"])
def test_no_file_outside_the_audio_directory_is_served(
    tmp_path: Path, audio_file: str, caplog: pytest.LogCaptureFixture
) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    archive = Archive(data_dir)
    archive.add(1, audio_file=audio_file)
    assert (data_dir / audio_file).exists()
    problem(archive.api().get(f"{ADDRESS}/audio.wav"), 404)
    assert "event=audio_outside" in caplog.text


def test_a_symbolic_link_out_of_the_audio_directory_is_not_followed(archive: Archive, api: Api) -> None:
    archive.add(1)
    path = archive.settings.data_dir / "audio/st-01/0000000000000001.wav"
    path.unlink()
    path.symlink_to(archive.settings.data_dir / "stetho.db")
    problem(api.get(f"{ADDRESS}/audio.wav"), 404)


def test_an_unchanged_recording_is_a_304(archive: Archive, api: Api) -> None:
    result = archive.add(1, is_analysed=False)
    tag = api.get(ADDRESS).headers["ETag"]
    assert api.get(ADDRESS, If_None_Match=tag).status_code == 304
    archive.save(result)
    assert api.get(ADDRESS, If_None_Match=tag).status_code == 200
