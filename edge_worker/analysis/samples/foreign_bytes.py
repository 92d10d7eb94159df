"""Foreign bytes: whether what came as samples is a text, or a compressed or encrypted file."""

from typing import Final

import numpy as np
import numpy.typing as npt

from edge_worker.analysis.samples.channel_samples import ChannelSamples

_GLANCED_AT: Final = 256
_TEXT: Final = 0.95
"""Fraction of bytes that are printable, of a text."""
_TEXT_DEVIATION: Final = 1000.0
"""Quiet sound with an offset may have the same letter in all its upper bytes."""
_PACKED_DEVIATION: Final = (17_000, 21_000)
"""Around that of 16 random bits, 18,919. Sound that is as loud is clipped."""
_PACKED_ROUGHNESS: Final = (0.9, 1.1)
_MANY: Final = 64
"""Samples for each value of a byte, from which on its share is known."""
_PACKED_SHARE: Final = (0.4, 2.0)
"""Share of each value of a byte, over the mean."""


def is_no_sound(samples: ChannelSamples) -> bool:
    """Return whether bytes are nearly all printable, or all values come equally often and in no order."""
    content = samples.pcm.view(np.uint8)
    is_text = _is_text(content[:_GLANCED_AT]) and samples.deviation > _TEXT_DEVIATION and _is_text(content)
    return is_text or _is_packed(samples)


def _is_text(content: npt.NDArray[np.uint8]) -> bool:
    printable = (content >= ord(" ")) & (content <= ord("~"))
    breaks = (content >= ord("\t")) & (content <= ord("\r"))
    return bool(np.count_nonzero(printable | breaks) > _TEXT * len(content))


def _is_packed(samples: ChannelSamples) -> bool:
    low, high = _PACKED_DEVIATION
    if len(samples) < 256 * _MANY or not low < samples.deviation < high:
        return False
    least, most = _PACKED_ROUGHNESS
    if not least < samples.roughness < most:
        return False
    counts = np.bincount(samples.pcm.view(np.uint8)[1::2], minlength=256) * (256 / len(samples))
    return bool(counts.min() > _PACKED_SHARE[0] and counts.max() < _PACKED_SHARE[1])
