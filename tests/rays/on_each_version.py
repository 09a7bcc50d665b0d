"""The bridge and `cmzsb-deploy` on a real cluster of each Ray. Each test makes the state from which it begins."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from testkit.net import free_port, is_free, wait_for
from testkit.process import Process
from tests.rays.cluster import SPECS, StartedCluster
from tests.rays.environments import RayVersion, versions

pytestmark = pytest.mark.timeout(400)
NAMES = [spec.name for spec in SPECS]
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 2}


@contextmanager
def started(version: RayVersion, environment: dict[str, str] | None = None) -> Iterator[StartedCluster]:
    """A cluster of the head alone."""
    directory = Path(tempfile.mkdtemp(prefix="cr-"))
    running = StartedCluster(version, directory, environment)
    try:
        running.join(SPECS[0])
        yield running
    finally:
        running.close()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module", params=versions(), ids=lambda version: version.name)
def cluster(request: pytest.FixtureRequest) -> Iterator[StartedCluster]:
    with started(request.param) as running:
        yield running


@pytest.fixture
def bare(cluster: StartedCluster) -> StartedCluster:
    """Three nodes without monitors."""
    for spec in SPECS:
        cluster.join(spec)
    if cluster.healthy():
        assert cluster.deploy("--remove").returncode == 0
    return cluster


@pytest.fixture
def deployed(cluster: StartedCluster) -> StartedCluster:
    """Three nodes with a healthy monitor each."""
    for spec in SPECS:
        cluster.join(spec)
    done = cluster.deploy()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return cluster


def test_deployment_reaches_every_node_and_says_which_python_runs(bare: StartedCluster) -> None:
    assert bare.deploy("--status").stderr == "cmzsb-deploy: no monitors are deployed on this cluster\n"
    done = bare.deploy()
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert f"runs on 3 nodes (Python {bare.version.python}." in done.stdout.splitlines()[-1]
    assert bare.healthy() == NAMES
    rows = json.loads(bare.deploy("--status", "--json").stdout)["nodes"]
    assert [(row["node"], row["health"]) for row in rows] == [(name, "healthy") for name in NAMES]
    assert all(row["python"].startswith(bare.version.python) for row in rows)


def test_bridge_shows_every_node_with_its_light(deployed: StartedCluster, tmp_path: Path) -> None:
    url = f"http://{SPECS[1].ip}:{deployed.port}/api/update_status"
    assert requests.post(url, json={"status": "sending"}, timeout=5).status_code in (200, 403)
    listen = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "castray_bridge", "--listen", listen]
    command += ["--ray-dashboard", f"http://{deployed.dashboard}", "--monitor-port", str(deployed.port)]
    with Process(command, tmp_path / "bridge.log") as bridge:

        def all_answer() -> list[dict[str, object]] | None:
            reply = requests.get(f"http://{listen}/api/ray-dashboard", timeout=5).json()
            nodes: list[dict[str, object]] = reply["data"]["nodes"]
            alive = [node for node in nodes if node["workStatusReachable"]]
            return alive if reply["result"] and len(alive) == len(SPECS) else None

        nodes = wait_for(all_answer, f"three lights; {bridge.output()}", 30)
    assert sorted(str(node["name"]) for node in nodes) == NAMES
    assert all(node["workStatus"] in ("idle", "sending") for node in nodes)


def test_upgrade_from_outside_replaces_every_monitor(deployed: StartedCluster) -> None:
    done = deployed.deploy("--report-ttl", "61", address=deployed.client_address)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert deployed.healthy() == NAMES


def test_node_that_dies_is_lost_and_gets_its_monitor_when_it_is_back(deployed: StartedCluster) -> None:
    deployed.kill("M3")
    wait_for(lambda: "node lost" in deployed.deploy("--status").stdout, "M3 lost", 90)
    deployed.join(SPECS[2])
    wait_for(lambda: deployed.healthy(SPECS[2:]) == ["M3"], "the monitor of M3", 90)
    wait_for(lambda: deployed.deploy("--status").returncode == 0, "three healthy nodes", 90)


def test_status_right_after_the_controller_died_has_every_node(deployed: StartedCluster) -> None:
    deployed.controller().kill()
    done = deployed.deploy("--status")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == NAMES, done.stderr


@pytest.mark.parametrize(
    ("port", "error"),
    [
        ("dashboard", "{} is a web server, such as Ray's dashboard"),
        ("client", "{} is the port of Ray's client server: give ray://{}, "),
        ("head", "ray://{} is the port of Ray's head: "),
    ],
    ids=["dashboard", "client", "head"],
)
def test_wrong_port_is_one_line_within_seconds(cluster: StartedCluster, port: str, error: str) -> None:
    client = cluster.client_address.removeprefix("ray://")
    ports = {"dashboard": cluster.dashboard, "client": client, "head": cluster.address}
    began = time.monotonic()
    done = cluster.deploy("--status", address=("ray://" if port == "head" else "") + ports[port])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("cmzsb-deploy: " + error.replace("{}", ports[port]))
    assert time.monotonic() - began < 30


def test_removal_with_purge_leaves_nothing(deployed: StartedCluster) -> None:
    done = deployed.deploy("--remove", "--purge")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "removed 3 monitors and the journals on 3 nodes; nothing is left there\n"
    assert all(is_free(spec.ip, deployed.port) for spec in SPECS)
    assert not list(deployed.directory.glob("state-*"))


@pytest.mark.parametrize(
    "version", [one for one in versions() if one.has_tokens], ids=lambda version: f"{version.name}-with-token"
)
def test_token_that_is_missing_or_wrong_is_told(version: RayVersion) -> None:
    with started(version, TOKEN) as cluster:
        for address in (cluster.address, cluster.client_address):
            missing = cluster.deploy("--status", address=address)
            assert missing.stderr == (
                f"cmzsb-deploy: Ray at {address} demands a token: "
                "set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH\n"
            )
            began = time.monotonic()
            wrong = cluster.deploy("--status", address=address, environment={**TOKEN, "RAY_AUTH_TOKEN": "f" * 32})
            assert time.monotonic() - began < 10
            assert wrong.stderr == (
                f"cmzsb-deploy: Ray at {address} refuses the token in RAY_AUTH_TOKEN, "
                "RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token\n"
            )
            right = cluster.deploy("--status", address=address, environment=TOKEN)
            assert right.stderr == "cmzsb-deploy: no monitors are deployed on this cluster\n"
