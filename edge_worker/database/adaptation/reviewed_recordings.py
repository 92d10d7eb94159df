"""Recordings of a device of which a person said in a review what heart they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, exists, select

from edge_worker.database.reviewing.review_tables import reviews
from edge_worker.database.schema import predictions, recordings, timelines


@dataclass(frozen=True, slots=True)
class ReviewedRecording:
    """A reviewed recording with the label of one model."""

    recording_id: str
    audio_sha256: str
    audio_file: str
    """Path of the WAV file below the data directory."""
    samples: int
    missing: Sequence[Sequence[int]]
    meta: dict[str, Any]
    label: str
    accepted: bool
    """Whether the label was shown, so that the verdict is about it."""
    verdict: Literal["confirmed", "rejected", "corrected"]
    finding: Literal["normal", "abnormal"] | None
    severity: str | None
    """Of the label to which a reviewer corrected the result."""


def find_all(connection: Connection, device_id: str, model: str) -> list[ReviewedRecording]:
    """Return the reviewed recordings of a device that `model` classified, oldest first.

    Streams and events are left out: their sound is not stored whole.
    """
    source = {
        "label": predictions,
        "accepted": predictions,
        "verdict": reviews,
        "finding": reviews,
        "severity": reviews,
    }
    names = ReviewedRecording.__dataclass_fields__
    columns = [source.get(name, recordings).c[name] for name in names]
    is_stream = exists().where(timelines.c.recording == recordings.c.id)
    query = (
        select(*columns)
        .join_from(reviews, recordings, reviews.c.recording == recordings.c.id)
        .join(predictions, predictions.c.recording == recordings.c.id)
        .where(recordings.c.device_id == device_id, recordings.c.parent.is_(None), ~is_stream)
        .where(predictions.c.model == model)
        .order_by(recordings.c.id)
    )
    return [ReviewedRecording(**row._mapping) for row in connection.execute(query)]
