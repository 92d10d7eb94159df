"""Running spectrum of each device: the mean spectral shape of the hearts that it heard."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, select, text, update

from edge_worker.database.schema import device_spectra
from edge_worker.database.statements.compiled_statement import CompiledStatement
from edge_worker.inference.device_adaptation import DeviceSpectrum

MOST_RECORDINGS: Final = 50
"""Largest count: later recordings weigh a fiftieth each, so that the mean follows a device that changes."""

_IS_DEVICE: Final = device_spectra.c.device_id == bindparam("device")
_FIND: Final = CompiledStatement(
    select(device_spectra.c.levels_db, device_spectra.c.recordings).where(_IS_DEVICE)
)
_CHANGE: Final = CompiledStatement(
    update(device_spectra)
    .where(_IS_DEVICE)
    .values(levels_db=bindparam("levels_db"), recordings=bindparam("recordings"))
)

# Two workers may have the first heart of a device at once, while it passes from one to the other.
_BEGIN: Final = text(
    "INSERT INTO device_spectra (device_id, levels_db, recordings) VALUES (:device, :levels_db, :recordings) "
    "ON CONFLICT (device_id) DO NOTHING"
).bindparams(bindparam("levels_db", type_=device_spectra.c.levels_db.type))


def find(connection: Connection, device_id: str) -> DeviceSpectrum | None:
    """Return the running spectrum of a device, None where it has heard no heart yet."""
    found = _FIND.found(connection, {"device": device_id})
    if not found:
        return None
    levels_db, recordings = found[0]
    levels = json.loads(levels_db) if isinstance(levels_db, str) else levels_db  # some drivers read JSON
    return DeviceSpectrum(tuple(levels), recordings)


def learn(connection: Connection, device_id: str, shape: Sequence[float]) -> None:
    """Add the spectral shape of one recording, in dB by band, to the running spectrum of its device."""
    known = find(connection, device_id)
    if known is None:
        connection.execute(_BEGIN, {"device": device_id, "levels_db": list(shape), "recordings": 1})
        return
    count = min(known.recordings, MOST_RECORDINGS - 1)
    pairs = zip(known.levels_db, shape, strict=True)
    levels_db = [round((count * mean + level) / (count + 1), 4) for mean, level in pairs]
    changed = {"device": device_id, "levels_db": levels_db, "recordings": count + 1}
    _CHANGE.run(connection, [changed])
