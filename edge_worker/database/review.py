"""Reviews: a person confirms or rejects the result of a recording, with a note."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    delete,
    exists,
    insert,
    literal,
    select,
    update,
)

from edge_worker.database.engine import LazyDatabase
from edge_worker.database.recording_query import is_recording
from edge_worker.database.schema import recordings, reviews
from edge_worker.protocol.timestamp import rfc3339


@dataclass(frozen=True, slots=True)
class Review:
    """Review of one result by a person."""

    verdict: Literal["confirmed", "rejected"]
    note: str
    reviewer: str
    reviewed_at: str
    version: int
    """1 for the first, one more with every change."""
    finding: Literal["normal", "abnormal"] | None = None
    """What the reviewer says that the heart is; None: nothing."""


def find(connection: Connection, device_id: str, recording_id: str) -> Review | None:
    """Return the review of a recording, None where there is none."""
    columns = [reviews.c[name] for name in Review.__dataclass_fields__]
    query = select(*columns).join_from(reviews, recordings).where(*is_recording(device_id, recording_id))
    row = connection.execute(query).first()
    return None if row is None else Review(**row._mapping)


class ReviewTable(LazyDatabase):
    """Writes reviews, with optimistic locking: a change names the version that it replaces."""

    def save(
        self,
        device_id: str,
        recording_id: str,
        *,
        verdict: str,
        note: str,
        reviewer: str,
        expected: int,
        finding: str | None = None,
    ) -> bool:
        """Save a review; return False when the present one is not version `expected` (0: none) any more."""
        values: dict[str, Any] = {
            "verdict": verdict,
            "note": note,
            "reviewer": reviewer,
            "reviewed_at": rfc3339(datetime.now(UTC)),
            "version": expected + 1,
            "finding": finding,
        }
        recording = is_recording(device_id, recording_id)
        with self._transaction() as connection:
            if expected == 0:
                return _insert_if_none(connection, recording, values)
            change = update(reviews).where(
                reviews.c.recording == _row_id(recording), reviews.c.version == expected
            )
            return connection.execute(change.values(**values)).rowcount > 0

    def withdraw(self, device_id: str, recording_id: str, expected: int) -> bool:
        """Delete a review; return False when it is not version `expected` any more."""
        row_id = _row_id(is_recording(device_id, recording_id))
        with self._transaction() as connection:
            removal = delete(reviews).where(reviews.c.recording == row_id, reviews.c.version == expected)
            return connection.execute(removal).rowcount > 0


def _row_id(recording: Sequence[ColumnElement[bool]]) -> ScalarSelect[Any]:
    return select(recordings.c.id).where(*recording).scalar_subquery()


def _insert_if_none(
    connection: Connection, recording: Sequence[ColumnElement[bool]], values: dict[str, Any]
) -> bool:
    is_unreviewed = ~exists().where(reviews.c.recording == recordings.c.id)
    row = select(recordings.c.id, *map(literal, values.values())).where(*recording, is_unreviewed)
    # Not rowcount: drivers need not know it after an INSERT, and psycopg does not.
    inserted = insert(reviews).from_select(["recording", *values], row).returning(reviews.c.version)
    return connection.execute(inserted).first() is not None
