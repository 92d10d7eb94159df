"""Files of shards on their way to another machine: what was let go, and the last state of open streams.

They go through the connection that holds the locks, so that nobody gives what another holds already.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Text, bindparam, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from edge_worker.database.schema import recordings
from edge_worker.database.sharing.moving_tables import moving_files
from edge_worker.database.sharing.shard_locks import ShardLocks
from edge_worker.protocol.sharing.shard import shard_of

_FILES: Final = moving_files.c
_NEW: Final = insert(moving_files)
_PUT: Final = _NEW.on_conflict_do_update(
    index_elements=[_FILES.device_id, _FILES.name], set_={"content": _NEW.excluded.content}
)
_RECORDING: Final = func.left(_FILES.name, 16, type_=Text)
"""A file is called after its recording."""
_IS_STORED: Final = exists().where(
    recordings.c.device_id == _FILES.device_id, recordings.c.recording_id == _RECORDING
)
_REMOVE: Final = delete(moving_files).where(
    _FILES.device_id == bindparam("device"), _FILES.name == bindparam("file")
)


class MovingFile(NamedTuple):
    """A file of the spool, by its name below the folder of its device."""

    device_id: str
    name: str
    content: bytes


class MovingFiles:
    """The files that move. Used by the thread of the locks.

    Every method may raise StoreError: the connection is lost, and with it all locks.
    """

    def __init__(self, locks: ShardLocks) -> None:
        self._locks = locks

    def put(self, files: Sequence[MovingFile], *, durably: bool = False) -> None:
        """Keep files for whoever takes their shards next; those that exist nowhere else `durably`."""
        rows = [{**each._asdict(), "shard": shard_of(each.device_id)} for each in files]
        with self._locks.durably() if durably else self._locks.using() as connection:
            connection.execute(_PUT, rows)

    def names(self, shards: Collection[int]) -> list[tuple[str, str]]:
        """Return device and name of the files of shards, except of what is stored."""
        query = select(_FILES.device_id, _FILES.name).where(_FILES.shard.in_(shards), ~_IS_STORED)
        with self._locks.using() as connection:
            return [(device_id, name) for device_id, name in connection.execute(query.order_by(_FILES.name))]

    def read(self, device_id: str, name: str) -> bytes:
        """Return the content of a file that is there."""
        query = select(_FILES.content).where(_FILES.device_id == device_id, _FILES.name == name)
        with self._locks.using() as connection:
            return bytes(connection.execute(query).scalar_one())

    def remove(self, files: Collection[tuple[str, str]]) -> None:
        """Delete files, by device and name: they have arrived, or are not needed."""
        if files:
            with self._locks.using() as connection:
                connection.execute(_REMOVE, [{"device": device, "file": name} for device, name in files])

    def remove_stored(self) -> None:
        """Delete the files of recordings and streams that are stored."""
        with self._locks.using() as connection:
            connection.execute(delete(moving_files).where(_IS_STORED))
