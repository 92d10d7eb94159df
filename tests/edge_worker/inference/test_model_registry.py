"""Model registry and loaded models: versions are promoted, rolled back and refused, with real pairs."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_worker.errors import ModelError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.inference.model_registry import ModelRegistry

MODELS = Path(__file__).parents[3] / "models_tflite"
NEW = "9.0.0+local.1"


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(MODELS, tmp_path / "models")


def write_version(folder: Path, version: str = NEW, **facts: object) -> Path:
    """Write heart2 with another SHA-256: bytes after a FlatBuffer do not change its outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    content = (MODELS / "heart2.tflite").read_bytes() + version.encode()
    card = json.loads((MODELS / "heart2.json").read_text())
    card |= {"version": version, "sha256": hashlib.sha256(content).hexdigest(), **facts}
    (folder / "heart2.tflite").write_bytes(content)
    (folder / "heart2.json").write_text(json.dumps(card))
    return folder


def test_the_shipped_pair_is_in_use_by_default(registry: ModelRegistry) -> None:
    models = LoadedModels(registry, ["heart5", "heart2"])
    assert list(models) == ["heart5", "heart2"]
    assert registry.active("heart2") is None
    assert not models.refresh()


def test_a_version_is_promoted_and_rolled_back(registry: ModelRegistry, tmp_path: Path) -> None:
    models = LoadedModels(registry, ["heart2"])
    shipped = models["heart2"].card
    registry.put("heart2", NEW, write_version(tmp_path / "made"))
    assert not models.refresh(), "a stored version is not in use yet"
    registry.activate("heart2", NEW)
    assert models.refresh()
    assert not models.refresh(), "a version is loaded once"
    assert models["heart2"].card.version == NEW
    assert models["heart2"].card.sha256 != shipped.sha256
    assert LoadedModels(registry, ["heart2"])["heart2"].card.version == NEW, "also after a restart"
    registry.activate("heart2", None)
    assert models.refresh()
    assert models["heart2"].card.sha256 == shipped.sha256


