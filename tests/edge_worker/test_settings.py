"""Settings from the environment, and `docs/configuration.md`, which documents those of worker and API."""

import os
import subprocess
import sys
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import pytest

from edge_worker.errors import SettingsError
from edge_worker.notify.settings import NotifySettings
from edge_worker.settings import DEFAULT_MODELS_DIR, Settings, variable
from history_api.settings import ApiSettings

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "configuration.md"
PUBLIC_URLS_THAT_ARE_NONE = (
    *("stetho.example.org", "ftp://stetho.example.org", "https://", "https:///hearts", "https://a b"),
    *(
        "https://ann:secret@stetho.example.org",
        "https://x/?a=b",
        "https://x/#a",
        "https://[::1",
        "http://x:a",
    ),
)
DOCUMENTED = {line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `STETHO_")}


def shown(default: object) -> str:
    """Return a default as the page has it; the directory of the program's own models by its name alone."""
    if default == DEFAULT_MODELS_DIR:
        return DEFAULT_MODELS_DIR.name
    if isinstance(default, tuple):
        return ",".join(default)
    if isinstance(default, float):
        return f"{default:g}"
    return "" if default is None else str(default)


EVERY = {spec.name: spec for spec in (*fields(NotifySettings), *fields(ApiSettings))}


@pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)
def test_every_setting_is_documented_with_its_default_and_meaning(spec: "Field[Any]") -> None:
    default = shown(spec.default)
    row = f"| `{variable(spec.name)}` | {f'`{default}`' if default else '(none)'} | {spec.metadata['help']} |"
    assert row in PAGE.read_text().splitlines()


def test_the_page_documents_the_settings_of_all_programs_and_nothing_else() -> None:
    own = {variable(spec.name) for spec in fields(Settings)}
    every = set(map(variable, EVERY))
    assert own < every == DOCUMENTED
    assert not any("API" in name or "UPLOAD" in name or "NOTIFY" in name for name in own)


def test_the_models_of_the_program_are_the_default_from_any_working_directory(tmp_path: Path) -> None:
    program = "from edge_worker.settings import Settings; print(Settings.from_environ({}).models_dir)"
    shown = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(shown.stdout.strip()) == PROJECT / "models_tflite"


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
        ("STETHO_BROKER", "rabbit"),
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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STETHO_MQTT_PORT", "70000"),
        ("STETHO_API_PORT", "65536"),
        ("STETHO_API_AUTH", "maybe"),
        ("STETHO_API_MQTT_USERNAME", "The API"),
        ("STETHO_API_MQTT_USERNAME", "worker"),
        ("STETHO_UPLOAD_WAIT_S", "-1"),
        ("STETHO_KEEP_DAYS", "a week"),
        *(("STETHO_API_PUBLIC_URL", text) for text in PUBLIC_URLS_THAT_ARE_NONE),
    ],
)
def test_the_api_checks_its_settings_and_those_of_the_site(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        ApiSettings.from_environ({name: value})
    assert "\n" not in str(caught.value)


def test_the_api_reads_its_settings_and_those_of_the_site() -> None:
    settings = ApiSettings.from_environ(
        {"STETHO_DATA_DIR": "/srv/stetho", "STETHO_API_PORT": "0", "STETHO_FHIR_CODES": "codes.json"}
    )
    assert (settings.data_dir, settings.api_port) == (Path("/srv/stetho"), 0)
    assert settings.fhir_codes == Path("codes.json")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\nanother line"])
def test_a_password_file_may_come_from_any_editor(tmp_path: Path, encoding: str, end: str) -> None:
    path = tmp_path / "password"
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    path.write_bytes(f"{mark}gehéim{end}".encode(encoding))
    settings = Settings.from_environ({"STETHO_MQTT_PASSWORD_FILE": str(path)})
    assert settings.password == "gehéim"


@pytest.mark.parametrize(
    ("kind", "prefix", "password"),
    [
        (Settings, "STETHO_MQTT_PASSWORD", "password"),
        (ApiSettings, "STETHO_API_MQTT_PASSWORD", "api_password"),
    ],
)
def test_the_password_file_wins(tmp_path: Path, kind: type[Settings], prefix: str, password: str) -> None:
    path = tmp_path / "password"
    path.write_text("from-file\n")
    settings = kind.from_environ({prefix: "plain", f"{prefix}_FILE": str(path)})
    assert getattr(settings, password) == "from-file"
    for useless in (b"\xfe", b"\xff\xfe\0", b"", b" \r\nsecret", b"\xef\xbb\xbf\n"):
        path.write_bytes(useless)
        with pytest.raises(SettingsError, match=f"{prefix}_FILE"):
            getattr(settings, password)
    path.unlink()
    with pytest.raises(SettingsError, match=f"{prefix}_FILE"):
        getattr(settings, password)
