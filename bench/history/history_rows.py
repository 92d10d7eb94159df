"""A history of a million results: rows as a busy site has them, with labels and states that are rare."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from bench.progress import steps
from edge_worker.database.counting import counts
from edge_worker.database.engine import connect
from edge_worker.database.store import Store
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, Quality, Result
from edge_worker.protocol.timestamp import rfc3339

Table = tuple[str, tuple[str, ...], Iterable[tuple[Any, ...]]]
"""Name, columns and rows of a table; a column of truth has numbers or bool, as SQLite takes both."""
ROWS: Final = 1_000_000
DEVICES: Final = 300
RARE_EVERY: Final = 100_003
"""One row in this many is rare: its label, its status, its verdict, its exam."""
UNANALYSED: Final = 20
"""Rows at the end that have no result yet."""
_EVENT_EVERY: Final = 101
_EXAM_EVERY: Final = 5
_EXAM_SIZE: Final = 4
_BATCH: Final = 20_000
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_RECORDING_COLUMNS: Final = (
    "id", "device_id", "recording_id", "received_at", "captured_at", "captured_at_source", "completeness",
    "missing", "sample_rate", "channels", "samples", "audio_sha256", "audio_file", "meta", "exam", "status",
    "heart_rate_bpm", "analysed_at", "document", "parent", "verdict", "severity", "disagree", "file_name",
    "subject",
)  # fmt: skip
_PREDICTION_COLUMNS: Final = (
    "recording", "device_id", "recording_id", "model", "version", "sha256", "label", "confidence",
    "threshold", "accepted", "probabilities", "windows", "took_ms",
)  # fmt: skip
_MODELS: Final = ("heart2", "heart5")


def fill(path: Path, rows: int = ROWS, rare_every: int = RARE_EVERY) -> None:
    """Create the database as a worker does, and insert `rows` recordings with their results directly."""
    Store.open(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
        connection.execute(f"PRAGMA {pragma}")
    for tables in batches(rows, rare_every):
        connection.execute("BEGIN")
        for table, columns, values in tables:
            _insert(connection, table, columns, values)
        connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    engine = connect(f"sqlite:///{path}")
    with engine.begin() as counting:
        counts.count_again(counting)
    engine.dispose()


def batches(rows: int = ROWS, rare_every: int = RARE_EVERY) -> Iterator[list[Table]]:
    """Yield the rows of all tables, some thousand recordings at a time."""
    document = _result().to_json().decode()
    for first in steps(range(1, rows + 1, _BATCH), "history"):
        numbers = range(first, min(first + _BATCH, rows + 1))
        with_result = [number for number in numbers if number <= rows - UNANALYSED]
        yield [
            ("recordings", _RECORDING_COLUMNS, (_recording(n, rows, document, rare_every) for n in numbers)),
            ("result_feed", ("number", "recording"), ((n, n) for n in with_result)),
            (
                "predictions",
                _PREDICTION_COLUMNS,
                (_prediction(number, model, rare_every) for number in with_result for model in _MODELS),
            ),
        ]


def names(number: int) -> tuple[str, str]:
    """Return device and recording id of a row."""
    return f"st-{number % DEVICES:03}", f"{number:016x}"


def stream_of(device: str) -> str:
    """Return the recording id of the stream of a device: each 101st recording is an event of its stream."""
    return f"{10**12 + int(device[3:]):016x}"


def exam_of(number: int) -> str:
    """Return the exam of a row, if it belongs to one: four recordings of its device, one after the other."""
    return f"exam-{number % DEVICES}-{number // DEVICES // _EXAM_SIZE}"


def _insert(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - constants
    connection.executemany(statement, rows)


def _result() -> Result:
    shares = {"artifact": 0.003, "extrahls": 0.002, "extrastole": 0.001, "murmur": 0.009, "normal": 0.985}
    models = tuple(
        Prediction(model, "1.0.0", "f" * 64, "normal", 0.985, 0.8, True, shares, 1, 0.4) for model in _MODELS
    )
    return Result(
        device_id="DEVICE",
        recording_id="RECORDING",
        status="ok",
        completeness="complete",
        audio=Audio(44100, 1, 176400, "5" * 64),
        quality=Quality(True, 12.0, 0.0),
        captured_at=rfc3339(_BEGIN),
        captured_at_source="device",
        models=models,
        heart_rate_bpm=72.0,
        site="MV",
    )


def _recording(number: int, rows: int, document: str, rare_every: int) -> tuple[Any, ...]:
    device, name = names(number)
    time = rfc3339(_BEGIN + timedelta(seconds=20 * number))
    is_rare, is_common, has_result = number % rare_every == 0, number % 3 > 0, number <= rows - UNANALYSED
    exam = exam_of(number) if number % _EXAM_EVERY == 0 else None
    outcome: dict[str, Any] = {
        "status": "error" if is_rare else "ok" if is_common else "inconclusive",
        "heart_rate_bpm": 72.0,
        "analysed_at": time,
        "document": document.replace("DEVICE", device).replace("RECORDING", name),
        "verdict": "murmur" if is_rare else "normal" if is_common else None,
        "severity": "finding" if is_rare else "none" if is_common else "unknown",
        "disagree": int(is_rare),
    }
    values = {
        "id": number,
        "device_id": device,
        "recording_id": name,
        "received_at": time,
        "captured_at": time,
        "captured_at_source": "device",
        "completeness": "complete",
        "missing": "[]",
        "sample_rate": 44100,
        "channels": 1,
        "samples": 176400,
        "audio_sha256": "5" * 64,
        "audio_file": f"audio/{device}/{name}.wav",
        "meta": "{}",
        "exam": exam,
        "parent": stream_of(device) if number % _EVENT_EVERY == 0 else None,
        "file_name": f"heart {number}.wav" if is_rare else None,
        "subject": f"patient-{number // 50}" if exam else None,
        **(outcome if has_result else {}),
    }
    return tuple(values.get(column) for column in _RECORDING_COLUMNS)


def _prediction(number: int, model: str, rare_every: int) -> tuple[Any, ...]:
    is_rare = number % rare_every == 0
    label = "murmur" if is_rare else "normal"
    # heart5 accepts nearly all, heart2 nearly nothing, as on an unproven stethoscope.
    accepted = is_rare if model == "heart2" else not is_rare
    return (number, *names(number), model, "1.0.0", "f" * 64, label, 0.985, 0.8, accepted, "{}", 1, 0.4)
