"""docker-compose.yml and the Dockerfiles agree with the code."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker import listener, program
from broker.mosquitto import CONFIGURATION
from edge_worker.notify.settings import DIRECTORY, NotifySettings
from edge_worker.notify.status import LOCK
from history_api.settings import ApiSettings
from models_tflite.training.retraining.upload import TRAINER_LOCK

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
LASTING = sorted(set(SERVICES) - {"provision"})
BUILT = sorted(name for name, service in SERVICES.items() if "build" in service)


def environment(name: str) -> dict[str, str]:
    declared: dict[str, str] = SERVICES[name].get("environment", {})
    return declared


def published(name: str) -> list[list[str]]:
    return [port.split(":") for port in SERVICES[name].get("ports", [])]


def test_it_has_the_services_of_the_design() -> None:
    assert {"broker", "edge_worker", "history_api"} <= set(SERVICES)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_no_rights_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), "not root, by number"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", LASTING)
def test_a_service_has_a_health_check_and_is_restarted(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_only_mqtt_over_tls_is_open_to_the_network() -> None:
    ports = [port for name in SERVICES for port in published(name)]
    assert [port for port in ports if port[0] != "127.0.0.1"] == [[str(listener.TLS.port)] * 2]


def test_the_broker_publishes_listeners_that_exist_and_are_encrypted() -> None:
    reachable = {each.port for each in (listener.TLS, listener.TLS_WEBSOCKET) if not each.address}
    assert {int(port[-1]) for port in published("broker")} == reachable


@pytest.mark.parametrize("name", ["edge_worker", "history_api", "trainer", "notify"])
def test_every_setting_is_one_that_the_code_reads(name: str) -> None:
    program = NotifySettings if name == "notify" else ApiSettings
    program.from_environ({key: value for key, value in environment(name).items() if "$" not in value})
    known = {f"STETHO_{field.upper()}" for field in program.__dataclass_fields__}
    # One changes messages, the other is read by the C library.
    assert set(environment(name)) <= known | {"STETHO_IN_COMPOSE", "TZ"}


@pytest.mark.parametrize("name", ["edge_worker", "history_api", "notify"])
def test_a_program_reaches_the_broker_as_it_is_published(name: str) -> None:
    settings = environment(name)
    assert settings["STETHO_MQTT_HOST"] in SERVICES["provision"]["command"].split(), (
        "a name in the certificate"
    )
    assert int(settings["STETHO_MQTT_PORT"]) == listener.TLS.port
    assert SERVICES[name]["user"] == SERVICES["provision"]["user"], "who may read the password"


def test_the_broker_is_started_as_everywhere_else() -> None:
    mounted = dict(volume.removesuffix(":ro").split(":") for volume in SERVICES["broker"]["volumes"])
    assert SERVICES["broker"]["command"] == "sh /start_mosquitto mosquitto /mosquitto.conf"
    assert {ROOT / name for name in mounted if name.startswith("./")} == {program.START, CONFIGURATION}


def test_the_trainer_is_there_where_it_is_asked_for() -> None:
    assert SERVICES["trainer"]["profiles"] == ["trainer"]
    assert not [name for name in LASTING if "trainer" in SERVICES[name].get("depends_on", {})]
    assert f'"/data/{TRAINER_LOCK}"' in SERVICES["trainer"]["healthcheck"]["test"][-1]
    dockerfile = (ROOT / SERVICES["trainer"]["build"]["dockerfile"]).read_text()
    assert 'CMD ["stetho", "trainer", "serve"]' in dockerfile


def test_notifications_are_there_where_they_are_asked_for() -> None:
    assert SERVICES["notify"]["profiles"] == ["notify"]
    assert not [name for name in LASTING if "notify" in SERVICES[name].get("depends_on", {})]
    assert f'"/data/{DIRECTORY}/{LOCK}"' in SERVICES["notify"]["healthcheck"]["test"][-1]
    assert "notify-secrets:/state/notify" in SERVICES["provision"]["volumes"]
    dockerfile = (ROOT / SERVICES["notify"]["build"]["dockerfile"]).read_text()
    assert 'CMD ["stetho", "notify"]' in dockerfile


def test_all_programs_share_their_data() -> None:
    def data(name: str) -> list[str]:
        return [volume for volume in SERVICES[name]["volumes"] if volume.startswith("data:")]

    assert data("edge_worker") == data("history_api") == data("trainer") == data("notify") == ["data:/data"]


def test_the_api_listens_where_it_is_published() -> None:
    assert published("history_api")[0][-1] == environment("history_api")["STETHO_API_PORT"]
    assert "/livez" in str(SERVICES["history_api"]["healthcheck"])


@pytest.mark.parametrize("name", ["edge_worker", "history_api", "trainer", "notify"])
def test_a_program_never_sees_keys_or_hashes_of_the_broker(name: str) -> None:
    assert not any("broker-state" in volume for volume in SERVICES[name]["volumes"])


def test_no_password_is_in_the_file() -> None:
    values = [value for name in SERVICES for key, value in environment(name).items() if "PASSWORD" in key]
    assert values == ["/secrets/password"] * 3


@pytest.mark.parametrize("name", BUILT)
def test_an_image_has_locked_packages_and_no_root_user(name: str) -> None:
    lines = (ROOT / SERVICES[name]["build"]["dockerfile"]).read_text().splitlines()
    installs = [line for line in lines if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or line.endswith("--no-deps /wheel/*.whl") for line in installs)
    assert f"USER {SERVICES[name]['user']}" in lines


@pytest.mark.parametrize("name", BUILT)
def test_everything_that_an_image_copies_exists_and_is_in_the_build_context(name: str) -> None:
    dockerfile = (ROOT / SERVICES[name]["build"]["dockerfile"]).read_text()
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    sources = [
        part
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)
        for part in line.split()[:-1]
    ]
    assert "." in sources, "the wheel is built from the context"
    for source in set(sources) - {"."}:
        assert list(ROOT.glob(source)), source
        assert any(pattern.startswith(source.split("/")[0]) for pattern in allowed), source


def test_the_build_context_has_every_package_of_the_wheel_and_no_secret() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert {*wheel["packages"], *wheel["force-include"]} <= {pattern.split("/")[0] for pattern in allowed}
    assert {"pyproject.toml", "README.md", "LICENSE"} <= set(allowed)
    assert not [pattern for pattern in allowed if pattern in ("broker", "broker/**")], "broker/secrets"


def test_the_api_asks_for_keys_where_others_may_reach_it() -> None:
    settings = ApiSettings.from_environ({"STETHO_API_HOST": environment("history_api")["STETHO_API_HOST"]})
    assert (settings.api_host, settings.api_auth) == ("0.0.0.0", "keys")  # noqa: S104 - in its container
    assert "STETHO_API_AUTH" not in environment("history_api")
