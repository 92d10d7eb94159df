"""Tables of the state of a site, beside those of `edge_worker.database.schema`, whose rules hold here."""

from typing import Final

from sqlalchemy import JSON, Column, Float, ForeignKey, String, Table

from edge_worker.database.schema import LONG, metadata

uncertain_times: Final = Table(
    "uncertain_times",
    metadata,
    Column("recording", LONG, ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True),
    Column("boot", String(36), nullable=False),
    Column("uptime_s", Float, nullable=False),
)
"""Recordings that arrived while the clock was not believed: when, in seconds since the start of the system
that `boot` names. Age deletes none of them; a row is deleted when the time of its recording is corrected."""

site_facts: Final = Table(
    "site_facts",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("document", JSON, nullable=False),
)
"""What outlives the processes of a site: the last time that was believed, the state of retention."""
