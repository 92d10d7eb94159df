"""SVG picture of an occlusion map: the spectrogram in grey, under patches coloured by their contribution."""

import base64
import struct
import zlib
from typing import Final
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt

from edge_worker.inference.occlusion import OcclusionMap
from edge_worker.signal.arrays import Float32Array

WIDTH: Final = 720
HEIGHT: Final = 260
LEFT: Final = 56
TOP: Final = 52
DEPTH_DB: Final = 60.0
"""Dynamic range of the spectrogram below its maximum."""
FOR: Final = "#d95f02"
AGAINST: Final = "#1f78b4"
"""Orange and blue are distinguishable with any kind of colour vision; in grey, the outlines differ."""
OPACITY: Final = 0.75
NOTE: Final = "Explains the model, not the patient. Research and education, not a medical device."


def svg(occlusion: OcclusionMap) -> str:
    """Return an occlusion map over the features of its recording as an SVG document."""
    title = f"{occlusion.name}, {occlusion.confidence:.2f}, version {occlusion.version}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEFT + 24} {HEIGHT + TOP + 70}" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="16">{escape(title)}</text>',
        f'<text x="{LEFT}" y="42"><tspan fill="{FOR}">■</tspan> speaks for it '
        f'<tspan fill="{AGAINST}">■</tspan> speaks against it; strongest patch '
        f"{np.abs(occlusion.drop).max():.3f} of the probability</text>",
        f'<image x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{HEIGHT}" preserveAspectRatio="none" '
        f'href="data:image/png;base64,{base64.b64encode(_png(_grey(occlusion.frames))).decode()}"/>',
        *_patches(occlusion),
        *_time_axis(occlusion),
        *_band_axis(occlusion),
        f'<text x="{LEFT}" y="{TOP + HEIGHT + 58}" fill="#444">{NOTE}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _patches(occlusion: OcclusionMap) -> list[str]:
    """Return a rectangle per patch of at least a tenth of the strongest; its opacity is the contribution."""
    drop = occlusion.drop
    strength = drop / max(float(np.abs(drop).max()), 1e-6)
    x = LEFT + WIDTH * _fraction(occlusion.time_edges_s)
    y = TOP + HEIGHT * (1 - np.linspace(0, 1, drop.shape[1] + 1))
    width, height = np.diff(x), -np.diff(y)
    return [
        f'<rect x="{x[t]:.1f}" y="{y[b + 1]:.1f}" width="{width[t]:.1f}" height="{height[b]:.1f}" '
        f'fill="{FOR if strength[t, b] > 0 else AGAINST}" '
        f'fill-opacity="{OPACITY * abs(strength[t, b]):.2f}" {_outline(float(strength[t, b]))}/>'
        for t, b in np.argwhere(np.abs(strength) >= 0.1)  # noqa: PLR2004 - fainter ones are not visible
    ]


def _outline(strength: float) -> str:
    """Return the outline of patches of at least half the strongest: solid for the label, dashed against."""
    if abs(strength) < 0.5:  # noqa: PLR2004
        return ""
    return 'stroke="#000"' if strength > 0 else 'stroke="#000" stroke-dasharray="3 2"'


def _time_axis(occlusion: OcclusionMap) -> list[str]:
    first, last = occlusion.time_edges_s[[0, -1]]
    step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1e9) if (last - first) / s <= 10)  # noqa: PLR2004
    ticks = np.arange(np.ceil(first / step) * step, last + 1e-9, step)
    places = LEFT + WIDTH * (ticks - first) / max(last - first, 1e-9)
    labels = [
        f'<text x="{place:.1f}" y="{TOP + HEIGHT + 18}" text-anchor="middle">{tick:g}</text>'
        for tick, place in zip(ticks.round(3), places, strict=True)
    ]
    return [*labels, f'<text x="{LEFT + WIDTH / 2}" y="{TOP + HEIGHT + 36}" text-anchor="middle">s</text>']


def _band_axis(occlusion: OcclusionMap) -> list[str]:
    if occlusion.hz_edges is None:
        return [f'<text x="{LEFT - 8}" y="{TOP + 12}" text-anchor="end">delay</text>']
    y = TOP + HEIGHT * (1 - np.linspace(0, 1, len(occlusion.hz_edges)))
    labels = [
        f'<text x="{LEFT - 6}" y="{place + 4:.1f}" text-anchor="end">{hertz:.0f}</text>'
        for hertz, place in zip(occlusion.hz_edges, y, strict=True)
    ]
    return [*labels, f'<text x="{LEFT - 6}" y="{TOP - 10}" text-anchor="end">Hz</text>']


def _fraction(edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    share: npt.NDArray[np.float64] = (edges - edges[0]) / max(float(edges[-1] - edges[0]), 1e-9)
    return share


def _grey(frames: Float32Array) -> npt.NDArray[np.uint8]:
    """Return features (frames, bands) as pixels (bands, frames): high levels dark, high bands on top."""
    level = (frames.T[::-1] - frames.max() + DEPTH_DB) / DEPTH_DB
    pixels: npt.NDArray[np.uint8] = (255 - 200 * level.clip(0, 1)).astype(np.uint8)
    return pixels


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return grey pixels (height, width) as a PNG (ISO/IEC 15948): header, one block of rows, end."""
    height, width = pixels.shape
    rows = np.pad(pixels, ((0, 0), (1, 0))).tobytes()  # each row begins with its filter type, 0
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    blocks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in blocks
    )
