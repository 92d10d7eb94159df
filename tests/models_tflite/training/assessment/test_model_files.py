"""Files of a model are replaced whole or not at all."""

from pathlib import Path

import pytest

from models_tflite.training.assessment import model_files
from models_tflite.training.corpus.corpus import TrainingError


def test_files_are_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "heart2.tflite").write_bytes(b"old")
    (tmp_path / "heart2.json").mkdir()

    with pytest.raises(TrainingError, match="cannot be written"):
        model_files.replace({tmp_path / "heart2.json": b"{}", tmp_path / "heart2.tflite": b"new"})

    assert (tmp_path / "heart2.tflite").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heart2.json", "heart2.tflite"]
