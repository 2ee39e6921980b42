"""What docs/deploy holds is what it says, and what the command takes."""

from __future__ import annotations

import configparser
import dataclasses
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from glossator.models.config import RuntimeConfig
from glossator.serving.access import OPEN
from glossator.serving.config import LimitConfig, ReplicaConfig, ServeConfig

yaml = pytest.importorskip("yaml")

FOLDER = Path(__file__).parents[2] / "docs" / "deploy"
FLAGS = {
    f"--{field.name.replace('_', '-')}"
    for config in (ServeConfig, LimitConfig, ReplicaConfig, RuntimeConfig)
    for field in dataclasses.fields(config)
}
METRIC = "glossator_queue_tokens"


def flags(words):
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def config_of(words):
    """The config that a command line of `serve` makes, as far as it says who may come in."""
    given = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
    return ServeConfig(
        host=given.get("host", "127.0.0.1"),
        keys=given.get("keys"),
        tls_terminated_by_proxy="tls-terminated-by-proxy" in given,
        drain=float(given["drain"]),
    )


@pytest.fixture(scope="module")
def unit():
    # A unit may name an option twice; ours does not, so that it can be read like this.
    read = configparser.ConfigParser(interpolation=None)
    read.optionxform = str
    read.read_string((FOLDER / "glossator.service").read_text(encoding="utf-8"))
    return read


@pytest.fixture(scope="module")
def manifests():
    text = (FOLDER / "kubernetes.yaml").read_text(encoding="utf-8")
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def pod(manifests):
    return manifests["Deployment"]["spec"]["template"]["spec"]


def test_the_unit_starts_what_there_is_and_waits_for_it(unit):
    words = shlex.split(unit["Service"]["ExecStart"])
    assert words[1] == "serve"
    assert flags(words) <= FLAGS
    drain = float(words[words.index("--drain") + 1])
    assert float(unit["Service"]["TimeoutStopSec"]) > drain
    assert unit["Service"]["KillMode"] == "mixed"


def test_the_unit_is_hardened(unit):
    service = unit["Service"]
    assert service["User"] != "root"
    assert service["ProtectSystem"] == "strict"
    for name in (
        "NoNewPrivileges",
        "PrivateTmp",
        "PrivateDevices",
        "ProtectHome",
        "LockPersonality",
    ):
        assert service[name] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert "ReadWritePaths" not in service
    assert "MemoryDenyWriteExecute" not in service  # torch compiles kernels while it runs


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_systemd_knows_every_line_of_the_unit(tmp_path):
    text = (FOLDER / "glossator.service").read_text(encoding="utf-8")

    def verified(text):
        unit = tmp_path / "glossator.service"
        unit.write_text(text.replace("/opt/glossator/bin/glossator", "/bin/true"), encoding="utf-8")
        command = ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)]
        return subprocess.run(command, capture_output=True, text=True).stderr

    told = [line for line in verified(text).splitlines() if "glossator.service" in line]
    assert told == []
    assert "Unknown" in verified(text.replace("PrivateTmp", "PrivateTemp"))


def test_the_container_runs_without_rights(pod):
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for each in (container, *pod["initContainers"]):
        assert each["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}


def test_the_pod_asks_what_there_is(pod):
    (container,) = pod["containers"]
    assert flags(container["args"]) <= FLAGS
    config = config_of(container["args"])  # raises where it would not start
    assert pod["terminationGracePeriodSeconds"] > config.drain + 5
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[name]["httpGet"]["path"] in OPEN
    # They come with the address of the pod as the host.
    assert "--allowed-hosts=$(POD_IP)" in container["args"]
    assert [each["name"] for each in container["env"]] == ["POD_IP"]


def test_the_parts_name_each_other(manifests):
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    name = manifests["Deployment"]["metadata"]["name"]
    assert manifests["Service"]["spec"]["selector"] == labels
    assert manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == name
    (rule,) = manifests["Ingress"]["spec"]["rules"]
    assert rule["host"] in manifests["Ingress"]["spec"]["tls"][0]["hosts"]
    (container,) = manifests["Deployment"]["spec"]["template"]["spec"]["containers"]
    assert f"--allowed-hosts={rule['host']}" in container["args"]


def test_the_autoscaler_looks_at_a_metric_that_is_shown(manifests):
    (metric,) = manifests["HorizontalPodAutoscaler"]["spec"]["metrics"]
    text = (FOLDER / "prometheus-adapter.yaml").read_text(encoding="utf-8")
    (rule,) = yaml.safe_load(text)["rules"]["custom"]
    assert metric["pods"]["metric"]["name"] == rule["name"]["as"] == METRIC
    assert rule["seriesQuery"].startswith(METRIC)
    metrics = Path(__file__).parents[2] / "src" / "glossator" / "serving" / "metrics.py"
    if metrics.exists():
        assert METRIC.removeprefix("glossator_") in metrics.read_text(encoding="utf-8")


def test_the_image_is_slim_and_not_root():
    lines = (FOLDER / "Dockerfile").read_text(encoding="utf-8").splitlines()
    stages = [line.split()[1] for line in lines if line.startswith("FROM")]
    assert all(stage.endswith("-slim") for stage in stages)
    user = next(line for line in lines if line.startswith("USER"))
    assert re.fullmatch(r"USER [1-9]\d*:[1-9]\d*", user)
    assert 'ENTRYPOINT ["glossator", "serve"]' in lines
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    for name in copied - {"--from=build", "/opt/glossator"}:
        assert (FOLDER.parents[1] / name).exists(), name


def test_the_proxy_waits_longer_than_the_server_and_takes_as_much():
    text = (FOLDER / "Caddyfile").read_text(encoding="utf-8")
    seconds = re.search(r"response_header_timeout (\d+)s", text)
    megabytes = re.search(r"max_size (\d+)MB", text)
    assert float(seconds[1]) > LimitConfig().deadline
    assert int(megabytes[1]) * 1_000_000 == LimitConfig().max_body
