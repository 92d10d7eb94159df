"""Manifests for Kubernetes: valid by its schemas, as safe as the containers of Compose. No cluster runs."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from history_api.settings import ApiSettings

ROOT: Final = Path(__file__).parents[2]
MANIFESTS: Final = ROOT / "deploy" / "kubernetes"
VERSIONS: Final = ("1.28", "1.37")
KUSTOMIZATION: Final = "kustomization.yaml"


def documents() -> list[dict[str, Any]]:
    paths = [path for path in MANIFESTS.rglob("*.yaml") if path.name != KUSTOMIZATION]
    return [document for path in paths for document in yaml.safe_load_all(path.read_text())]


DOCUMENTS: Final = documents()
DEPLOYMENTS: Final = [each for each in DOCUMENTS if each["kind"] == "Deployment"]
COMPOSE: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def name_of(document: dict[str, Any]) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for deployment in DEPLOYMENTS:
        pod = deployment["spec"]["template"]["spec"]
        for container in (*pod.get("initContainers", []), *pod["containers"]):
            yield deployment["metadata"]["name"], container


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_a_manifest_is_valid(document: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


def test_every_service_of_docker_compose_runs_here_too() -> None:
    of_compose = {each["image"] for each in COMPOSE.values() if each["image"].startswith("stetho-edge/")}
    assert {each["image"] for _, each in containers()} == {*of_compose, "eclipse-mosquitto:2"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_there_is_one_of_each_and_never_two_at_a_time(deployment: dict[str, Any]) -> None:
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_a_pod_is_of_the_user_of_the_images(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    user, group = map(int, COMPOSE["broker"]["user"].split(":"))
    context = pod["securityContext"]
    assert (context["runAsNonRoot"], context["runAsUser"], context["fsGroup"]) == (True, user, group)
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False


def test_a_container_can_do_little_and_has_a_limit() -> None:
    for name, container in containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert container["resources"]["limits"]["memory"], name
        assert container["resources"]["requests"], name


def test_whoever_uses_the_data_is_on_the_node_of_the_worker() -> None:
    for deployment in DEPLOYMENTS:
        pod = deployment["spec"]["template"]["spec"]
        has_data = any(each.get("persistentVolumeClaim") == {"claimName": "data"} for each in pod["volumes"])
        if has_data and deployment["metadata"]["name"] != "worker":
            (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
            assert term["labelSelector"] == {"matchLabels": {"app": "worker"}}


def test_probes_ask_what_the_programs_answer() -> None:
    probes = {
        (name, kind): probe
        for name, container in containers()
        for kind, probe in container.items()
        if kind.endswith("Probe")
    }
    of_worker = {kind: probe["exec"]["command"] for (name, kind), probe in probes.items() if name == "worker"}
    assert of_worker == {
        "startupProbe": ["stetho", "health", "--live"],
        "readinessProbe": ["stetho", "health"],
        "livenessProbe": ["stetho", "health", "--live"],
    }
    api = [probe["httpGet"] for (name, _), probe in probes.items() if name == "api"]
    assert api == [{"path": "/livez", "port": 8080}] * 3
    assert {name for name, kind in probes if kind == "livenessProbe"} == {
        each["metadata"]["name"] for each in DEPLOYMENTS
    }


def test_the_settings_are_settings() -> None:
    (generator,) = yaml.safe_load((MANIFESTS / "base" / KUSTOMIZATION).read_text())["configMapGenerator"]
    given = {each.split("=", 1)[0] for each in generator["literals"]}
    given |= {each["name"] for _, container in containers() for each in container.get("env", [])}
    known = (ROOT / "docs" / "configuration.md").read_text()
    assert {name for name in given - {"BROKER_HOSTS"} if f"`{name}`" not in known} == set()
    assert ApiSettings.from_environ({"STETHO_API_PROXY": "1", "STETHO_API_PUBLIC_URL": ""}).api_proxy == 1


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
def test_kustomize_puts_them_together(tmp_path: Path) -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", MANIFESTS / "overlays" / "full"],
        capture_output=True, text=True, check=True, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    made = list(yaml.safe_load_all(done.stdout))
    assert {name_of(each) for each in made} > {name_of(each) for each in DOCUMENTS}
    for each in made:
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == "stetho"
