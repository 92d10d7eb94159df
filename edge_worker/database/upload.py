"""Idempotency-Key of each upload: the same upload sent again under its key gives the same recording."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, insert, select
from sqlalchemy.exc import IntegrityError

from edge_worker.database.schema import uploads
from edge_worker.protocol.timestamp import rfc3339


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload under an Idempotency-Key, and the recording that it became."""

    key: str
    device_id: str
    recording_id: str
    sha256: str
    """Of the uploaded bytes."""


class UploadTable:
    """Table of uploads by Idempotency-Key."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, upload: Upload) -> Upload:
        """Insert an upload; return it, or the earlier one under the same key."""
        values = {name: getattr(upload, name) for name in Upload.__dataclass_fields__}
        try:
            with self._engine.begin() as connection:
                connection.execute(insert(uploads), values | {"made_at": rfc3339(datetime.now(UTC))})
        except IntegrityError:
            return self.find(upload.key) or upload
        return upload

    def find(self, key: str) -> Upload | None:
        """Return the upload under a key, None where there is none."""
        columns = [uploads.c[name] for name in Upload.__dataclass_fields__]
        with self._engine.connect() as connection:
            row = connection.execute(select(*columns).where(uploads.c.key == key)).first()
        return None if row is None else Upload(**row._mapping)
