"""Terminology codes of the FHIR export: the built-in ones, and those of a site from a JSON file."""

import json
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

from edge_worker.errors import SettingsError
from edge_worker.text_file import read_text

_LOINC: Final = "http://loinc.org"
_SNOMED: Final = "http://snomed.info/sct"
_AUSCULTATION: Final = [{"system": _SNOMED, "code": "37931006", "display": "Auscultation"}]
_CHEST: Final = [{"system": _SNOMED, "code": "51185008", "display": "Thoracic structure"}]
BUILT_IN: Final[dict[str, Any]] = {
    "heart_rate": {
        "coding": [{"system": _LOINC, "code": "8867-4", "display": "Heart rate"}],
        "text": "Heart rate",
    },
    "report": {"coding": _AUSCULTATION, "text": "Analysis of an auscultation sound by software"},
    "sound_report": {"text": "Analysis of a sound by software"},
    "exam": {
        "coding": _AUSCULTATION,
        "text": "Analysis by software of what is heard at four positions of a chest",
    },
    "exam_label": {"text": "Label of the sounds of an exam"},
    "stethoscope": {"text": "Digital stethoscope"},
    "models": {},
    "labels": {},
    "sites": {
        "AV": {"coding": _CHEST, "text": "aortic area"},
        "PV": {"coding": _CHEST, "text": "pulmonary area"},
        "TV": {"coding": _CHEST, "text": "tricuspid area"},
        "MV": {"coding": _CHEST, "text": "mitral area"},
    },
}
"""Codes only where one means the same, or more: the positions are areas of the chest, and no code says which.
Labels of a sound have those of their model cards. Everything else is text until a site maps it to codes."""

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
    """Return the codes in use: the built-in ones, overridden by those of the file at `path`.

    Raises:
        SettingsError: the file cannot be read, or does not have the form that docs/http-api.md shows.
    """
    if path is None:
        return BUILT_IN
    try:
        site_codes = json.loads(read_text(path))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"STETHO_FHIR_CODES names {path}, which cannot be read as JSON: {error}"
        ) from error
    for violation in Draft202012Validator(_FILE).iter_errors(site_codes):
        place = "/".join(map(str, violation.absolute_path)) or "the top"
        raise SettingsError(
            f"STETHO_FHIR_CODES: {path} is wrong at {place}: {violation.message}; "
            "docs/http-api.md shows the form"
        )
    maps: dict[str, Any] = {name: BUILT_IN[name] | site_codes.get(name, {}) for name in _MAPS}
    return {**BUILT_IN, **site_codes, **maps}
