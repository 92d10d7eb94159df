"""Discovery payload of Home Assistant: describes a stethoscope, and on which of our topics its values are.

Worker to Home Assistant on `homeassistant/device/{device}/config`, QoS 1, retained; JSON. Format:
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload.
"""

from typing import Any, Final, get_args

from edge_worker import __version__
from edge_worker.protocol import topics
from edge_worker.protocol.device_report import ONLINE, STATES
from edge_worker.protocol.meaning import Severity
from edge_worker.protocol.result import REASONS
from edge_worker.protocol.strict_json import JsonError, read, write

_MAKER: Final = "Stetho Edge"
_NOTICE: Final = "research and education, not a medical device"
_MAX_INFO: Final = 64
"""Characters of a text that a device reports about itself."""
_LIVE_S: Final = 5
"""Seconds after which a live value expires: they come twice a second while a recording is open."""

Document = dict[str, Any]


def payload(device_id: str, worker_id: str, info: Document) -> bytes:
    """Return the description of a stethoscope; `info` is its payload on `up/info`."""
    document = {
        "device": _device(device_id, info),
        "origin": {"name": _origin(worker_id), "sw_version": __version__},
        "availability": [
            {
                # Results stay valid while the stethoscope is off; the worker must be online.
                "topic": topics.worker(worker_id),
                "value_template": _template(
                    "'online' if value_json.state in ['ready', 'degraded'] else 'offline'", "'offline'"
                ),
            }
        ],
        "components": {
            name: {"unique_id": f"stetho_{device_id}_{name}", **component}
            for name, component in _components(device_id, has_battery=info.get("battery") is True).items()
        },
        "qos": 1,
    }
    return write(document).encode()


def _components(device_id: str, *, has_battery: bool) -> dict[str, Document]:
    """Return the entities of a stethoscope; that of the battery only if it says that it has one."""
    components = _results(device_id) | _live(device_id) | _state(device_id)
    return components | (_battery(device_id) if has_battery else {})


def is_ours(config: bytes, worker_id: str) -> bool:
    """Return whether this worker, or an earlier run of it, published a description."""
    try:
        name = read(config)["origin"]["name"]
    except (JsonError, TypeError, KeyError):
        return False
    return bool(name == _origin(worker_id))


def _device(device_id: str, info: Document) -> Document:
    hardware, firmware = (_printable(info.get(name)) for name in ("hardware", "firmware"))
    device = {
        "identifiers": [f"stetho_{device_id}"],
        "name": f"Stethoscope {device_id}",
        "manufacturer": _MAKER,
        "model": f"{hardware or 'Digital stethoscope'} ({_NOTICE})",
        "serial_number": device_id,
    }
    return device | ({"sw_version": firmware} if firmware else {})


