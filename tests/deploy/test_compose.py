"""docker-compose.yml and the Dockerfile agree with the code."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from broker import listener, program
from broker.mosquitto import CONFIGURATION
from edge_worker.notify.settings import DIRECTORY, NotifySettings
from edge_worker.notify.status import LOCK
from edge_worker.sound_files import ffmpeg
from history_api.settings import ApiSettings
from models_tflite.training.retraining.upload import TRAINER_LOCK

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"provision", "cluster_provision"}
LASTING = sorted(set(SERVICES) - ONCE)
CLUSTER = sorted(name for name, service in SERVICES.items() if service.get("profiles") == ["cluster"])
BUILT = sorted(name for name, service in SERVICES.items() if "build" in service)
DOCKERFILE = (ROOT / "Dockerfile").read_text()
STAGES: dict[str, tuple[str, str]] = {
    name: (base, text)
    for base, name, text in re.findall(
        r"^FROM (\S+) AS (\S+)\n((?:(?!FROM ).*\n)*)", DOCKERFILE, re.MULTILINE
    )
}
"""Name of a stage of the Dockerfile: what it is built on, and its lines."""


def is_in_context(path: str) -> bool:
    """Return whether Docker may read a file of the repository when it builds an image."""
    lines = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    patterns = [re.escape(line).replace(r"\*\*", ".*").replace(r"\*", "[^/]*") for line in lines]
    return any(re.fullmatch(pattern, path) for pattern in patterns)


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
    opened = [port for port in ports if port[0] != "127.0.0.1"]
    assert [port[-1] for port in opened] == [str(listener.TLS.port)] * 4, "Mosquitto, and three nodes"
    assert len({port[-2] for port in ports}) == len(ports), "both sites may run on one machine"


def test_the_broker_publishes_listeners_that_exist_and_are_encrypted() -> None:
    reachable = {each.port for each in (listener.TLS, listener.TLS_WEBSOCKET) if not each.address}
    assert {int(port[-1]) for port in published("broker")} == reachable


CLUSTER_PROGRAMS = ["cluster_worker1", "cluster_worker2", "cluster_api"]


@pytest.mark.parametrize("name", ["edge_worker", "history_api", "trainer", "notify", *CLUSTER_PROGRAMS])
def test_every_setting_is_one_that_the_code_reads(name: str) -> None:
    program = NotifySettings if name == "notify" else ApiSettings
    program.from_environ({key: value for key, value in environment(name).items() if "$" not in value})
    known = {f"STETHO_{field.upper()}" for field in program.__dataclass_fields__}
    # One changes messages, the other is read by the C library.
    foreign = {key for key in environment(name) if key.startswith(("AWS_", "PG"))}
    assert set(environment(name)) <= known | {"STETHO_IN_COMPOSE", "TZ"} | foreign


@pytest.mark.parametrize("name", ["edge_worker", "history_api", "trainer", "notify"])
def test_any_other_setting_comes_from_one_file(name: str) -> None:
    assert SERVICES[name]["env_file"] == [{"path": ".env", "required": False}]


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
    assert SERVICES["trainer"]["profiles"] == ["trainer", "training"]
    assert not [name for name in LASTING if "trainer" in SERVICES[name].get("depends_on", {})]
    assert f'"/data/{TRAINER_LOCK}"' in SERVICES["trainer"]["healthcheck"]["test"][-1]
    assert 'CMD ["stetho", "trainer", "serve"]' in STAGES["trainer"][1]


def test_notifications_are_there_where_they_are_asked_for() -> None:
    assert SERVICES["notify"]["profiles"] == ["notify"]
    assert not [name for name in LASTING if "notify" in SERVICES[name].get("depends_on", {})]
    assert f'"/data/{DIRECTORY}/{LOCK}"' in SERVICES["notify"]["healthcheck"]["test"][-1]
    assert "notify-secrets:/state/notify" in SERVICES["provision"]["volumes"]
    assert 'CMD ["stetho", "notify"]' in STAGES["notify"][1]


def test_the_parts_of_a_cluster_are_there_where_they_are_asked_for() -> None:
    assert {*CLUSTER_PROGRAMS, "nats1", "nats2", "nats3", "access", "postgres", "store"} < set(CLUSTER)
    needed = {part for name in CLUSTER for part in SERVICES[name].get("depends_on", {})}
    assert needed <= set(CLUSTER), "the site of one machine is not started with it"
    workers = [environment(name) for name in CLUSTER_PROGRAMS[:2]]
    assert [each.get("STETHO_FIRST_PROCESS", "1") for each in workers] == ["1", "2"]
    assert [each["STETHO_PROCESSES"] for each in workers] == ["1", "1"], (
        "as one machine of two, whatever its cores"
    )
    data = [volume for name in CLUSTER_PROGRAMS for volume in SERVICES[name]["volumes"] if "/data" in volume]
    assert len(set(data)) == len(data) == 3, "each has its own"


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
    secret = re.compile("PASSWORD|SECRET|_KEY|PGPASS")
    values = {value for name in SERVICES for key, value in environment(name).items() if secret.search(key)}
    assert values == {"/secrets/password", "/secrets/pgpass", "/secrets/s3", "stetho"}


@pytest.mark.parametrize("name", BUILT)
def test_an_image_has_locked_packages_and_no_root_user(name: str) -> None:
    target = SERVICES[name]["build"]["target"]
    base, text = STAGES[target]
    assert base == "runtime"
    assert "USER" not in text, "that of the stage that all have in common"
    assert f"USER {SERVICES[name]['user']}" in STAGES["runtime"][1].splitlines()
    assert f"COPY --from={target}-packages /opt/stetho /opt/stetho" in text
    packages_of = "nats" if target == "provision" else target  # `stetho nats access` is in that image
    assert f"RUN sh image_packages.sh {packages_of}.txt" in STAGES[f"{target}-packages"][1].splitlines()
    assert f"requirements/{packages_of}.txt" in STAGES["packages"][1].split()


def test_every_package_of_an_image_is_locked() -> None:
    text = DOCKERFILE + (ROOT / "requirements" / "image_packages.sh").read_text()
    installs = [line for line in text.splitlines() if re.search(r"\bpip\b.* install\b", line)]
    assert len(installs) == 3
    assert all("--require-hashes" in line or "--no-deps /wheel/*.whl" in line for line in installs)


@pytest.mark.parametrize("name", BUILT)
def test_a_new_volume_belongs_to_the_user_of_the_services(name: str) -> None:
    """Its folder in the image decides; where that is missing, the engine makes one of root's."""
    (made,) = re.findall(r"install -d -m 0700 -o 1883 -g 1883 (.+)", STAGES["runtime"][1])
    for volume in SERVICES[name]["volumes"]:
        _, folder, *read_only = volume.split(":")
        assert read_only or folder in made.split(), folder