def test_a_damaged_version_is_logged_once_and_the_previous_one_stays(
    registry: ModelRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = LoadedModels(registry, ["heart2"])
    before = models["heart2"]
    registry.put("heart2", NEW, write_version(tmp_path / "made", sha256="0" * 64))
    registry.activate("heart2", NEW)
    with caplog.at_level(logging.INFO):
        assert not models.refresh()
        assert not models.refresh()
    assert models["heart2"] is before
    (record,) = caplog.records
    assert "event=model_refused model=heart2" in record.getMessage()
    assert "do not belong together" in record.getMessage()


@pytest.mark.parametrize(
    ("pointer", "message"),
    [("../../etc", "names no version"), ("", "names no version"), ("7.7.7", "needs heart2.json")],
)
def test_with_an_invalid_active_file_the_shipped_version_is_used(
    registry: ModelRegistry, tmp_path: Path, pointer: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "models" / "heart2" / "active"
    path.parent.mkdir(parents=True)
    path.write_text(pointer)
    models = LoadedModels(registry, ["heart2"])
    assert models["heart2"].card.version == Classifier.load(MODELS, "heart2").card.version
    assert message in str(models.refused["heart2"])
    assert "\n" not in str(models.refused["heart2"])
    assert caplog.text.count("event=model_refused model=heart2") == 1


def test_a_version_in_the_directory_of_another_is_refused(registry: ModelRegistry, tmp_path: Path) -> None:
    write_version(tmp_path / "models" / "heart2" / "9.0.1", version=NEW)
    registry.activate("heart2", "9.0.1")
    assert f"holds version {NEW}" in str(LoadedModels(registry, ["heart2"]).refused["heart2"])


def test_a_version_is_stored_atomically_and_never_changed(registry: ModelRegistry, tmp_path: Path) -> None:
    made = write_version(tmp_path / "made")
    registry.put("heart2", NEW, made)
    stored = {path.name: path.read_bytes() for path in registry.directory("heart2", NEW).iterdir()}
    with pytest.raises(ModelError, match="exists already"):
        registry.put("heart2", NEW, write_version(tmp_path / "other", threshold=0.5))
    assert {path.name: path.read_bytes() for path in registry.directory("heart2", NEW).iterdir()} == stored
    (made / "heart2.json").unlink()
    with pytest.raises(ModelError, match="cannot be written"):
        registry.put("heart2", "9.0.1", made)
    assert [path.name for path in (tmp_path / "models" / "heart2").iterdir()] == [NEW]


@pytest.mark.parametrize("version", ["../x", ".hidden", "", "1.0.0/x", "none"])
def test_version_names_cannot_leave_the_directory(
    registry: ModelRegistry, tmp_path: Path, version: str
) -> None:
    with pytest.raises(ModelError):
        registry.put("heart2", version, write_version(tmp_path / "made"))
    with pytest.raises(ModelError, match="no version"):
        registry.activate("heart2", version)
    assert not (tmp_path / "models").exists()


def test_models_of_other_kinds_are_not_classifiers(tmp_path: Path) -> None:
    shipped = write_version(tmp_path / "shipped")
    (shipped / "segments.tflite").write_bytes(b"")
    (shipped / "segments.json").write_text('{"model": "segments", "kind": "segmenter"}')
    (shipped / "damaged.tflite").write_bytes(b"")
    assert ModelRegistry(shipped, tmp_path).classifiers() == ["damaged", "heart2"], (
        "the loader reports the damage"
    )


def worker_check(data_dir: Path) -> "subprocess.CompletedProcess[str]":
    environ = {"STETHO_DATA_DIR": str(data_dir), "STETHO_MODELS_DIR": str(MODELS)}
    return subprocess.run(
        [sys.executable, "-m", "edge_worker", "check"],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_e6_a_worker_starts_with_the_shipped_model_when_the_promoted_one_is_damaged(tmp_path: Path) -> None:
    registry = ModelRegistry(MODELS, tmp_path / "models")
    registry.put("heart2", NEW, write_version(tmp_path / "made", sha256="0" * 64))
    assert worker_check(tmp_path).returncode == 0
    registry.activate("heart2", NEW)
    started = worker_check(tmp_path)
    assert started.returncode == 0
    assert "event=model_refused model=heart2" in started.stderr
    assert "do not belong together" in started.stderr
    assert "Traceback" not in started.stderr


def test_where_the_copied_models_are_damaged_those_of_the_program_are_used(tmp_path: Path) -> None:
    copied = tmp_path / "copied"
    copied.mkdir()
    (copied / "heart2.json").write_bytes((MODELS / "heart2.json").read_bytes())
    (copied / "heart2.tflite").write_bytes(b"rubbish")
    models = LoadedModels(ModelRegistry(copied, tmp_path / "models"), ["heart2"])
    assert models["heart2"].card.version == Classifier.load(MODELS, "heart2").card.version
    assert "do not belong together" in str(models.refused["heart2"])


def test_a_model_of_which_no_version_can_be_loaded_is_one_sentence(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path / "empty", tmp_path / "models")
    with pytest.raises(ModelError, match=r"needs heart2\.json") as caught:
        LoadedModels(registry, ["heart2"])
    assert "\n" not in str(caught.value)


def test_labels_of_a_version_that_explains_none_mean_what_the_shipped_card_says(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    made = write_version(tmp_path / "made")
    card = json.loads((made / "heart2.json").read_text())
    del card["meanings"]
    (made / "heart2.json").write_text(json.dumps(card))
    registry.put("heart2", NEW, made)
    registry.activate("heart2", NEW)
    card = LoadedModels(registry, ["heart2"])["heart2"].card
    assert card.version == NEW
    assert card.meaning("abnormal").severity == "finding"
    assert card.meaning("something else").severity == "unknown"


def test_a_card_whose_meanings_have_another_form_is_refused(tmp_path: Path) -> None:
    made = write_version(
        tmp_path / "made", meanings={"normal": {"severity": "fine", "name": {"en": "Normal"}}}
    )
    with pytest.raises(ModelError, match="severity"):
        Classifier.load(made, "heart2")
