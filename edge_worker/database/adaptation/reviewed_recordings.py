"""Recordings of a device whose label of normal or abnormal a person reviewed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, exists, select

from edge_worker.database.schema import predictions, recordings, reviews, timelines


@dataclass(frozen=True, slots=True)
class ReviewedRecording:
    """A reviewed recording with the label that a model accepted."""

    recording_id: str
    audio_sha256: str
    audio_file: str
    """Path of the WAV file below the data directory."""
    samples: int
    missing: Sequence[Sequence[int]]
    meta: dict[str, Any]
    label: str
    verdict: Literal["confirmed", "rejected"]


def find_all(connection: Connection, device_id: str, model: str) -> list[ReviewedRecording]:
    """Return the reviewed recordings of a device whose label `model` accepted, oldest first.

    A label that was not accepted was not shown, so no review is about it. Streams and events are left out:
    their sound is not stored whole.
    """
    source = {"label": predictions, "verdict": reviews}
    names = ReviewedRecording.__dataclass_fields__
    columns = [source.get(name, recordings).c[name] for name in names]
    is_stream = exists().where(timelines.c.recording == recordings.c.id)
    query = (
        select(*columns)
        .join_from(reviews, recordings, reviews.c.recording == recordings.c.id)
        .join(predictions, predictions.c.recording == recordings.c.id)
        .where(recordings.c.device_id == device_id, recordings.c.parent.is_(None), ~is_stream)
        .where(predictions.c.model == model, predictions.c.accepted)
        .order_by(recordings.c.id)
    )
    return [ReviewedRecording(**row._mapping) for row in connection.execute(query)]
