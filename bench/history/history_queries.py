"""Times of every query of API and worker on a history of a million results, and against its first page."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any, Final

from bench.history import history_rows
from bench.history.history_rows import RARE_EVERY, exam_of
from bench.progress import steps
from edge_worker.database.history import History
from edge_worker.database.page_cursor import Sort
from edge_worker.database.paging.result_filter import ResultFilter
from edge_worker.database.store import Store

_Query = Callable[[], object]

_TIMES: Final = 5
_PAGE: Final = 50
_SLOW_MS: Final = 10.0
_SORTS: Final[tuple[Sort, ...]] = ("-stored", "-captured_at", "captured_at")
_LONG_AGO: Final = ResultFilter(since="2026-01-02T00:00:00.000Z", until="2026-01-02T06:00:00.000Z")
_DEVICE: Final = f"st-{0:03}"
FILTERS: Final = (
    ResultFilter(),
    ResultFilter(device=_DEVICE),
    ResultFilter(label="murmur"),
    ResultFilter(label="none of them"),
    ResultFilter(model="heart5", label="murmur"),
    ResultFilter(label="normal"),
    ResultFilter(accepted=False),
    ResultFilter(accepted=True),
    ResultFilter(model="heart2", accepted=True),
    ResultFilter(model="heart5", accepted=False),
    ResultFilter(model="heart5", label="normal", accepted=True),
    ResultFilter(label="murmur", accepted=False),
    ResultFilter(status="error"),
    ResultFilter(status="ok"),
    ResultFilter(status="inconclusive", severity="finding"),
    ResultFilter(verdict="murmur"),
    ResultFilter(severity="finding"),
    ResultFilter(severity="none"),
    ResultFilter(disagree=True),
    ResultFilter(disagree=False),
    ResultFilter(reviewed="none"),
    ResultFilter(reviewed="rejected"),
    ResultFilter(corrected_to="murmur"),
    ResultFilter(exam=exam_of(300_000)),
    ResultFilter(subject="patient-10000"),
    ResultFilter(no_subject=True),
    ResultFilter(file_name="heart"),
    ResultFilter(device=_DEVICE, label="murmur"),
    ResultFilter(device=_DEVICE, label="normal", accepted=True),
    ResultFilter(device=_DEVICE, status="error"),
    replace(_LONG_AGO, device=_DEVICE),
    _LONG_AGO,
    ResultFilter(since=_LONG_AGO.since),
    ResultFilter(until="2026-03-01T00:00:00.000Z"),
    ResultFilter(device=_DEVICE, since=_LONG_AGO.since),
    replace(_LONG_AGO, label="murmur"),
    replace(_LONG_AGO, status="ok"),
    replace(_LONG_AGO, severity="finding"),
)
"""Filters whose first pages are timed, in every order: each alone, and in pairs that people use."""


def measure(url: str, rows: int) -> dict[str, float]:
    """Return the median time of the median query of the history at `url`, ms, and how many are over 10 ms."""
    times = query_times(url, rows)
    first = times[_page_name(ResultFilter(), "-stored")]
    return {
        "history_queries": len(times),
        "history_query_median_ms": statistics.median(times.values()),
        "history_query_slowest_ms": max(times.values()),
        "history_queries_over_10_ms": sum(each > _SLOW_MS for each in times.values()),
        "history_query_slowest_ratio": max(times.values()) / first,
    }


def query_times(url: str, rows: int) -> dict[str, float]:
    """Return the median time of every query, ms, by its name."""
    with closing(History.open(url)) as history, closing(Store.open(url)) as store:
        timed = list(queries(history, store, rows))
        return {name: _median_ms(query) for name, query in steps(timed, "queries")}


def queries(history: History, store: Store, rows: int) -> Iterator[tuple[str, _Query]]:
    """Yield the name of every query of API and worker, and what runs it."""
    for filters in FILTERS:
        for sort in _SORTS:
            yield _page_name(filters, sort), _bound(history.results, filters, _PAGE, None, sort)
    device, recording = history_rows.names(rows // 2)
    others: dict[str, _Query] = {
        "count": history.count,
        "devices": history.devices,
        "device": _bound(history.devices, device),
        "label counts": history.label_counts,
        "site warnings": history.site_warnings,
        "recording": _bound(history.recording, recording),
        "recording of file": _bound(history.recording_of_file, f"heart {RARE_EVERY}.wav"),
        "recording of stem": _bound(history.recording_of_stem, f"heart {RARE_EVERY}"),
        "latest recordings": _bound(history.latest_recordings, device, _PAGE),
        "document": _bound(history.document, device, recording),
        "last result number": history.last_result_number,
        "results after": _bound(history.results_after, rows - 100, _PAGE),
        "last events": _bound(history.last_events, device, _PAGE),
        "last events of none": _bound(history.last_events, "st-001", _PAGE),
        "exam": _bound(history.exam, exam_of(300_000)),
        "exams": _bound(history.exams, _PAGE),
        "exams after": _bound(history.exams, _PAGE, None, rows // 2),
        "exams of device": _bound(history.exams, _PAGE, device),
        "exams of subject": _bound(history.exams, _PAGE, None, None, "patient-10000"),
        "predictions": _bound(history.predictions, _PAGE),
        "predictions of device": _bound(history.predictions, _PAGE, device),
        "predictions of nobody": _bound(history.predictions, _PAGE, "nobody"),
        "predictions of model": _bound(history.predictions, _PAGE, None, "heart5"),
        "predictions of device and model": _bound(history.predictions, _PAGE, device, "heart5"),
    }
    of_worker: dict[str, _Query] = {
        "unanalysed": store.unanalysed,
        "completeness": _bound(store.completeness, device, recording),
        "has recordings": _bound(store.has_recordings, device),
        "event verdict": _bound(store.event_verdict, _DEVICE, history_rows.stream_of(_DEVICE)),
        "pending": store.pending,
    }
    yield from (others | {f"worker: {name}": query for name, query in of_worker.items()}).items()


def _page_name(filters: ResultFilter, sort: Sort) -> str:
    given = {name: getattr(filters, name) for name in ResultFilter.__dataclass_fields__}
    return f"page {sort} " + " ".join(f"{name}={value}" for name, value in given.items() if value is not None)


def _bound(query: Callable[..., object], *arguments: Any) -> _Query:  # noqa: ANN401 - any query's
    return lambda: query(*arguments)


def _median_ms(query: _Query) -> float:
    return statistics.median(_time_ms(query) for _ in range(_TIMES))


def _time_ms(query: _Query) -> float:
    started = time.perf_counter()
    query()
    return (time.perf_counter() - started) * 1000
