"""Read access to the database: pages of results, single recordings, reviews, exams, devices, heartbeats.

"Newest" is the order in which recordings were stored, unless another is asked for.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from edge_worker.database import (
    device_query,
    exam_query,
    outbox,
    prediction_query,
    recording_query,
    result_feed,
    result_query,
    worker_heartbeat,
)
from edge_worker.database.device_query import DeviceSummary
from edge_worker.database.engine import connect, follow_file, require_writable
from edge_worker.database.exam_query import ExamPage
from edge_worker.database.page_cursor import Sort
from edge_worker.database.paging.result_filter import ResultFilter
from edge_worker.database.postgresql.reason import reason
from edge_worker.database.prediction_query import LabelCount, PredictionEntry
from edge_worker.database.recording_query import RecordingEntry
from edge_worker.database.result_query import ResultPage
from edge_worker.database.reviewing import agreement, review
from edge_worker.database.reviewing.agreement import ReviewCount
from edge_worker.database.reviewing.review import Review
from edge_worker.database.revision import current_revision, require_revision
from edge_worker.database.site_state import site_state
from edge_worker.database.site_state.site_state import SiteWarnings
from edge_worker.database.worker_heartbeat import WorkerHeartbeat
from edge_worker.errors import DatabaseDamagedError, DatabaseUnwritableError, StoreError
from edge_worker.protocol.exam import Exam

_PAGE_SIZE: Final = 200


class History:
    """The reading side of the database; `Store` is the writing side.

    Safe from any thread. Every method may raise StoreError.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Return the history at `url`, which need not exist yet.

        Raises:
            StoreError: `url` is malformed, or what it names is not our database.
        """
        history = cls(connect(url, read_only=True))
        follow_file(history._engine)
        if history._exists():
            _require_ours(history._engine)
        else:
            _require_writable(Path(str(history._engine.url.database)).parent)
        return history

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def require_ready(self) -> None:
        """Raise StoreError, which says what to do, unless the tables exist in this version."""
        self._require_file()
        require_revision(self._engine)

    # --- results ------------------------------------------------------------------------------------

    def results(
        self, filters: ResultFilter, limit: int, cursor: str | None = None, sort: Sort = "-stored"
    ) -> ResultPage:
        """Return up to `limit` results that pass `filters`, in the order of `sort`, from `cursor` on.

        Raises:
            CursorError: `cursor` is not one of ours, or of another order.
        """
        with self._connection() as connection:
            return result_query.read_page(connection, filters, sort, cursor, limit)

    def reviewed_results(
        self, filters: ResultFilter, limit: int, cursor: str | None = None, sort: Sort = "-stored"
    ) -> ResultPage:
        """Return a page as `results` does; the results of reviewed recordings have their `review`."""
        with self._connection() as connection:
            page = result_query.read_page(connection, filters, sort, cursor, limit)
            return replace(page, documents=review.added(connection, page.rows, page.documents))

    def all_results(self, filters: ResultFilter, sort: Sort = "-stored") -> Iterator[str]:
        """Yield the documents of all pages, each with the review that it has.

        Pages are read as they are consumed, so memory and transactions stay small.
        """
        cursor: str | None = None
        while True:
            page = self.reviewed_results(filters, _PAGE_SIZE, cursor, sort)
            yield from page.documents
            if page.next is None:
                return
            cursor = page.next

    def last_result_number(self) -> int:
        """Return the number of the newest result, 0 where there is none."""
        with self._connection() as connection:
            return result_feed.last_number(connection)

    def result_number_of_row(self, row: int) -> int | None:
        """Return the number of the result of a recording, by the id of its row; None: there is none."""
        with self._connection() as connection:
            return result_feed.number_of_row(connection, row)

    def results_after(self, number: int, limit: int, device: str | None = None) -> list[tuple[int, str]]:
        """Return up to `limit` results with higher numbers than `number`, each with its own, JSON text."""
        with self._connection() as connection:
            return result_feed.results_after(connection, number, limit, device)

    def last_events(self, device_id: str, limit: int) -> list[str]:
        """Return the results of the last events of a device, newest first, JSON texts."""
        with self._connection() as connection:
            return result_feed.last_events(connection, device_id, limit)

    # --- recordings ---------------------------------------------------------------------------------

    def recording(self, recording_id: str, device: str | None = None) -> list[RecordingEntry]:
        """Return the recordings of that id: ids are unique per device, so there may be several."""
        with self._connection() as connection:
            return recording_query.find(connection, recording_id, device)

    def recording_of_file(self, file_name: str, device: str | None = None) -> RecordingEntry | None:
        """Return the last recording that was uploaded under this name, None where there is none."""
        with self._connection() as connection:
            return recording_query.of_file(connection, file_name, device)

    def recording_of_stem(self, stem: str, device: str | None = None) -> RecordingEntry | None:
        """Return the last recording that was uploaded under this name, whatever follows its last point."""
        with self._connection() as connection:
            return recording_query.of_stem(connection, stem, device)

    def latest_recordings(self, device: str, limit: int) -> list[RecordingEntry]:
        """Return the last `limit` recordings of a device, newest first."""
        with self._connection() as connection:
            return recording_query.latest(connection, device, limit)

    def document(self, device_id: str, recording_id: str) -> dict[str, Any] | None:
        """Return the result of a recording, None where there is none yet."""
        with self._connection() as connection:
            return recording_query.document(connection, device_id, recording_id)

    def timeline(self, device_id: str, recording_id: str) -> str | None:
        """Return the timeline of a stream, JSON text; None: there is none, because it is no stream."""
        with self._connection() as connection:
            return recording_query.timeline(connection, device_id, recording_id)

    def review(self, device_id: str, recording_id: str) -> Review | None:
        """Return the review of a recording, None where there is none."""
        with self._connection() as connection:
            return review.find(connection, device_id, recording_id)

    def review_changes(self, device_id: str, recording_id: str) -> list[Review]:
        """Return all reviews that a recording ever had, oldest first."""
        with self._connection() as connection:
            return review.changes(connection, device_id, recording_id)

    def reviews(self, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Review]:
        """Return the reviews of recordings by device and recording id, of those that have one."""
        with self._connection() as connection:
            return review.find_all(connection, keys)

    def review_counts(self) -> list[ReviewCount]:
        """Return how many reviews say the same of the same answer of a model, by day."""
        with self._connection() as connection:
            return agreement.count_all(connection)

    def count(self) -> int:
        """Return how many recordings there are."""
        with self._connection() as connection:
            return recording_query.count(connection)

    # --- exams, predictions, devices, workers -------------------------------------------------------

    def exam(self, exam_id: str, device: str | None = None) -> list[Exam]:
        """Return the exams of that id: ids are unique per device, so there may be several."""
        with self._connection() as connection:
            devices = exam_query.devices(connection, exam_id, device)
            return [exam_query.exam(connection, each, exam_id) for each in devices]

    def exams(
        self, limit: int, device: str | None = None, after: int | None = None, subject: str | None = None
    ) -> ExamPage:
        """Return up to `limit` exams, the one begun last first, from `after` on."""
        with self._connection() as connection:
            return exam_query.read_page(connection, limit, device, after, subject)

    def predictions(
        self, limit: int, device: str | None = None, model: str | None = None
    ) -> list[PredictionEntry]:
        """Return the last `limit` predictions, of one device or model where one is given, newest first."""
        with self._connection() as connection:
            return prediction_query.latest(connection, limit, device, model)

    def label_counts(self) -> list[LabelCount]:
        """Return how often each model gave each label, by model, the most frequent label first."""
        with self._connection() as connection:
            return prediction_query.label_counts(connection)

    def devices(self, device: str | None = None) -> list[DeviceSummary]:
        """Return all devices by name, or only `device`."""
        with self._connection() as connection:
            return device_query.summaries(connection, device)

    def site_warnings(self) -> SiteWarnings:
        """Return what somebody has to look at: the clock, and what keeps recordings from being deleted."""
        with self._connection() as connection:
            return site_state.warnings(connection)

    def heartbeats(self) -> list[WorkerHeartbeat]:
        """Return the last heartbeat of every worker, the newest first."""
        with self._connection() as connection:
            return worker_heartbeat.find_all(connection)

    def audio_files(self) -> dict[str, bool]:
        """Return the WAV files that recordings name, below the data directory: whether each must be there."""
        with self._connection() as connection:
            return recording_query.audio_files(connection)

    def named(self, sounds: Sequence[str]) -> set[str]:
        """Return those of `sounds`, names of WAV files, that recordings have."""
        with self._connection() as connection:
            return recording_query.named(connection, sounds)

    def outbox_messages(self) -> int:
        """Return how many messages the broker has not acknowledged."""
        with self._connection() as connection:
            return outbox.count(connection)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        self._require_file()
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            require_revision(self._engine)  # its message is clearer where that is the reason
            raise StoreError(f"the database cannot be read: {reason(error)}") from error

    def _require_file(self) -> None:
        # Connecting would create an empty file, which then belongs to the wrong program.
        if not self._exists():
            require_writable(Path(str(self._engine.url.database)))
            raise StoreError("the database does not exist yet; start the worker once, it creates the tables")

    def _exists(self) -> bool:
        path = self._engine.url.database
        return self._engine.dialect.name != "sqlite" or path is None or os.path.exists(path)  # noqa: PTH110 raises nothing


def _require_ours(engine: Engine) -> None:
    """Raise StoreError where the database is not ours; one that cannot be read now may be later."""
    try:
        current_revision(engine)
    except (DatabaseDamagedError, DatabaseUnwritableError):  # the worker repairs it, or waits for its disk
        pass
    except StoreError as error:
        if not isinstance(error.__cause__, OperationalError):
            raise


def _require_writable(directory: Path) -> None:
    """Raise StoreError when the worker could never create the database in `directory`."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    # A reader writes there too: the `-shm` file of SQLite's WAL.
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        raise StoreError(
            f"{directory} is not a directory that can be written; set STETHO_DATA_DIR or STETHO_DATABASE_URL"
        )
