"""How devices belong to shards, as the database of a cluster has it: its workers must all do the same.

With another number of shards, or another hash, two workers would serve the same device, and nobody another.
"""

from typing import Any, Final

from edge_worker.database.engine import LazyDatabase
from edge_worker.database.site_state import site_facts
from edge_worker.errors import SettingsError
from edge_worker.protocol.sharing.shard import HASH, SHARDS

_OURS: Final[dict[str, Any]] = {"shards": SHARDS, "hash": HASH}


class ShardMapping(LazyDatabase):
    """The mapping of the workers of a database. The first one that starts writes it."""

    def require(self) -> None:
        """Raise SettingsError unless workers that ran before mapped devices as this program does."""
        with self._transaction() as connection:
            site_facts.add(connection, site_facts.SHARDS, _OURS)
            known = site_facts.read(connection, site_facts.SHARDS)
        if known != _OURS:
            raise SettingsError(
                f"the workers of this database have {known.get('shards')} shards by {known.get('hash')}, "
                f"this program has {SHARDS} by {HASH}: run the same version on all machines, or give this "
                "site another STETHO_DATABASE_URL"
            )
