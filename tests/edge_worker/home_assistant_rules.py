"""Rules of Home Assistant for the description of a device, from its documentation and its source.

The schemas are `DEVICE_DISCOVERY_SCHEMA` and the `DISCOVERY_SCHEMA` of sensor and binary sensor in
https://github.com/home-assistant/core/tree/2026.11.0/homeassistant/components/mqtt (schemas.py, sensor.py,
binary_sensor.py, util.py), documented at
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload and
https://www.home-assistant.io/integrations/sensor.mqtt/. Home Assistant needs a newer Python than this
project, so its code cannot run in these tests. The rules are stricter in two ways: keys that Home Assistant
drops silently are refused, and only those of its classes are known that a stethoscope may need.

They were compared with its code once, outside of the tests: release 2026.11.0 on Python 3.14 in WebAssembly
(Pyodide) accepted 12 descriptions of ours and refused the 24 broken ones of `test_home_assistant`, as these
rules do; it dropped no key of ours, and rendered 60 messages to the same texts.
"""

import contextlib
import json
from typing import Any

from jinja2 import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

JINJA = ImmutableSandboxedEnvironment()
FORMATS = FormatChecker(())


@FORMATS.checks("template", raises=TemplateSyntaxError)
def is_template(text: object) -> bool:
    """cv.template: a text that Jinja compiles."""
    JINJA.parse(str(text))
    return True


TEXT = {"type": "string"}
TEMPLATE = {"type": "string", "format": "template", "minLength": 1}
# util.valid_subscribe_topic; these descriptions have no reason for a wildcard, which it would allow.
TOPIC = {"type": "string", "minLength": 1, "maxLength": 65_535, "pattern": r"^[^\x00-\x1f\x7f-\x9f#+]+$"}
QOS = {"enum": [0, 1, 2]}
AVAILABILITY = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "topic": TOPIC,
            "payload_available": TEXT,
            "payload_not_available": TEXT,
            "value_template": TEMPLATE,
        },
        "required": ["topic"],
        "additionalProperties": False,
    },
}
SHARED = {
    "availability": AVAILABILITY,
    "availability_mode": {"enum": ["all", "any", "latest"]},
    "state_topic": TOPIC,
    "qos": QOS,
    "encoding": TEXT,
}
ENTITY = SHARED | {
    "unique_id": TEXT,
    "name": {"type": ["string", "null"]},
    "icon": {"type": "string", "pattern": r"^[a-z]+:[a-z0-9-]+$"},
    # A sensor cannot be of the category config.
    "entity_category": {"const": "diagnostic"},
    "enabled_by_default": {"type": "boolean"},
    "json_attributes_topic": TOPIC,
    "json_attributes_template": TEMPLATE,
    "value_template": TEMPLATE,
    "expire_after": {"type": "integer", "minimum": 0},
    "force_update": {"type": "boolean"},
}
SENSOR: dict[str, Any] = {
    "type": "object",
    "properties": ENTITY
    | {
        "platform": {"const": "sensor"},
        "device_class": {"enum": ["enum", "signal_strength", "battery", "duration", "timestamp", None]},
        "options": {"type": "array", "items": TEXT, "minItems": 1},
        "state_class": {"enum": ["measurement", "total", "total_increasing", None]},
        "unit_of_measurement": {"type": ["string", "null"]},
        "suggested_display_precision": {"type": "integer", "minimum": 0},
    },
    # An entity of a device needs both; options are for the class enum alone, and without a unit.
    "required": ["platform", "unique_id"],
    "dependentSchemas": {
        "options": {
            "properties": {
                "device_class": {"const": "enum"},
                "state_class": {"const": None},
                "unit_of_measurement": {"const": None},
            },
            "required": ["device_class"],
        }
    },
    "additionalProperties": False,
}
BINARY_SENSOR: dict[str, Any] = {
    "type": "object",
    "properties": ENTITY
    | {
        "platform": {"const": "binary_sensor"},
        "device_class": {"enum": ["connectivity", "problem", "running", "sound", None]},
        "payload_on": TEXT,
        "payload_off": TEXT,
        "off_delay": {"type": "integer", "minimum": 0},
    },
    "required": ["platform", "unique_id"],
    "additionalProperties": False,
}
DEVICE = {
    "type": "object",
    "properties": {
        "identifiers": {"type": "array", "items": TEXT, "minItems": 1},
        **dict.fromkeys(
            ("manufacturer", "model", "model_id", "name", "hw_version", "serial_number", "sw_version"), TEXT
        ),
        "via_device": TEXT,
        "suggested_area": TEXT,
        "configuration_url": {"type": "string", "pattern": r"^(https?|homeassistant)://."},
    },
    "required": ["identifiers"],
    "additionalProperties": False,
}
DESCRIPTION: dict[str, Any] = {
    "type": "object",
    "properties": SHARED
    | {
        "device": DEVICE,
        "origin": {
            "type": "object",
            "properties": {
                "name": TEXT,
                "sw_version": TEXT,
                "support_url": {"type": "string", "pattern": r"^https?://."},
            },
            "required": ["name"],
            "additionalProperties": False,
        },
        "components": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "if": {"properties": {"platform": {"const": "binary_sensor"}}},
                "then": BINARY_SENSOR,
                "else": SENSOR,
            },
        },
    },
    "required": ["device", "origin", "components"],
    "additionalProperties": False,
}
RULES = Draft202012Validator(DESCRIPTION, format_checker=FORMATS)


def check(description: dict[str, Any]) -> None:
    """Raise ValidationError unless Home Assistant makes entities of all that is described."""
    RULES.validate(description)
    components = description["components"].values()
    names = [component["unique_id"] for component in components]
    if len(set(names)) != len(names):
        raise ValidationError("a unique_id is used twice")
    for component in components:
        if "state_topic" not in component and "state_topic" not in description:
            raise ValidationError("a component has no state_topic")


def rendered(template: str, payload: str) -> str:
    """Return the template as Home Assistant renders it: `value_json` is defined when `payload` is JSON."""
    values: dict[str, Any] = {"value": payload}
    with contextlib.suppress(ValueError):
        values["value_json"] = json.loads(payload)
    return JINJA.from_string(template).render(values).strip()
