"""PDF reports of recordings and devices, read back as text and images."""

import io
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy
from archive import Api, Archive, prediction, problem
from pypdf import PdfReader
from sqlalchemy import insert, update

from edge_worker import __version__
from edge_worker.database import schema
from edge_worker.database.counting.count_tables import recording_counts
from edge_worker.database.engine import connect
from edge_worker.database.reviewing import review_tables
from edge_worker.protocol.result import HeartSounds, Quality
from history_api.pictures.notice import LABEL_NOTICE
from history_api.reports import fonts
from history_api.reports.fonts import DEJAVU

pytest_plugins = ["archive_fixtures"]

ADDRESS = "/api/v1/recordings/0000000000000001/report.pdf"
DOWNLOAD = "/download-report/0000000000000001.wav"
DEVICE = "/api/v1/devices/st-01/report.pdf"


def pages(api: Api, address: str) -> list[str]:
    answer = api.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf"), answer.get_data()
    return [page.extract_text() for page in PdfReader(io.BytesIO(answer.get_data())).pages]


def review(archive: Archive, verdict: str, note: str) -> None:
    """Store a review of recording 1."""
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        values = {"recording": 1, "verdict": verdict, "note": note, "reviewer": "ward-3", "version": 1}
        connection.execute(
            insert(review_tables.reviews).values(reviewed_at="2026-11-21T09:00:00.000Z", **values)
        )
    engine.dispose()


def test_d4_report_is_a_pdf_with_result(archive: Archive, api: Api) -> None:
    stored = archive.add(1, is_analysed=False, missing=((400, 800),))
    models = (prediction("heart5", "murmur"), prediction("heart2", "normal", accepted=False, confidence=0.4))
    marks = HeartSounds((0.1,), (0.2,))
    archive.save(replace(stored, models=models, reasons=("noisy",), heart_sounds=marks))
    sheets = pages(api, ADDRESS)
    text = "\n".join(sheets)
    for expected in (
        "0000000000000001 of device st-01",
        "2026-11-20 08:00:00 UTC",
        "MV",
        "partial: 0.10 s did not arrive (0.10 to 0.20 s)",
        "72 beats per minute",
        "Murmur: needs attention, confidence 0.900",
        "Kind of heart sound: Murmur (0.900, accepted)",
        "Normal or abnormal heart: cannot tell",
        "too noisy: hold still, be silent",
        "signal to noise 12 dB",
        "S1",
        f"1.0.0, SHA-256 {'f' * 64}",
        f"SHA-256 {'5' * 64}",
        f"Stetho Edge {__version__}",
        "no person has confirmed or rejected",
    ):
        assert expected in text
    assert all(LABEL_NOTICE in page for page in sheets)
    assert text.count("No heart sound") == text.count("Artifact") == 1  # one bar in each of two models


def test_d4_report_shows_the_spectrogram(archive: Archive, api: Api) -> None:
    archive.add(1)
    reader = PdfReader(io.BytesIO(api.get(ADDRESS).get_data()))
    (picture,) = [image for page in reader.pages for image in page.images]
    assert picture.image is not None
    assert picture.image.size[0] > 720


def test_d4_report_is_downloaded_by_its_filename_in_the_history(archive: Archive, api: Api) -> None:
    archive.add(1)
    filename = api.json("/history")[0]["filename"]
    download = api.get(f"/download-report/{filename}")
    assert download.headers["Content-Disposition"] == "attachment; filename=st-01-0000000000000001.pdf"
    assert download.get_data() == api.get(ADDRESS).get_data()
    archive.add(1, "st-02")
    assert problem(api.get(DOWNLOAD), 409)["devices"] == ["st-01", "st-02"]
    assert api.get(f"{DOWNLOAD}?device=st-02").status_code == 200


