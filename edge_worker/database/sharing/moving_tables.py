"""Table of files that move, beside those of `edge_worker.database.schema`, whose rules hold here."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table

from edge_worker.database.schema import metadata

moving_files: Final = Table(
    "moving_files",
    metadata,
    Column("device_id", String(32), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("shard", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("moving_files_by_shard", "shard"),
)
"""Files of the spool of shards that were let go, until they are taken; the last state of open streams; names
of what is not stored, without content."""
