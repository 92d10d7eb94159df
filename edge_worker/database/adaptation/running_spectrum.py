"""Running spectrum of each device: the mean spectral shape of the hearts that it heard."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from edge_worker.database.schema import device_spectra
from edge_worker.inference.device_adaptation import DeviceSpectrum

MOST_RECORDINGS: Final = 50
"""Largest count: later recordings weigh a fiftieth each, so that the mean follows a device that changes."""

_IS_DEVICE: Final = device_spectra.c.device_id == bindparam("device")
# Made once: making a statement takes as long as running it.
_FIND: Final = select(device_spectra.c.levels_db, device_spectra.c.recordings).where(_IS_DEVICE)
_CHANGE: Final = (
    update(device_spectra)
    .where(_IS_DEVICE)
    .values(levels_db=bindparam("levels_db"), recordings=bindparam("recordings"))
)


def find(connection: Connection, device_id: str) -> DeviceSpectrum | None:
    """Return the running spectrum of a device, None where it has heard no heart yet."""
    row = connection.execute(_FIND, {"device": device_id}).first()
    return None if row is None else DeviceSpectrum(tuple(row.levels_db), row.recordings)


def learn(connection: Connection, device_id: str, shape: Sequence[float]) -> None:
    """Add the spectral shape of one recording, in dB by band, to the running spectrum of its device."""
    known = find(connection, device_id)
    if known is None:
        values = {"levels_db": list(shape), "recordings": 1}
        connection.execute(insert(device_spectra).values(device_id=device_id, **values))
        return
    count = min(known.recordings, MOST_RECORDINGS - 1)
    pairs = zip(known.levels_db, shape, strict=True)
    levels_db = [round((count * mean + level) / (count + 1), 4) for mean, level in pairs]
    connection.execute(_CHANGE, {"device": device_id, "levels_db": levels_db, "recordings": count + 1})
