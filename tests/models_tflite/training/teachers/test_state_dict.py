"""Weights of a published network, read without PyTorch."""

import hashlib
import io
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from models_tflite.training.__main__ import main
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes import us8k
from models_tflite.training.teachers import state_dict

TENSORS = {
    "features.0.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2),
    "features.0.bias": np.array([1.5, -2.0], dtype=np.float32),
}


class FloatStorage:
    """What PyTorch calls the storage of float32."""

    __module__ = "torch"


def _rebuild_tensor_v2(*arguments: object) -> object:
    raise AssertionError(f"a reader must not run the code of the file: {arguments}")


_rebuild_tensor_v2.__module__ = "torch._utils"
PYTORCH = {
    "torch": types.SimpleNamespace(FloatStorage=FloatStorage),
    "torch._utils": types.SimpleNamespace(_rebuild_tensor_v2=_rebuild_tensor_v2),
}


class Tensor:
    """A tensor as PyTorch pickles it: a function to call, and where its numbers are."""

    def __init__(self, key: str, array: np.ndarray) -> None:
        self.key, self.array = key, array

    def __reduce__(self) -> tuple[Any, ...]:
        stride = tuple(step // self.array.itemsize for step in self.array.strides)
        return _rebuild_tensor_v2, (Storage(self.key), 0, self.array.shape, stride, False, OrderedDict())


class Storage:
    def __init__(self, key: str) -> None:
        self.key = key


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> object:
        return ("storage", FloatStorage, obj.key, "cpu", 0) if isinstance(obj, Storage) else None


def file_of(pickled: object, numbers: dict[str, bytes]) -> bytes:
    """Return the archive that PyTorch writes for an object and its storages."""
    content, pickle_file = io.BytesIO(), io.BytesIO()
    with mock.patch.dict(sys.modules, PYTORCH):  # the pickler looks up what it names
        Pickler(pickle_file, protocol=2).dump(pickled)
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("archive/data.pkl", pickle_file.getvalue())
        for key, of in numbers.items():
            archive.writestr(f"archive/data/{key}", of)
    return content.getvalue()


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def good_file() -> bytes:
    tensors = OrderedDict((name, Tensor(str(i), of)) for i, (name, of) in enumerate(TENSORS.items()))
    return file_of(tensors, {str(i): of.tobytes() for i, of in enumerate(TENSORS.values())})


def test_tensors_are_read_by_name(tmp_path: Path) -> None:
    sha256 = written(tmp_path / "good.pt", good_file())

    tensors = state_dict.read(tmp_path / "good.pt", sha256)

    assert tensors.keys() == TENSORS.keys()
    for name, expected in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], expected)


def test_a_missing_file_and_another_file_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nowhere\.pt cannot be read: point --teacher at"):
        state_dict.read(tmp_path / "nowhere.pt", "0" * 64)

    written(tmp_path / "other.pt", good_file())
    with pytest.raises(TrainingError, match=r"other\.pt is not the published file, of SHA-256 0{64}: fetch"):
        state_dict.read(tmp_path / "other.pt", "0" * 64)


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch attacked",)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"no archive", id="no archive"),
        pytest.param(file_of([1, 2], {}), id="a list"),
        pytest.param(file_of(OrderedDict(a=Attack()), {}), id="code"),
        pytest.param(good_file()[:-100], id="cut off"),
    ],
)
def test_what_holds_no_tensors_is_refused_and_never_run(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sha256 = written(tmp_path / "bad.pt", content)

    with pytest.raises(TrainingError, match=r"bad\.pt holds no state dict of PyTorch"):
        state_dict.read(tmp_path / "bad.pt", sha256)

    assert [path.name for path in tmp_path.iterdir()] == ["bad.pt"]


def test_fewer_numbers_than_a_shape_needs_are_refused(tmp_path: Path) -> None:
    short = file_of(OrderedDict(bias=Tensor("0", TENSORS["features.0.bias"])), {"0": b"\0" * 4})
    sha256 = written(tmp_path / "short.pt", short)

    with pytest.raises(TrainingError, match="holds no state dict of PyTorch"):
        state_dict.read(tmp_path / "short.pt", sha256)


def test_training_with_another_teacher_writes_one_sentence_and_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    teacher, out = tmp_path / "teacher.pt", tmp_path / "models"
    written(teacher, good_file())
    given = ["--data", str(tmp_path), "--out", str(out), "--teacher", str(teacher)]

    assert main(["us8k", *given]) == 2

    assert us8k.RECIPE.lessons is not None
    assert capsys.readouterr().err == (
        f"training: {teacher} is not the published file, of SHA-256 {us8k.RECIPE.lessons.sha256}: "
        "fetch it again\n"
    )
    assert not out.exists()

    assert main(["heart2", *given]) == 2

    assert capsys.readouterr().err == "training: heart2 learns from no file of weights: leave out --teacher\n"