def test_everything_that_the_images_copy_exists_and_is_in_the_build_context() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    sources = {part for line in copied for part in line.split()[:-1]}
    assert "." in sources, "the wheel is built from the context"
    for source in sources - {"."}:
        assert (ROOT / source).is_file(), source
        assert is_in_context(source), source


def test_the_wheel_of_an_image_has_what_a_wheel_has_elsewhere() -> None:
    target = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    listed = subprocess.run(
        ["git", "ls-files", *target["packages"]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    excluded = [pattern.removeprefix("*") for pattern in target["exclude"]]
    wanted = [path for path in listed.stdout.splitlines() if not path.endswith(".sh")]
    assert ".sh" in excluded
    assert [path for path in wanted if not is_in_context(path) and "/unseen_sites/" not in path] == []


def test_the_image_decodes_what_the_api_lets_ffmpeg_read() -> None:
    (built,) = re.findall(r"--enable-demuxer=(\S+)", (ROOT / "requirements" / "image_ffmpeg.sh").read_text())
    assert built.replace("mpegps", "mpeg") == ffmpeg.DEMUXERS


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


def test_what_deletes_most_of_a_system_does_nothing_when_it_is_called_by_mistake() -> None:
    script = ROOT / "requirements" / "image_base.sh"
    # Without programs: should it go on after all, it finds none that deletes anything.
    done = subprocess.run(
        ["/bin/sh", script], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "the Dockerfile calls it" in done.stderr
