"""Loaded classifiers of the versions in use, reloaded when a version is promoted or rolled back."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from edge_worker.errors import ModelError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.heart_segmenter import HeartSegmenter, NoSegmenter
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import DEFAULT_MODELS_DIR
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)


class LoadedModels(Mapping[str, Classifier]):
    """Mapping from model name to classifier, for one thread.

    The thread calls `refresh` between recordings, so that a single version classifies each of them.
    """

    def __init__(self, registry: ModelRegistry, models: Iterable[str], *, is_quiet: bool = False) -> None:
        """Load the version in use of every model, or the best that there is where that is damaged.

        A model of which none can be loaded is left out until the next start. `is_quiet`: changes are logged
        at debug level, because another instance logs the same ones.

        Raises:
            ModelError: there is no such model, or not one of them can be loaded.
        """
        self._registry = registry
        self._is_quiet = is_quiet
        # Tokens before models: a change during loading is then seen at the next refresh.
        tokens = {model: registry.change_token(model) for model in models}
        self.refused: dict[str, ModelError] = {}
        """Why the version in use of a model is not loaded, by model."""
        first = {model: self._first(model) for model in tokens}
        self._classifiers = {model: each for model, each in first.items() if each is not None}
        self._tokens = {model: tokens[model] for model in self._classifiers}
        if self.refused and not self._classifiers:
            raise next(iter(self.refused.values()))

    def __getitem__(self, model: str) -> Classifier:
        return self._classifiers[model]

    def __iter__(self) -> Iterator[str]:
        return iter(self._classifiers)

    def __len__(self) -> int:
        return len(self._classifiers)

    def refresh(self) -> bool:
        """Load the versions promoted or rolled back since the last call; return whether any model changed.

        A version that cannot be loaded is logged once, and the previous one stays in use. Costs one stat per
        model when nothing changed, and some milliseconds for each model that did.
        """
        changed = [self._refresh(model) for model in self._tokens]
        return any(changed)

    def _first(self, model: str) -> Classifier | None:
        """Return the version in use; else the shipped one; else the program's own; None: all are damaged."""
        try:
            return _load(self._registry, model)
        except ModelError as error:
            if not self._registry.is_shipped(model):  # a wrong setting
                raise
            classifier = self._fallback(model)
            self._refuse(model, classifier, error)
            return classifier

    def _fallback(self, model: str) -> Classifier | None:
        for directory in (self._registry.directory(model, None), DEFAULT_MODELS_DIR):
            with suppress(ModelError):
                return Classifier.load(directory, model)
        return None

    def _refuse(self, model: str, stays: Classifier | None, error: ModelError) -> None:
        self.refused[model] = error
        level = logging.DEBUG if self._is_quiet else logging.ERROR
        version = None if stays is None else stays.card.version
        _LOG.log(level, line("model_refused", model=model, stays=version, reason=error))

    def _refresh(self, model: str) -> bool:
        token = self._registry.change_token(model)
        if token == self._tokens[model]:
            return False
        self._tokens[model] = token
        before = self._classifiers[model].card
        try:
            after = _load(self._registry, model)
        except ModelError as error:
            self._refuse(model, self._classifiers[model], error)
            return False
        self.refused.pop(model, None)
        self._classifiers[model] = after
        change = {"from": before.version, "to": after.card.version, "sha256": after.card.sha256}
        _LOG.log(
            logging.DEBUG if self._is_quiet else logging.INFO, line("model_changed", model=model, **change)
        )
        return True


def load_segmenter(directory: Path) -> tuple[HeartSegmenter, ModelError | None]:
    """Return the segmenter in `directory`, or the best that there is, with the reason why not that one."""
    try:
        return HeartSegmenter.load(directory), None
    except ModelError as error:
        with suppress(ModelError):
            return HeartSegmenter.load(DEFAULT_MODELS_DIR), error
        return NoSegmenter(), error


def _load(registry: ModelRegistry, model: str) -> Classifier:
    """Return the classifier of the version in use; raises ModelError."""
    version = registry.active(model)
    classifier = Classifier.load(registry.directory(model, version), model)
    if version not in (None, classifier.card.version):
        raise ModelError(
            f"{registry.directory(model, version)} holds version {classifier.card.version}: "
            "roll back to another"
        )
    if set(classifier.card.labels) - set(classifier.card.meanings):  # retrained before cards explained labels
        classifier.card = replace(classifier.card, meanings=registry.meanings(model, version))
    return classifier
