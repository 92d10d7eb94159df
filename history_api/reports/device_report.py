"""PDF report of one device: a table of its last recordings, and the newest in detail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from history_api.models.label_words import LabelWords
from history_api.reports.pdf_sheet import PdfSheet
from history_api.reports.recording_report import ReportedRecording, write_recording
from history_api.results.time_format import utc

_COLUMNS: Final = ("captured (UTC)", "recording", "site", "answer", "bpm", "review")
_WIDTHS: Final = (36.0, 32.0, 14.0, 66.0, 12.0, 20.0)
"""mm"""


def pdf(recordings: Sequence[ReportedRecording], words: LabelWords) -> bytes:
    """Return the report of the device that made `recordings`: at least one, newest first."""
    newest = recordings[0]
    changed_at = max(recording.changed_at for recording in recordings)
    device = newest.entry.device_id
    sheet = PdfSheet(f"Report of device {device}", device, datetime.fromisoformat(changed_at))
    sheet.heading(f"Last recordings: {len(recordings)}")
    sheet.row(_COLUMNS, _WIDTHS, "B")
    for recording in recordings:
        sheet.row(_row(recording, words), _WIDTHS)
    sheet.add_page()
    sheet.heading("The newest recording")
    write_recording(sheet, newest, words)
    return sheet.finish()


def _row(recording: ReportedRecording, words: LabelWords) -> tuple[str, ...]:
    entry, result = recording.entry, recording.result or {}
    rate = result.get("heart_rate_bpm")
    return (
        utc(entry.captured_at).removesuffix(" UTC"),
        entry.recording_id,
        str(entry.meta.get("site") or "-"),
        _answer(recording.result, words) if recording.result else "being analysed",
        "-" if rate is None else f"{rate:.0f}",
        recording.review.verdict if recording.review else "-",
    )


def _answer(result: dict[str, Any], words: LabelWords) -> str:
    verdict, said = result["verdict"], words.headline(result)
    answer = said if verdict["label"] is None else f"{said} ({words.severity(verdict['severity']).lower()})"
    return f"{answer}, models disagree" if verdict["disagree"] else answer
