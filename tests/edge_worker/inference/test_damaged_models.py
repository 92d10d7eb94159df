"""Shipped models of which a file is damaged: the others are loaded, and it is said which is not."""

import json
import shutil
from pathlib import Path

import pytest

from edge_worker.errors import ModelError
from edge_worker.inference import loaded_models
from edge_worker.inference.loaded_models import LoadedModels, load_segmenter
from edge_worker.inference.model_registry import ModelRegistry

MODELS = Path(__file__).parents[3] / "models_tflite"
HUGE = 10**400


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The models of the program, of which a test may damage some."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for model in ("heart5", "heart2", "segments"):
        for suffix in ("tflite", "json"):
            shutil.copy(MODELS / f"{model}.{suffix}", folder)
    monkeypatch.setattr(loaded_models, "DEFAULT_MODELS_DIR", folder)
    return folder


def registry_of(shipped: Path) -> ModelRegistry:
    return ModelRegistry(shipped, shipped / "none")


def change_card(path: Path, *keys: str, value: object) -> None:
    card = part = json.loads(path.read_text())
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    path.write_text(json.dumps(card))


@pytest.mark.parametrize("suffix", ["tflite", "json"])
@pytest.mark.parametrize("content", [None, b"", b"rubbish", b"[]", b"[" * 100_000])
def test_a_damaged_pair_is_left_out_and_named(shipped: Path, suffix: str, content: bytes | None) -> None:
    path = shipped / f"heart2.{suffix}"
    path.unlink() if content is None else path.write_bytes(content)
    registry = registry_of(shipped)
    models = LoadedModels(registry, dict.fromkeys((*("heart5", "heart2"), *registry.classifiers())))
    assert list(models) == ["heart5"]
    assert list(models.refused) == ["heart2"]
    assert path.name in str(models.refused["heart2"])
    assert not models.refresh()


@pytest.mark.parametrize("suffix", ["tflite", "json"])
def test_without_its_segmenter_nothing_but_heart_rates_is_missing(shipped: Path, suffix: str) -> None:
    (shipped / f"segments.{suffix}").write_bytes(b"rubbish")
    segmenter, damage = load_segmenter(shipped)
    assert "segments" in str(damage)
    assert segmenter.version is None
    assert "segments" not in registry_of(shipped).classifiers()


def test_a_segmenter_of_the_program_takes_the_place_of_a_copied_one(shipped: Path, tmp_path: Path) -> None:
    segmenter, damage = load_segmenter(tmp_path)
    assert segmenter.version == load_segmenter(shipped)[0].version
    assert "segments.json" in str(damage)


@pytest.mark.parametrize(
    ("model", "keys", "value"),
    [
        ("heart5", ("features", "sample_rate"), HUGE),
        ("heart2", ("adaptation", "within_site"), HUGE),
        ("segments", ("hop_s",), 1e308),
    ],
)
def test_numbers_that_nothing_can_be_made_of_are_no_card(
    shipped: Path, model: str, keys: tuple[str, ...], value: float
) -> None:
    change_card(shipped / f"{model}.json", *keys, value=value)
    if model == "segments":
        assert "segments" in str(load_segmenter(shipped)[1])
    else:
        with pytest.raises(ModelError, match="copy"):
            LoadedModels(registry_of(shipped), [model])


def test_where_no_model_can_be_loaded_it_is_one_sentence(shipped: Path) -> None:
    for model in ("heart5", "heart2"):
        (shipped / f"{model}.tflite").write_bytes(b"rubbish")
    with pytest.raises(ModelError, match="heart5") as caught:
        LoadedModels(registry_of(shipped), ["heart5", "heart2"])
    assert "\n" not in str(caught.value)


def test_a_model_that_was_never_there_is_a_wrong_setting(shipped: Path) -> None:
    with pytest.raises(ModelError, match=r"needs lungs\.json"):
        LoadedModels(registry_of(shipped), ["heart5", "lungs"])
