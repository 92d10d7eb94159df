"""Sounds as the history API gives them, compared with what was sent."""

import io
import wave
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from bench.cluster.sent import Sent

_CLIENTS: Final = 4
_WITHIN_S: Final = 60.0


def not_given(api_url: str, sent: Sequence[Sent]) -> int:
    """Return of how many recordings the API gives no sound, or another than was sent."""
    with ThreadPoolExecutor(_CLIENTS) as clients:
        return list(clients.map(lambda each: _is_given(api_url, each), sent)).count(False)


def _is_given(api_url: str, sent: Sent) -> bool:
    url = f"{api_url}/api/v1/recordings/{sent.delivery.name}/audio.wav?device={sent.device_id}"
    try:
        with urlopen(url, timeout=_WITHIN_S) as answer, wave.open(io.BytesIO(answer.read())) as sound:  # noqa: S310 - our own
            pcm = sound.readframes(sound.getnframes())
    except (URLError, OSError, EOFError, wave.Error):
        return False
    return sent.pcm.endswith(pcm) and sent.may_begin_at((len(sent.pcm) - len(pcm)) // 2)
