"""JSON schemas of the documents that the API answers with, and builders of schemas."""

from typing import Any, Final, get_args

from edge_worker.protocol.meaning import Hears, Severity
from edge_worker.protocol.result import REASONS
from edge_worker.protocol.topics import EXAM_ID

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """Return a reference to one of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def strict_object(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object with exactly these properties, all required but the optional ones."""
    return open_object(properties, optional) | {"additionalProperties": False}


def open_object(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """Return the schema of an object that may have more properties, as later workers and cards may add."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def list_of(items: Schema) -> Schema:
    """Return the schema of a list of any length."""
    return {"type": "array", "items": items}


def map_of(values: Schema) -> Schema:
    """Return the schema of an object with any keys."""
    return {"type": "object", "additionalProperties": values}


def or_null(schema: Schema) -> Schema:
    """Return `schema` with null allowed as well."""
    return schema | {"type": [schema["type"], "null"]}


TEXT: Final[Schema] = {"type": "string"}
_BOOLEAN: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number"}
SHARE: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 1}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_SHA256: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
DEVICE: Final[Schema] = {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}
EXAM: Final[Schema] = {"type": "string", "pattern": f"^{EXAM_ID.pattern}$"}
SUBJECT: Final[Schema] = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"}
RECORDING: Final[Schema] = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
STATUS: Final[Schema] = {"type": "string", "enum": ["ok", "inconclusive", "error"]}
SEVERITY: Final[Schema] = {"type": "string", "enum": list(get_args(Severity))}
_HEALTH: Final[Schema] = {"type": "string", "enum": ["ok", "degraded"]}
_GAPS: Final[Schema] = list_of({"type": "array", "items": COUNT, "minItems": 2, "maxItems": 2})
_REASONS: Final[Schema] = list_of({"type": "string", "enum": list(REASONS)})
_FACTS: Final[dict[str, Schema]] = {
    "recording_id": RECORDING,
    "device_id": DEVICE,
    "captured_at": TIME,
    "captured_at_source": {"type": "string", "enum": ["device", "worker", "unsure"]},
    "completeness": {"type": "string", "enum": ["complete", "partial"]},
    "missing": _GAPS,
}
_AUDIO: Final[dict[str, Schema]] = {
    "sample_rate": {"type": "integer", "minimum": 1000, "maximum": 192000},
    "channels": {"type": "integer", "minimum": 1, "maximum": 2},
    "samples": COUNT,
    "sha256": _SHA256,
}
_KEPT_FROM: Final[Schema] = COUNT | {
    "description": "first sample of audio.wav, to which sha256 applies: of a stream only the end is stored"
}
_CALIBRATION_FACTS: Final = strict_object(
    {"hearts": COUNT, "abnormal_hearts": COUNT, "shift": NUMBER, "calibrated_at": TIME},
    optional=("abnormal_hearts",),
)
_OUTDATED: Final = strict_object({"outdated": {"type": "boolean", "const": True}})
_PREDICTION: Final = open_object(
    {
        "model": TEXT,
        "version": TEXT,
        "sha256": TEXT,
        "label": TEXT,
        "confidence": SHARE,
        "threshold": SHARE,
        "accepted": _BOOLEAN,
        "severity": SEVERITY,
        "hears": {"type": "string", "enum": list(get_args(Hears))},
        "probabilities": map_of(SHARE),
        "windows": COUNT,
        "took_ms": NUMBER,
        "familiarity": SHARE,
        "calibration": {"oneOf": [_CALIBRATION_FACTS, _OUTDATED]},
    },
    optional=("familiarity", "calibration"),
)
_ANSWER: Final = open_object(
    {
        **{"label": or_null(TEXT), "model": or_null(TEXT), "confidence": or_null(SHARE), "text": TEXT},
        "severity": SEVERITY,
        "disagree": list_of(TEXT) | {"description": "models whose accepted labels contradict each other"},
        "event": RECORDING | {"description": "of a stream: the event that it is of"},
    },
    optional=("event",),
)
_REMARKS: Final = ("ignored_meta", "cut_off", "missing_ranges", "review")
"""Fields of a result that most have not."""
_RESULT: Final = open_object(
    {
        "v": {"type": "integer", "const": 1},
        **_FACTS,
        "captured_at_claimed": TIME,
        "status": STATUS,
        "reasons": _REASONS,
        "hints": list_of(TEXT),
        "verdict": ref("Verdict"),
        "models": list_of(ref("Prediction")),
        "quality": open_object(
            {
                "usable": _BOOLEAN,
                "snr_db": or_null(NUMBER),
                "clipped": SHARE,
                "reasons": _REASONS,
                "score": or_null(NUMBER),
            }
        ),
        "heart_rate_bpm": or_null(NUMBER),
        "heart_sounds": or_null(open_object({"s1_s": list_of(NUMBER), "s2_s": list_of(NUMBER)})),
        "site": or_null(TEXT),
        "exam": or_null(EXAM),
        **{"file_name": TEXT, "subject": SUBJECT},
        "audio": open_object(
            _AUDIO | {"channel": {"type": "string", "enum": ["left", "right"]}}, optional=("channel",)
        ),
        "links": map_of(TEXT),
        "ignored_meta": list_of(TEXT) | {"description": "fields of META that were left out"},
        "cut_off": _BOOLEAN | {"description": "true: the device lost power while it recorded"},
        "missing_ranges": COUNT | {"description": "how many there are, where `missing` has them joined"},
        "review": ref("Review"),
    },
    optional=("exam", "file_name", "subject", "captured_at_claimed", *_REMARKS),
)
_DEVICE: Final = strict_object(
    {
        "device_id": DEVICE,
        "recordings": COUNT,
        "first_captured_at": TIME,
        "last_captured_at": TIME,
        "last_recording_id": RECORDING,
        "last_status": {"oneOf": [STATUS, {"type": "null"}]},
        "last_label": or_null(TEXT),
        "last_severity": {"oneOf": [SEVERITY, {"type": "null"}]},
        "calibrations": list_of(ref("Calibration")),
        "links": strict_object({"self": TEXT, "results": TEXT}),
    }
)
_CALIBRATION: Final = strict_object(
    {
        "model": TEXT,
        "sha256": _SHA256,
        "shift": {"type": "number", "description": "subtracted from the log odds, abnormal to normal"},
        "hearts": COUNT,
        "source": {"type": "string", "enum": ["folder", "reviews"]},
        "calibrated_at": TIME,
        "calibrated_by": TEXT,
        "abnormal_hearts": COUNT,
        "threshold": or_null(SHARE | {"description": "accepts labels; null: the card decides"}),
        "in_use": {"type": "boolean", "description": "false: it belongs to another version of the model"},
    }
)
SCHEMAS: Final[dict[str, Schema]] = {
    "Prediction": {"description": "The prediction of one model."} | _PREDICTION,
    "Verdict": {"description": "The one answer for a sound."} | _ANSWER,
    "Result": {"description": "As published; docs/protocol.md § Result is normative."} | _RESULT,
    "ResultPage": strict_object({"items": list_of(ref("Result")), "next": or_null(TEXT)}),
    "Recording": strict_object(
        {
            **_FACTS,
            "received_at": TIME,
            "meta": {"type": "object", "description": "metadata that the device sent with the recording"},
            "audio": strict_object({**_AUDIO, "duration_s": NUMBER, "kept_from": _KEPT_FROM}),
            "analysed_at": or_null(TIME),
            "result": {"oneOf": [ref("Result"), {"type": "null"}]},
            "review": ref("ReviewOrNull"),
            "links": strict_object({"self": TEXT, "audio": TEXT}),
        }
    ),
    "Device": _DEVICE,
    "Calibration": _CALIBRATION,
    "HistoryItem": strict_object(
        {
            "timestamp": TIME,
            "filename": TEXT,
            "device_id": DEVICE,
            "recording_id": RECORDING,
            "model": TEXT,
            "label": TEXT,
            "predicted_emotion": {"type": "string", "description": "the label, of model emotion only"},
            "confidence": SHARE,
            "accepted": {"type": "boolean", "description": "false: not to be shown as an answer"},
            "top_3_probabilities": {"maxProperties": 3} | map_of(SHARE),
        },
        optional=("predicted_emotion",),
    ),
    "Model": strict_object(
        {
            "type": TEXT,
            "classes": list_of(TEXT),
            "n_features": {"type": ["integer", "null"], "description": "mel bands of a frame"},
            "trained_on": {"description": "data sets"},
            "feature_type": or_null(TEXT),
            "scaler": {"description": "how features are scaled"},
            "card": {"type": "object", "description": "the whole model card"},
        }
    ),
    "Worker": strict_object(
        {
            "worker_id": TEXT,
            "state": or_null(TEXT),
            "seen_at": or_null(TIME) | {"description": "null: only the broker has heard of it"},
            "age_s": or_null(NUMBER),
            "is_fresh": _BOOLEAN,
            "models": list_of(TEXT),
            "versions": map_of(TEXT) | {"description": "version in use of each model"},
            "version": or_null(TEXT),
            "runtime": or_null(TEXT),
            "open_recordings": or_null(COUNT),
            "backlog": or_null(COUNT),
            "counters": map_of(COUNT),
            "reason": TEXT
            | {"description": "why it is not ready, or what is wrong with it; empty: nothing is"},
        }
    ),
    "Health": strict_object(
        {
            "status": _HEALTH,
            "predictor_ready": {"type": "boolean", "description": "for clients of the heart system"},
            "version": TEXT,
            "components": strict_object(
                {
                    "database": strict_object(
                        {"status": _HEALTH, "recordings": COUNT, "detail": TEXT}, ("recordings", "detail")
                    ),
                    "broker": strict_object({"status": _HEALTH, "detail": TEXT}, ("detail",)),
                    "clock": strict_object({"status": _HEALTH, "detail": TEXT}, ("detail",)),
                    "retention": strict_object({"status": _HEALTH, "detail": TEXT}, ("detail",)),
                    "notifications": strict_object({"status": _HEALTH, "detail": TEXT}, ("detail",)),
                    "disk": strict_object(
                        {"status": _HEALTH, "free_bytes": COUNT, "detail": TEXT}, ("free_bytes", "detail")
                    ),
                    "worker": strict_object({"status": _HEALTH, "workers": list_of(ref("Worker"))}),
                    "models": strict_object(
                        {
                            "status": _HEALTH,
                            "loaded": list_of(TEXT),
                            "cards": list_of(TEXT),
                            "detail": TEXT | {"description": "which model is not in use, and why"},
                        },
                        ("detail",),
                    ),
                }
            ),
        }
    ),
    "Problem": open_object(
        {
            "type": {"type": "string", "format": "uri-reference"},
            "title": TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "what is wrong and what to do about it"},
            "instance": TEXT,
            "request_id": {"type": "string", "description": "identifies the line in the server's log"},
        }
    ),
}
