"""Reliability diagram of a model as SVG: accuracy over confidence, from the figures of its card."""

from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

from history_api.pictures.notice import NOTICE

_SIDE: Final = 320
_LEFT: Final = 64
_TOP: Final = 84
_BOTTOM: Final = _TOP + _SIDE


def svg(title: str, figures: dict[str, Any], threshold: float | None) -> str:
    """Return the diagram.

    Args:
        title: model and version.
        figures: `cross_validation` of a model card, with `reliability`: bins of confidence, accuracy and n.
        threshold: confidence from which a label is accepted, drawn as a line.
    """
    error = figures.get("expected_calibration_error")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _SIDE + 200} {_BOTTOM + 100}" '
        f'role="img" aria-label={quoteattr(f"Reliability of {title}")} font-family="sans-serif" '
        'font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="16" y="24" font-size="16">{escape(title)}: accuracy by confidence</text>',
        f'<text x="16" y="46" fill="#444">{figures.get("n", "?")} recordings not used in training; '
        f"expected calibration error {'?' if error is None else f'{error:.3f}'}</text>",
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#bbb"/>',
        f'<path d="M{_LEFT} {_BOTTOM}L{_LEFT + _SIDE} {_TOP}" stroke="#777" stroke-dasharray="4 4"/>',
        *_bins(figures["reliability"]),
        *_axes(),
        *([] if threshold is None else _threshold(threshold)),
        f'<text x="16" y="{_BOTTOM + 64}" fill="#444">Dots on the dashed line: accuracy equals confidence. '
        "Larger: more recordings.</text>",
        f'<text x="16" y="{_BOTTOM + 84}" fill="#444">{NOTICE}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bins(bins: list[dict[str, Any]]) -> list[str]:
    most = max(each["n"] for each in bins) or 1
    return [
        f'<circle cx="{_x(each["confidence"]):.1f}" cy="{_y(each["accuracy"]):.1f}" '
        f'r="{3 + 9 * (each["n"] / most) ** 0.5:.1f}" fill="#333" fill-opacity="0.8" stroke="#fff">'
        f"<title>confidence {each['confidence']:.2f}, accuracy {each['accuracy']:.2f}, n {each['n']}</title>"
        "</circle>"
        for each in bins
        if each["n"]
    ]


def _axes() -> list[str]:
    shares = [0, 0.2, 0.4, 0.6, 0.8, 1]
    return [
        *(f'<text x="{_x(s):.1f}" y="{_BOTTOM + 18}" text-anchor="middle">{s:g}</text>' for s in shares),
        *(f'<text x="{_LEFT - 8}" y="{_y(s) + 4:.1f}" text-anchor="end">{s:g}</text>' for s in shares),
        f'<text x="{_LEFT + _SIDE / 2}" y="{_BOTTOM + 38}" text-anchor="middle">confidence</text>',
        f'<text x="16" y="{_TOP - 14}">accuracy</text>',
    ]


def _threshold(threshold: float) -> list[str]:
    x = _x(threshold)
    return [
        f'<path class="threshold" d="M{x:.1f} {_TOP}V{_BOTTOM}" stroke="#333"/>',
        f'<text x="{_LEFT + _SIDE + 12}" y="{_TOP + 16}">line: accepted</text>',
        f'<text x="{_LEFT + _SIDE + 12}" y="{_TOP + 34}">from {threshold:g} on</text>',
    ]


def _x(share: float) -> float:
    return _LEFT + _SIDE * share


def _y(share: float) -> float:
    return _BOTTOM - _SIDE * share
