"""Public groups are either trained on or held out."""

from dataclasses import replace
from pathlib import Path

from edge_worker.database.training import Clip
from models_tflite.training.corpus.corpus import BACKGROUND, PARTIAL_LABEL, Recording
from models_tflite.training.recipes.heart2 import RECIPE
from models_tflite.training.retraining import data_split

LABELS = ("normal", "abnormal")


def test_public_groups_are_either_trained_on_or_held_out() -> None:
    recordings = [
        Recording(Path(f"{n}.wav"), LABELS[n % 2], "physionet-a" if n % 3 else "circor", f"patient{n // 4}")
        for n in range(800)
    ]
    recordings += [Recording(Path(f"{n}.ogg"), BACKGROUND, "background-esc50", f"{n}") for n in range(50)]
    recordings += [
        Recording(Path(f"{n}.flac"), PARTIAL_LABEL, "physionet-b", f"unlabelled{n}") for n in range(50)
    ]
    recipe = replace(RECIPE, gather=lambda _: iter(recordings), evaluated_on="physionet")
    clips = [clip(label, f"{held_out}", held_out=held_out) for label in LABELS for held_out in (True, False)]
    divided = data_split.split(clips, Path("data").joinpath, recipe, Path("datasets"), LABELS)
    trained_on, held_out_groups = (
        {each.group for each in side} for side in (divided.training, divided.held_out_public)
    )
    assert not trained_on & held_out_groups
    assert 25 <= len(held_out_groups) <= 55, "one in five of 200"
    assert {each.site for each in divided.held_out_public} == {"physionet-a"}, "where its figures are of"
    assert {each.label for each in divided.held_out_public} == set(LABELS)
    assert {each.label for each in divided.held_out_background} == {BACKGROUND}
    assert not trained_on & {each.group for each in divided.held_out_background}
    assert sum(each.label == PARTIAL_LABEL for each in divided.training) >= 25, "of which no figure is"


def clip(label: str, name: str, *, held_out: bool) -> Clip:
    return Clip("heart2", label, f"{label}-{name}.wav", name, f"{label}-{name}", held_out)
