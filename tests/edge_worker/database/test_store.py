"""Write access to real databases: schema, recordings, results, outbox, heartbeat."""

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from edge_worker.database import result_feed, schema
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.engine import connect
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.revision import REVISION
from edge_worker.database.site_state.clock_check import text_of
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.database.store import AnalysisResult, Store, StoredRecording, open_existing
from edge_worker.errors import StoreError
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, Quality, Result

pytest_plugins = ["store_fixtures"]

STORED = StoredRecording(
    device_id="st-01",
    recording_id="00000000000000aa",
    received_at="2026-11-20T17:20:01.123Z",
    captured_at="2026-11-20T17:20:00.000Z",
    captured_at_source="device",
    completeness="partial",
    missing=[(10, 20)],
    sample_rate=44100,
    channels=1,
    samples=176400,
    audio_sha256="0" * 64,
    audio_file="audio/st-01/00000000000000aa.wav",
    meta={"site": "MV"},
)
PREDICTION = Prediction(
    "heart2", "1", "f" * 64, "normal", 0.9, 0.8, True, {"abnormal": 0.1, "normal": 0.9}, 1, 0.5
)
RESULT = Result(
    device_id="st-01",
    recording_id="00000000000000aa",
    status="ok",
    completeness="partial",
    audio=Audio(44100, 1, 176400, "0" * 64),
    quality=Quality(True, 12.0, 0.0),
    captured_at="2026-11-20T17:20:00.000Z",
    captured_at_source="device",
    missing=((10, 20),),
    models=(PREDICTION, replace(PREDICTION, model="heart5")),
)
MESSAGES = (
    OutboxMessage("stetho/v1/result/st-01", b"{}", retain=False),
    OutboxMessage("down", b"{}", retain=True),
)
NOW = "2026-11-20T17:20:09.000Z"


def save(store: Store, recording: StoredRecording) -> int:
    """Save one recording; return the id of its row."""
    (saved,) = store.save_recordings([recording])
    assert saved.id is not None
    return saved.id


def analysis_result(row_id: int, result: Result = RESULT) -> AnalysisResult:
    return AnalysisResult(row_id, result, result.to_json().decode(), NOW, MESSAGES)


def test_migrations_make_exactly_the_tables_of_the_schema(url: str, store: Store) -> None:
    with connect(url).connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == REVISION


