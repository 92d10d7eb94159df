"""Change of whose sound a stored recording is: in its row, its metadata and its result."""

import json

from sqlalchemy import Connection, select, update

from edge_worker.database.recording_query import is_recording
from edge_worker.database.schema import recordings
from edge_worker.protocol import strict_json

BY_HAND = "operator"
"""Value of `subject_source` in META: a person said it afterwards."""


def set_subject(connection: Connection, device_id: str, recording_id: str, subject: str | None) -> bool:
    """Say whose an analysed recording is; None: nobody knows. Return False where there is none such."""
    which = is_recording(device_id, recording_id)
    row = connection.execute(select(recordings.c.meta, recordings.c.document).where(*which)).first()
    if row is None or row.document is None:
        return False
    named = {} if subject is None else {"subject": subject}
    meta, document = dict(row.meta), json.loads(row.document)
    for each in (meta, document):
        each.pop("subject", None)
    values = {
        "subject": subject,
        "meta": meta | named | {"subject_source": BY_HAND},
        "document": strict_json.write(document | named),
    }
    return connection.execute(update(recordings).where(*which).values(values)).rowcount > 0
