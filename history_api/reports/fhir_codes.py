"""Codes of a terminology for what is exported as FHIR; a site names its own in a file."""

import json
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from edge_worker.errors import SettingsError

Concept = dict[str, Any]
"""A CodeableConcept of FHIR."""
_LOINC: Final = "http://loinc.org"
BUILT_IN: Final[dict[str, Any]] = {
    "heart_rate": {
        "coding": [{"system": _LOINC, "code": "8867-4", "display": "Heart rate"}],
        "text": "Heart rate",
    },
    "report": {"text": "Analysis of an auscultation sound by software"},
    "exam": {"text": "Analysis by software of what is heard at four positions of a chest"},
    "exam_label": {"text": "Label of the sounds of an exam"},
    "stethoscope": {"text": "Digital stethoscope"},
    "models": {},
    "labels": {},
    "sites": {
        "AV": {"text": "aortic area"},
        "PV": {"text": "pulmonary area"},
        "TV": {"text": "tricuspid area"},
        "MV": {"text": "mitral area"},
    },
}
"""The one code that is certain; labels of a sound have none, so they are text until a site says more."""

_TEXT: Final = {"type": "string", "minLength": 1, "pattern": r"^\S(.*\S)?$"}
_CODING: Final = {
    "type": "object",
    "properties": {"system": _TEXT, "version": _TEXT, "code": _TEXT, "display": _TEXT},
    "required": ["system", "code"],
    "additionalProperties": False,
}
_CONCEPT: Final = {
    "type": "object",
    "properties": {"coding": {"type": "array", "items": _CODING, "minItems": 1}, "text": _TEXT},
    "minProperties": 1,
    "additionalProperties": False,
}
_MAPS: Final = ("models", "labels", "sites")
_MAP: Final = {"type": "object", "additionalProperties": _CONCEPT}
_FILE: Final = {
    "type": "object",
    "properties": {name: _MAP if name in _MAPS else _CONCEPT for name in BUILT_IN},
    "additionalProperties": False,
}


def load(path: Path | None) -> dict[str, Any]:
    """Return the codes in force: those of the file at `path` over the built-in ones.

    Raises:
        SettingsError: the file cannot be read, or is not of the form that docs/http-api.md shows.
    """
    if path is None:
        return BUILT_IN
    try:
        own = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"STETHO_FHIR_CODES names {path}, which is no JSON that can be read: {error}"
        ) from error
    for wrong in Draft202012Validator(_FILE).iter_errors(own):
        place = "/".join(map(str, wrong.absolute_path)) or "the top"
        raise SettingsError(
            f"STETHO_FHIR_CODES: {path} is wrong at {place}: {wrong.message}; docs/http-api.md shows the form"
        )
    maps: dict[str, Any] = {name: BUILT_IN[name] | own.get(name, {}) for name in _MAPS}
    return {**BUILT_IN, **own, **maps}
