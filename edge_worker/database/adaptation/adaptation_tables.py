"""Tables of adaptation: calibrations, which `stetho calibrate` writes, and the running spectra of devices.

The worker reads the calibrations every second.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from edge_worker.database.adaptation import reviewed_recordings, running_spectrum
from edge_worker.database.adaptation.reviewed_recordings import ReviewedRecording
from edge_worker.database.postgresql.reason import reason
from edge_worker.database.schema import device_calibrations
from edge_worker.database.statements.compiled_statement import CompiledStatement
from edge_worker.errors import StoreError
from edge_worker.inference.device_adaptation import DeviceCalibration, DeviceSpectrum

Calibrations = Mapping[str, Mapping[str, DeviceCalibration]]
"""Calibrations by device id and model."""

_CHANGE_TOKEN: Final = CompiledStatement(
    select(func.count(), func.coalesce(func.max(device_calibrations.c.calibrated_at), ""))
)
_FIELDS = tuple(DeviceCalibration.__dataclass_fields__)


class AdaptationTables:
    """Calibrations and spectra of all devices. Safe from any thread; every method may raise StoreError."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def change_token(self) -> tuple[int, str]:
        """Return a token that differs once a calibration was added, replaced or removed."""
        with self._transaction() as connection:
            count, calibrated_at = _CHANGE_TOKEN.found(connection, {})[0]
        return count, calibrated_at

    def all(self) -> Calibrations:
        """Return all calibrations, devices and models by name."""
        order = (device_calibrations.c.device_id, device_calibrations.c.model)
        found: dict[str, dict[str, DeviceCalibration]] = defaultdict(dict)
        with self._transaction() as connection:
            for row in connection.execute(select(device_calibrations).order_by(*order)):
                found[row.device_id][row.model] = _calibration(row)
        return dict(found)

    def put(self, device_id: str, calibration: DeviceCalibration) -> None:
        """Save the calibration of a device; it replaces the one for the same model."""
        values = {name: getattr(calibration, name) for name in _FIELDS}
        which = (
            device_calibrations.c.device_id == device_id,
            device_calibrations.c.model == calibration.model,
        )
        with self._transaction() as connection:
            if not connection.execute(update(device_calibrations).where(*which).values(**values)).rowcount:
                connection.execute(insert(device_calibrations).values(device_id=device_id, **values))

    def remove(self, device_id: str, model: str) -> bool:
        """Remove the calibration of a device for a model; return False where there is none."""
        removal = delete(device_calibrations).where(*_of(device_id, model))
        with self._transaction() as connection:
            return connection.execute(removal).rowcount > 0

    def spectrum(self, device_id: str) -> DeviceSpectrum | None:
        """Return the running spectrum of a device, None where it has heard no heart yet."""
        with self._transaction() as connection:
            return running_spectrum.find(connection, device_id)

    def reviewed(self, device_id: str, model: str) -> list[ReviewedRecording]:
        """Return the reviewed recordings of a device that `model` classified, oldest first."""
        with self._transaction() as connection:
            return reviewed_recordings.find_all(connection, device_id, model)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"calibrations cannot be reached: {reason(error)}") from error


def _of(device_id: str, model: str) -> tuple[ColumnElement[bool], ...]:
    return (device_calibrations.c.device_id == device_id, device_calibrations.c.model == model)


def _calibration(row: Row[Any]) -> DeviceCalibration:
    values = {name: getattr(row, name) for name in _FIELDS}
    reference = values.pop("reference")
    return DeviceCalibration(**values, reference=None if reference is None else tuple(reference))
