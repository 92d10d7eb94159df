"""The versions of models: stored, put to use, rolled back.

The registry on disk is what the worker follows; the database is what people read, and follows the registry.
"""

import json
from pathlib import Path
from typing import Any, Final

from edge_worker.database.training import ModelVersion, TrainingTables
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_registry import SHIPPED, ModelRegistry
from edge_worker.protocol import strict_json
from models_tflite.training.corpus.corpus import TrainingError

LOCAL: Final = "+local."
"""Marks versions of this site, as semantic versioning's build metadata: 1.0.0+local.7 is of job 7."""


class ModelDeployment:
    """Puts versions of models to use. One trainer promotes; any operator may roll back."""

    def __init__(self, registry: ModelRegistry, tables: TrainingTables) -> None:
        self._registry = registry
        self._tables = tables

    def active(self, model: str) -> Classifier:
        """Return the classifier in use; raise TrainingError or ModelError when there is none."""
        self.require(model)
        return Classifier.load(self._registry.directory(model, self._registry.active(model)), model)

    def next_version(self, incumbent: Classifier, job: int) -> str:
        """Return a free name for the version of a job's candidate; a crash may have left one unused."""
        model, base = incumbent.card.model, incumbent.card.version.split(LOCAL)[0]
        version, attempt = f"{base}{LOCAL}{job}", 1
        while self._registry.has(model, version):
            attempt += 1
            version = f"{base}{LOCAL}{job}.{attempt}"
        return version

    def promote(self, candidate: Classifier, folder: Path, job: int, report: dict[str, Any]) -> None:
        """Store the model in `folder` and put it to use; raise ModelError when the disk refuses."""
        card = candidate.card
        self._store_shipped(card.model)
        _write_figures(folder / f"{card.model}.json", report)
        self._registry.put(card.model, card.version, folder)
        version = ModelVersion(card.model, card.version, card.sha256, "candidate", job, report)
        self._tables.add_version(version)
        self._activate(version, job)

    def recover(self) -> None:
        """Finish what a crash left: put a version that had won to use, queue other running jobs again."""
        for job in self._tables.jobs(state="running"):
            candidate = self._tables.version_of_job(job.id)
            if candidate is None:
                self._tables.requeue_job(job.id)
            else:
                self._activate(candidate, job.id)
        for model in self._registry.classifiers():
            self._tables.set_active(model, self._registry.active(model))

    def roll_back(self, model: str, version: str) -> Classifier:
        """Put another version to use, `shipped` for the one that came with the program; return it.

        Raises:
            TrainingError: there is no such version.
            ModelError: it does not load, or cannot be put to use; the one before stays.
        """
        self.require(model)
        shipped = self._registry.card(model, None)
        stored = [each.version for each in self._tables.versions(model)]
        if version not in (SHIPPED, shipped["version"], *stored):
            raise TrainingError(f"{model} has no version {version}: choose {', '.join([SHIPPED, *stored])}")
        target = version if version in stored else None
        classifier = Classifier.load(self._registry.directory(model, target), model)
        self._registry.activate(model, target)
        self._tables.set_active(model, target)
        return classifier

    def require(self, model: str) -> None:
        """Raise TrainingError unless there is a classifier of that name."""
        classifiers = self._registry.classifiers()
        if model not in classifiers:
            raise TrainingError(f"there is no classifier {model}: choose {', '.join(classifiers)}")

    def _activate(self, version: ModelVersion, job: int) -> None:
        """Put a version that won to use. Repeated after a crash in between, it comes to the same."""
        self._registry.activate(version.model, version.version)
        self._tables.set_active(version.model, version.version)
        self._tables.finish_job(job, "promoted", version.document)

    def _store_shipped(self, model: str) -> None:
        """Store the shipped model as a version too: an upgrade of the program must not take it away."""
        card = self._registry.card(model, None)
        version = str(card["version"])
        if not self._registry.has(model, version):
            self._registry.put(model, version, self._registry.directory(model, None))
        if version not in {each.version for each in self._tables.versions(model)}:
            self._tables.add_version(ModelVersion(model, version, str(card["sha256"]), "former"))


def _write_figures(path: Path, figures: dict[str, Any]) -> None:
    document = {**json.loads(path.read_text(encoding="utf-8")), "figures": figures}
    path.write_text(strict_json.write(document, indent=1) + "\n", encoding="utf-8")
