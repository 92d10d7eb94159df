"""Check of the samples of a stream: whether they can be sound, and which of two channels is heard."""

from typing import Final

import numpy as np

from edge_worker.analysis.samples.heard_sound import CHANNELS, HeardSound
from edge_worker.protocol.result import Channel
from edge_worker.signal.arrays import Float32Array, Int16Array
from edge_worker.signal.pcm import FULL_SCALE

_SECTION_S: Final = 2.0
"""Sound that is looked at, the last of it."""
_EVERY_S: Final = 4.0
"""Sound between two looks, which take some milliseconds."""


class StreamCheck:
    """Looks at the sound of one stream from time to time; it is pushed in order."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._section = round(_SECTION_S * sample_rate)
        self._recent: list[Int16Array] = []
        self._until_look = self._section
        self._since_gap = self._section
        self.channel: Channel | None = None
        """Channel that is heard alone since the last look; None: the mean of all."""
        self.is_of_another_rate = False
        """Whether the sound comes faster than at the rate that it declares."""
        self._fault: str | None = None

    @property
    def fault(self) -> str | None:
        """Why the samples of the last look are no sound, a word of `protocol.result.IMPOSSIBLE`."""
        return "wrong_rate" if self.is_of_another_rate else self._fault

    def push(self, pcm: Int16Array, *, is_heart: bool, has_gaps: bool) -> Float32Array:
        """Return what is heard of samples (samples, channels): one channel, -1..1."""
        self._keep(pcm)
        self._since_gap = 0 if has_gaps else self._since_gap + len(pcm)
        self._until_look -= len(pcm)
        if self._until_look <= 0:
            self._until_look = round(_EVERY_S * self._rate)
            recent = np.concatenate(self._recent)[-self._section :]
            is_with_gaps = self._since_gap < self._section
            heard = HeardSound.of(recent, self._rate, is_heart=is_heart, has_gaps=is_with_gaps)
            self.channel, self._fault = heard.channel, heard.fault
        if pcm.shape[1] == 1 or self.channel is not None:
            channel = pcm[:, CHANNELS.index(self.channel or "left")]
        else:
            channel = pcm.mean(axis=1, dtype=np.float32)
        return np.multiply(channel, np.float32(1 / FULL_SCALE), dtype=np.float32)

    def _keep(self, pcm: Int16Array) -> None:
        """Keep the last section, and not much more."""
        self._recent.append(pcm[-self._section :])
        while sum(map(len, self._recent[1:])) >= self._section:
            del self._recent[0]
