"""Screens of a stethoscope's 128×64 OLED as text: 21 columns by 8 rows of a 6×8 font, as pure functions."""

import textwrap
from collections.abc import Sequence
from typing import Any, Final

from edge_worker.protocol.meaning import LANGUAGES, text_in
from edge_worker.protocol.verdict_words import advice_by_reason

COLUMNS: Final = 21
ROWS: Final = 8
_TITLES: Final = {"finding": "! NEEDS ATTENTION", "none": "OK NO FINDING", "unknown": "? CANNOT TELL"}
"""Title of an answer by its severity: a symbol and words."""
_DISCLAIMER: Final = "not a diagnosis"

Screen = list[str]
"""`ROWS` strings of `COLUMNS` characters."""


def ready(device_id: str, has_analyser: bool) -> Screen:
    """Return the screen of a device that is ready to record."""
    status = "press to record" if has_analyser else "no analyser online"
    return _screen("Stetho Edge", device_id, "", "READY" if has_analyser else "WAITING", "", status)


def identify(device_id: str) -> Screen:
    """Return the screen of a device that a person looks for."""
    return _screen("IT IS ME", "", device_id)


def recording(done_s: float, total_s: float) -> Screen:
    """Return the screen during a recording."""
    return _screen(
        "RECORDING", "", _bar(done_s, total_s), f"{done_s:.1f} of {total_s:.1f} s", "", "hold still"
    )


def live(value: dict[str, Any] | None, seconds: float) -> Screen:
    """Return the screen of a stream: its duration and the last live value of the worker."""
    time_text = f"{int(seconds) // 60}:{int(seconds) % 60:02}"
    if value is None:
        return [*_screen(f"LIVE {time_text}", "", "listening")[: ROWS - 1], _row(_DISCLAIMER)]
    bpm, quality = value.get("bpm"), value.get("quality")
    rows = [f"LIVE {time_text}", _bar(quality, 1.0) if quality is not None else ""]
    rows += ["-- bpm" if bpm is None else f"{bpm} bpm", "", str(value.get("hint") or ""), ""]
    if value.get("label") is not None:
        rows.append(f"{value['label']} {100 * float(value.get('confidence') or 0):.0f} %")
    return [*_screen(*rows)[: ROWS - 1], _row(_DISCLAIMER)]


def sending(done: int, total: int) -> Screen:
    """Return the screen while chunks are sent."""
    return _screen("SENDING", "", _bar(done, total), f"{done} of {total}")


def waiting(is_stored: bool) -> Screen:
    """Return the screen between the last chunk and the result."""
    return _screen("WAITING", "", "stored safely" if is_stored else "sent", "analysing …")


def result(compact: dict[str, Any]) -> Screen:
    """Return the screen of a compact result. A label that was not accepted is not shown as an answer."""
    bpm = compact.get("bpm")
    pulse = "-- bpm" if bpm is None else f"{bpm} bpm"
    note = str(compact.get("note", ""))
    if compact.get("status") == "ok" and compact.get("accepted"):
        said = str(compact.get("text") or compact["label"]).upper()
        confidence = f"{100 * compact['confidence']:.0f} %"
        rows = [_TITLES[compact.get("severity", "unknown")], "", said, note, confidence, pulse, ""]
    elif note:
        rows = ["NO CLEAR ANSWER", "", note, "", pulse]
    elif compact.get("status") == "error":
        rows = ["ERROR", "", *_hint(compact)]
    else:
        rows = ["NO CLEAR ANSWER", "", *_hint(compact), pulse]
    return [*_screen(*rows)[: ROWS - 1], _row(_DISCLAIMER)]


def framed(screen: Sequence[str]) -> str:
    """Return `screen` in a frame, for a terminal."""
    edge = "─" * (COLUMNS + 2)
    rows = (f"│ {row} │" for row in screen)
    return "\n".join([f"┌{edge}┐", *rows, f"└{edge}┘"])


def _screen(*rows: str) -> Screen:
    shown = list(rows[:ROWS])
    return [_row(row) for row in shown + [""] * (ROWS - len(shown))]


def _row(text: str) -> str:
    return text[:COLUMNS].center(COLUMNS)


def _bar(done: float, total: float) -> str:
    full = round(COLUMNS * min(1.0, done / total)) if total else COLUMNS
    return "█" * full + "░" * (COLUMNS - full)


def _hint(compact: dict[str, Any]) -> list[str]:
    reason = compact.get("reason")
    known = advice_by_reason(for_sounds=compact.get("hears") == "sound")
    text = text_in(known.get(str(reason), {}), LANGUAGES[0]) or str(reason) if reason else "record again"
    return textwrap.wrap(text, COLUMNS)[:4]
