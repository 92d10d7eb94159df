"""Words for people: names of models and labels from the cards, and what a verdict says, in one language.

Pages speak the language that the browser asks for, reports and exports that of the site (`STETHO_LANGUAGE`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, get_args

from flask import Blueprint, Response, g, jsonify, request

from edge_worker.database.reviewing.review import Review
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.protocol import verdict_words
from edge_worker.protocol.meaning import LANGUAGES, UNKNOWN, Hears, Meaning, Severity, Texts, plain, text_in
from edge_worker.settings import DEFAULT_MODELS_DIR, Settings
from history_api.models import models
from history_api.openapi.operation import Paths, get, json_answer
from history_api.openapi.schemas import SEVERITY, TEXT, Schema, list_of, map_of, ref, strict_object
from history_api.services import services

blueprint = Blueprint("labels", __name__)
PATHS: Final[Paths] = {
    "/api/v1/labels": get(
        "what the labels mean, for people, in the language of Accept-Language (en, de)",
        "labels",
        {"200": json_answer(ref("Labels"))},
        role="owner",
    ),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "Labels": strict_object(
        {
            "language": {"type": "string", "enum": list(LANGUAGES)},
            "severities": map_of(strict_object({"name": TEXT, "symbol": TEXT})),
            "failed": TEXT,
            "disagree": TEXT,
            "advice": strict_object(dict.fromkeys(get_args(Hears), map_of(TEXT)))
            | {"description": "what to do by reason of a result; `sound`: where no model is for hearts"},
            "corrected": TEXT,
            "models": map_of(strict_object({"name": TEXT, "labels": map_of(ref("Meaning"))})),
        }
    ),
    "Meaning": {"description": "What a label means."}
    | strict_object(
        {"name": TEXT, "explanation": TEXT, "severity": SEVERITY, "codes": list_of(map_of(TEXT))}
    ),
}


@dataclass(frozen=True, slots=True)
class LabelWords:
    """Names and sentences in one language."""

    language: str
    names: Mapping[str, str]
    """Of models."""
    meanings: Mapping[str, Mapping[str, Meaning]]
    """Of labels, by model."""

    def model(self, model: str) -> str:
        """Return the name of a model."""
        return self.names.get(model) or plain(model)

    def meaning(self, model: str, label: str) -> Meaning:
        """Return what a label of a model means."""
        return self.meanings.get(model, {}).get(label, UNKNOWN)

    def label(self, model: str, label: str) -> str:
        """Return the name of a label of a model."""
        return self.meaning(model, label).name(label, self.language)

    def explanation(self, model: str, label: str) -> str:
        """Return what a label means, in a sentence; nothing where no card explains it."""
        return text_in(self.meaning(model, label).explanations, self.language)

    def severity(self, severity: Severity) -> str:
        """Return the word for a severity."""
        return text_in(verdict_words.SEVERITIES[severity], self.language)

    def marked(self, severity: Severity) -> str:
        """Return symbol and word of a severity: `! Needs attention`."""
        return f"{verdict_words.SYMBOLS[severity]} {self.severity(severity)}"

    def headline(self, result: Mapping[str, Any]) -> str:
        """Return the answer of a result in a few words."""
        return verdict_words.headline(result, self.label, self.language)

    def disagreement(self, result: Mapping[str, Any]) -> str | None:
        """Return which answers of the models of a result contradict each other; None: none do."""
        return verdict_words.disagreement(result, self.label, self.language)

    def hints(self, result: Mapping[str, Any]) -> list[str]:
        """Return what to do about a result that is not `ok`."""
        return verdict_words.advice(result, self.language)

    def correction(self, review: Review | None) -> str | None:
        """Return to what a reviewer corrected the result; None: nobody did."""
        if review is None or review.model is None or review.label is None:
            return None
        words = text_in(verdict_words.CORRECTED, self.language)
        return f"{words} {self.answer_of(review.model, review.label)}"

    def labels(self) -> dict[str, str]:
        """Return the names of all labels by label, in the order of the names."""
        names = {label: self.label(model, label) for model, each in self.meanings.items() for label in each}
        return dict(sorted(names.items(), key=lambda item: item[1].casefold()))

    def of(self, label: str | None) -> str:
        """Return the name of a label of any model; None: that it cannot be told."""
        return self.severity("unknown") if label is None else self.labels().get(label) or plain(label)

    def answer(self, label: str | None, severity: Severity) -> str:
        """Return symbol and name of an answer, by a label of any model; None: it cannot be told."""
        return f"{verdict_words.SYMBOLS[severity]} {self.of(label)}"

    def answer_of(self, model: str, label: str) -> str:
        """Return symbol and name of a label of a model."""
        symbol = verdict_words.SYMBOLS[self.meaning(model, label).severity]
        return f"{symbol} {self.label(model, label)}"

    def prediction(self, prediction: Mapping[str, Any]) -> str:
        """Return symbol and name of what a model says, or that it cannot tell."""
        severity: Severity = prediction["severity"] if prediction["accepted"] else "unknown"
        label = self.label(prediction["model"], prediction["label"])
        said = label if prediction["accepted"] else self.severity("unknown")
        return f"{verdict_words.SYMBOLS[severity]} {said}"


@blueprint.get("/api/v1/labels")
def labels() -> Response:
    """Answer what the labels of all models mean."""
    words = of_request()
    response = jsonify(
        {
            "language": words.language,
            "severities": {
                severity: {"name": words.severity(severity), "symbol": symbol}
                for severity, symbol in verdict_words.SYMBOLS.items()
            },
            "failed": text_in(verdict_words.FAILED, words.language),
            "disagree": text_in(verdict_words.DISAGREE, words.language),
            "advice": {kind: _advice(kind, words.language) for kind in get_args(Hears)},
            "corrected": text_in(verdict_words.CORRECTED, words.language),
            "models": {
                model: {
                    "name": words.model(model),
                    "labels": {label: _document(words, model, label) for label in meanings},
                }
                for model, meanings in words.meanings.items()
            },
        }
    )
    response.vary.add("Accept-Language")
    return response


def _advice(kind: Hears, language: str) -> dict[str, str]:
    known = verdict_words.advice_by_reason(for_sounds=kind == "sound")
    return {reason: text_in(texts, language) for reason, texts in known.items()}


def _document(words: LabelWords, model: str, label: str) -> dict[str, Any]:
    meaning = words.meaning(model, label)
    return {
        "name": words.label(model, label),
        "explanation": words.explanation(model, label),
        "severity": meaning.severity,
        "codes": [dict(code) for code in meaning.codes],
    }


def of_request() -> LabelWords:
    """Return the words in the language that the client asks for, else in that of the site."""
    if "label_words" not in g:
        asked = (each.partition("-")[0].lower() for each in request.accept_languages.values())
        known = (each for each in asked if each in LANGUAGES)
        g.label_words = _words(services().settings, next(known, services().settings.language))
    words: LabelWords = g.label_words
    return words


def of_site() -> LabelWords:
    """Return the words in the language of the site."""
    return _words(services().settings, services().settings.language)


def _words(settings: Settings, language: str) -> LabelWords:
    cards = {
        model: card
        for model, card in models.cards(settings).items()
        if card.get("kind", "classifier") == "classifier"
    }
    versions = tuple((model, str(card.get("version"))) for model, card in cards.items())
    names, meanings = _known(settings.models_dir, settings.data_dir, versions)
    return LabelWords(language, {model: text_in(each, language) for model, each in names.items()}, meanings)


@lru_cache(maxsize=8)
def _known(
    models_dir: Path, data_dir: Path, versions: tuple[tuple[str, str], ...]
) -> tuple[dict[str, Texts], dict[str, dict[str, Meaning]]]:
    """Return the names of models, and what their labels mean; `versions` only renews the cache."""
    registry = ModelRegistry(models_dir, data_dir / "models")
    # Results may be of models that are not installed any more.
    shipped = ModelRegistry(DEFAULT_MODELS_DIR, models_dir).classifiers()
    active: dict[str, str | None] = dict.fromkeys(shipped)
    active |= {model: registry.active(model) for model, _ in versions}
    names = {model: registry.name(model, version) for model, version in active.items()}
    return names, {model: registry.meanings(model, version) for model, version in active.items()}
