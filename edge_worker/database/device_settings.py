"""Desired settings of each device: the API writes them, the worker reads them every second."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, func, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from edge_worker.database.postgresql.reason import reason
from edge_worker.database.schema import device_settings
from edge_worker.database.statements.compiled_statement import CompiledStatement
from edge_worker.errors import StoreError
from edge_worker.protocol.timestamp import rfc3339

Document = Mapping[str, Any]
_REVISION: Final = CompiledStatement(select(func.max(device_settings.c.revision)))


@dataclass(frozen=True, slots=True)
class DesiredSettings:
    """Desired settings of one device, and who set them."""

    document: dict[str, Any]
    """`models`: names, or null; `gate`: `on` and `threshold`, or null; `{}`: as the configuration says."""
    changed_at: str
    """RFC 3339."""
    changed_by: str


class DeviceSettingsTable:
    """Desired settings of all devices. Safe from any thread; every method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, device_id: str) -> DesiredSettings | None:
        """Return the desired settings of a device; None where none were ever set."""
        columns = [device_settings.c[name] for name in DesiredSettings.__dataclass_fields__]
        with self._transaction() as connection:
            row = connection.execute(select(*columns).where(device_settings.c.device_id == device_id)).first()
        return None if row is None else DesiredSettings(**row._mapping)

    def put(self, device_id: str, document: Document, changed_by: str) -> DesiredSettings:
        """Replace the desired settings of a device."""
        desired = DesiredSettings(dict(document), rfc3339(datetime.now(UTC)), changed_by)
        values = {name: getattr(desired, name) for name in DesiredSettings.__dataclass_fields__}
        try:
            with self._transaction() as connection:
                _put(connection, device_id, values)
        except IntegrityError:  # two at once: the row of the other one exists now
            with self._transaction() as connection:
                _put(connection, device_id, values)
        return desired

    def revision(self) -> int:
        """Return a number that increases with every change of any device."""
        with self._transaction() as connection:
            revision: int | None = _REVISION.found(connection, {})[0][0]
        return revision or 0

    def documents(self) -> dict[str, Document]:
        """Return the desired settings by device id."""
        query = select(device_settings.c.device_id, device_settings.c.document)
        with self._transaction() as connection:
            return {row.device_id: row.document for row in connection.execute(query)}

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise StoreError(f"device settings cannot be reached: {reason(error)}") from error


def _put(connection: Connection, device_id: str, values: dict[str, Any]) -> None:
    following = select(func.coalesce(func.max(device_settings.c.revision), 0) + 1).scalar_subquery()
    change = update(device_settings).where(device_settings.c.device_id == device_id)
    changed = connection.execute(change.values(revision=following, **values)).rowcount
    if not changed:
        connection.execute(insert(device_settings).values(device_id=device_id, revision=following, **values))
