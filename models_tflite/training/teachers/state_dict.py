"""Weights of a published network: a PyTorch state dict, read without PyTorch and without running its code.

A state dict is a zip archive: a pickle that names each tensor, its shape and its storage, and a file of
little-endian numbers for each storage.
"""

import hashlib
import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus.corpus import TrainingError

_TYPES: Final = {"FloatStorage": "<f4", "LongStorage": "<i8"}


class _Storage(NamedTuple):
    """File of a tensor's numbers in the archive, and their type."""

    key: str
    dtype: str


def read(path: Path, sha256: str) -> dict[str, Float32Array]:
    """Return the tensors of a state dict by name.

    Args:
        path: of the file.
        sha256: that the file must have.

    Raises:
        TrainingError: the file is missing, is another one, or holds something else than tensors.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise TrainingError(f"{path} cannot be read: point --teacher at the teacher's weights") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise TrainingError(f"{path} is not the published file, of SHA-256 {sha256}: fetch it again")
    try:
        return state_dict(content)
    except (ValueError, KeyError, TypeError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path} holds no state dict of PyTorch ({error}): fetch it again") from error


def state_dict(content: bytes) -> dict[str, Float32Array]:
    """Return the tensors of the bytes of a state dict by name, float32.

    Raises:
        ValueError, KeyError, TypeError, pickle.UnpicklingError, zipfile.BadZipFile: it is none.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = {name.partition("/")[2]: name for name in archive.namelist()}

        def tensor(
            storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object
        ) -> Float32Array:
            numbers = np.frombuffer(archive.read(names[f"data/{storage.key}"]), storage.dtype)[offset:]
            values = numbers[: int(np.prod(shape))].reshape(shape)
            if tuple(step // values.itemsize for step in values.strides) != stride:
                raise ValueError(f"a tensor of shape {shape} lies in strides of {stride}")
            return values.astype(np.float32)

        tensors = _Unpickler(archive.read(names["data.pkl"]), tensor).load()
    return dict(tensors)


class _Unpickler(pickle.Unpickler):
    """Reads tensors and nothing else: no other name of the pickle is looked up."""

    def __init__(self, content: bytes, tensor: Callable[..., Float32Array]) -> None:
        super().__init__(io.BytesIO(content))
        self._known = {"OrderedDict": OrderedDict, "_rebuild_tensor_v2": tensor, **_TYPES}

    def find_class(self, module: str, name: str) -> object:
        """Return what stands for a name of PyTorch."""
        if name not in self._known:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")
        return self._known[name]

    def persistent_load(self, pid: tuple[str, str, str, str, int]) -> _Storage:
        """Return the storage that the pickle refers to."""
        _, dtype, key, *_ = pid
        return _Storage(key, dtype)
