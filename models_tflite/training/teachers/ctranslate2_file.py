"""The weights in a model.bin of CTranslate2, read without its library."""

import struct
from typing import Any, Final

import numpy as np

from edge_worker.signal.arrays import Float32Array

VERSION: Final = 6
_FLOAT_TYPES: Final[dict[int, np.dtype[Any]]] = {0: np.dtype("<f4"), 4: np.dtype("<f2")}


class FormatError(ValueError):
    """The bytes are no model.bin of version 6."""


def read_weights(content: bytes, prefix: str) -> dict[str, Float32Array]:
    """Return the floating-point arrays whose names begin with `prefix`, by the rest of their names.

    Format: OpenNMT/CTranslate2, `model_spec.py`: version, name and revision of the architecture, then for
    each array its name, shape, type and bytes, little-endian.

    Raises:
        FormatError: another version, or the content ends too early.
    """
    reader = _Reader(content)
    if reader.number("I") != VERSION:
        raise FormatError("not of version 6")
    reader.text()
    reader.number("I")
    weights = {}
    for _ in range(reader.number("I")):
        name = reader.text()
        shape = [reader.number("I") for _ in range(reader.number("B"))]
        kind, size = reader.number("B"), reader.number("I")
        data = reader.bytes(size)
        if name.startswith(prefix) and kind in _FLOAT_TYPES:
            array = np.frombuffer(data, _FLOAT_TYPES[kind])
            if array.size != np.prod(shape, dtype=int):
                raise FormatError(f"{name} has another size than its shape")
            weights[name.removeprefix(prefix)] = array.reshape(shape).astype(np.float32)
    return weights


class _Reader:
    """Reads one value after the other."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = memoryview(content), 0

    def bytes(self, size: int) -> memoryview:
        data = self._content[self._at : self._at + size]
        if len(data) < size:
            raise FormatError("ends too early")
        self._at += size
        return data

    def number(self, code: str) -> int:
        value: int = struct.unpack("<" + code, self.bytes(struct.calcsize("<" + code)))[0]
        return value

    def text(self) -> str:
        """Return a string that its length precedes and a zero ends."""
        return str(self.bytes(self.number("H"))[:-1], "utf-8", "replace")