def test_migrations_go_back_to_nothing_and_forth_again(url: str, store: Store) -> None:
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    save(store, STORED)
    engine = connect(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        assert connection.exec_driver_sql("SELECT count(*) FROM recordings").scalar() == 1
        command.downgrade(config, "base")
        assert inspect(connection).get_table_names() == ["alembic_version"]
        command.upgrade(config, "head")
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    engine.dispose()


def test_the_revision_in_the_code_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_a_database_of_the_version_before_exams_keeps_its_recordings(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    engine = connect(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
        rows = "device_id, recording_id, received_at, captured_at, captured_at_source, completeness, missing"
        more = "sample_rate, channels, samples, audio_sha256, audio_file, meta"
        connection.exec_driver_sql(
            f"INSERT INTO recordings ({rows}, {more}) VALUES "  # noqa: S608 - names of columns
            "('st-01', '00000000000000aa', '', '', 'device', 'complete', '[]', 4000, 1, 1, '', '', '{}')"
        )
    engine.dispose()
    opened = Store.open(url)
    (old,) = opened.unanalysed()
    assert (old.recording_id, old.exam) == ("00000000000000aa", None)
    assert AdaptationTables(connect(url)).all() == {}
    opened.close()
    with connect(url).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        assert "device_spectra" not in inspect(connection).get_table_names()
        assert "exam" not in {each["name"] for each in inspect(connection).get_columns("recordings")}


def test_results_of_the_version_before_are_numbered_in_the_order_in_which_they_were_made(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", "edge_worker.database:migrations")
    engine = connect(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        rows = "device_id, recording_id, received_at, captured_at, captured_at_source, completeness, missing"
        more = "sample_rate, channels, samples, audio_sha256, audio_file, meta, analysed_at, document"
        for name, made in (("a", "'2026-11-21', '2'"), ("b", "NULL, NULL"), ("c", "'2026-11-20', '1'")):
            connection.exec_driver_sql(
                f"INSERT INTO recordings ({rows}, {more}) VALUES "  # noqa: S608 - names of columns
                f"('st-01', '{name}', '', '', 'device', 'complete', '[]', 4000, 1, 1, '', '', '{{}}', {made})"
            )
    engine.dispose()
    Store.open(url).close()
    with connect(url).connect() as connection:
        assert result_feed.results_after(connection, 0, 9) == [(1, "1"), (2, "2")]


def test_the_schema_is_portable_to_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves its dialects untyped
    statements = [str(CreateTable(table).compile(dialect=dialect)) for table in schema.metadata.sorted_tables]
    statements += [
        str(CreateIndex(index).compile(dialect=dialect))
        for table in schema.metadata.sorted_tables
        for index in table.indexes
    ]
    assert any("BYTEA" in statement for statement in statements)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sqlite_runs_in_wal_with_full_durability(url: str, store: Store) -> None:
    with connect(url).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_recording_is_stored_once(store: Store) -> None:
    assert store.completeness("st-01", STORED.recording_id) is None
    (first,) = store.save_recordings([STORED])
    other = replace(STORED, device_id="st-02")
    again, new = store.save_recordings([replace(STORED, samples=1), other])
    assert again.id == first.id != new.id
    assert store.completeness("st-01", STORED.recording_id) == "partial"
    assert [replace(each, missing=[(10, 20)]) for each in store.unanalysed()] == [first, new]


def test_many_recordings_keep_their_order_and_ids(store: Store) -> None:
    many = [replace(STORED, recording_id=f"{number:016x}") for number in range(50)]
    saved = store.save_recordings(many)
    assert [replace(each, id=None) for each in saved] == many
    assert [each.id for each in store.unanalysed()] == [each.id for each in saved]


def test_a_result_is_saved_once_with_its_messages(store: Store) -> None:
    row_id = save(store, STORED)
    posted = store.save_results([analysis_result(row_id)])
    assert [message.topic for message in posted] == [message.topic for message in MESSAGES]
    assert store.save_results([analysis_result(row_id, replace(RESULT, status="error"))]) == []
    assert store.pending() == posted
    assert store.unanalysed() == []


def test_only_new_results_of_a_batch_are_saved(store: Store) -> None:
    first, second = save(store, STORED), save(store, replace(STORED, device_id="st-02"))
    store.save_results([analysis_result(first)])
    posted = store.save_results(
        [analysis_result(first), analysis_result(second, replace(RESULT, device_id="st-02"))]
    )
    assert len(posted) == len(MESSAGES)
    assert store.unanalysed() == []


def test_delivered_messages_leave_the_outbox_and_their_ids_are_not_reused(store: Store) -> None:
    posted = store.save_results([analysis_result(save(store, STORED))])
    store.acknowledge([posted[0].id])
    other = analysis_result(
        save(store, replace(STORED, device_id="st-02")), replace(RESULT, device_id="st-02")
    )
    again = store.save_results([other], delivered=[posted[1].id])
    assert store.pending() == again
    assert {message.id for message in again}.isdisjoint(message.id for message in posted)


def test_two_devices_may_use_the_same_recording_id(store: Store) -> None:
    row_id = save(store, STORED)
    save(store, replace(STORED, device_id="st-02"))
    assert store.save_results([replace(analysis_result(row_id), messages=())]) == []
    assert [each.device_id for each in store.unanalysed()] == ["st-02"]


def test_results_that_cannot_be_saved_whole_are_not_saved_at_all(store: Store) -> None:
    row_id = save(store, STORED)
    twice = replace(RESULT, models=(PREDICTION, PREDICTION))
    with pytest.raises(IntegrityError):
        store.save_results([analysis_result(row_id, twice)])
    assert store.pending() == []
    assert len(store.unanalysed()) == 1


def test_a_read_only_store_reads_beside_the_writer_and_cannot_write(url: str, store: Store) -> None:
    reader = open_existing(url)
    save(store, STORED)
    assert reader.completeness("st-01", STORED.recording_id) == "partial"
    with pytest.raises(Exception, match=r"read-?only"):
        reader.save_recordings([replace(STORED, device_id="st-02")])
    reader.close()


def test_the_lookup_works_from_another_thread(store: Store) -> None:
    save(store, STORED)
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(store.completeness("st-01", STORED.recording_id)))
    thread.start()
    thread.join()
    assert found == ["partial"]


def test_a_worker_has_one_heartbeat(url: str, store: Store) -> None:
    for second in range(3):
        store.save_heartbeat("edge-01", f"2026-11-20T17:20:0{second}.000Z", {"state": "ready"})
    assert store.last_heartbeat("edge-01") == "2026-11-20T17:20:02.000Z"
    assert store.last_heartbeat("edge-02") is None


def test_opening_twice_changes_nothing(url: str, store: Store) -> None:
    save(store, STORED)
    again = Store.open(url)
    assert again.completeness("st-01", STORED.recording_id) == "partial"
    again.close()


def test_opening_a_missing_database_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="start the worker"):
        open_existing(f"sqlite:///{tmp_path / 'none.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(StoreError, match="other tables"):
        Store.open(f"sqlite:///{path}")


def test_a_database_of_a_newer_version_is_left_alone(url: str, store: Store) -> None:
    with connect(url).begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="another version"):
        Store.open(url)


def test_a_file_that_is_no_database_is_a_short_error(tmp_path: Path) -> None:
    path = tmp_path / "song.db"
    path.write_bytes(b"RIFF" + bytes(2000))
    with pytest.raises(StoreError, match="not a database"):
        Store.open(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "given",
    [
        "nonsense",
        "oracle+nothing://x/y",
        "sqlite:////nonexistent-directory/x/y.db",
        "postgresql://h/d",
        "postgresql://x:abc/d",
    ],
)
def test_an_invalid_url_is_a_short_error(given: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store.open(given)
    assert "\n" not in str(caught.value)


def test_a_deleted_recording_counts_as_stored_and_is_not_stored_again(store: Store, url: str) -> None:
    assert store.completeness("st-01", "00000000000000aa") is None
    with connect(url).begin() as connection:
        deleted = {"device_id": "st-01", "recording_id": "00000000000000aa", "deleted_at": NOW}
        connection.execute(schema.deletions.insert(), deleted)
    assert store.completeness("st-01", "00000000000000aa") == "complete"
    assert store.completeness("st-02", "00000000000000aa") is None


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("damage", ["{", "", "[" * 100_000, "NaN["])
def test_a_recording_whose_row_cannot_be_read_costs_no_other(
    store: Store, tmp_path: Path, damage: str
) -> None:
    save(store, STORED)
    save(store, replace(STORED, device_id="st-02"))
    with sqlite3.connect(tmp_path / "stetho.db") as connection:
        connection.execute("UPDATE recordings SET meta = ? WHERE device_id = 'st-01'", (damage,))
    assert [each.device_id for each in store.unanalysed()] == ["st-02"]


def test_a_heartbeat_is_as_old_as_the_time_that_passed_whatever_the_wall_clock_did(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = ClockReading(1_795_000_000.0, "this start", 50.0)
    store.save_heartbeat("edge-01", text_of(written.wall_s), {"clock": written.to_document()})
    for wall_s in (110.0, 1_795_000_007.0, 2_085_978_496.0):
        monkeypatch.setattr(
            ClockReading, "now", lambda wall_s=wall_s: ClockReading(wall_s, "this start", 57.0)
        )
        assert store.last_heartbeat("edge-01") == text_of(wall_s - 7)
    monkeypatch.setattr(ClockReading, "now", lambda: ClockReading(1_795_000_500.0, "another start", 57.0))
    assert store.last_heartbeat("edge-01") == text_of(written.wall_s)
