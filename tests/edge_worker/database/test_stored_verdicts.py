"""Verdicts in the database: of results of an earlier version, and of the events of a stream."""

import json
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect
from sqlalchemy import text as sql
from stored_results import NOW, result_of

from edge_worker.database.engine import connect
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.protocol.result import EventFacts

pytest_plugins = ["store_fixtures"]

STREAM = "00000000000000ff"


def test_results_of_the_version_before_get_their_verdict_by_the_same_rule(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    engine = connect(url)
    made = [
        result_of(1, labels={"heart5": "normal", "heart2": "abnormal"}, heart_rate_bpm=72.0),
        result_of(2, labels={"heart5": "artifact", "heart2": "normal"}),
        result_of(3, accepted=False, status="inconclusive", reasons=("low_confidence",)),
        result_of(4, labels={"us8k": "siren"}),
        result_of(5, labels={"lungs": "wheeze"}),
        result_of(6, labels={}, status="error", reasons=("failed",)),
    ]
    texts = [json.dumps(_as_before(json.loads(each.to_json()))) for each in made]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0010")
        rows = "device_id, recording_id, received_at, captured_at, captured_at_source, completeness, missing"
        more = "sample_rate, channels, samples, audio_sha256, audio_file, meta, document"
        for number, text in enumerate((*texts, "[]", "no JSON", None), start=1):
            connection.execute(
                sql(
                    f"INSERT INTO recordings ({rows}, {more}) VALUES "  # noqa: S608 - names of columns
                    "('st-01', :id, '', '', 'device', 'complete', '[]', 4000, 1, 1, '', '', '{}', :document)"
                ),
                {"id": f"{number:016x}", "document": text},
            )
    engine.dispose()
    Store.open(url).close()
    with connect(url).begin() as connection:
        columns = "verdict, severity, disagree, document"
        found = connection.exec_driver_sql(f"SELECT {columns} FROM recordings ORDER BY id").all()  # noqa: S608
        assert [row[:3] for row in found] == [
            ("abnormal", "finding", True),
            (None, "unknown", True),
            (None, "unknown", False),
            ("siren", "finding", False),
            ("wheeze", "unknown", False),
            (None, "unknown", False),
            (None, "unknown", False),
            (None, "unknown", False),
            (None, None, None),
        ]
        migrated = [json.loads(row.document) for row in found[:4]]
        assert migrated == [json.loads(each.to_json()) for each in made[:4]], "as today's worker writes them"
        assert [row.document for row in found[6:]] == ["[]", "no JSON", None]
        config.attributes["connection"] = connection
        command.downgrade(config, "0010")
        assert "severity" not in {each["name"] for each in inspect(connection).get_columns("recordings")}


def _as_before(document: dict[str, Any]) -> dict[str, Any]:
    """Return a result as the worker published it before it made verdicts."""
    models = [
        {name: value for name, value in each.items() if name not in ("severity", "hears")}
        for each in document["models"]
    ]
    return {name: value for name, value in document.items() if name != "verdict"} | {"models": models}


def test_the_last_of_the_most_serious_events_of_a_stream_is_found(store: Store) -> None:
    for number, label in enumerate(("siren", "dog_bark", "siren", "dog_bark"), start=1):
        event = result_of(number, labels={"us8k": label}, event=EventFacts(STREAM, number))
        recording = StoredRecording(
            device_id="st-01",
            recording_id=event.recording_id,
            received_at=NOW,
            captured_at=NOW,
            captured_at_source="device",
            completeness="complete",
            missing=(),
            sample_rate=4000,
            channels=1,
            samples=4000,
            audio_sha256="0" * 64,
            audio_file=f"audio/st-01/{event.recording_id}.wav",
            meta={},
            parent=STREAM,
            parent_start=number,
        )
        (saved,) = store.save_recordings([recording])
        assert saved.id is not None
        store.save_results([AnalysisResult(saved.id, event, event.to_json().decode(), NOW, ())])
    verdict = store.event_verdict("st-01", STREAM)
    assert verdict is not None
    assert (verdict.label, verdict.severity, verdict.event) == ("siren", "finding", f"{3:016x}")
    assert store.event_verdict("st-02", STREAM) is None
    assert store.event_verdict("st-01", "00000000000000fe") is None