def test_d4_report_is_downloaded_by_the_name_of_the_file_that_was_uploaded(
    archive: Archive, api: Api
) -> None:
    archive.add(1, file_name="your audio ä.wav")
    archive.add(2, file_name="your audio ä.wav")
    archive.add(3, "st-02", file_name="your audio ä.wav")
    archive.add(4, "st-02", file_name="0000000000000001.wav")
    address = "/download-report/your%20audio%20%C3%A4.wav"
    assert "your audio ä.wav" in "".join(pages(api, address))
    assert api.get(address).get_data() == api.get("/api/v1/recordings/0000000000000003/report.pdf").get_data()
    of_first = api.get(f"{address}?device=st-01").headers["Content-Disposition"]
    assert of_first.endswith("st-01-0000000000000002.pdf")
    assert "0000000000000004" in api.get(DOWNLOAD).headers["Content-Disposition"], (
        "the name goes before the id"
    )


@pytest.mark.parametrize(
    "name", ["1.wav", "0000000000000001", "..%2fstetho.db", "0000000000000002.wav", "ä.wav"]
)
def test_d4_other_filenames_are_a_404(archive: Archive, api: Api, name: str) -> None:
    archive.add(1)
    problem(api.get(f"/download-report/{name}"), 404)


def test_d4_reports_are_reproducible(archive: Archive, api: Api) -> None:
    archive.add(1)
    first = api.get(ADDRESS)
    shutil.rmtree(archive.settings.data_dir / "cache")
    assert archive.api().get(ADDRESS).get_data() == first.get_data()
    assert api.get(ADDRESS, If_None_Match=first.headers["ETag"]).status_code == 304


def test_a_review_changes_the_report(archive: Archive, api: Api) -> None:
    archive.add(1)
    before = api.get(ADDRESS).headers["ETag"]
    review(archive, "rejected", "breath, not heart")
    assert api.get(ADDRESS, If_None_Match=before).status_code == 200
    text = "\n".join(pages(api, ADDRESS))
    assert "rejected by ward-3, 2026-11-21 09:00:00 UTC" in text
    assert "breath, not heart" in text


def test_a_recording_without_result_or_audio_has_a_report(archive: Archive, api: Api) -> None:
    stored = archive.add(1, is_analysed=False)
    assert "being analysed" in "\n".join(pages(api, ADDRESS))
    nothing = Quality(usable=False, snr_db=None, clipped=0.0)
    archive.save(replace(stored, status="error", models=(), heart_rate_bpm=None, quality=nothing))
    path = archive.settings.data_dir / "audio/st-01/0000000000000001.wav"
    path.write_bytes(b"damaged")
    assert "removed or is damaged" in "\n".join(pages(api, ADDRESS))
    path.unlink()
    assert "removed or is damaged" in "\n".join(pages(api, ADDRESS))


def test_text_in_any_script_is_printed_or_replaced(
    archive: Archive, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)  # where no font is installed
    archive.add(1)
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        connection.execute(schema.recordings.update().values(meta={"site": "左\x00\n胸 ü **b** (\\)"}))
    engine.dispose()
    review(archive, "confirmed", "Herzgeräusch — 心音 🫀\n" + "long " * 2000 + "x" * 500)
    text = "\n".join(pages(api, ADDRESS))
    assert "?  ? ü **b** (\\)" in text
    assert "?? ?" in text
    for missing in ("U+5DE6", "U+80F8", "U+5FC3", "anatomical heart (U+1FAC0)"):
        assert missing in text.replace("\n", " "), missing
    assert len(pages(api, ADDRESS)) > 2
    assert "?" in "\n".join(pages(api, DEVICE))


@pytest.mark.skipif(not DEJAVU.is_installed, reason="needs the package fonts-dejavu-core")
def test_cyrillic_greek_and_arabic_are_printed(archive: Archive, api: Api) -> None:
    archive.add(1, file_name="Сердце καρδιά — тоны.wav")
    review(archive, "confirmed", "Шум над аортой, قلب")
    text = "\n".join(pages(api, ADDRESS))
    assert "Сердце καρδιά — тоны.wav" in text
    assert "Шум над аортой, " in text
    assert "Shown as ?" not in text
    assert any("\u0600" <= letter <= "\u06ff" or "\ufb50" <= letter <= "\ufeff" for letter in text)


