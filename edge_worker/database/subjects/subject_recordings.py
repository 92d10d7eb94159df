"""Which recordings are of a subject: those that name it, and those without a name in its exams."""

from sqlalchemy import ColumnElement, and_, exists

from edge_worker.database.schema import recordings


def names(subject: str) -> ColumnElement[bool]:
    """Return the condition under which a recording names the subject."""
    return recordings.c.subject == subject


def is_in_exam_of(subject: str) -> ColumnElement[bool]:
    """Return the condition under which a recording names nobody, but is part of an exam of the subject.

    Of an exam that names several subjects it belongs to none for sure.
    """
    other = recordings.alias("other")
    is_same_exam = (other.c.device_id == recordings.c.device_id) & (other.c.exam == recordings.c.exam)
    return and_(
        recordings.c.subject.is_(None),
        recordings.c.exam.is_not(None),
        exists().where(is_same_exam, other.c.subject == subject),
        ~exists().where(is_same_exam, other.c.subject != subject),
    )


def is_of(subject: str) -> ColumnElement[bool]:
    """Return the condition under which a recording is of the subject."""
    return names(subject) | is_in_exam_of(subject)
