"""The one answer for one sound: which of the accepted labels it is, and in which words it is said."""

import json
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from shipped_meanings import CARDS, MEANINGS, explained

from edge_worker.protocol import verdict_words
from edge_worker.protocol.compact_result import MAX_BYTES
from edge_worker.protocol.meaning import LANGUAGES, Meaning, ascii_text
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, Quality, Result
from edge_worker.protocol.verdict import Verdict, of_predictions


def prediction(model: str, label: str, *, accepted: bool = True) -> Prediction:
    """Return a prediction of a shipped model."""
    facts = (model, "1", "f" * 64, label, 0.91234, 0.8, accepted, {label: 0.91234}, 1, 0.5)
    return explained(Prediction(*facts))


def result(*models: Prediction, language: str = "en") -> Result:
    return Result(
        device_id="st-01",
        recording_id="9f0c1122aabbccdd",
        status="ok" if any(each.accepted for each in models) else "inconclusive",
        completeness="complete",
        audio=Audio(4000, 1, 40_000, "c" * 64),
        quality=Quality(usable=True, snr_db=18.0, clipped=0.0),
        captured_at="2026-11-20T17:20:01.123Z",
        captured_at_source="device",
        models=models,
        heart_rate_bpm=72.0,
        language=language,
    )


def name(model: str, label: str) -> str:
    return MEANINGS[model][label].name(label, "en")


@pytest.mark.parametrize(
    ("heart5", "heart2", "expected"),
    [
        ("normal", "normal", ("normal", "heart5", "none", ())),
        ("normal", "abnormal", ("abnormal", "heart2", "finding", ("heart5", "heart2"))),
        ("murmur", "normal", ("murmur", "heart5", "finding", ("heart5", "heart2"))),
        ("murmur", "abnormal", ("murmur", "heart5", "finding", ())),
        ("artifact", "normal", (None, None, "unknown", ("heart5", "heart2"))),
        ("artifact", "abnormal", ("abnormal", "heart2", "finding", ("heart5", "heart2"))),
        ("artifact", None, ("artifact", "heart5", "unknown", ())),
        ("normal", None, ("normal", "heart5", "none", ())),
        (None, "abnormal", ("abnormal", "heart2", "finding", ())),
        (None, None, (None, None, "unknown", ())),
    ],
)
def test_a_finding_wins_and_models_that_contradict_each_other_say_so(
    heart5: str | None, heart2: str | None, expected: tuple[Any, ...]
) -> None:
    models = [
        prediction(model, label or "normal", accepted=label is not None)
        for model, label in (("heart5", heart5), ("heart2", heart2))
    ]
    verdict = result(*models).verdict
    assert (verdict.label, verdict.model, verdict.severity, verdict.disagree) == expected
    turned = result(*reversed(models)).verdict
    assert (turned.severity, set(turned.disagree)) == (verdict.severity, set(verdict.disagree))


def test_several_sounds_may_be_heard_at_once_and_the_one_to_act_on_is_the_answer() -> None:
    heard = [prediction("us8k", "dog_bark"), prediction("esc50", "siren"), prediction("heart5", "normal")]
    for models in permutations(heard):
        verdict = result(*models).verdict
        assert (verdict.label, verdict.severity, verdict.disagree) == ("siren", "finding", ())


def test_a_label_that_no_card_explains_is_neither_a_finding_nor_none() -> None:
    verdict = result(prediction("heart5", "s3_gallop")).verdict
    assert (verdict.label, verdict.severity, verdict.text) == ("s3_gallop", "unknown", "S3 gallop")


def test_a_verdict_is_read_as_it_was_written() -> None:
    verdict = result(prediction("heart5", "murmur"), prediction("heart2", "normal")).verdict
    assert Verdict.parse(json.loads(json.dumps(verdict.document()))) == verdict
    event = replace(verdict, event="0123456789abcdef")
    assert Verdict.parse(event.document()) == event


@pytest.mark.parametrize(
    ("language", "text", "note"),
    [("en", "Murmur", "models disagree"), ("de", "Herzgeraeusch", "Modelle uneins")],
)
def test_a_device_shows_two_lines_in_the_language_of_the_site(language: str, text: str, note: str) -> None:
    heard = result(prediction("heart5", "murmur"), prediction("heart2", "normal"), language=language)
    compact = json.loads(heard.to_compact_json())
    assert (compact["label"], compact["accepted"], compact["severity"]) == ("murmur", True, "finding")
    assert (compact["text"], compact["note"]) == (text, note)


def test_every_label_of_every_shipped_model_fits_a_display_in_every_language() -> None:
    for model, card in CARDS.items():
        assert set(card["name"]) >= set(LANGUAGES)
        assert set(MEANINGS[model]) == set(card["labels"])
        for label, meaning in MEANINGS[model].items():
            for language in LANGUAGES:
                heard = result(prediction(model, label), prediction("heart2", "normal"), language=language)
                payload = heard.to_compact_json()
                assert len(payload) <= MAX_BYTES
                shown = meaning.name(label, language)
                assert json.loads(payload)["text"] == ascii_text(heard.verdict.text, 21), (
                    "names are not cut on a display"
                )
                assert len(ascii_text(shown, 99)) <= 21
                assert meaning.explanations[language]


def test_names_of_any_length_keep_the_severity() -> None:
    long = replace(prediction("heart2", "abnormal"), model="m" * 32, label="l" * 64)
    models = (long, prediction("heart5", "normal"))
    payload = result(*models).to_compact_json()
    assert len(payload) <= MAX_BYTES
    assert json.loads(payload)["severity"] == "finding"


def test_a_contradiction_is_said_in_words() -> None:
    for labels, headline, contradiction in (
        (("normal", "abnormal"), "Abnormal", "The models disagree: Normal, Abnormal"),
        (("artifact", "normal"), "Cannot tell", "The models disagree: No heart sound, Normal"),
        (("normal", "normal"), "Normal", None),
    ):
        models = map(prediction, ("heart5", "heart2"), labels)
        document = result(*models).document()
        assert verdict_words.headline(document, name, "en") == headline
        assert verdict_words.disagreement(document, name, "en") == contradiction


def test_a_check_mark_stands_before_what_is_no_finding_alone() -> None:
    assert [severity for severity, symbol in verdict_words.SYMBOLS.items() if symbol == "✓"] == ["none"]
    assert len(set(verdict_words.SYMBOLS.values())) == 3


def test_nothing_accepted_is_no_answer() -> None:
    assert of_predictions([]) == Verdict()


@pytest.mark.parametrize(
    "entry",
    [
        {"name": {"en": "x"}},
        {"severity": "bad", "name": {"en": "x"}},
        {"severity": "none", "name": {"de": "x"}},
        {"severity": "none", "name": "x"},
        {"severity": "none", "name": {"en": ""}},
        {"severity": "none", "name": {"en": "x"}, "codes": [{"code": "1"}]},
    ],
)
def test_an_entry_of_another_form_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Meaning.parse(entry)