@pytest.mark.skipif(not DEJAVU.is_installed, reason="needs the package fonts-dejavu-core")
def test_a_font_that_is_missing_is_named_by_its_package(
    archive: Archive, api: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)
    archive.add(1, file_name="心音 Сердце हृदय 🫀.wav")
    etag = api.get(ADDRESS).headers["ETag"]
    text = " ".join("\n".join(pages(api, ADDRESS)).split())
    assert "Install fonts-dejavu-core, fonts-droid-fallback, fonts-noto-core where the API runs" in text
    (tmp_path / "truetype").mkdir()
    (tmp_path / "truetype/dejavu").symlink_to("/usr/share/fonts/truetype/dejavu")
    assert api.get(ADDRESS, If_None_Match=etag).status_code == 200, "with a font the report is another one"
    text = " ".join("\n".join(pages(api, ADDRESS)).split())
    assert "Сердце" in text
    assert "Install fonts-droid-fallback, fonts-noto-core where" in text


@pytest.mark.skipif(not any(each.is_installed for each in fonts.CHINESE), reason="needs fonts-droid-fallback")
def test_chinese_is_printed(archive: Archive, api: Api) -> None:
    archive.add(1, file_name="心音.wav")
    assert "心音.wav" in "\n".join(pages(api, ADDRESS))


def test_each_page_has_its_number_and_what_the_report_is_of(archive: Archive, api: Api) -> None:
    archive.add(1)
    sheets = pages(api, ADDRESS)
    assert len(sheets) == 1, "of one model everything fits on one page"
    for number, text in enumerate(sheets, start=1):
        assert f"page {number} of {len(sheets)}" in text
        assert f"st-01 0000000000000001, Stetho Edge {__version__}, report of 2026-11-20 08:00:00 UTC" in text


def test_a_recording_that_two_models_heard_has_one_page(archive: Archive, api: Api) -> None:
    stored = archive.add(1, is_analysed=False, file_name="x" * 120, missing=((400, 800), (1200, 1300)))
    heart2 = prediction("heart2", "abnormal", probabilities={"abnormal": 0.9, "normal": 0.1})
    models = (prediction("heart5", "normal"), heart2)
    archive.save(replace(stored, models=models, reasons=("noisy", "clipped", "gaps")))
    review(archive, "rejected", "a note " * 60)
    (text,) = pages(api, ADDRESS)
    for expected in ("The models disagree: Normal, Abnormal", "Kind of heart sound: Normal", "Spectrogram"):
        assert expected.lower() in text.lower()


def test_a_model_that_accepts_nothing_on_a_stethoscope_says_what_helps(archive: Archive, api: Api) -> None:
    stored = archive.add(1, is_analysed=False)
    unproven = prediction("heart2", "abnormal", accepted=False, threshold=1.0)
    archive.save(replace(stored, status="inconclusive", models=(unproven,)))
    text = " ".join("".join(pages(api, ADDRESS)).split())
    assert "none is accepted on this stethoscope until known hearts prove it right" in text
    assert "accepted from 1 on" not in text


