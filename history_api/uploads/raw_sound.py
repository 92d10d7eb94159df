"""Raw PCM without a header, as the device of an older system sends it, and the rate that it must have."""

from pathlib import Path
from typing import Final

from flask import request

from edge_worker.protocol.chunk import MAX_RATE_HZ, MIN_RATE_HZ, SAMPLE_BYTES
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import Schema
from history_api.services import services
from history_api.uploads.decoding import Pcm, copy_pcm

_DEFAULT_HZ: Final = 16_000
"""What the server of that system took all sound for."""
_DEVICE_HZ: Final = 44_100
"""What its device records at."""
RATE: Final[Schema] = {
    "name": "X-Sample-Rate",
    "in": "header",
    "schema": {"type": "integer", "minimum": MIN_RATE_HZ, "maximum": MAX_RATE_HZ},
    "description": f"Hz; without it STETHO_RAW_RATE counts, else {_DEFAULT_HZ}, or {_DEVICE_HZ} where the "
    "sound lasts a whole number of seconds at that rate only",
}


def decode_raw(file: Path, target: Path) -> Pcm:
    """Copy the raw PCM of the current request in `file` to `target`; raise ProblemError (400, 413)."""
    rate = _stated_rate() or services().settings.raw_rate or rate_of(file.stat().st_size)
    with file.open("rb") as stream:
        pcm = copy_pcm(stream, target, rate, services().settings)
    if pcm.samples == 0:
        raise ProblemError(400, "No audio data received")
    return pcm


def rate_of(size: int) -> int:
    """Return the sample rate of mono PCM of `size` bytes, Hz: its device records whole seconds.

    Its 4 s are 352,800 bytes, which nothing else explains.
    """
    is_whole = {rate: size % (rate * SAMPLE_BYTES) == 0 for rate in (_DEVICE_HZ, _DEFAULT_HZ)}
    return _DEVICE_HZ if is_whole[_DEVICE_HZ] and not is_whole[_DEFAULT_HZ] else _DEFAULT_HZ


def _stated_rate() -> int | None:
    text = request.headers.get(RATE["name"])
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not MIN_RATE_HZ <= int(text[:9]) <= MAX_RATE_HZ:
        raise ProblemError(
            400,
            f"{RATE['name']} is {text!r}; it takes {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz",
            parameter=RATE["name"],
        )
    return int(text)
