"""Export as CSV and NDJSON: each matching result once, and no formulas for a spreadsheet."""

import csv
import io
import json
from pathlib import Path

import pytest
from archive import Api, Archive, problem

from edge_worker.database import history, schema
from edge_worker.database.engine import connect
from history_api.results import export
from history_api.results.export import COLUMNS

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")


def rows(api: Api, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(api.get(f"/api/v1/results.csv{query}").get_data(as_text=True))))


def test_d3_the_csv_has_a_line_per_recording_and_model(archive: Archive, api: Api) -> None:
    archive.add(1, labels={"heart5": "murmur", "heart2": "abnormal"})
    archive.add(2)
    lines = rows(api)
    assert [(line["recording_id"][-1], line["model"], line["label"]) for line in lines] == [
        ("2", "heart5", "normal"),
        ("1", "heart5", "murmur"),
        ("1", "heart2", "abnormal"),
    ]
    assert tuple(lines[0]) == COLUMNS
    assert lines[0] | {"duration_s": ""} == lines[0] | {
        "device_id": "st-01",
        "captured_at": "2026-11-20T08:00:00.000Z",
        "captured_at_source": "device",
        "site": "MV",
        "completeness": "complete",
        "status": "ok",
        "reasons": "",
        "heart_rate_bpm": "72.0",
        "usable": "true",
        "snr_db": "12.0",
        "quality_score": "",
        "sample_rate_hz": "4000",
        "duration_s": "",
        "version": "1.0.0",
        "confidence": "0.9",
        "threshold": "0.8",
        "accepted": "true",
    }


def test_a_recording_without_a_prediction_has_a_line(archive: Archive, api: Api) -> None:
    archive.add(1, labels={"m": "a"}, status="error")
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        document = json.loads(connection.exec_driver_sql("SELECT document FROM recordings").scalar_one())
        connection.execute(schema.recordings.update().values(document=json.dumps(document | {"models": []})))
    engine.dispose()
    (line,) = rows(api)
    assert (line["status"], line["model"], line["accepted"]) == ("error", "", "")


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")'])
def test_no_text_of_the_csv_is_a_formula(archive: Archive, api: Api, label: str) -> None:
    archive.add(1, labels={"m": label})
    assert rows(api)[0]["label"] == "'" + label


def test_numbers_of_the_csv_stay_numbers(archive: Archive, api: Api) -> None:
    result = archive.add(1)
    engine = connect(archive.settings.database)
    with engine.begin() as connection:
        document = result.document() | {"quality": {"usable": False, "snr_db": -3.5}}
        connection.execute(schema.recordings.update().values(document=json.dumps(document)))
    engine.dispose()
    assert rows(api)[0]["snr_db"] == "-3.5"


def test_d3_the_lines_of_the_ndjson_are_the_results(archive: Archive, api: Api) -> None:
    results = [archive.add(number, labels={"m": 'two\nlines "quoted"'}) for number in range(1, 4)]
    answer = api.get("/api/v1/results.ndjson")
    lines = answer.get_data(as_text=True).splitlines()
    assert [json.loads(line) for line in lines] == [result.document() for result in results[::-1]]
    assert answer.headers["Content-Disposition"] == "attachment; filename=results.ndjson"


def test_an_export_has_every_row_once_while_rows_come_in(
    archive: Archive, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_PAGE_SIZE", 7)
    monkeypatch.setattr(export, "_LINES_PER_WRITE", 5)
    for number in range(40):
        archive.add(number, labels={})
    answer = api.client.get("/api/v1/results.ndjson")
    seen: list[int] = []
    for piece in answer.response:
        text = piece.decode() if isinstance(piece, bytes) else piece
        seen += [int(json.loads(line)["recording_id"], 16) for line in text.splitlines()]
        archive.add(1000 + len(seen))
    assert seen == list(range(39, -1, -1))


def test_an_export_applies_filters_and_sort(archive: Archive, api: Api) -> None:
    archive.add(1, "st-01", captured_at="2026-11-20T09:00:00.000Z")
    archive.add(2, "st-02", captured_at="2026-11-20T07:00:00.000Z")
    archive.add(3, "st-01", captured_at="2026-11-20T08:00:00.000Z", labels={"heart5": "murmur"})
    ids = [line["recording_id"][-1] for line in rows(api, "?device=st-01&sort=captured_at")]
    assert ids == ["3", "1"]
    assert [line["label"] for line in rows(api, "?label=murmur")] == ["murmur"]
    problem(api.get("/api/v1/results.csv?limit=5"), 400)
    problem(api.get("/api/v1/results.ndjson?from=2026-11-21T00:00:00Z&to=2026-11-20T00:00:00Z"), 400)


def test_an_empty_history_is_an_empty_file(api: Api) -> None:
    assert rows(api) == []
    assert api.get("/api/v1/results.ndjson").get_data() == b""


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_export_without_a_database_is_a_problem_document(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    api = archive.api()
    (tmp_path / "stetho.db").unlink()
    problem(api.get("/api/v1/results.csv"), 503)
