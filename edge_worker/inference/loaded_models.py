"""The classifiers in use, and how a promoted version takes over while recordings arrive."""

import logging
from collections.abc import Iterable, Iterator, Mapping

from edge_worker.errors import ModelError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)


class LoadedModels(Mapping[str, Classifier]):
    """One classifier a model, for one thread: it refreshes between recordings, so one version judges each."""

    def __init__(self, shelf: ModelRegistry, models: Iterable[str], *, is_quiet: bool = False) -> None:
        """Load the version in use of every model; raises ModelError at the first that is not whole.

        `is_quiet`: another set of the same models logs what happens.
        """
        self._shelf = shelf
        self._is_quiet = is_quiet
        # Marks first: what changes while we load is seen at the next refresh.
        self._marks = {model: shelf.change_token(model) for model in models}
        self._classifiers = {model: _load(shelf, model) for model in self._marks}

    def __getitem__(self, model: str) -> Classifier:
        return self._classifiers[model]

    def __iter__(self) -> Iterator[str]:
        return iter(self._classifiers)

    def __len__(self) -> int:
        return len(self._classifiers)

    def refresh(self) -> bool:
        """Load what was promoted or rolled back since the last time; return whether anything changed.

        A version that does not load is logged, once, and the one before stays. Costs one stat a model when
        nothing happened, and some milliseconds for a model that changed.
        """
        changed = [self._refresh(model) for model in self._marks]
        return any(changed)

    def _refresh(self, model: str) -> bool:
        mark = self._shelf.change_token(model)
        if mark == self._marks[model]:
            return False
        self._marks[model] = mark
        before = self._classifiers[model].card
        try:
            after = _load(self._shelf, model)
        except ModelError as error:
            _LOG.log(
                logging.DEBUG if self._is_quiet else logging.ERROR,
                line("model_refused", model=model, stays=before.version, reason=error),
            )
            return False
        self._classifiers[model] = after
        change = {"from": before.version, "to": after.card.version, "sha256": after.card.sha256}
        _LOG.log(
            logging.DEBUG if self._is_quiet else logging.INFO, line("model_changed", model=model, **change)
        )
        return True


def _load(shelf: ModelRegistry, model: str) -> Classifier:
    version = shelf.active(model)
    found = Classifier.load(shelf.directory(model, version), model)
    if version not in (None, found.card.version):
        raise ModelError(
            f"{shelf.directory(model, version)} holds version {found.card.version}: roll back to another"
        )
    return found
