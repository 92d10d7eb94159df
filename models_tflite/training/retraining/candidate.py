"""Training of a candidate: a recipe trained on a job's recordings, as files that the worker could load."""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_worker.inference.interpreter import ModelInterpreter
from edge_worker.inference.unfamiliar_device import UnfamiliarDevice
from edge_worker.protocol import strict_json
from models_tflite.training.assessment import assessment, calibration, card, model_files
from models_tflite.training.assessment.assessment import Assessment
from models_tflite.training.corpus.corpus import Corpus, load_corpus
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.recipes.registry import recipe_of
from models_tflite.training.retraining.data_split import is_held_out
from models_tflite.training.retraining.training_process import Progress, TrainingRequest

if TYPE_CHECKING:
    import keras


def train(request: TrainingRequest, report: Callable[[Progress], None]) -> None:
    """Train a candidate and write its files; a `TrainFunction`. TensorFlow is imported here.

    Raises:
        TrainingError, AudioError: data that cannot be trained on, in one sentence.
    """
    recipe = _recipe_of(request)
    report({"phase": "features"})
    corpus = load_corpus(request.recordings, recipe.labels, recipe.features, recipe.trim_db)
    from models_tflite.training.assessment import unfamiliar_fit  # noqa: PLC0415 TensorFlow: seconds
    from models_tflite.training.networks import fit, shipping  # noqa: PLC0415 TensorFlow: seconds

    initial = _pretrained(recipe, request, report)
    report_epoch = _epoch_reporter(report, "training", recipe)
    model = fit.fit(
        corpus, recipe, initial, recipe.seed, f"{request.model} {request.version}", on_epoch=report_epoch
    )
    report({"phase": "converting"})
    trained = shipping.to_file(model, corpus, recipe), unfamiliar_fit.fit(corpus, recipe)
    assessed, content = _calibrated(corpus, recipe, *trained), trained[0]
    document = card.document(recipe, assessed, content, len(corpus)) | _unfamiliar(assessed, trained[1])
    text = strict_json.write({**document, **_facts(recipe, request)}, indent=1) + "\n"
    names = request.out / f"{request.model}.tflite", request.out / f"{request.model}.json"
    model_files.replace(dict(zip(names, (content, text.encode()), strict=True)))


def _recipe_of(request: TrainingRequest) -> Recipe:
    # A site has recordings, but no teacher.
    recipe = dataclasses.replace(recipe_of(request.model), version=request.version, lessons=None)
    recipe = recipe.adapted_to(request.recordings)
    if request.data is None:  # public data is not in it, nor are its terms
        facts = {name: recipe.facts[name] for name in ("task", "not_for")}
        facts = {**facts, "licence_of_data": "that of the uploads"}
        recipe = dataclasses.replace(
            recipe, facts=facts, contrasts=False
        )  # one site has no unfamiliar device
    return recipe.with_epochs(request.epochs)


def _pretrained(
    recipe: Recipe, request: TrainingRequest, report: Callable[[Progress], None]
) -> "keras.Model | None":
    """Return the model to start from, trained on public data but its held-out groups; None: no such model."""
    from models_tflite.training.networks import fit  # noqa: PLC0415 TensorFlow: seconds

    first = recipe.pretraining
    if first is None or request.data is None:
        return None
    report_epoch = _epoch_reporter(report, "training what it starts from", first)
    recordings = [recording for recording in first.gather(request.data) if not is_held_out(recording.group)]
    corpus = load_corpus(recordings, first.labels, first.features, first.trim_db)
    return fit.fit(corpus, first, None, first.seed, f"{first.model} to start from", on_epoch=report_epoch)


def _epoch_reporter(report: Callable[[Progress], None], phase: str, recipe: Recipe) -> Callable[[int], None]:
    """Return a callback that reports the epochs of a phase; epoch 0 is reported at once."""

    def report_epoch(epoch: int) -> None:
        report({"phase": phase, "epoch": epoch, "epochs": recipe.total_epochs})

    report_epoch(0)
    return report_epoch


def _unfamiliar(assessed: Assessment, unfamiliar: UnfamiliarDevice | None) -> dict[str, object]:
    """Return the card's entry on unfamiliar devices: no label is accepted there, as none was measured."""
    if unfamiliar is None:
        return {}
    by_site = (assessed.threshold,) * len(unfamiliar.familiarity.sites)
    fitted = dataclasses.replace(unfamiliar, thresholds=by_site, threshold=1.0)
    return {"unfamiliar_device": fitted.document()}


def _calibrated(
    corpus: Corpus, recipe: Recipe, content: bytes, unfamiliar: UnfamiliarDevice | None
) -> Assessment:
    """Return temperature and threshold, fitted on the validation part.

    Never on held-out recordings: the candidate must not be fitted to what it is compared on.
    """
    from models_tflite.training.assessment import unfamiliar_fit  # noqa: PLC0415 TensorFlow: seconds
    from models_tflite.training.networks import batches, fit  # noqa: PLC0415 TensorFlow: seconds

    has_label = corpus.targets <= len(recipe.labels)
    validation = corpus.subset(fit.validation_mask(corpus, recipe, recipe.seed) & has_label)
    targets, labels = validation.targets, len(recipe.labels)
    if unfamiliar is None:
        windows, owner = batches.corpus_windows(validation, recipe)
        logits = ModelInterpreter(content).run(windows)
    else:
        predictions = unfamiliar_fit.predict(content, unfamiliar, validation, recipe, fold=0)
        logits, owner = predictions.logits, predictions.owner
    temperature = calibration.fit_temperature(logits, owner, targets)
    probabilities = calibration.recording_probabilities(logits, owner, temperature)
    threshold = calibration.fit_threshold(probabilities, targets, labels, recipe.coverage, recipe.rejection)
    has_others = bool((targets == labels).any())
    rule = calibration.threshold_rule(recipe.coverage, recipe.rejection, has_others=has_others)
    return assessment.Assessment(temperature, threshold, rule, figures={})


def _facts(recipe: Recipe, request: TrainingRequest) -> dict[str, object]:
    """Return the entries of the card that differ from the recipe's: data, split and baseline of this site."""
    uploads, public = "labelled uploads of this site", recipe.facts.get("data", ())
    return {
        "data": [uploads, *([] if request.data is None else public)],
        "split": "one source of uploads in five, and one group of public data in five, is held out for good",
        "baseline": "the version that it replaced: see figures",
    }