def _results(device_id: str) -> dict[str, Document]:
    """Return the entities of the last result, which is retained for the display of the device."""
    state = {"platform": "sensor", "state_topic": topics.device_result(device_id)}
    accepted = "value_json.get('accepted')"
    return {
        "label": state
        | {
            "name": "Answer",
            "icon": "mdi:stethoscope",
            "value_template": _template(
                f"value_json.get('text') or (value_json.label if {accepted} else 'Cannot tell')"
            ),
            "json_attributes_topic": state["state_topic"],
            "json_attributes_template": _template(f"dict(value_json, notice='{_NOTICE}') | tojson", "'{}'"),
        },
        "severity": state
        | {
            "name": "Severity",
            "icon": "mdi:alert-circle-outline",
            "device_class": "enum",
            "options": list(get_args(Severity)),
            "value_template": _template("value_json.get('severity', 'unknown')"),
        },
        "finding": {
            "platform": "binary_sensor",
            "state_topic": state["state_topic"],
            "name": "Needs attention",
            "device_class": "problem",
            "value_template": _template("'ON' if value_json.get('severity') == 'finding' else 'OFF'"),
        },
        "disagree": {
            "platform": "binary_sensor",
            "state_topic": state["state_topic"],
            "name": "Models disagree",
            "icon": "mdi:not-equal-variant",
            "entity_category": "diagnostic",
            "value_template": _template("'ON' if value_json.get('note') else 'OFF'"),
        },
        "confidence": state
        | {
            "name": "Confidence",
            "icon": "mdi:percent",
            "unit_of_measurement": "%",
            "suggested_display_precision": 0,
            "value_template": _template(f"(100 * value_json.confidence) | round(1) if {accepted} else none"),
        },
        "heart_rate": state
        | {
            "name": "Heart rate",
            "icon": "mdi:heart-pulse",
            "unit_of_measurement": "bpm",
            "state_class": "measurement",
            "value_template": _template("value_json.bpm"),
        },
        "quality": state
        | {
            "name": "Quality",
            "icon": "mdi:waveform",
            "device_class": "enum",
            "options": ["good", *REASONS],
            "value_template": _template("value_json.get('reason', 'good')"),
        },
        "result": state
        | {
            "name": "Result",
            "icon": "mdi:clipboard-pulse-outline",
            "device_class": "enum",
            "options": ["ok", "inconclusive", "error"],
            "value_template": _template("value_json.status"),
        },
    }


def _live(device_id: str) -> dict[str, Document]:
    """Return the entities of live values, which are unavailable while no recording is open."""
    state = {
        "platform": "sensor",
        "state_topic": topics.live(device_id),
        "expire_after": _LIVE_S,
        "qos": 0,
    }
    return {
        "live_heart_rate": state
        | {
            "name": "Heart rate now",
            "icon": "mdi:heart-pulse",
            "unit_of_measurement": "bpm",
            "value_template": _template("value_json.get('bpm')"),
        },
        "live_quality": state
        | {
            "name": "Quality now",
            "icon": "mdi:waveform",
            "unit_of_measurement": "%",
            "suggested_display_precision": 0,
            "value_template": _template(
                "none if value_json.get('quality') is none else (100 * value_json.quality) | round"
            ),
        },
        "hint": state
        | {
            "name": "Hint",
            "icon": "mdi:message-text-outline",
            "value_template": _template("value_json.get('hint')"),
        },
    }


def _state(device_id: str) -> dict[str, Document]:
    """Return the entities of the device itself."""
    about = {"state_topic": topics.state(device_id), "entity_category": "diagnostic"}
    return {
        "state": about
        | {
            "platform": "sensor",
            "name": "State",
            "icon": "mdi:state-machine",
            "device_class": "enum",
            "options": list(STATES),
            "value_template": _template(f"value_json.state if value_json.state in {list(STATES)} else none"),
        },
        "connected": about
        | {
            "platform": "binary_sensor",
            "name": "Connected",
            "device_class": "connectivity",
            "value_template": _template(f"'ON' if value_json.state in {list(ONLINE)} else 'OFF'", "'OFF'"),
        },
    }


def _battery(device_id: str) -> dict[str, Document]:
    """Return the entity of the level of the battery, which telemetry has each half minute."""
    return {
        "battery": {
            "platform": "sensor",
            "name": "Battery",
            "state_topic": topics.telemetry(device_id),
            "device_class": "battery",
            "entity_category": "diagnostic",
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "qos": 0,
            "value_template": _template("value_json.get('battery_percent')"),
        }
    }


def _template(value: str, otherwise: str = "none") -> str:
    """Return the template of `value`; `otherwise` is for an empty message, which clears a retained one."""
    return f"{{{{ ({value}) if value_json is defined else {otherwise} }}}}"


def _origin(worker_id: str) -> str:
    return f"{_MAKER} worker {worker_id}"


def _printable(text: object) -> str:
    """Return a text that a device reports about itself, without what cannot be printed."""
    shown = text if isinstance(text, str) else ""
    return "".join(letter if letter.isprintable() else " " for letter in shown)[:_MAX_INFO].strip()