def test_a_report_is_in_the_language_of_its_reader(archive: Archive, api: Api) -> None:
    archive.add(1)
    english = api.get(ADDRESS)
    german = api.get(ADDRESS, Accept_Language="de-AT,de;q=0.9", If_None_Match=english.headers["ETag"])
    assert german.status_code == 200
    assert "Accept-Language" in german.headers["Vary"]
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(german.get_data())).pages)
    for expected in (
        "Bericht über eine Aufnahme",
        "Normal: kein Befund, Sicherheit 0.900",
        "Aufgenommen",
        "20.11.2026 08:00:00 UTC, nach der Uhr des Geräts",
        "72 Schläge pro Minute",
        "Herkunft",
        "Seite 1 von 1",
        "keine Diagnose",
    ):
        assert expected in text, expected
    assert b"/Lang (de)" in german.get_data()


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_a_report_has_the_time_of_the_clock_on_the_wall_with_utc(archive: Archive, api: Api) -> None:
    archive.add(1)
    archive.add(2, captured_at="2026-07-19T22:30:00.000Z")
    assert "2026-11-20 09:00:00 CET (08:00:00 UTC)" in "".join(pages(api, ADDRESS))
    summer = "".join(pages(api, ADDRESS.replace("1/report", "2/report")))
    assert "2026-07-20 00:30:00 CEST (2026-07-19 22:30:00 UTC)" in summer
    assert "2026-07-20 00:30" in pages(api, DEVICE)[0]


def test_a_device_without_recordings_has_a_report_that_says_so(archive: Archive, api: Api) -> None:
    archive.add(1, "st-02")
    body = b'{"gate":{"on":true}}'
    put = api.ask("PUT", "/api/v1/devices/st-01/settings", body, Content_Type="application/json")
    assert put.status_code == 200, put.text
    (text,) = pages(api, DEVICE)
    assert "No recording of this device is stored here." in text


def test_a_report_of_a_device_has_few_pages_and_says_what_it_leaves_out(archive: Archive, api: Api) -> None:
    for number in range(1, 8):
        archive.add(number)
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        columns = [each.name for each in schema.recordings.c if each.name not in ("id", "recording_id")]
        names = ", ".join(columns)
        copy = sqlalchemy.text(
            f"INSERT INTO recordings (recording_id, {names}) SELECT :id, {names} FROM recordings WHERE id = 1"  # noqa: S608
        )
        connection.execute(copy, [{"id": f"{number:016x}"} for number in range(8, 501)])
        connection.execute(update(recording_counts).values(recordings=500))
    engine.dispose()
    sheets = pages(api, DEVICE)
    assert len(sheets) <= 3
    assert "The last 50 of 500; 450 older ones are left out" in sheets[0]


def test_d4_report_of_a_device_has_its_last_fifty(archive: Archive, api: Api) -> None:
    for number in range(1, 53):
        archive.add(number)
    archive.add(99, "st-02")
    review(archive, "confirmed", "")
    text = "\n".join(pages(api, DEVICE))
    assert f"{52:016x} of device st-01" in text
    assert f"{3:016x}" in text
    assert f"{2:016x}" not in text
    assert f"{99:016x}" not in text
    assert text.count("Normal (no finding)") == 50
    assert LABEL_NOTICE in text
    first = api.get(DEVICE)
    assert api.get(DEVICE, If_None_Match=first.headers["ETag"]).status_code == 304


@pytest.mark.parametrize("device", ["st-99", "ST-01", "..%2f..", "%00"])
def test_an_unknown_device_has_no_report(archive: Archive, api: Api, device: str) -> None:
    archive.add(1)
    problem(api.get(f"/api/v1/devices/{device}/report.pdf"), 404)


def test_a_recording_that_a_power_cut_ended_early_says_so_everywhere(archive: Archive, api: Api) -> None:
    archive.save(replace(archive.add(1, is_analysed=False, cut_off=True), is_cut_off=True))
    archive.add(2)
    words = "ended early: the stethoscope lost power"
    assert words in " ".join(pages(api, ADDRESS)[0].split())
    assert words in api.get("/ui/recordings/0000000000000001", Accept="text/html").get_data(as_text=True)
    assert api.json("/api/v1/recordings/0000000000000001")["result"]["cut_off"] is True
    other = "/api/v1/recordings/0000000000000002"
    assert words not in " ".join(pages(api, f"{other}/report.pdf")[0].split())
    assert "cut_off" not in api.json(other)["result"]
