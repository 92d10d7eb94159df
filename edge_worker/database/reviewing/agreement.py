"""Counts of reviews: how often people agree with each version of a model, and what they say instead."""

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from edge_worker.database.reviewing.review_tables import reviews


@dataclass(frozen=True, slots=True)
class ReviewCount:
    """How many reviews of one day say the same of the same answer."""

    day: str
    """Of the reviews, UTC: `2026-11-20`."""
    model: str
    version: str | None
    said: str | None
    """Label that the model gave; None: it could not tell."""
    verdict: str
    right_model: str | None
    right: str | None
    """Label that the reviewers say is right; None: they name none."""
    reviews: int

    @property
    def agrees(self) -> bool:
        """Whether the reviewers say what the model said."""
        is_named = (self.right_model, self.right) == (self.model, self.said)
        return self.said is not None and (self.verdict == "confirmed" or is_named)


def count_all(connection: Connection) -> list[ReviewCount]:
    """Return the counts of all reviews of an answer of a model, earliest day first."""
    day = func.substr(reviews.c.reviewed_at, 1, 10).label("day")
    answer = (reviews.c.said_model, reviews.c.said_version, reviews.c.said_label)
    columns = (day, *answer, reviews.c.verdict, reviews.c.model, reviews.c.label)
    query = (
        select(*columns, func.count())
        .where(reviews.c.said_model.is_not(None))
        .group_by(*columns)
        .order_by(*columns)
    )
    return [ReviewCount(*row) for row in connection.execute(query)]
