"""The Compose file: valid, hardened, and every file, setting and target that it names is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from castray_bridge.__main__ import command as bridge
from containers.__main__ import ROOT
from servicekit.cli import options
from testkit.binaries import require
from tests.containers.files import COMPOSE_TEXT, CONTAINERS, compose, services, settings, stages

EVERY = pytest.mark.parametrize("name", services())


def config(directory: Path) -> subprocess.CompletedProcess[str]:
    """Let Compose read the stack in `directory`, without what the developer has set."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(directory)}
    command = [require("docker-compose"), "config"]
    return subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """The stack's folder as a checkout has it, prepared for a head at 10.1.2.3."""
    directory = tmp_path / "containers"
    shutil.copytree(CONTAINERS, directory, ignore=shutil.ignore_patterns(".env", "secrets", "__pycache__"))
    subprocess.run([directory / "prepare.sh", "10.1.2.3", "head.example"], capture_output=True, check=True)
    return directory


def test_compose_takes_the_prepared_stack(stack: Path) -> None:
    done = config(stack)
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)["services"]
    assert found["bridge"]["environment"]["CASTRAY_BRIDGE_RAY_DASHBOARD"] == "http://10.1.2.3:8265"
    assert "10.1.2.3" in str(found["prometheus"]["extra_hosts"])
    assert found["prometheus"]["environment"]["GRAFANA_URL"] == "http://head.example:3000"
    assert "--web.external-url=http://head.example:9093" in found["alertmanager"]["command"]


def test_stack_that_was_not_prepared_says_what_to_do(tmp_path: Path) -> None:
    shutil.copy(CONTAINERS / "compose.yaml", tmp_path)
    done = config(tmp_path)
    assert done.returncode != 0
    assert "run containers/prepare.sh" in done.stderr


@EVERY
def test_service_is_not_root_and_can_write_to_nothing_but_volumes(name: str) -> None:
    service = services()[name]
    uid = service["user"].partition(":")[0]
    assert uid.isdigit()
    assert int(uid) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "network_mode" not in service
    for volume in service.get("volumes", []):
        source, _, mode = volume.partition(":")
        assert source in compose()["volumes"] or mode.endswith(":ro"), volume


@EVERY
def test_service_comes_back_checks_itself_and_keeps_its_log_small(name: str) -> None:
    service = services()[name]
    assert service["restart"] == "unless-stopped"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    target = service.get("build", {}).get("target")
    assert "healthcheck" in service or "\nHEALTHCHECK " in stages()[target]


def test_only_what_people_open_has_a_port() -> None:
    ports = {name: service["ports"] for name, service in services().items() if "ports" in service}
    assert set(ports) == {"bridge", "grafana", "alertmanager"}
    assert ports["alertmanager"][0].startswith("${ALERTMANAGER_BIND:-127.0.0.1}:")


def test_secrets_are_files_and_stand_in_no_variable() -> None:
    known = compose()["secrets"]
    assert all(set(secret) == {"file"} for secret in known.values())
    used = {secret for service in services().values() for secret in service.get("secrets", [])}
    assert used == set(known)
    for service in services().values():
        for variable, value in service.get("environment", {}).items():
            if re.search("TOKEN|PASSWORD|ADDRESSES", variable):
                assert value.startswith(("/run/secrets/", "${")), variable


@EVERY
def test_every_file_that_is_mounted_is_there(name: str) -> None:
    for volume in services()[name].get("volumes", []):
        source = volume.partition(":")[0]
        if source.startswith("."):
            assert (CONTAINERS / source).resolve().exists(), volume


def test_grafana_gets_the_other_data_source_in_the_place_of_the_single_machines() -> None:
    mounts = dict(volume.split(":")[:2] for volume in services()["grafana"]["volumes"])
    provisioning = mounts["../grafana/provisioning"]
    replaced = Path(mounts["./datasource.yml"]).relative_to(provisioning)
    assert (ROOT / "grafana/provisioning" / replaced).is_file()
    (provider,) = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/cmzsb.yml").read_text("utf-8"))["providers"]
    assert mounts["../grafana/dashboards"] == provider["options"]["path"]


@EVERY
def test_every_image_has_a_version_or_is_built(name: str) -> None:
    service = services()[name]
    if "build" in service:
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert "ENTRYPOINT" in stages()[service["build"]["target"]]
    else:
        assert re.search(r":v?\d+\.\d+\.\d+$", service["image"])


def test_every_setting_is_in_the_example_and_the_other_way_round() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT))
    assert settings(CONTAINERS / "env.example") == used | {"COMPOSE_PROJECT_NAME"}


def test_bridge_gets_options_that_it_knows() -> None:
    known = {row.environment for row in options(bridge)}
    assert set(services()["bridge"]["environment"]) <= known


def test_variables_of_prometheus_are_those_of_its_file() -> None:
    wanted = set(re.findall(r"\$\{(\w+)\}", (CONTAINERS / "prometheus.yml").read_text("utf-8")))
    assert wanted == set(services()["prometheus"]["environment"])
