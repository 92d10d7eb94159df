"""A candidate: a recipe trained on what a job gives it, as a pair that the worker could load."""

import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_worker.inference.interpreter import ModelInterpreter
from models_tflite.training.assessment import assessment, calibration, card, model_files
from models_tflite.training.assessment.assessment import Assessment
from models_tflite.training.corpus import corpus
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.recipes.registry import recipe_of
from models_tflite.training.retraining.data_split import is_held_out
from models_tflite.training.retraining.training_process import Progress, TrainingRequest

if TYPE_CHECKING:
    import keras


def train(order: TrainingRequest, note: Callable[[Progress], None]) -> None:
    """Train a candidate and write its pair; a `TrainFunction`. TensorFlow is imported here.

    Raises:
        TrainingError, AudioError: data that cannot be learned from, in one sentence.
    """
    recipe = _of(order)
    note({"phase": "features"})
    heard = corpus.load(order.learn, recipe.labels, recipe.features, recipe.trim_db)
    from models_tflite.training.networks import conversion, fit  # noqa: PLC0415 TensorFlow: seconds

    start = _start(recipe, order, note)
    tell = _epoch_reporter(note, "training", recipe)
    model = fit.fit(heard, recipe, start, recipe.seed, f"{order.model} {order.version}", on_epoch=tell)
    note({"phase": "converting"})
    content = conversion.to_int8(model, conversion.representative(fit.corpus_windows(heard, recipe)[0]))
    document = card.document(recipe, _calibrated(heard, recipe, content), content, len(heard))
    text = json.dumps({**document, **_facts(recipe, order)}, indent=1, ensure_ascii=False) + "\n"
    names = order.out / f"{order.model}.tflite", order.out / f"{order.model}.json"
    model_files.replace(dict(zip(names, (content, text.encode()), strict=True)))


def _of(order: TrainingRequest) -> Recipe:
    recipe = dataclasses.replace(recipe_of(order.model), version=order.version)
    recipe = recipe.adapted_to(order.learn)
    if order.data is None:  # nothing of the public data is in it, nor are its terms
        facts = {name: recipe.facts[name] for name in ("task", "not_for")}
        recipe = dataclasses.replace(recipe, facts={**facts, "licence_of_data": "that of the uploads"})
    return recipe.with_epochs(order.epochs)


def _start(recipe: Recipe, order: TrainingRequest, note: Callable[[Progress], None]) -> "keras.Model | None":
    """Return the model to start from, trained on public data but what is held out, if any."""
    from models_tflite.training.networks import fit  # noqa: PLC0415 TensorFlow: seconds

    first = recipe.pretraining
    if first is None or order.data is None:
        return None
    tell = _epoch_reporter(note, "training what it starts from", first)
    known = [recording for recording in first.gather(order.data) if not is_held_out(recording.group)]
    heard = corpus.load(known, first.labels, first.features, first.trim_db)
    return fit.fit(heard, first, None, first.seed, f"{first.model} to start from", on_epoch=tell)


def _epoch_reporter(note: Callable[[Progress], None], phase: str, recipe: Recipe) -> Callable[[int], None]:
    """Return what notes the epochs of a phase; it begins with none."""

    def tell(epoch: int) -> None:
        note({"phase": phase, "epoch": epoch, "epochs": recipe.total_epochs})

    tell(0)
    return tell


def _calibrated(heard: Corpus, recipe: Recipe, content: bytes) -> Assessment:
    """Return temperature and threshold from the part of other groups that only chose the best epoch.

    Never from what is held out: the candidate must not know by what it is compared.
    """
    from models_tflite.training.networks import fit  # noqa: PLC0415 TensorFlow: seconds

    is_told = heard.targets <= len(recipe.labels)
    validation = heard.subset(fit.validation_mask(heard, recipe, recipe.seed) & is_told)
    windows, owner = fit.corpus_windows(validation, recipe)
    logits, targets, labels = ModelInterpreter(content).run(windows), validation.targets, len(recipe.labels)
    temperature = calibration.fit_temperature(logits, owner, targets)
    probabilities = calibration.recording_probabilities(logits, owner, temperature)
    threshold = calibration.fit_threshold(probabilities, targets, labels, recipe.coverage, recipe.rejection)
    has_others = bool((targets == labels).any())
    rule = calibration.rule(recipe.coverage, recipe.rejection, has_others=has_others)
    return assessment.Assessment(temperature, threshold, rule, figures={})


def _facts(recipe: Recipe, order: TrainingRequest) -> dict[str, object]:
    """Return what a card says otherwise than the recipe: it is of this site."""
    uploads, public = "labelled uploads of this site", recipe.facts.get("data", ())
    return {
        "data": [uploads, *([] if order.data is None else public)],
        "split": "one source of uploads in five, and one group of public data in five, is held out for good",
        "baseline": "the version that it replaced: see figures",
    }
