"""Versions on disk and in use: promoted, rolled back, refused, on real pairs."""

import hashlib
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_worker.errors import ModelError
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.inference.model_registry import ModelRegistry

MODELS = Path(__file__).parents[3] / "models_tflite"
NEW = "9.0.0+local.1"


@pytest.fixture
def shelf(tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(MODELS, tmp_path / "models")


def another(folder: Path, version: str = NEW, **facts: object) -> Path:
    """Write heart2 with another SHA-256: bytes behind a flat buffer change nothing that it says."""
    folder.mkdir(parents=True, exist_ok=True)
    content = (MODELS / "heart2.tflite").read_bytes() + version.encode()
    card = json.loads((MODELS / "heart2.json").read_text())
    card |= {"version": version, "sha256": hashlib.sha256(content).hexdigest(), **facts}
    (folder / "heart2.tflite").write_bytes(content)
    (folder / "heart2.json").write_text(json.dumps(card))
    return folder


def test_without_a_pointer_the_shipped_pair_serves(shelf: ModelRegistry) -> None:
    models = LoadedModels(shelf, ["heart5", "heart2"])
    assert list(models) == ["heart5", "heart2"]
    assert shelf.active("heart2") is None
    assert not models.refresh()


def test_a_promoted_version_takes_over_and_can_be_rolled_back(shelf: ModelRegistry, tmp_path: Path) -> None:
    models = LoadedModels(shelf, ["heart2"])
    shipped = models["heart2"].card
    shelf.put("heart2", NEW, another(tmp_path / "made"))
    assert not models.refresh(), "to be kept is not to be used"
    shelf.activate("heart2", NEW)
    assert models.refresh()
    assert not models.refresh(), "once"
    assert models["heart2"].card.version == NEW
    assert models["heart2"].card.sha256 != shipped.sha256
    assert LoadedModels(shelf, ["heart2"])["heart2"].card.version == NEW, "after a restart, too"
    shelf.activate("heart2", None)
    assert models.refresh()
    assert models["heart2"].card.sha256 == shipped.sha256


def test_what_does_not_load_is_logged_once_and_the_one_before_stays(
    shelf: ModelRegistry, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    models = LoadedModels(shelf, ["heart2"])
    before = models["heart2"]
    shelf.put("heart2", NEW, another(tmp_path / "made", sha256="0" * 64))
    shelf.activate("heart2", NEW)
    with caplog.at_level(logging.INFO):
        assert not models.refresh()
        assert not models.refresh()
    assert models["heart2"] is before
    (record,) = caplog.records
    assert "event=model_refused model=heart2" in record.getMessage()
    assert "do not belong together" in record.getMessage()


@pytest.mark.parametrize(
    ("pointer", "said"),
    [("../../etc", "names no version"), ("", "names no version"), ("7.7.7", "needs heart2.json")],
)
def test_a_pointer_to_nowhere_is_one_sentence(
    shelf: ModelRegistry, tmp_path: Path, pointer: str, said: str
) -> None:
    path = tmp_path / "models" / "heart2" / "active"
    path.parent.mkdir(parents=True)
    path.write_text(pointer)
    with pytest.raises(ModelError, match=said) as caught:
        LoadedModels(shelf, ["heart2"])
    assert "\n" not in str(caught.value)


def test_a_version_in_the_directory_of_another_is_refused(shelf: ModelRegistry, tmp_path: Path) -> None:
    another(tmp_path / "models" / "heart2" / "9.0.1", version=NEW)
    shelf.activate("heart2", "9.0.1")
    with pytest.raises(ModelError, match=f"holds version {NEW.replace('+', '.')}"):
        LoadedModels(shelf, ["heart2"])


def test_a_version_is_never_changed_and_never_half_there(shelf: ModelRegistry, tmp_path: Path) -> None:
    made = another(tmp_path / "made")
    shelf.put("heart2", NEW, made)
    kept = {path.name: path.read_bytes() for path in shelf.directory("heart2", NEW).iterdir()}
    with pytest.raises(ModelError, match="exists already"):
        shelf.put("heart2", NEW, another(tmp_path / "other", threshold=0.5))
    assert {path.name: path.read_bytes() for path in shelf.directory("heart2", NEW).iterdir()} == kept
    (made / "heart2.json").unlink()
    with pytest.raises(ModelError, match="cannot be written"):
        shelf.put("heart2", "9.0.1", made)
    assert [path.name for path in (tmp_path / "models" / "heart2").iterdir()] == [NEW]


@pytest.mark.parametrize("version", ["../x", ".hidden", "", "1.0.0/x", "none"])
def test_no_name_leaves_the_shelf(shelf: ModelRegistry, tmp_path: Path, version: str) -> None:
    with pytest.raises(ModelError):
        shelf.put("heart2", version, another(tmp_path / "made"))
    with pytest.raises(ModelError, match="no version"):
        shelf.activate("heart2", version)
    assert not (tmp_path / "models").exists()


def test_pairs_of_another_kind_are_no_classifiers(tmp_path: Path) -> None:
    shipped = another(tmp_path / "shipped")
    (shipped / "segments.tflite").write_bytes(b"")
    (shipped / "segments.json").write_text('{"model": "segments", "kind": "segmenter"}')
    (shipped / "damaged.tflite").write_bytes(b"")
    assert ModelRegistry(shipped, tmp_path).classifiers() == ["damaged", "heart2"], (
        "damage is to be complained of"
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


def test_e6_a_promoted_pair_that_does_not_match_its_card_stops_the_worker_at_start(tmp_path: Path) -> None:
    shelf = ModelRegistry(MODELS, tmp_path / "models")
    shelf.put("heart2", NEW, another(tmp_path / "made", sha256="0" * 64))
    assert worker_check(tmp_path).returncode == 0
    shelf.activate("heart2", NEW)
    refused = worker_check(tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].startswith("edge_worker: ")
    assert "do not belong together" in refused.stderr
    assert "Traceback" not in refused.stderr
