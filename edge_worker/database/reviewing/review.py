"""Reviews: a person confirms, rejects or corrects the result of a recording, with a note."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
    tuple_,
    update,
)

from edge_worker.database.engine import LazyDatabase
from edge_worker.database.recording_query import is_recording
from edge_worker.database.reviewing.labelled_recordings import relabel_clips
from edge_worker.database.reviewing.review_tables import review_changes, reviews
from edge_worker.database.reviewing.reviewed_answer import MachineAnswer
from edge_worker.database.schema import recordings
from edge_worker.protocol import strict_json
from edge_worker.protocol.meaning import Severity
from edge_worker.protocol.timestamp import rfc3339


@dataclass(frozen=True, slots=True)
class Review:
    """Review of one result by a person."""

    verdict: Literal["confirmed", "rejected", "corrected", "withdrawn"]
    """`withdrawn` only among the changes: the review before it was taken back."""
    note: str
    reviewer: str
    reviewed_at: str
    version: int
    """1 for the first, one more with every change."""
    finding: Literal["normal", "abnormal"] | None = None
    """What the reviewer says that the heart is; None: nothing."""
    model: str | None = None
    """Model whose `label` is the right one, of a correction."""
    label: str | None = None
    severity: Severity | None = None
    """Of the label to which the result was corrected."""
    said_model: str | None = None
    """Model that gave the answer which the review is about, and its version; None: none could tell."""
    said_version: str | None = None
    said_label: str | None = None
    """What that model said; None: that it cannot tell."""


@dataclass(frozen=True, slots=True)
class Correction:
    """The label that a reviewer says is the right one."""

    model: str
    label: str
    severity: Severity


def find(connection: Connection, device_id: str, recording_id: str) -> Review | None:
    """Return the review of a recording, None where there is none."""
    columns = [reviews.c[name] for name in Review.__dataclass_fields__]
    query = select(*columns).join_from(reviews, recordings).where(*is_recording(device_id, recording_id))
    row = connection.execute(query).first()
    return None if row is None else Review(**row._mapping)


def find_all(connection: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Review]:
    """Return the reviews of recordings, of those that have one."""
    key = (recordings.c.device_id, recordings.c.recording_id)
    columns = [reviews.c[name] for name in Review.__dataclass_fields__]
    query = select(*key, *columns).join_from(reviews, recordings).where(tuple_(*key).in_(keys))
    return {(row[0], row[1]): Review(*row[2:]) for row in connection.execute(query)}


def added(connection: Connection, rows: Sequence[int], documents: Sequence[str]) -> list[str]:
    """Return the results of recordings, JSON texts; where there is a review, it is their `review`."""
    columns = [reviews.c[name] for name in Review.__dataclass_fields__]
    found = connection.execute(select(reviews.c.recording, *columns).where(reviews.c.recording.in_(rows)))
    texts = {row.recording: strict_json.write(asdict(Review(*row[1:]))) for row in found}
    # Not parsed and written again: that takes longer than the query.
    return [
        f'{document[:-1]},"review":{texts[row]}}}' if row in texts and document.endswith("}") else document
        for row, document in zip(rows, documents, strict=True)
    ]


def changes(connection: Connection, device_id: str, recording_id: str) -> list[Review]:
    """Return all reviews that a recording ever had, oldest first."""
    columns = [review_changes.c[name] for name in Review.__dataclass_fields__]
    query = (
        select(*columns).join_from(review_changes, recordings).where(*is_recording(device_id, recording_id))
    )
    return [Review(**row._mapping) for row in connection.execute(query.order_by(review_changes.c.id))]


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
        correction: Correction | None = None,
        said: MachineAnswer | None = None,
    ) -> bool:
        """Save a review; return False when the present one is not version `expected` (0: none) any more."""
        values: dict[str, Any] = {
            "verdict": verdict,
            "note": note,
            "reviewer": reviewer,
            "reviewed_at": rfc3339(datetime.now(UTC)),
            "version": expected + 1,
            "finding": finding,
            **(asdict(correction) if correction else dict.fromkeys(Correction.__dataclass_fields__)),
            **{f"said_{name}": getattr(said, name, None) for name in MachineAnswer.__dataclass_fields__},
        }
        recording = is_recording(device_id, recording_id)
        with self._transaction() as connection:
            if expected == 0:
                is_saved = _insert_if_none(connection, recording, values)
            else:
                is_seen = (reviews.c.recording == _row_id(recording), reviews.c.version == expected)
                is_saved = connection.execute(update(reviews).where(*is_seen).values(**values)).rowcount > 0
            if is_saved:
                _keep(connection, recording, values)
                relabel_clips(connection, _row_id(recording), values)
        return is_saved

    def withdraw(self, device_id: str, recording_id: str, expected: int, reviewer: str = "") -> bool:
        """Delete a review; return False when it is not version `expected` any more."""
        recording = is_recording(device_id, recording_id)
        row_id = _row_id(recording)
        with self._transaction() as connection:
            removal = delete(reviews).where(reviews.c.recording == row_id, reviews.c.version == expected)
            is_removed = connection.execute(removal).rowcount > 0
            if is_removed:
                values = {"verdict": "withdrawn", "note": "", "reviewer": reviewer, "version": expected + 1}
                _keep(connection, recording, values | {"reviewed_at": rfc3339(datetime.now(UTC))})
                relabel_clips(connection, _row_id(recording), values)
        return is_removed


def _keep(connection: Connection, recording: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> None:
    """Add a change to those that the recording had."""
    connection.execute(insert(review_changes).values(recording=_row_id(recording), **values))


def _row_id(recording: Sequence[ColumnElement[bool]]) -> ScalarSelect[Any]:
    return select(recordings.c.id).where(*recording).scalar_subquery()


def _insert_if_none(
    connection: Connection, recording: Sequence[ColumnElement[bool]], values: dict[str, Any]
) -> bool:
    if connection.dialect.name == "postgresql":  # of two at once, the second waits, and then sees the first
        connection.execute(select(recordings.c.id).where(*recording).with_for_update(key_share=True))
    is_unreviewed = ~exists().where(reviews.c.recording == recordings.c.id)
    row = select(recordings.c.id, *map(literal, values.values())).where(*recording, is_unreviewed)
    # Not rowcount: drivers need not know it after an INSERT, and psycopg does not.
    inserted = insert(reviews).from_select(["recording", *values], row).returning(reviews.c.version)
    return connection.execute(inserted).first() is not None
