"""Settings come from the environment, and the page that documents them is true."""

from dataclasses import fields
from pathlib import Path

import pytest

from edge_worker.errors import SettingsError
from edge_worker.settings import ENVIRONMENT_PREFIX, Settings

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def shown(default: object) -> str:
    if isinstance(default, tuple):
        return ",".join(default)
    if isinstance(default, float):
        return f"{default:g}"
    return "" if default is None else str(default)


@pytest.mark.parametrize("spec", fields(Settings), ids=lambda spec: spec.name)
def test_every_setting_is_documented_with_its_default_and_meaning(spec: object) -> None:
    name = ENVIRONMENT_PREFIX + spec.name.upper()  # type: ignore[attr-defined]
    default = shown(spec.default)  # type: ignore[attr-defined]
    row = f"| `{name}` | {f'`{default}`' if default else '(none)'} | {spec.metadata['help']} |"  # type: ignore[attr-defined]
    assert row in PAGE.read_text()


def test_the_page_documents_nothing_else() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `STETHO_")]
    assert len(rows) == len(fields(Settings))


def test_values_take_the_type_of_their_default() -> None:
    settings = Settings.from_environ(
        {
            "STETHO_MQTT_PORT": "8883",
            "STETHO_MODELS": "heart2, digits,",
            "STETHO_GIVE_UP_S": "2.5",
            "STETHO_DATA_DIR": "/srv/stetho",
            "STETHO_MQTT_CA_FILE": "ca.crt",
            "HOME": "ignored",
        }
    )
    assert (settings.mqtt_port, settings.models, settings.give_up_s) == (8883, ("heart2", "digits"), 2.5)
    assert settings.database == "sqlite:////srv/stetho/stetho.db"
    assert settings.mqtt_ca_file == Path("ca.crt")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STETHO_MQTT_PORT", "mqtt"),
        ("STETHO_MQTT_PORT", "0"),
        ("STETHO_MQTT_PORT", "1.5"),
        ("STETHO_MQTT_PORT", "70000"),
        ("STETHO_MQTT_HOST", ""),
        ("STETHO_MQTT_HOST", "a..b"),
        ("STETHO_MQTT_USERNAME", ""),
        ("STETHO_GIVE_UP_S", "nan"),
        ("STETHO_GIVE_UP_S", "inf"),
        ("STETHO_MAX_OPEN", "-1"),
        ("STETHO_WORKER_ID", "Edge 1"),
        ("STETHO_LOG_LEVEL", "LOUD"),
        ("STETHO_WORKER_METRICS_PORT", "-1"),
        ("STETHO_WORKER_METRICS_PORT", "65536"),
        ("STETHO_MODELS", " , "),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        Settings.from_environ({name: value})
    assert "\n" not in str(caught.value)


def test_the_password_file_wins(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("from-file\n")
    environ = {"STETHO_MQTT_PASSWORD": "plain", "STETHO_MQTT_PASSWORD_FILE": str(path)}
    assert Settings.from_environ(environ).password == "from-file"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="STETHO_MQTT_PASSWORD_FILE"):
        _ = Settings.from_environ(environ).password
    path.unlink()
    with pytest.raises(SettingsError, match="STETHO_MQTT_PASSWORD_FILE"):
        _ = Settings.from_environ(environ).password
