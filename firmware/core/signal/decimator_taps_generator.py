"""Generator of `core/signal/decimator_taps.cpp`: the low-pass filters of the decimator, in 1/32768.

Method: windowed sinc with a Kaiser window (A. V. Oppenheim and R. W. Schafer, "Discrete-Time Signal
Processing", section 7.6: length and beta from attenuation and width of the transition).
Run from the root of the project: `python firmware/core/signal/decimator_taps_generator.py`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_OUT = Path(__file__).with_name("decimator_taps.cpp")
_ONE = 32_768
_ATTENUATION_DB = 66.0
"""Stop-band attenuation; 6 dB more than promised, because rounding to 16 bits costs some."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One stage: `rate_hz` in, `rate_hz * up / down` out."""

    name: str
    rate_hz: int
    up: int
    down: int
    pass_hz: float
    """End of the pass band."""
    stop_hz: float
    """Start of the stop band."""

    @property
    def length(self) -> int:
        """Taps per phase."""
        width = 2 * np.pi * (self.stop_hz - self.pass_hz) / self.rate_hz
        return int(np.ceil((_ATTENUATION_DB - 8) / (2.285 * width))) + 1


FILTERS = (
    Filter("kFrom44100To6300", 44_100, 1, 7, 1_700.0, 6_300.0 - 2_000.0),
    Filter("kFrom6300To4000", 6_300, 40, 63, 1_600.0, 2_000.0),
    Filter("kFrom16000To4000", 16_000, 1, 4, 1_600.0, 2_000.0),
)


def taps(design: Filter) -> NDArray[np.int64]:
    """Return the taps, shape (up, length); each phase adds up to one, so that all have the same gain."""
    count = design.length * design.up
    time = (np.arange(count) - (count - 1) / 2) / design.up
    cutoff = (design.pass_hz + design.stop_hz) / design.rate_hz  # of the Nyquist frequency of the input
    beta = 0.1102 * (_ATTENUATION_DB - 8.7)
    prototype = cutoff * np.sinc(cutoff * time) * np.kaiser(count, beta)
    phases = prototype.reshape(design.length, design.up).T
    return _to_16_bits(phases / phases.sum(axis=1, keepdims=True))


def _to_16_bits(phases: NDArray[np.float64]) -> NDArray[np.int64]:
    rounded = np.rint(phases * _ONE).astype(np.int64)
    middle = phases.argmax(axis=1)
    rounded[np.arange(len(rounded)), middle] += _ONE - rounded.sum(axis=1)
    return rounded


def source() -> str:
    """Return the text of the C++ file."""
    parts = [
        "// Made by decimator_taps_generator.py; do not edit.",
        '#include "core/signal/decimator_taps.h"',
        "",
        "namespace stetho {",
        "namespace {",
        "",
        *(_array(design) for design in FILTERS),
        "}  // namespace",
        "",
        *(_design(design) for design in FILTERS),
        "",
        "}  // namespace stetho",
        "",
    ]
    return "\n".join(parts)


def _array(design: Filter) -> str:
    values = [str(tap) for tap in taps(design).ravel()]
    rows = (", ".join(values[start : start + 16]) for start in range(0, len(values), 16))
    body = ",\n    ".join(rows)
    return f"constexpr std::int16_t {design.name}Taps[] = {{\n    {body}}};\n"


def _design(design: Filter) -> str:
    fields = f"{design.name}Taps, {design.up}, {design.down}, {design.length}"
    return f"constinit const FirDesign {design.name}{{{fields}}};"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(_OUT.read_text() != source())
    _OUT.write_text(source())
