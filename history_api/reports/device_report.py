"""PDF report of one device: a table of its last recordings, and the newest in detail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from history_api.models.label_words import LabelWords
from history_api.reports.pdf_sheet import PdfSheet
from history_api.reports.recording_report import ReportedRecording, write_recording
from history_api.results.local_time import local
from history_api.results.translation import Say

_COLUMNS: Final = ("captured", "recording", "site", "answer", "bpm", "review")
_WIDTHS: Final = (30.0, 30.0, 16.0, 72.0, 12.0, 20.0)
"""mm"""


def pdf(device: str, recordings: Sequence[ReportedRecording], stored: int, words: LabelWords) -> bytes:
    """Return the report of a device: of `recordings`, newest first, of the `stored` ones that there are."""
    say = Say(words.language)
    # Of nothing there is no date, and the same report gives the same bytes.
    changed_at = max((each.changed_at for each in recordings), default="1970-01-01T00:00:00.000Z")
    title = say("Report of device {device}", device=device)
    sheet = PdfSheet(title, device, datetime.fromisoformat(changed_at), say)
    if not recordings:
        sheet.heading(say("Recordings: none"))
        sheet.paragraph(say("No recording of this device is stored here."))
        return sheet.finish()
    sheet.heading(say("Last recordings: {shown}", shown=len(recordings)))
    if stored > len(recordings):
        counts = {"shown": len(recordings), "all": stored, "left": stored - len(recordings)}
        sheet.paragraph(
            say(
                "The last {shown} of {all}; {left} older ones are left out: /api/v1/results.csv has all.",
                **counts,
            )
        )
    sheet.row([say(each) for each in _COLUMNS], _WIDTHS, "B")
    for recording in recordings:
        sheet.row(_row(recording, words, say), _WIDTHS)
    sheet.add_page()
    sheet.heading(say("The newest recording"))
    write_recording(sheet, recordings[0], words)
    return sheet.finish()


def _row(recording: ReportedRecording, words: LabelWords, say: Say) -> tuple[str, ...]:
    entry, result = recording.entry, recording.result or {}
    rate = result.get("heart_rate_bpm")
    return (
        local(entry.captured_at, say.language),
        entry.recording_id,
        str(entry.meta.get("site") or "-"),
        _answer(recording, recording.result, words, say) if recording.result else say("being analysed"),
        "-" if rate is None else f"{rate:.0f}",
        say(recording.review.verdict) if recording.review else "-",
    )


def _answer(recording: ReportedRecording, result: dict[str, Any], words: LabelWords, say: Say) -> str:
    verdict, said, review = result["verdict"], words.headline(result), recording.review
    severity = words.severity(verdict["severity"])
    answer = said if verdict["label"] is None else f"{said} ({severity[:1].lower()}{severity[1:]})"
    if review is not None and review.model is not None and review.label is not None:
        return say("{right}, not {said}", right=words.label(review.model, review.label), said=answer)
    return f"{answer}, {say('models disagree')}" if verdict["disagree"] else answer
