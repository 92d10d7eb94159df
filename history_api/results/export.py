"""Export of all results that match a filter, streamed as CSV for spreadsheets or NDJSON for programs."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, Final

from flask import Blueprint, Response, g

from history_api.openapi.operation import UNAVAILABLE, Paths, file_answer, get
from history_api.results.results import FILTERS, result_filter
from history_api.services import services

COLUMNS: Final = (
    *("recording_id", "device_id", "captured_at", "captured_at_source", "site", "completeness", "status"),
    *("reasons", "heart_rate_bpm", "usable", "snr_db", "quality_score", "sample_rate_hz", "duration_s"),
    *("model", "version", "label", "confidence", "threshold", "accepted", "exam"),
    *("verdict", "severity", "models_disagree", "subject", "review", "corrected_to", "reviewer"),
)
"""Columns of the CSV: the recording, then one prediction; newer columns are appended."""
_PREDICTION_COLUMNS: Final = ("model", "version", "label", "confidence", "threshold", "accepted")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
_LINES_PER_WRITE: Final = 50
blueprint = Blueprint("export", __name__)
PATHS: Final[Paths] = {
    "/api/v1/results.csv": get(
        "all results with these filters, a line per recording and model",
        "results_csv",
        {"200": file_answer("text/csv")} | UNAVAILABLE,
        FILTERS,
    ),
    "/api/v1/results.ndjson": get(
        "all results with these filters, a JSON document per line",
        "results_ndjson",
        {"200": file_answer("application/x-ndjson")} | UNAVAILABLE,
        FILTERS,
    ),
}


@blueprint.get("/api/v1/results.csv")
def results_csv() -> Response:
    """Answer CSV with a line per recording and model; a recording without a prediction has one line."""
    return csv_file(COLUMNS, _reviewed_rows(_documents()), "results.csv")


@blueprint.get("/api/v1/results.ndjson")
def results_ndjson() -> Response:
    """Answer NDJSON: each result as published, with the review that it has, one per line."""
    return _file((document + "\n" for document in _documents()), "application/x-ndjson", "results.ndjson")


def _reviewed_rows(documents: Iterable[str]) -> Iterator[list[object]]:
    """Yield the rows of results, each with the review of its recording."""
    for result in map(json.loads, documents):
        review = result.get("review")
        said = [None] * 3 if review is None else [review["verdict"], review["label"], review["reviewer"]]
        yield from ([*row, *said] for row in _rows(result))


def _documents() -> Iterator[str]:
    documents = services().history.all_results(result_filter(), g.query["sort"])
    # Reads the first now, so that a database error is answered as a problem document, not as half a file.
    return chain(list(islice(documents, 1)), documents)


def csv_file(columns: Iterable[object], rows: Iterable[Iterable[object]], name: str) -> Response:
    """Answer a table for spreadsheets, as a download under `name`."""
    return _file(_csv(chain([columns], rows)), "text/csv", name)


def _file(lines: Iterable[str], media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(_in_batches(lines), content_type=f"{media_type}; charset=utf-8", headers=headers)


def _in_batches(lines: Iterable[str]) -> Iterator[str]:
    """Yield `lines` joined in batches, since each piece costs a call to the socket."""
    remaining = iter(lines)
    while batch := "".join(islice(remaining, _LINES_PER_WRITE)):
        yield batch


def _csv(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    line = io.StringIO()
    writer = csv.writer(line)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _cell(value: object) -> object:
    """Return `value` for a spreadsheet, with text quoted that it would run as a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def _rows(result: dict[str, Any]) -> Iterator[list[object]]:
    quality, audio = result["quality"], result["audio"]
    recording = [
        *(result[name] for name in COLUMNS[:4]),
        *(result.get("site"), result["completeness"], result["status"], " ".join(result["reasons"])),
        *(result["heart_rate_bpm"], quality["usable"], quality["snr_db"], quality.get("score")),
        *(audio["sample_rate"], round(audio["samples"] / audio["sample_rate"], 3)),
    ]
    verdict = result["verdict"]
    added = [result.get("exam"), verdict["label"], verdict["severity"], bool(verdict["disagree"])]
    added.append(result.get("subject"))
    for prediction in result["models"] or [dict.fromkeys(_PREDICTION_COLUMNS)]:
        yield [*recording, *(prediction[name] for name in _PREDICTION_COLUMNS), *added]
