"""Which recordings are of a subject: those that name it, and those without a name in its exams."""

from sqlalchemy import ColumnElement, Select, exists, select, union_all

from edge_worker.database.schema import recordings


def names(subject: str) -> ColumnElement[bool]:
    """Return the condition under which a recording names the subject."""
    return recordings.c.subject == subject


def is_in_exam_of(subject: str) -> ColumnElement[bool]:
    """Return the condition under which a recording names nobody, but is part of an exam of the subject.

    Of an exam that names several subjects it belongs to none for sure.
    """
    return recordings.c.id.in_(_nameless(subject))


def is_of(subject: str) -> ColumnElement[bool]:
    """Return the condition under which a recording is of the subject."""
    mine = recordings.alias("mine")
    own = select(mine.c.id).where(mine.c.subject == subject)
    return recordings.c.id.in_(select(union_all(own, _nameless(subject)).subquery()))


def _nameless(subject: str) -> Select[tuple[int]]:
    """Return the query of the nameless recordings in exams of a subject: from its own to their neighbours."""
    mine, each, other = (recordings.alias(name) for name in ("mine", "each", "other"))
    is_same_exam = (each.c.exam == mine.c.exam) & (each.c.device_id == mine.c.device_id)
    others = exists().where(
        other.c.exam == mine.c.exam, other.c.device_id == mine.c.device_id, other.c.subject != subject
    )
    return (
        select(each.c.id)
        .join_from(mine, each, is_same_exam)
        .where(mine.c.subject == subject, mine.c.exam.is_not(None), each.c.subject.is_(None), ~others)
    )
