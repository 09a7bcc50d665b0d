"""The life of a deployment on a real Ray cluster of three nodes; each test goes on where the one before ended."""

from __future__ import annotations

import json
import re
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray

from demo.ray_cluster import RayCluster
from tests.deploy.kit import SPECS, Site, answers, most_down_at_once
from tests.support.net import free_port, is_free, wait_for

pytestmark = pytest.mark.timeout(150)
FIRST, JOINING = SPECS[:2], SPECS[2]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    # Short, because Ray puts Unix sockets below it.
    directory = Path(tempfile.mkdtemp(prefix="cz-"))
    cluster = RayCluster(directory / "r", free_port())
    cluster.directory.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", "")  # the cluster sets it; this puts it back
        patch.setenv("RAY_health_check_period_ms", "500")  # Ray knows sooner that a node is gone
        try:
            cluster.start(FIRST)
            yield Site(directory, cluster)
        finally:
            cluster.close()
            shutil.rmtree(directory, ignore_errors=True)


def test_nothing_deployed_is_one_line(site: Site) -> None:
    done = site.deploy("--status")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "cmzsb-deploy: no monitors are deployed on this cluster\n"


def test_every_node_gets_a_monitor_under_its_name(site: Site) -> None:
    done = site.deploy()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("version 1.0.0 runs on 2 nodes\n")
    assert [site.ask(spec)["node_id"] for spec in FIRST] == ["M1", "M2"]


def test_status_is_a_table_or_json(site: Site) -> None:
    table = site.deploy("--status").stdout.splitlines()
    assert table[0].split() == ["NODE", "IP", "VERSION", "HEALTH", "SINCE"]
    assert [line.split()[:4] for line in table[1:]] == [[*spec, "1.0.0", "healthy"] for spec in FIRST]
    report = json.loads(site.deploy("--status", "--json").stdout)
    assert [row["ip"] for row in report["nodes"]] == [spec.ip for spec in FIRST]


def test_actors_take_no_resources_from_the_users_work(site: Site) -> None:
    ray.init(site.cluster.address, log_to_driver=False, logging_level="ERROR")
    try:
        assert ray.available_resources()["CPU"] == len(FIRST)
    finally:
        ray.shutdown()


def test_node_that_joins_gets_its_monitor(site: Site) -> None:
    site.cluster.add(JOINING)
    wait_for(lambda: site.ask(JOINING)["node_id"] == "M3", "the monitor of M3", 40)


@pytest.mark.parametrize("whom", ["monitor", "actor"])
def test_what_is_killed_comes_back_and_nothing_outlives_it(site: Site, whom: str) -> None:
    old = site.monitors()[SPECS[1].ip]
    (old if whom == "monitor" else old.parent()).kill()
    psutil.wait_procs([old], timeout=5)
    assert not old.is_running()
    wait_for(lambda: site.monitors()[SPECS[1].ip].pid != old.pid and answers(site, SPECS[1]), "a new monitor", 20)


def test_upgrade_replaces_one_monitor_at_a_time(site: Site) -> None:
    with most_down_at_once(site, SPECS) as down:
        done = site.deploy(code=site.new)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"\] (M\d) \(.*healthy 2\.0\.0", done.stdout) == ["M1", "M2", "M3"]
    assert [site.version(spec) for spec in SPECS] == ["2.0.0"] * 3
    assert max(down) == 1
    assert len(site.monitors()) == 3


def test_upgrade_stops_at_the_first_node_that_fails_and_says_why(site: Site) -> None:
    """To another port, which another service has on M2: as the old CastRay would on a head node."""
    before = site.monitors()[JOINING.ip].pid
    port = free_port([spec.ip for spec in SPECS])
    with socket.create_server((SPECS[1].ip, port)):
        done = site.deploy("--port", str(port), "--patience", "6", code=site.new)
        assert site.monitors()[JOINING.ip].pid == before
        assert not is_free(SPECS[0].ip, port)
    assert (done.returncode, done.stderr) == (
        1,
        "cmzsb-deploy: stopped, the nodes after it keep what they run: M2 (127.0.23.2): "
        f"cannot listen on 127.0.23.2:{port}: Address already in use\n",
    )


def test_node_out_of_reach_is_named_holds_up_nobody_and_follows_later(site: Site) -> None:
    """Back to the former version, with one node frozen."""
    monitor = site.monitors()[JOINING.ip]
    frozen = [site.raylet(JOINING), monitor.parent(), monitor]
    for process in frozen:
        process.suspend()
    try:
        done = site.deploy("--patience", "5")
    finally:
        for process in reversed(frozen):
            process.resume()
    assert done.returncode == 1
    assert done.stderr == "cmzsb-deploy: 1 of 3 nodes without a healthy monitor: M3 (timeout)\n"
    assert [site.version(spec) for spec in FIRST] == ["1.0.0"] * 2
    wait_for(lambda: site.version(JOINING) == "1.0.0", "M3 follows", 30)


def test_node_that_dies_is_lost_and_the_others_go_on(site: Site) -> None:
    site.cluster.kill(JOINING.name)
    wait_for(lambda: re.search(r"M3 +127\.0\.23\.3 +- +node lost", site.deploy("--status").stdout), "M3 lost", 30)
    done = site.deploy("--status")
    assert done.returncode == 1
    assert done.stderr == "cmzsb-deploy: 1 of 3 nodes without a healthy monitor: M3 (node lost)\n"
    assert all(answers(site, spec) for spec in FIRST)


def test_remove_leaves_nothing(site: Site) -> None:
    done = site.deploy("--remove")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "removed 2 monitors; nothing is left\n"
    assert site.monitors() == {}
    assert all(is_free(spec.ip, site.port) for spec in SPECS)
    ray.init(site.cluster.address, namespace="cmzsb", log_to_driver=False, logging_level="ERROR")
    try:
        assert ray.util.list_named_actors(all_namespaces=True) == []
    finally:
        ray.shutdown()
    assert site.deploy("--remove").stdout == "removed 0 monitors; nothing is left\n"
