"""Metrics of the recording analysis since the worker started: counts of results, and how long they took.

Written by the recording analysis, once a recording; read on any thread.
"""

from collections import Counter
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram

from edge_worker.protocol.result import Result

_WAITS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_MODEL_S: Final = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class RecordingMetrics:
    """Counts of results by status and label, and histograms of durations in seconds."""

    def __init__(self, worker_id: str, registry: CollectorRegistry) -> None:
        """Begin at zero; the histograms are registered in `registry`."""
        self._worker_id = worker_id
        self._results: Counter[str] = Counter()
        self._severities: Counter[str] = Counter()
        self._disagreements = 0
        self._labels: Counter[tuple[str, str]] = Counter()
        self._missing_samples = 0
        self._stored = self._histogram(
            registry,
            "stored",
            "From the close of a recording, which its last chunk brings, to its being durable",
        )
        self._saved = self._histogram(registry, "result", "From the close of a recording to its saved result")
        self._analysis = self._histogram(registry, "analysis", "Analysis of one recording by all its models")
        self._model = Histogram(
            "stetho_worker_model_seconds",
            "One model's part of the analysis of one recording",
            ["worker", "model"],
            registry=registry,
            buckets=_MODEL_S,
        )

    def observe_stored(self, waited_s: float) -> None:
        """Observe that a recording is durable, `waited_s` seconds after it was closed."""
        self._stored.observe(waited_s)

    def observe_analysis(self, result: Result, took_s: float) -> None:
        """Count the result of a recording, and observe the seconds that its analysis took."""
        self._analysis.observe(took_s)
        for each in result.models:
            self._model.labels(self._worker_id, each.model).observe(each.took_ms / 1000)
        self._count(result)

    def count_stream(self, result: Result) -> None:
        """Count the result of a stream, which was analysed as it arrived."""
        self._count(result)

    def _count(self, result: Result) -> None:
        self._results[result.status] += 1
        self._severities[result.verdict.severity] += 1
        self._disagreements += bool(result.verdict.disagree)
        self._missing_samples += sum(end - start for start, end in result.missing)
        for each in result.models:
            if each.accepted:
                self._labels[each.model, each.label] += 1

    def observe_saved(self, waited_s: float) -> None:
        """Observe that the result of a recording is saved, `waited_s` seconds after it was closed."""
        self._saved.observe(waited_s)

    def document(self) -> dict[str, Any]:
        """Return the counts as JSON: of results, verdicts, accepted labels and missing samples."""
        labels: dict[str, dict[str, int]] = {}
        for (model, label), count in dict(self._labels).items():
            labels.setdefault(model, {})[label] = count
        return {
            "results": dict(self._results),
            "verdicts": dict(self._severities),
            "disagreements": self._disagreements,
            "labels": labels,
            "missing_samples": self._missing_samples,
        }

    def _histogram(self, registry: CollectorRegistry, name: str, documentation: str) -> Histogram:
        family = Histogram(
            f"stetho_worker_{name}_seconds", documentation, ["worker"], registry=registry, buckets=_WAITS_S
        )
        return family.labels(self._worker_id)
