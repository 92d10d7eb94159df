"""Audit of a cluster: of what was sent, what is lost, split, another sound, without a result, or untold."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import create_engine, func, select

from bench.cluster.sent import Sent
from edge_worker.database.schema import predictions, recordings


@dataclass(frozen=True, slots=True)
class Audit:
    """Counts of recordings and streams."""

    sent: int
    streams: int
    """Of these."""
    lost: int
    """Not in the history."""
    split: int
    """There, but not all of it: another worker may have had the rest."""
    corrupted: int
    """Whole, with another sound than was sent."""
    without_result: int
    failed: int
    """With the result `error`."""
    doubled: int
    """With several predictions of a model, or different results published."""
    not_given: int
    """Of which the API gives no sound, or another."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        stored = self.lost or self.split or self.corrupted
        return not (stored or self.without_result or self.failed or self.doubled or self.not_given)


def audit(database_url: str, sent: Iterable[Sent], different_results: int, not_given: int) -> Audit:
    """Return the audit of what was sent, with what others counted."""
    known = list(sent)
    columns = recordings.c
    query = select(
        columns.device_id,
        columns.recording_id,
        columns.completeness,
        columns.audio_start,
        columns.audio_sha256,
        columns.status,
    )
    twice = (
        select(predictions.c.recording, predictions.c.model)
        .group_by(predictions.c.recording, predictions.c.model)
        .having(func.count() > 1)
    )
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = {(device, name): facts for device, name, *facts in connection.execute(query)}
        doubled = len(connection.execute(twice).all())
    engine.dispose()
    found = [(each, rows.get((each.device_id, each.delivery.name))) for each in known]
    there = [(each, *facts) for each, facts in found if facts is not None]
    return Audit(
        sent=len(known),
        streams=sum(each.is_stream for each in known),
        lost=len(known) - len(there),
        split=sum(completeness != "complete" for _, completeness, *_ in there),
        corrupted=sum(
            completeness == "complete" and not (each.may_begin_at(start) and digest == each.sha256(start))
            for each, completeness, start, digest, _ in there
        ),
        without_result=sum(status is None for *_, status in there),
        failed=sum(status == "error" for *_, status in there),
        doubled=doubled + different_results,
        not_given=not_given,
    )
