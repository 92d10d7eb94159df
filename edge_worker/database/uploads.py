"""Idempotency-Key of uploads: what was sent once under a key is one recording, however often it comes."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from edge_worker.database.schema import uploads
from edge_worker.protocol.timestamp import rfc3339


@dataclass(frozen=True, slots=True)
class Upload:
    """What was taken in under a key."""

    key: str
    device_id: str
    recording_id: str
    sha256: str
    """Of what was sent."""


class UploadTable:
    """Keys and their recordings."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, upload: Upload) -> Upload:
        """Note an upload; return it, or the one that came first under its key."""
        values = {name: getattr(upload, name) for name in Upload.__dataclass_fields__}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(uploads), values | {"made_at": rfc3339(datetime.now(UTC))})
        except IntegrityError:
            return self.find(upload.key) or upload
        return upload

    def find(self, key: str) -> Upload | None:
        """Return what came under a key."""
        columns = [uploads.c[name] for name in Upload.__dataclass_fields__]
        with self._engine.connect() as connection:
            row = connection.execute(select(*columns).where(uploads.c.key == key)).first()
        return None if row is None else Upload(**row._mapping)
