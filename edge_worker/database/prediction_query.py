"""Predictions: their rows, queries of the latest, and how often each model gave each label."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, cast, func, select

from edge_worker.database.counting.count_tables import label_counts as counted
from edge_worker.database.schema import LONG, predictions, recordings
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Result

_COLUMNS = tuple(name for name in Prediction.__dataclass_fields__ if name in predictions.c)
"""What is queried has a column; the whole prediction is in the document of the result."""


@dataclass(frozen=True, slots=True)
class PredictionEntry:
    """A stored prediction of one model, with the time and the audio file of its recording."""

    captured_at: str
    device_id: str
    recording_id: str
    audio_file: str
    file_name: str | None
    """Of an upload, as its sender calls it."""
    model: str
    label: str
    confidence: float
    accepted: bool
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How often a model gave a label."""

    model: str
    label: str
    total: int
    accepted: int
    """Predictions among them with enough confidence to be shown."""


def latest(
    connection: Connection, limit: int, device: str | None = None, model: str | None = None
) -> list[PredictionEntry]:
    """Return the last `limit` predictions, of one device or model where one is given, newest first."""
    columns = (
        (recordings if name in ("captured_at", "audio_file", "file_name") else predictions).c[name]
        for name in PredictionEntry.__dataclass_fields__
    )
    query = select(*columns).join_from(predictions, recordings)
    if device is not None:
        # From its recordings, which an index has in this order: for SQLite no index has this text of the
        # model. PostgreSQL would take it for rare, and sort all of the device.
        of_model = (
            predictions.c.model if connection.dialect.name != "sqlite" else predictions.c.model.concat("")
        )
        query = query.where(recordings.c.device_id == device).order_by(recordings.c.id.desc())
        query = query if model is None else query.where(of_model == model)
    elif model is not None:
        query = query.where(predictions.c.model == model).order_by(predictions.c.recording.desc())
    else:
        query = query.order_by(predictions.c.id.desc())
    return [PredictionEntry(**row._mapping) for row in connection.execute(query.limit(limit))]


def label_counts(connection: Connection) -> list[LabelCount]:
    """Return how often each model gave each label, by model, the most frequent label first."""
    model, label = counted.c.model, counted.c.label
    total, accepted = (cast(func.sum(each), LONG) for each in (counted.c.total, counted.c.accepted))
    query = select(model, label, total, accepted).group_by(model, label).having(total > 0)
    return [LabelCount(*row) for row in connection.execute(query.order_by(model, total.desc(), label))]


def rows(recording: int, result: Result) -> list[dict[str, Any]]:
    """Return the rows of the predictions of a result; `recording` is the id of the recording's row."""
    key = {"recording": recording, "device_id": result.device_id, "recording_id": result.recording_id}
    return [{**key, **{name: getattr(prediction, name) for name in _COLUMNS}} for prediction in result.models]
