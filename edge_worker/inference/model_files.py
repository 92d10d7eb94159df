"""Files of a model: `<model>.tflite` and its card `<model>.json`."""

import hashlib
from pathlib import Path

from edge_worker.errors import ModelError


def read_pair(directory: Path, model: str) -> tuple[bytes, bytes]:
    """Return the card and the network of a model, `<model>.json` and `<model>.tflite`; raises ModelError."""
    card_path, model_path = directory / f"{model}.json", directory / f"{model}.tflite"
    try:
        return card_path.read_bytes(), model_path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"model {model} needs {card_path.name} and {model_path.name} in {directory}, and "
            f"{Path(error.filename).name} cannot be read: train it or copy both files there"
        ) from error


def require_checksum(directory: Path, model: str, content: bytes, sha256: str) -> None:
    """Raise ModelError unless the bytes of the network have the SHA-256 that its card gives."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(mismatch(directory, model))


def mismatch(directory: Path, model: str) -> str:
    """Return the sentence that says that a network and a card are not a pair."""
    card_path, model_path = directory / f"{model}.json", directory / f"{model}.tflite"
    return f"{card_path} and {model_path} do not belong together: copy both files again"
