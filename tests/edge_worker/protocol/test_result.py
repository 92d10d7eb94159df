"""Both JSON forms of a result, pinned byte for byte: devices in the field parse them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shipped_meanings import explained

from edge_worker.protocol.compact_result import MAX_BYTES as COMPACT_MAX_BYTES
from edge_worker.protocol.document_size import MAX_BYTES
from edge_worker.protocol.meaning import LANGUAGES
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import MAX_MISSING_RANGES, REASONS, Audio, HeartSounds, Quality, Result
from edge_worker.protocol.verdict_words import advice, advice_by_reason

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "results.json").read_text())


def prediction(model: dict[str, Any]) -> Prediction:
    """Return the prediction of a full JSON form; its label means what the shipped card says."""
    facts = {name: value for name, value in model.items() if name != "severity"}
    return explained(Prediction(**facts))


def result(document: dict[str, Any]) -> Result:
    """Return the result of a full JSON form; derived fields are left out."""
    onsets = document["heart_sounds"]
    quality = Quality(**document["quality"] | {"reasons": tuple(document["quality"]["reasons"])})
    return Result(
        device_id=document["device_id"],
        recording_id=document["recording_id"],
        status=document["status"],
        completeness=document["completeness"],
        audio=Audio(**document["audio"]),
        quality=quality,
        captured_at=document["captured_at"],
        captured_at_source=document["captured_at_source"],
        missing=tuple((start, end) for start, end in document["missing"]),
        models=tuple(map(prediction, document["models"])),
        heart_rate_bpm=document["heart_rate_bpm"],
        heart_sounds=onsets and HeartSounds(tuple(onsets["s1_s"]), tuple(onsets["s2_s"])),
        reasons=tuple(document["reasons"]),
        site=document["site"],
        exam=document["exam"],
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_full_form_is_pinned(vector: dict[str, Any]) -> None:
    assert json.loads(result(vector["full"]).to_json()) == vector["full"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_compact_form_is_pinned_and_fits_a_fixed_buffer(vector: dict[str, Any]) -> None:
    payload = result(vector["full"]).to_compact_json()
    assert payload == vector["compact"].encode()
    assert len(payload) <= COMPACT_MAX_BYTES


def test_there_are_vectors_of_every_status() -> None:
    assert {vector["full"]["status"] for vector in VECTORS} == {"ok", "inconclusive", "error"}


def test_a_compact_form_has_no_headline_where_its_names_do_not_fit() -> None:
    long = VECTORS[0]["full"] | {"models": [VECTORS[0]["full"]["models"][0] | {"label": "x" * 200}]}
    compact = json.loads(result(long).to_compact_json())
    assert set(compact) - {"reason"} == {"v", "recording_id", "status", "bpm", "severity"}


def test_many_missing_ranges_are_joined_where_they_are_closest() -> None:
    gaps = tuple((10 * each, 10 * each + 1) for each in range(8000))
    far = [(10**7 + start, 10**7 + end) for start, end in gaps]
    large = replace(result(VECTORS[0]["full"]), missing=((0, 5), (10**6, 10**6 + 5), *far))
    document = large.document()
    assert len(document["missing"]) == MAX_MISSING_RANGES
    assert document["missing"][:2] == [[0, 5], [10**6, 10**6 + 5]]
    assert document["missing"][-1][1] == 10**7 + gaps[-1][1]
    assert document["missing_ranges"] == 8002
    assert all(any(first <= a and b <= last for first, last in document["missing"]) for a, b in large.missing)
    assert len(large.to_message()) <= MAX_BYTES


def test_a_published_result_is_bounded_whatever_is_in_it() -> None:
    one = result(VECTORS[0]["full"])
    onsets = tuple(each / 3.7 for each in range(30_000))
    labels = {f"label-{each:03}" + "x" * 54: 1e-4 for each in range(500)}
    model = replace(one.models[0], probabilities=labels)
    large = replace(
        one,
        heart_sounds=HeartSounds(onsets, onsets[:5]),
        missing=tuple((2 * n, 2 * n + 1) for n in range(65_536)),
    )
    shorter = json.loads(large.to_message())
    assert len(large.to_message()) <= MAX_BYTES < len(large.to_json())
    assert shorter["heart_sounds"]["more"] == 29_000
    assert [len(shorter["heart_sounds"][name]) for name in ("s1_s", "s2_s")] == [1000, 5]
    assert shorter["models"][0]["probabilities"] == json.loads(large.to_json())["models"][0]["probabilities"]
    largest = replace(large, models=tuple(replace(model, model="m" * 32) for _ in range(8)))
    assert len(largest.to_message()) <= MAX_BYTES
    assert json.loads(largest.to_message())["models"][7]["probabilities"] == {}
    assert json.loads(largest.to_json())["heart_sounds"]["s1_s"] == [round(each, 3) for each in onsets]


def test_every_reason_says_what_to_do_in_few_words() -> None:
    assert all(0 < len(hint) <= 60 for hint in REASONS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_voice_is_not_told_to_move_the_chestpiece(language: str) -> None:
    chest = {
        "en": ("chestpiece", "press", "heart", "still"),
        "de": ("Bruststück", "drück", "Herz", "stillhalten"),
    }
    sound = {
        "models": [{"hears": "sound"}],
        "reasons": ["clipped", "too_quiet", "low_confidence", "too_short"],
    }
    hints = advice(sound, language)
    assert len(hints) == 4
    assert not [word for word in chest[language] for hint in hints if word in hint]
    others: list[list[dict[str, str]]] = [[], [{"hears": "heart"}, {"hears": "sound"}], [{}]]
    for models in others:
        (hint,) = advice({"models": models, "reasons": ["too_quiet"]}, language)
        assert any(word in hint for word in chest[language])


def test_all_advice_is_in_all_languages_and_short() -> None:
    for for_sounds in (False, True):
        for reason, texts in advice_by_reason(for_sounds=for_sounds).items():
            assert set(texts) == set(LANGUAGES), reason
            assert all(0 < len(text) <= 70 for text in texts.values()), reason


def test_a_device_is_told_that_its_models_hear_other_sounds_where_there_is_advice() -> None:
    (vector,) = [each for each in VECTORS if each["name"] == "not usable"]
    unsure = result(vector["full"])
    assert "hears" not in json.loads(unsure.to_compact_json())
    models = tuple(replace(each, hears="sound") for each in unsure.models)
    compact = replace(unsure, models=models).to_compact_json()
    assert json.loads(compact)["hears"] == "sound"
    assert len(compact) <= COMPACT_MAX_BYTES
