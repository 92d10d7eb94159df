"""Companding: samples of 8 bits as telephones send them, by the two laws of G.711."""

from typing import Final

import numpy as np
import numpy.typing as npt

FloatTable = npt.NDArray[np.float32]


def _mu_law() -> FloatTable:
    code = ~np.arange(256) & 0xFF
    size = ((((code & 15) << 3) + 132) << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -size, size).astype(np.float32)


def _a_law() -> FloatTable:
    code = np.arange(256) ^ 0x55
    exponent, mantissa = code >> 4 & 7, (code & 15) << 4
    size = np.where(exponent == 0, mantissa + 8, (mantissa + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.float32)


COMPANDED: Final = (_mu_law(), _a_law())
"""Sample of each byte, by mu-law and by A-law."""
