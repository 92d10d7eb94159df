"""The versions of models, on the shelf and in the ledger: kept, put to use, rolled back.

The shelf is what the worker follows; the ledger is what people read, and follows the shelf.
"""

import json
from pathlib import Path
from typing import Any, Final

from edge_worker.database.training import ModelVersion, TrainingTables
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_registry import SHIPPED, ModelRegistry
from models_tflite.training.corpus.corpus import TrainingError

LOCAL: Final = "+local."
"""Marks versions of this machine, as semantic versioning's build metadata: 1.0.0+local.7 is of job 7."""


class Versions:
    """What may serve. One trainer promotes; anybody may roll back."""

    def __init__(self, shelf: ModelRegistry, ledger: TrainingTables) -> None:
        self._shelf = shelf
        self._ledger = ledger

    def active(self, model: str) -> Classifier:
        """Return the classifier in use; raises TrainingError or ModelError when there is none."""
        self.require(model)
        return Classifier.load(self._shelf.directory(model, self._shelf.active(model)), model)

    def next(self, incumbent: Classifier, job: int) -> str:
        """Return the name of a job's version; a crash may have left one of that name that nobody uses."""
        model, base = incumbent.card.model, incumbent.card.version.split(LOCAL)[0]
        version, attempt = f"{base}{LOCAL}{job}", 1
        while self._shelf.has(model, version):
            attempt += 1
            version = f"{base}{LOCAL}{job}.{attempt}"
        return version

    def promote(self, made: Classifier, folder: Path, job: int, report: dict[str, Any]) -> None:
        """Keep the pair in `folder` for good and put it to use; raises ModelError when the disk refuses."""
        card = made.card
        self._keep_shipped(card.model)
        _write_figures(folder / f"{card.model}.json", report)
        self._shelf.put(card.model, card.version, folder)
        version = ModelVersion(card.model, card.version, card.sha256, "candidate", job, report)
        self._ledger.add_version(version)
        self._use(version, job)

    def recover(self) -> None:
        """Finish what a crash left: a version that had won is put to use, other jobs wait again."""
        for job in self._ledger.jobs(state="running"):
            made = self._ledger.version_of_job(job.id)
            if made is None:
                self._ledger.requeue_job(job.id)
            else:
                self._use(made, job.id)
        for model in self._shelf.classifiers():
            self._ledger.set_active(model, self._shelf.active(model))

    def roll_back(self, model: str, version: str) -> Classifier:
        """Let another version serve, `shipped` for what the program came with; return it.

        Raises:
            TrainingError: there is no such version.
            ModelError: it does not load, or cannot be put to use; the one before stays.
        """
        self.require(model)
        shipped = self._shelf.card(model, None)
        kept = [each.version for each in self._ledger.versions(model)]
        if version not in (SHIPPED, shipped["version"], *kept):
            raise TrainingError(f"{model} has no version {version}: choose {', '.join([SHIPPED, *kept])}")
        target = version if version in kept else None
        found = Classifier.load(self._shelf.directory(model, target), model)
        self._shelf.activate(model, target)
        self._ledger.set_active(model, target)
        return found

    def require(self, model: str) -> None:
        """Raise TrainingError unless there is a classifier of that name."""
        known = self._shelf.classifiers()
        if model not in known:
            raise TrainingError(f"there is no classifier {model}: choose {', '.join(known)}")

    def _use(self, version: ModelVersion, job: int) -> None:
        """Put a version that won to use. Done again after a crash in between, it comes to the same."""
        self._shelf.activate(version.model, version.version)
        self._ledger.set_active(version.model, version.version)
        self._ledger.finish_job(job, "promoted", version.document)

    def _keep_shipped(self, model: str) -> None:
        """Keep the shipped pair as a version too: an upgrade of the program must not take it away."""
        card = self._shelf.card(model, None)
        version = str(card["version"])
        if not self._shelf.has(model, version):
            self._shelf.put(model, version, self._shelf.directory(model, None))
        if version not in {each.version for each in self._ledger.versions(model)}:
            self._ledger.add_version(ModelVersion(model, version, str(card["sha256"]), "former"))


def _write_figures(path: Path, figures: dict[str, Any]) -> None:
    document = {**json.loads(path.read_text(encoding="utf-8")), "figures": figures}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
