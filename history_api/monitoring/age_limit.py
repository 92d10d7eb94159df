"""Which recordings are too old to be kept, by a clock that is checked.

A clock that jumps deletes nothing: where it is not believed, or where most recordings are old at once,
nothing is deleted until the clock is right or a person confirms it.
"""

from typing import Final

from edge_worker.database.deletion import RecordingDeletion
from edge_worker.database.site_state.clock_check import CONFIRM, text_of
from edge_worker.database.site_state.site_facts import RETENTION
from edge_worker.database.site_state.site_state import SiteState
from edge_worker.errors import StethoError

_DAY_S: Final = 86_400.0
_AT_ONCE_S: Final = _DAY_S
"""Recordings that became old in a longer time than this became old at once: nobody saw them do so."""
_MOST: Final = 0.5
"""Share of all recordings that may become old at once."""


class AgeUncertainError(StethoError):
    """Ages are not certain, so that nothing is deleted by age; the sentence says what to do."""


class AgeLimit:
    """The limit `STETHO_KEEP_DAYS` of one site."""

    def __init__(self, days: int, deletion: RecordingDeletion, state: SiteState) -> None:
        self._days = days
        self._deletion = deletion
        self._state = state

    def oldest_kept(self) -> str:
        """Return the time, RFC 3339, before which recordings are too old.

        Raises:
            AgeUncertainError: the clock is not believed, or most recordings are old at once.
        """
        fact = self._state.fact(RETENTION)
        try:
            now_s = self._believed_now()
            before = text_of(now_s - self._days * _DAY_S)
            if abs(now_s - fact.get("checked_s", 0.0)) > _AT_ONCE_S:
                self._require_few(before)
        except AgeUncertainError as error:
            self._state.save_fact(RETENTION, fact | {"held": str(error)})
            raise
        self._state.save_fact(RETENTION, {"checked_s": int(now_s)})
        return before

    def _believed_now(self) -> float:
        verdict = self._state.clock()
        if not verdict.is_believed:
            raise AgeUncertainError(f"nothing is deleted by age: {verdict.sentence}")
        return verdict.at

    def _require_few(self, before: str) -> None:
        old, count = self._deletion.count_received_before(before)
        if old > _MOST * count:
            raise AgeUncertainError(
                f"nothing is deleted by age: {old} of {count} recordings would be older than "
                f"STETHO_KEEP_DAYS={self._days} at once; {CONFIRM}"
            )
