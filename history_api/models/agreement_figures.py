"""Agreement of people and models, from the counts of reviews: by model and month or week, and confusions."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from edge_worker.database.reviewing.agreement import ReviewCount

Period = Literal["month", "week"]
_Z: Final = 1.96
"""Of the normal distribution, for intervals of 95 %."""


@dataclass(slots=True)
class PeriodFigures:
    """Reviews of the answers of one version of a model in a month or a week."""

    period: str
    """`2026-11`, or `2026-W48` as ISO 8601 counts weeks."""
    version: str
    confirmed: int = 0
    rejected: int = 0
    corrected: int = 0
    cannot_tell: int = 0
    """Corrections where the model could not tell: no answer that was right or wrong."""

    @property
    def reviews(self) -> int:
        """How many reviews there are of answers."""
        return self.confirmed + self.rejected + self.corrected

    @property
    def share(self) -> float | None:
        """Share of the reviewed answers that people confirmed; None: there are none."""
        return self.confirmed / self.reviews if self.reviews else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the share (Wilson 1927); None: there are no reviews."""
        n, share = self.reviews, self.share
        if share is None:
            return None
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * (share * (1 - share) / n + _Z**2 / (4 * n**2)) ** 0.5
        return max(0.0, middle - half), min(1.0, middle + half)

    def count(self, each: ReviewCount) -> None:
        """Add reviews."""
        if each.said is None:
            self.cannot_tell += each.reviews
        elif each.agrees:
            self.confirmed += each.reviews
        elif each.verdict == "rejected":
            self.rejected += each.reviews
        else:
            self.corrected += each.reviews


@dataclass(frozen=True, slots=True)
class Confusion:
    """A label of a model, and what reviewers say instead."""

    said: str | None
    """None: the model could not tell."""
    right_model: str | None
    right: str | None
    """None: they say only that it is wrong."""
    reviews: int


@dataclass(slots=True)
class ModelAgreement:
    """What reviews say of one model."""

    model: str
    periods: list[PeriodFigures] = field(default_factory=list)
    """In the order of time."""
    confusions: list[Confusion] = field(default_factory=list)
    """Most frequent first; what was confirmed is among them: it is what the model said."""

    @property
    def total(self) -> PeriodFigures:
        """The sum of all periods and versions."""
        total = PeriodFigures("", "")
        for each in self.periods:
            total.confirmed += each.confirmed
            total.rejected += each.rejected
            total.corrected += each.corrected
            total.cannot_tell += each.cannot_tell
        return total


def agreement(counts: Iterable[ReviewCount], by: Period) -> list[ModelAgreement]:
    """Return the figures of each model, by the names of the models."""
    by_model: dict[str, list[ReviewCount]] = defaultdict(list)
    for each in counts:
        by_model[each.model].append(each)
    return [
        ModelAgreement(model, list(_periods(each, by)), list(_confusions(each)))
        for model, each in sorted(by_model.items())
    ]


def _periods(counts: Iterable[ReviewCount], by: Period) -> Iterator[PeriodFigures]:
    periods: dict[tuple[str, str], PeriodFigures] = {}
    for each in counts:
        key = _period(each.day, by), each.version or "?"
        periods.setdefault(key, PeriodFigures(*key)).count(each)
    yield from (periods[key] for key in sorted(periods))


def _period(day: str, by: Period) -> str:
    if by == "month":
        return day[:7]
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"{year}-W{week:02}"


def _confusions(counts: Iterable[ReviewCount]) -> Iterator[Confusion]:
    totals: Counter[tuple[str | None, str | None, str | None]] = Counter()
    for each in counts:
        right = (each.model, each.said) if each.agrees else (each.right_model, each.right)
        totals[(each.said, *right)] += each.reviews
    yield from (Confusion(*labels, reviews) for labels, reviews in totals.most_common())
