"""The images, built from the Containerfile and run without a container engine."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from containers.__main__ import ROOT
from servicekit.version import __version__
from testkit import buildah
from testkit.buildah import Buildah, Service
from testkit.fake_ray import FakeRay, RayNode
from testkit.net import free_port, get_json, wait_for
from tests.containers.files import CONTAINERS, stages
from tests.packaging.test_project import project

UID = 10001
TARGETS = [name for name, text in stages().items() if "ENTRYPOINT" in text]
SCRIPTS = {name: re.findall(r'ENTRYPOINT \["/opt/cmzsb/bin/([\w-]+)"\]', stages()[name])[0] for name in TARGETS}
WHY_NOT = buildah.missing() if os.environ.get("IMAGES") else "only `make images` does this: it takes minutes"
pytestmark = [pytest.mark.timeout(900), pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    """All images of the Containerfile."""
    built = Buildah(tmp_path_factory.mktemp("images"))
    try:
        built.make_base()
        for target in TARGETS:
            built.build(CONTAINERS / "Containerfile", ROOT, target)
        yield built
    finally:
        built.close()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """What an engine makes of a new volume: a directory of the image's user."""
    directory = tmp_path / "state"
    directory.mkdir()
    subprocess.run(["chown", f"{UID}:{UID}", directory], check=True)
    return directory


def stop(service: Service) -> int:
    """Stop the service as an engine does and return its exit status."""
    process = service.process()
    process.send_signal(signal.SIGTERM)
    wait_for(lambda: not service.engine.running, "the end", 15)
    return service.engine.terminate()


def is_healthy(images: Buildah, image: str, variable: str, listen: str) -> bool:
    """Run the image's health check."""
    command = images.image(image)["Healthcheck"]["Test"]
    assert command[0] == "CMD"
    container = images("from", f"localhost/{image}")
    try:
        images("run", "--isolation", "chroot", "--env", f"{variable}={listen}", container, "--", *command[1:])
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("target", TARGETS)
def test_image_tells_an_engine_how_to_run_it(images: Buildah, target: str) -> None:
    config = images.image(target)
    assert config["User"] == f"{UID}:{UID}"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Healthcheck"]["Test"][-2].endswith("_LISTEN")


@pytest.mark.parametrize("target", [name for name in TARGETS if SCRIPTS[name] in project()["scripts"]])
def test_program_of_the_image_runs_without_pip_and_tests_beside_it(images: Buildah, target: str) -> None:
    (program,) = images.image(target)["Entrypoint"]
    assert __version__ in images.run(target, program, "--version")
    listing = images.run(target, "sh", "-c", "ls /opt /opt/cmzsb/bin /opt/cmzsb/lib/python3*/site-packages").split()
    assert {"exporter", "servicekit", SCRIPTS[target]} <= set(listing)
    assert not {"pip", "tests", "testkit", "source", "wheels"} & set(listing)


def test_monitor_keeps_what_was_reported_over_a_new_container(images: Buildah, state: Path, tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    environment = {"CMZSB_LISTEN": listen, "CMZSB_NODE_NAME": "M5"}
    volumes = [f"{state}:/var/lib/cm-zsb-monitor"]
    for count in (1, 2):
        log = tmp_path / f"{count}.log"
        with images.service("monitor", log, environment=environment, volumes=volumes) as monitor:
            wait_for(lambda: get_json(f"http://{listen}/api/health"), "monitor", 30)
            report = {"status": "sending"}
            assert requests.post(f"http://{listen}/api/update_status", json=report, timeout=5).status_code == 200
            assert get_json(f"http://{listen}/api/status")["stats"]["sent_to_server"] == count
            assert monitor.process().uids().real == UID
            assert is_healthy(images, "monitor", "CMZSB_LISTEN", listen)
            assert stop(monitor) == 0, monitor.engine.output()
    assert not is_healthy(images, "monitor", "CMZSB_LISTEN", listen)
    assert {path.stat().st_uid for path in state.iterdir()} == {UID}


def test_bridge_shows_rays_nodes(images: Buildah, tmp_path: Path) -> None:
    listen = f"127.0.0.1:{free_port()}"
    with FakeRay(RayNode("M1", "127.0.0.9")) as ray:
        environment = {"CASTRAY_BRIDGE_LISTEN": listen, "CASTRAY_BRIDGE_RAY_DASHBOARD": ray.url}
        with images.service("bridge", tmp_path / "log", environment=environment) as bridge:
            nodes = wait_for(lambda: get_json(f"http://{listen}/api/ray-dashboard")["data"]["nodes"], "nodes", 30)
            assert [node["name"] for node in nodes] == ["M1"]
            assert bridge.process().uids().real == UID
            assert is_healthy(images, "bridge", "CASTRAY_BRIDGE_LISTEN", listen)
            assert stop(bridge) == 0, bridge.engine.output()
