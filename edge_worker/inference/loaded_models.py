"""Loaded classifiers of the versions in use, reloaded when a version is promoted or rolled back."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from edge_worker.errors import ModelError
from edge_worker.inference.classifier import Classifier
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

        `is_quiet`: changes are logged at debug level, because another instance logs the same ones.

        Raises:
            ModelError: of a model none can be loaded.
        """
        self._registry = registry
        self._is_quiet = is_quiet
        # Tokens before models: a change during loading is then seen at the next refresh.
        self._tokens = {model: registry.change_token(model) for model in models}
        self.refused: dict[str, ModelError] = {}
        """Why the version in use of a model was not loaded at the start."""
        self._classifiers = {model: self._first(model) for model in self._tokens}

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

    def _first(self, model: str) -> Classifier:
        """Return the version in use; else the shipped one; else, if that is damaged, the program's own."""
        try:
            return _load(self._registry, model)
        except ModelError as error:
            classifier = self._fallback(model)
            if classifier is None:
                raise
            self.refused[model] = error
            self._log_refused(model, classifier, error)
            return classifier

    def _fallback(self, model: str) -> Classifier | None:
        shipped = self._registry.directory(model, None)
        is_damaged = (shipped / f"{model}.tflite").exists()  # else it is not there: a wrong setting
        for directory in (shipped, DEFAULT_MODELS_DIR) if is_damaged else ():
            with suppress(ModelError):
                return Classifier.load(directory, model)
        return None

    def _log_refused(self, model: str, stays: Classifier, error: ModelError) -> None:
        level = logging.DEBUG if self._is_quiet else logging.ERROR
        _LOG.log(level, line("model_refused", model=model, stays=stays.card.version, reason=error))

    def _refresh(self, model: str) -> bool:
        token = self._registry.change_token(model)
        if token == self._tokens[model]:
            return False
        self._tokens[model] = token
        before = self._classifiers[model].card
        try:
            after = _load(self._registry, model)
        except ModelError as error:
            self._log_refused(model, self._classifiers[model], error)
            return False
        self._classifiers[model] = after
        change = {"from": before.version, "to": after.card.version, "sha256": after.card.sha256}
        _LOG.log(
            logging.DEBUG if self._is_quiet else logging.INFO, line("model_changed", model=model, **change)
        )
        return True


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
