"""Reviewed recordings as labelled sounds: what a person says is right, and the clips for training of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, delete, exists, select, update

from edge_worker.database.reviewing.review_tables import reviews
from edge_worker.database.schema import recordings, timelines, training_clips


@dataclass(frozen=True, slots=True)
class LabelledRecording:
    """A reviewed recording, with the label of one model where a person says which is right."""

    row: int
    """Id of the row of the recording."""
    device_id: str
    subject: str | None
    audio_file: str
    """Path of the WAV file below the data directory."""
    is_whole: bool
    """Whether no sample is missing."""
    is_stream: bool
    """Whether it is a stream, or an event of one."""
    verdict: Literal["confirmed", "rejected", "corrected"]
    model: str | None
    label: str | None
    """None: nobody says which is right."""


def find_all(connection: Connection) -> list[LabelledRecording]:
    """Return all reviewed recordings, the one stored first first; reviews are written by hand, so few."""
    is_stream = (
        recordings.c.parent.is_not(None) | exists().where(timelines.c.recording == recordings.c.id)
    ).label("is_stream")
    facts = (recordings.c.id, recordings.c.device_id, recordings.c.subject, recordings.c.audio_file)
    said = (reviews.c.said_model, reviews.c.said_label)
    query = select(
        *facts, recordings.c.missing, is_stream, reviews.c.verdict, reviews.c.model, reviews.c.label, *said
    ).join_from(reviews, recordings)
    return [
        LabelledRecording(
            row.id,
            row.device_id,
            row.subject,
            row.audio_file,
            not row.missing,
            bool(row.is_stream),
            row.verdict,
            *right_label(row._asdict()),
        )
        for row in connection.execute(query.order_by(recordings.c.id))
    ]


def right_label(review: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return model and label that a review says are right; (None, None) where it says of none."""
    if review["verdict"] == "corrected":
        return review["model"], review["label"]
    if review["verdict"] == "confirmed" and review["said_label"] is not None:
        return review["said_model"], review["said_label"]
    return None, None


def relabel_clips(connection: Connection, recording: ColumnElement[int], review: Mapping[str, Any]) -> None:
    """Let clips of a recording follow its new review: they get its label, or go where it gives them none."""
    model, label = right_label(review)
    clips = training_clips.c
    is_of_recording = clips.recording == recording
    if model is None:
        connection.execute(delete(training_clips).where(is_of_recording))
        return
    connection.execute(delete(training_clips).where(is_of_recording, clips.model != model))
    connection.execute(update(training_clips).where(is_of_recording).values(label=label))
