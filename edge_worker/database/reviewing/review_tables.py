"""Tables of reviews, beside those of `edge_worker.database.schema`, whose rules hold here."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from edge_worker.database.schema import LONG, metadata

reviews: Final = Table(
    "reviews",
    metadata,
    Column("recording", LONG, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("verdict", String(9), nullable=False),
    Column("note", Text, nullable=False),
    Column("reviewer", String(64), nullable=False),
    Column("reviewed_at", String(24), nullable=False),
    Column("version", Integer, nullable=False),
    Column("finding", String(8)),
    Column("model", String(32)),
    Column("label", String(64)),
    Column("severity", String(8)),
    Column("said_model", String(32)),
    Column("said_version", String(32)),
    Column("said_label", String(64)),
)
"""The review of a result that counts: `confirmed`, `rejected`, or `corrected` to `label` of `model`, which
has `severity`. `version` counts changes, for `If-Match`; `finding` is what the person says that the heart
is, `normal` or `abnormal`. What it is about is `said_label` of `said_model`, null where it cannot tell."""

review_changes: Final = Table(
    "review_changes",
    metadata,
    Column("id", LONG, primary_key=True),
    Column("recording", LONG, ForeignKey("recordings.id", ondelete="CASCADE"), nullable=False),
    *(Column(each.name, each.type, nullable=each.nullable) for each in reviews.c if each.name != "recording"),
    Index("review_changes_by_recording", "recording", "id"),
)
"""All reviews that a recording ever had; `verdict` is `withdrawn` where one was taken back."""
