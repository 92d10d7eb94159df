"""Waveform of a recording as SVG, with the detected S1 and S2 marked, gaps hatched and a time axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from xml.sax.saxutils import escape, quoteattr

from edge_worker.database.recording_query import RecordingEntry
from history_api.pictures.axis import axis_unit, ticks
from history_api.pictures.notice import NOTICE
from history_api.pictures.wav_reader import Envelope

COLUMNS: Final = 720
_HEIGHT: Final = 200
_LEFT: Final = 64
_TOP: Final = 70
_MIDDLE: Final = _TOP + _HEIGHT / 2
_BOTTOM: Final = _TOP + _HEIGHT
_NAME_WIDTH: Final = 20
"""Width of the text `S1`, pixels; marks that stand closer carry no name."""
_DENSE: Final = 6
"""Mean distance of marks, pixels, below which their lines would hide the waveform."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Heart sounds and gaps of a recording, in seconds from its start, which may be before the kept sound."""

    s1_s: Sequence[float] = ()
    s2_s: Sequence[float] = ()
    gaps_s: Sequence[tuple[float, float]] = ()
    """(begin, end) of the samples that did not arrive."""

    @classmethod
    def from_result(cls, entry: RecordingEntry, result: dict[str, Any] | None) -> Self:
        """Return the marks of a recording; without a result there are no heart sounds."""
        sounds = (result or {}).get("heart_sounds") or {"s1_s": [], "s2_s": []}
        return cls(sounds["s1_s"], sounds["s2_s"], entry.gaps_s)


def svg(title: str, envelope: Envelope, marks: Marks) -> str:
    """Return the picture. Marks and gaps differ in form, so no information depends on colour."""
    hatched = "Hatched: sound that did not arrive. " if marks.gaps_s else ""
    counts = f"S1 {len(marks.s1_s)}, S2 {len(marks.s2_s)}, gaps {len(marks.gaps_s)}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + COLUMNS + 24} {_BOTTOM + 110}" '
        f'role="img" aria-label={quoteattr(f"{title}; {counts}")} font-family="sans-serif" font-size="13">',
        '<defs><pattern id="gap" width="8" height="8" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="8" height="8" fill="#eee"/>'
        '<path d="M0 0V8" stroke="#777" stroke-width="2"/></pattern></defs>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="16">{escape(title)}</text>',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{COLUMNS}" height="{_HEIGHT}" fill="#fff" stroke="#bbb"/>',
        *_gaps(marks.gaps_s, envelope),
        _outline(envelope),
        *_marks("S1", marks.s1_s, envelope),
        *_marks("S2", marks.s2_s, envelope),
        *_axes(envelope),
        f'<text x="{_LEFT}" y="{_BOTTOM + 78}" fill="#444">{_legend(marks)}</text>',
        f'<text x="{_LEFT}" y="{_BOTTOM + 98}" fill="#444">{hatched}{NOTICE}</text>',
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _legend(marks: Marks) -> str:
    if not (marks.s1_s or marks.s2_s):
        return "No heart sounds are marked."
    return "Onsets of the heart sounds that the worker detected: S1 from above, S2 from below."


def _x(second: float, envelope: Envelope) -> float:
    """Return where a second of the recording is, pixels."""
    return _LEFT + COLUMNS * (second - envelope.start_s) / max(envelope.duration_s, 1e-9)


def _outline(envelope: Envelope) -> str:
    if not len(envelope.low):
        return f'<text x="{_LEFT + COLUMNS / 2}" y="{_MIDDLE - 8}" text-anchor="middle">no sound</text>'
    scale = 0.95 * _HEIGHT / 2 / (envelope.peak or 1.0)
    step = COLUMNS / len(envelope.low)
    over = [f"{_LEFT + step * (i + 0.5):.1f} {_MIDDLE - scale * y:.1f}" for i, y in enumerate(envelope.high)]
    under = [f"{_LEFT + step * (i + 0.5):.1f} {_MIDDLE - scale * y:.1f}" for i, y in enumerate(envelope.low)]
    outline = "L".join([*over, *reversed(under)])
    return f'<path d="M{outline}Z" fill="#333" stroke="#333" stroke-width="0.8" stroke-linejoin="round"/>'


def _gaps(gaps: Sequence[tuple[float, float]], envelope: Envelope) -> list[str]:
    return [
        f'<rect class="gap" x="{_x(begin, envelope):.1f}" y="{_TOP}" '
        f'width="{max(_x(end, envelope) - _x(begin, envelope), 1):.1f}" height="{_HEIGHT}" fill="url(#gap)">'
        f"<title>no sound from {begin:.3f} to {end:.3f} s</title></rect>"
        for begin, end in gaps
    ]


def _marks(name: str, marks: Sequence[float], envelope: Envelope) -> list[str]:
    """Return lines for S1 from above and, dashed, S2 from below; only their ends where there are many."""
    is_above = name == "S1"
    near, far = (_TOP - 8, _BOTTOM) if is_above else (_BOTTOM + 8, _TOP)
    style = 'stroke="#b2182b"' if is_above else 'stroke="#2166ac" stroke-dasharray="4 3"'
    name_width = _NAME_WIDTH
    if len(marks) * _DENSE > COLUMNS:
        far = _TOP if is_above else _BOTTOM
        name_width, style = COLUMNS, 'stroke="#000" stroke-width="0.3"'
    positions = [_x(mark, envelope) for mark in marks]
    lines = "".join(f"M{x:.1f} {near}V{far}" for x in positions)
    y, free_from, names = (_TOP - 12 if is_above else _BOTTOM + 20), 0.0, []
    for x in positions:
        if x >= free_from:
            names.append(f'<text x="{x:.1f}" y="{y}" text-anchor="middle" font-size="11">{name}</text>')
            free_from = x + name_width
    return [f'<path class="{name}" d="{lines}" {style}/>', *names] if lines else []


def _axes(envelope: Envelope) -> list[str]:
    first, peak = envelope.start_s, envelope.peak
    numbers = [
        f'<text x="{_x(tick, envelope):.1f}" y="{_BOTTOM + 38}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks(first + envelope.duration_s, first=first)
    ]
    heights = [
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{level:.2g}</text>'
        for level, y in ((peak, _TOP + 5), (0, _MIDDLE), (-peak, _BOTTOM - 5))
        if peak or not level
    ]
    return [
        *numbers,
        *heights,
        f'<text x="{_LEFT + COLUMNS / 2}" y="{_BOTTOM + 54}" text-anchor="middle">{axis_unit(first)}</text>',
        f'<text x="{_LEFT}" y="42" fill="#444">amplitude, full scale of the device is 1</text>',
    ]
