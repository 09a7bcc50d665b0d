"""Deployment on a real Ray cluster of three nodes.

Each test begins from the state that it names, `bare` or `deployed`, so that their order does not matter.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray

from testkit.net import free_port, is_free, wait_for
from testkit.ray_cluster import RayCluster
from tests.deploy.kit import NAMES, NEW, OLD, SPECS, Site, answers, most_down_at_once

pytestmark = pytest.mark.timeout(180)
JOINING = SPECS[2]
MONITOR_BYTES = 32e6


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    # Short, because Ray puts Unix sockets below it.
    directory = Path(tempfile.mkdtemp(prefix="cz-"))
    client_port = free_port()
    cluster = RayCluster(directory / "r", free_port(), client_port)
    cluster.directory.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", "")  # the cluster sets it; this puts it back
        patch.setenv("RAY_health_check_period_ms", "500")  # Ray knows sooner that a node is gone
        try:
            cluster.start(SPECS[:1])
            yield Site(directory, cluster, f"ray://127.0.0.1:{client_port}")
        finally:
            cluster.close()
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def bare(site: Site) -> Site:
    site.clear()
    return site


@pytest.fixture
def deployed(site: Site) -> Site:
    site.settle()
    return site


def test_nothing_deployed_is_one_line(bare: Site) -> None:
    done = bare.deploy("--status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "cmzsb-deploy: no monitors are deployed on this cluster\n"


def test_port_of_the_dashboard_is_one_line(bare: Site) -> None:
    address = bare.cluster.dashboard_url.removeprefix("http://")
    done = bare.deploy("--status", "--address", address)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"cmzsb-deploy: {address} is a web server, such as Ray's dashboard: "
        "give Ray's own port, HEAD:6379 inside the cluster, ray://HEAD:10001 outside\n"
    )


def test_every_node_gets_a_small_monitor_under_its_name(bare: Site) -> None:
    done = bare.deploy()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"version 1.0.0 runs on 3 nodes (Python {platform.python_version()})\n")
    assert [bare.ask(spec)["node_id"] for spec in SPECS] == NAMES
    assert max(process.memory_full_info().pss for process in bare.monitors().values()) < MONITOR_BYTES


def test_status_is_a_table_or_json(deployed: Site) -> None:
    table = deployed.deploy("--status").stdout.splitlines()
    assert table[0].split() == ["NODE", "IP", "VERSION", "PYTHON", "HEALTH", "SINCE"]
    wanted = [
        [name, spec.ip, OLD, platform.python_version(), "healthy"] for name, spec in zip(NAMES, SPECS, strict=True)
    ]
    assert [line.split()[:5] for line in table[1:]] == wanted
    report = json.loads(deployed.deploy("--status", "--json").stdout)
    assert [row["ip"] for row in report["nodes"]] == [spec.ip for spec in SPECS]


def test_actors_take_no_resources_from_the_users_work(deployed: Site) -> None:
    ray.init(deployed.cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        assert ray.available_resources()["CPU"] == len(SPECS)
    finally:
        ray.shutdown()


@pytest.mark.parametrize("victim", ["monitor", "actor"])
def test_what_is_killed_comes_back_and_nothing_outlives_it(deployed: Site, victim: str) -> None:
    old = deployed.monitors()[SPECS[1].ip]
    (old if victim == "monitor" else old.parent()).kill()
    psutil.wait_procs([old], timeout=5)
    assert not old.is_running()
    wait_for(lambda: deployed.monitors()[SPECS[1].ip].pid != old.pid and answers(deployed, SPECS[1]), "a new one", 30)


def test_controller_that_is_killed_comes_back_and_leaves_the_monitors_alone(deployed: Site) -> None:
    old, before = deployed.controller(), deployed.monitors()
    old.kill()
    done = deployed.deploy("--status")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == NAMES, done.stderr
    assert deployed.controller().pid != old.pid
    assert deployed.monitors() == before


def test_node_that_dies_is_lost_and_has_its_monitor_again_when_it_is_back(deployed: Site) -> None:
    deployed.cluster.kill(JOINING.name)
    wait_for(
        lambda: re.search(r"M3 +127\.0\.23\.3 +- +- +node lost", deployed.deploy("--status").stdout), "M3 lost", 40
    )
    done = deployed.deploy("--status")
    assert done.returncode == 1
    assert done.stderr == "cmzsb-deploy: 1 of 3 nodes without a healthy monitor: M3 (node lost)\n"
    assert all(answers(deployed, spec) for spec in SPECS[:2])

    deployed.join(JOINING)
    wait_for(lambda: deployed.ask(JOINING)["node_id"] == "M3", "the monitor of M3", 40)
    wait_for(lambda: deployed.deploy("--status").returncode == 0, "three healthy nodes", 30)


def test_upgrade_from_outside_the_cluster_replaces_one_monitor_at_a_time(deployed: Site) -> None:
    with most_down_at_once(deployed, SPECS) as down:
        done = deployed.deploy("--address", deployed.outside, code=deployed.new)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"\] (M\S+) \(.*healthy 2\.0\.0", done.stdout) == NAMES
    assert [deployed.version(spec) for spec in SPECS] == [NEW] * 3
    assert max(down) == 1
    assert len(deployed.monitors()) == 3


def test_upgrade_stops_at_the_first_node_that_fails_and_says_why(deployed: Site) -> None:
    """The new port is taken on M2, as by an older service on the head of the campus."""
    before = deployed.monitors()[JOINING.ip].pid
    port = free_port([spec.ip for spec in SPECS])
    with socket.create_server((SPECS[1].ip, port)):
        done = deployed.deploy("--port", str(port), "--timeout", "6", code=deployed.new)
        assert deployed.monitors()[JOINING.ip].pid == before
        assert not is_free(SPECS[0].ip, port)
    assert (done.returncode, done.stderr) == (
        1,
        "cmzsb-deploy: the rollout stopped, the remaining nodes keep their monitors: M2-gate (127.0.23.2): "
        f"cannot listen on 127.0.23.2:{port}: Address already in use\n",
    )


def test_node_out_of_reach_is_named_delays_no_other_and_follows_later(deployed: Site) -> None:
    with deployed.frozen(JOINING):
        done = deployed.deploy("--timeout", "5", code=deployed.new)
    assert done.returncode == 1
    assert done.stderr == "cmzsb-deploy: 1 of 3 nodes without a healthy monitor: M3 (timeout)\n"
    assert [deployed.version(spec) for spec in SPECS[:2]] == [NEW] * 2
    wait_for(lambda: deployed.version(JOINING) == NEW, "M3 follows", 30)


def test_removal_names_the_node_out_of_reach(deployed: Site) -> None:
    with deployed.frozen(JOINING):
        done = deployed.deploy("--remove", "--purge")
    # Ray may or may not take a node back that was away for so long.
    deployed.cluster.kill(JOINING.name)
    assert done.returncode == 1
    assert done.stderr == (
        "cmzsb-deploy: removed 3 monitors, but these nodes did not confirm it; "
        "run this again when they are back: M3 (127.0.23.3)\n"
    )
    assert [deployed.state(name).exists() for name in NAMES] == [False, False, True]


def test_removal_leaves_the_journals_and_with_purge_nothing(deployed: Site) -> None:
    done = deployed.deploy("--remove")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "removed 3 monitors; their journals stay on the nodes (--purge removes them too)\n"
    assert deployed.monitors() == {}
    assert all(is_free(spec.ip, deployed.port) for spec in SPECS)
    assert all(deployed.state(name).exists() for name in NAMES)
    ray.init(deployed.cluster.address, namespace="cmzsb", log_to_driver=False, logging_level="ERROR")
    try:
        assert ray.util.list_named_actors(all_namespaces=True) == []
    finally:
        ray.shutdown()
    done = deployed.deploy("--remove", "--purge")
    assert done.stdout == "removed 0 monitors and the journals on 3 nodes; nothing is left there\n"
    assert not any(deployed.state(name).exists() for name in NAMES)
