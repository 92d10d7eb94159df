"""Both JSON forms of a result, pinned byte for byte: devices in the field parse them."""

import json
from pathlib import Path
from typing import Any

import pytest

from edge_worker.protocol.result import (
    COMPACT_MAX_BYTES,
    REASONS,
    Audio,
    HeartSounds,
    Prediction,
    Quality,
    Result,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "results.json").read_text())


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
        models=tuple(Prediction(**model) for model in document["models"]),
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


def test_a_compact_form_that_does_not_fit_is_an_error_not_a_cut() -> None:
    long = VECTORS[0]["full"] | {"models": [VECTORS[0]["full"]["models"][0] | {"label": "x" * 200}]}
    with pytest.raises(ValueError, match="shorten"):
        result(long).to_compact_json()


def test_every_reason_says_what_to_do_in_few_words() -> None:
    assert all(0 < len(hint) <= 60 for hint in REASONS.values())
