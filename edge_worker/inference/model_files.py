"""Files of a model: `<model>.tflite` and its card `<model>.json`."""

import hashlib
from pathlib import Path
from typing import Final

from edge_worker.errors import ModelError

NO_CARD: Final = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What a document raises that is no card, or has numbers that nothing can be made of."""


def read_pair(directory: Path, model: str) -> tuple[bytes, bytes]:
    """Return the bytes of `<model>.json` and `<model>.tflite`; raises ModelError when one cannot be read."""
    card_path, model_path = directory / f"{model}.json", directory / f"{model}.tflite"
    try:
        return card_path.read_bytes(), model_path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"model {model} needs {card_path.name} and {model_path.name} in {directory}, and "
            f"{Path(error.filename).name} cannot be read: train it or copy both files there"
        ) from error


def require_checksum(directory: Path, model: str, content: bytes, sha256: str) -> None:
    """Raise ModelError unless the bytes of the TFLite file have the SHA-256 that its card gives."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(mismatch(directory, model))


def mismatch(directory: Path, model: str) -> str:
    """Return the error message for a TFLite file and a card that do not belong together."""
    card_path, model_path = directory / f"{model}.json", directory / f"{model}.tflite"
    return f"{card_path} and {model_path} do not belong together: copy both files again"
