"""Manifests for Kubernetes: valid by its schemas, as safe as the containers of Compose. No cluster runs."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
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
SETS: Final = [each for each in DOCUMENTS if each["kind"] == "StatefulSet"]
OVERLAYS: Final = ("full", "cluster", "cluster-full")
_WITH_PODS: Final = ("Deployment-api", "Deployment-notify", "Deployment-trainer", "StatefulSet-worker")
COMPOSE: Final = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def name_of(document: dict[str, Any]) -> str:
    return f"{document['kind']}-{document['metadata']['name']}"


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for deployment in (*DEPLOYMENTS, *SETS):
        pod = deployment["spec"]["template"]["spec"]
        for container in (*pod.get("initContainers", []), *pod["containers"]):
            yield deployment["metadata"]["name"], container


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_a_manifest_is_valid(document: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(document, version, strict=True)


def test_every_service_of_docker_compose_runs_here_too() -> None:
    of_compose = {each["image"] for each in COMPOSE.values() if each["image"].startswith("stetho-edge/")}
    brokers = {
        each["image"].removesuffix("}").split(":-")[-1] for each in (COMPOSE["broker"], COMPOSE["nats1"])
    }
    assert {each["image"] for _, each in containers()} == of_compose | brokers


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=name_of)
def test_there_is_one_of_each_and_never_two_at_a_time(deployment: dict[str, Any]) -> None:
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})


@pytest.mark.parametrize("deployment", [*DEPLOYMENTS, *SETS], ids=name_of)
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
    assert len([name for name, container in containers() if name == "worker"]) == len(SETS) == 2
    assert of_worker == {
        "startupProbe": ["stetho", "health", "--live"],
        "readinessProbe": ["stetho", "health"],
        "livenessProbe": ["stetho", "health", "--live"],
    }
    api = [probe["httpGet"] for (name, _), probe in probes.items() if name == "api"]
    assert api == [{"path": "/livez", "port": 8080}] * 3
    assert {name for name, kind in probes if kind == "livenessProbe"} == {
        each["metadata"]["name"] for each in (*DEPLOYMENTS, *SETS)
    }


def test_the_settings_are_settings() -> None:
    given = {each["name"] for _, container in containers() for each in container.get("env", [])}
    for path in (MANIFESTS / "base", MANIFESTS / "overlays" / "cluster"):
        (generator,) = yaml.safe_load((path / KUSTOMIZATION).read_text())["configMapGenerator"]
        given |= {each.split("=", 1)[0] for each in generator["literals"]}
    known = (ROOT / "docs" / "configuration.md").read_text()
    of_manifests = {"BROKER_HOSTS", "NUMBER", "PROCESSES", "PGPASSFILE"}
    assert {name for name in given - of_manifests if f"`{name}`" not in known} == set()
    assert ApiSettings.from_environ({"STETHO_API_PROXY": "1", "STETHO_API_PUBLIC_URL": ""}).api_proxy == 1


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
def test_kustomize_puts_them_together(tmp_path: Path) -> None:
    made = {name: built(name, tmp_path) for name in OVERLAYS}
    names = {name_of(each) for overlay in OVERLAYS for each in made[overlay].values()}
    assert names > {name_of(each) for each in DOCUMENTS}
    for each in (document for overlay in OVERLAYS for document in made[overlay].values()):
        kubernetes_validate.validate(each, VERSIONS[-1], strict=True)
        assert each["kind"] == "Namespace" or each["metadata"]["namespace"] == "stetho"


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
def test_a_cluster_has_three_nodes_and_no_part_that_all_need_on_one_machine(tmp_path: Path) -> None:
    made = built("cluster", tmp_path)
    nats, worker, api = made["StatefulSet-nats"], made["StatefulSet-worker"], made["Deployment-api"]
    assert not {"Deployment-broker", "Deployment-worker", "PersistentVolumeClaim-broker"} & made.keys()
    assert made["Service-broker"]["spec"]["selector"] == {"app": "nats"}
    (settings,) = (each["data"] for name, each in made.items() if name.startswith("ConfigMap-site"))
    first, count = nats["spec"]["ordinals"]["start"], nats["spec"]["replicas"]
    pods = [f"nats-{number}.{nats['spec']['serviceName']}" for number in range(first, first + count)]
    assert settings["STETHO_MQTT_HOST"].split(",") == pods
    assert (first, count, worker["spec"]["ordinals"]["start"]) == (1, 3, 1), (
        "names of nodes, numbers of workers"
    )
    assert int(settings["PROCESSES"]) == worker["spec"]["replicas"]
    assert "affinity" not in api["spec"]["template"]["spec"]
    for name in ("nats", "worker"):
        budget = made[f"PodDisruptionBudget-{name}"]["spec"]
        assert (budget["maxUnavailable"], budget["selector"]) == (1, {"matchLabels": {"app": name}})
    keys = {
        "n1.conf",
        "hosts",
        "access.key",
        "ca.pem",
        "server.pem",
        "server.key",
        "node.pem",
        "node.key",
        "passwords",
    }
    (script,) = (each["command"][-1] for each in nats["spec"]["template"]["spec"]["initContainers"])
    patterns = re.findall(r"/secrets/(\S+)", script)
    assert {key for key in keys if any(fnmatch(key, pattern) for pattern in patterns)} == keys
    assert not any(fnmatch("ca.key", pattern) for pattern in patterns)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl here")
def test_in_a_cluster_training_and_notifications_share_the_volume_of_the_api(tmp_path: Path) -> None:
    made = built("cluster-full", tmp_path)
    pods = {name: each["spec"]["template"]["spec"] for name, each in made.items() if name in _WITH_PODS}
    volumes = {
        name: {
            mount["mountPath"]: volume.get("persistentVolumeClaim", volume.get("secret"))
            for mount in pod["containers"][0]["volumeMounts"]
            for volume in pod["volumes"]
            if mount["name"] == volume["name"]
        }
        for name, pod in pods.items()
    }
    for name in ("notify", "trainer"):
        (term,) = pods[f"Deployment-{name}"]["affinity"]["podAffinity"][
            "requiredDuringSchedulingIgnoredDuringExecution"
        ]
        assert term["labelSelector"] == {"matchLabels": {"app": "api"}}
        assert volumes[f"Deployment-{name}"]["/data"] == volumes["Deployment-api"]["/data"]
    for name in ("Deployment-api", "Deployment-trainer", "StatefulSet-worker"):
        assert volumes[name]["/data/models"] == {"claimName": "models"}, name
        assert volumes[name]["/stores"] == {"secretName": "stores", "defaultMode": 0o400}, name
    assert made["PersistentVolumeClaim-models"]["spec"]["accessModes"] == ["ReadWriteMany"]
    (trainer,) = pods["Deployment-trainer"]["containers"]
    assert [each["configMapRef"]["name"][:5] for each in trainer["envFrom"]] == ["site-"]
    (selector,) = made["NetworkPolicy-to-stores"]["spec"]["podSelector"]["matchExpressions"]
    assert selector["values"] == ["worker", "api", "trainer"]


def built(overlay: str, home: Path) -> dict[str, dict[str, Any]]:
    """Return what Kustomize makes of an overlay, by kind and name."""
    done = subprocess.run(
        ["kubectl", "kustomize", MANIFESTS / "overlays" / overlay],
        capture_output=True, text=True, check=True, env={**os.environ, "HOME": str(home)},
    )  # fmt: skip
    return {name_of(each): each for each in yaml.safe_load_all(done.stdout)}
