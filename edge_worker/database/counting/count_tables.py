"""Tables of counts, beside those of `edge_worker.database.schema`, whose rules hold here."""

from typing import Final

from sqlalchemy import Column, Integer, String, Table

from edge_worker.database.schema import LONG, metadata

recording_counts: Final = Table(
    "recording_counts",
    metadata,
    Column("device_id", String(32), primary_key=True),
    Column("recordings", LONG, nullable=False),
)
"""How many recordings of each device there are."""

label_counts: Final = Table(
    "label_counts",
    metadata,
    Column("model", String(32), primary_key=True),
    Column("label", String(64), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("total", LONG, nullable=False),
    Column("accepted", LONG, nullable=False),
)
"""How often each model gave each label, and how often it was sure enough; the sum over all `part`s. A part is
some of the devices: two writers of different devices seldom wait for the same row."""
