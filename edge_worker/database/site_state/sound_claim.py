"""Claim of a store of sounds: sounds of one site are in one place, and no other site uses that place.

The database has a random id, and the store has it, too, in a file or an object beside the sounds. A worker
that finds none where others have stored sounds already has another directory than they, or another bucket;
one that finds that of another site would move or delete the sounds of that.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, select

from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.audio_store.sound import FOLDER, OWNER
from edge_worker.database.engine import LazyDatabase, begin_writing
from edge_worker.database.site_state import site_facts
from edge_worker.database.site_state.site_tables import site_facts as table
from edge_worker.errors import AudioOwnerError, StoreError
from edge_worker.own_command import stetho
from edge_worker.settings import Settings

_MARK: Final = OWNER.removeprefix(f"{FOLDER}/")
_ID_BYTES: Final = 8


class SoundClaim(LazyDatabase):
    """The claim of a site on a store of sounds."""

    def __init__(self, settings: Settings, audio: AudioStore) -> None:
        """Claim `audio` for the database of these settings; nothing is asked yet."""
        super().__init__(settings.database)
        self._audio = audio
        self._place = settings.audio_url
        """As the database has it: that of directories, each of another machine, is an empty text."""
        self._is_whole = not settings.database_url and not settings.audio_url
        """Whether database and sounds lie in one data directory, which one worker at a time uses."""
        self._has_looked = False
        self._site = ""
        """The id, as soon as it is known: a damaged database may lose it."""

    def check(self) -> str:
        """Claim the store, or find that it is still ours; return where sounds are kept.

        Raises:
            AudioOwnerError: it is that of another site, or our sounds are elsewhere.
            StoreError, OSError: store or database refuse.
        """
        if self._is_whole:
            if not self._has_looked:
                self._claim_whole()
            return self._audio.check()
        owner = self._audio.owner()
        is_ours = owner and self._known() == {"id": owner, "place": self._place}
        self._site = owner if is_ours else self._claim(owner)
        return f"in {self._audio.place}"

    def require(self) -> None:
        """Change nothing; raise AudioOwnerError where a worker with these settings would be refused."""
        known = self._known()
        if known:  # a worker has looked
            self._refuse_unless_ours(known, self._audio.owner())

    def _known(self) -> dict[str, Any]:
        with self._transaction() as connection:
            return site_facts.read(connection, site_facts.SOUNDS)

    def _claim_whole(self) -> None:
        """Claim what lies beside the database; a disk that is full does not keep a worker from starting."""
        self._has_looked = True
        try:
            self._claim(self._audio.owner())
        except AudioOwnerError:
            raise
        except (OSError, StoreError):
            pass

    def _claim(self, owner: str) -> str:
        """Return the id of this site, which is that of the store by now."""
        with self._transaction() as connection:
            begin_writing(connection)
            new = (owner if self._is_whole else self._site) or secrets.token_hex(_ID_BYTES)
            site_facts.add(connection, site_facts.SOUNDS, {"id": new})
        with self._transaction() as connection:
            known, owner = _locked(connection), self._audio.owner()  # others may have claimed it just now
            self._refuse_unless_ours(known, owner)
            has_moved = known.get("place", self._place) != self._place
            # A worker that still has the former place is refused from now on: the mark there is an old one.
            site = secrets.token_hex(_ID_BYTES) if has_moved else str(known["id"])
            if owner != site:
                self._audio.set_owner(site)
            site_facts.write(connection, site_facts.SOUNDS, {"id": site, "place": self._place})
        return site

    def _refuse_unless_ours(self, known: Mapping[str, Any], owner: str) -> None:
        if owner == known["id"]:
            return
        place = known.get("place", self._place)
        if place != self._place:
            raise AudioOwnerError(self._elsewhere(str(place)))
        if owner:
            raise AudioOwnerError(self._of_another(known))
        if "place" in known and not self._is_whole:
            raise AudioOwnerError(
                f"the sounds of this site are not in {self._audio.place}: its workers need one place for "
                "them, a bucket (STETHO_AUDIO_URL), or a directory that each machine has mounted there"
                f"{_unless(known)}"
            )

    def _of_another(self, known: Mapping[str, Any]) -> str:
        return (
            f"{self._audio.place} has the sounds of another site: set STETHO_AUDIO_URL to a place of its own"
            f"{_unless(known)}"
        )

    def _elsewhere(self, place: str) -> str:
        move = stetho(f"migrate-audio --from {place or 'DIRECTORY'} --to {self._place or 'DIRECTORY'}")
        return (
            f"the sounds of this site are in {place or 'a directory'}, not in {self._audio.place}: set "
            f"STETHO_AUDIO_URL as its other programs have it, or move them with `{move}`"
        )


def _unless(known: Mapping[str, Any]) -> str:
    return f" (if they are this site's, write {known['id']} into {_MARK} there)"


def _locked(connection: Connection) -> dict[str, Any]:
    """Return what is known; nobody else changes it until the transaction ends."""
    begin_writing(connection)
    connection.execute(select(table).where(table.c.name == site_facts.SOUNDS).with_for_update())
    return site_facts.read(connection, site_facts.SOUNDS)
