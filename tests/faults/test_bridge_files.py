"""Files and sources that change under a running bridge: inventory, tokens, a CastRay that is slow or fails."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import requests
from flask import jsonify

from testkit.fake_ray import FakeRay, RayNode, castray_reply, node_list
from testkit.net import free_port, wait_for
from testkit.running import RunningBridge
from testkit.slow_clients import slowest

NODES = [RayNode(f"M{n}", f"127.0.0.{n}") for n in (1, 2, 3)]
SLOW_SECONDS = 6.0


def write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def inventory(*entries: dict[str, Any]) -> str:
    return json.dumps({"nodes": list(entries)}, indent=1)


def test_inventory_and_tokens_are_read_again_and_bad_ones_are_told_and_not_taken(tmp_path: Path) -> None:
    nodes, token = tmp_path / "inventory.json", tmp_path / "token"
    write(nodes, inventory({"name": "M1", "ip": "127.0.0.1", "labels": {"room": "A1"}}))
    write(token, "old")
    with FakeRay(*NODES) as ray:
        options = ("--ray-dashboard", ray.url, "--inventory", str(nodes), "--token-file", str(token))
        with RunningBridge(tmp_path, *options, "--refresh", "0.2", "--monitor-port", str(free_port())) as bridge:

            def get(path: str, bearer: str) -> requests.Response:
                return requests.get(f"{bridge.url}{path}", headers={"Authorization": f"Bearer {bearer}"}, timeout=5)

            def labels(bearer: str) -> dict[str, Any]:
                return {group["labels"]["node"]: group["labels"] for group in get("/sd/prometheus", bearer).json()}

            wait_for(lambda: labels("old")["M1"]["room"] == "A1", "the first inventory", 10)
            write(nodes, inventory({"name": "M9", "ip": "127.0.0.9", "labels": {"room": "B2"}}))
            wait_for(lambda: labels("old")["M9"]["room"] == "B2", "the new inventory", 10)
            assert "room" not in labels("old")["M1"]
            write(nodes, inventory({"name": "M8", "adress": "127.0.0.8"}))
            line = wait_for(
                lambda: [each for each in bridge.process.output().splitlines() if "adress" in each], "a line"
            )
            assert "line 5: unknown key 'adress'" in line[0]
            assert "M9" in labels("old")
            write(token, "new")
            assert get("/metrics", "old").status_code == 401
            assert get("/metrics", "new").status_code == 200
            write(token, "")
            assert get("/metrics", "new").status_code == 200
            assert get("/metrics", "").status_code == 401


def test_slow_castray_is_no_failure_and_is_not_polled_all_the_time(tmp_path: Path) -> None:
    with FakeRay(*NODES) as castray:
        options = ("--castray", castray.url, "--refresh", "0.2", "--monitor-port", str(free_port()))
        with RunningBridge(tmp_path, *options) as bridge:
            wait_for(lambda: bridge.get("/api/health").ok, "the first list", 30)

            def slow() -> Any:
                castray.ended.wait(SLOW_SECONDS)
                return jsonify(castray_reply(NODES))

            castray.mood = slow
            before = castray.requests
            assert slowest(lambda: bridge.get("/api/ray-dashboard"), 2 * SLOW_SECONDS + 2) < 1.5
            assert castray.requests - before <= 2
            assert bridge.get("/api/ray-dashboard").json()["result"] is True
            assert "source_failed" not in bridge.process.output()
            castray.ended.set()


def test_ray_is_the_substitute_of_a_castray_that_is_away(tmp_path: Path) -> None:
    with FakeRay(*NODES) as ray:
        castray = FakeRay(*NODES)
        castray.start()
        options = ("--castray", castray.url, "--ray-dashboard", ray.url, "--refresh", "0.2")
        with RunningBridge(tmp_path, *options, "--monitor-port", str(free_port())) as bridge:
            wait_for(lambda: bridge.get("/api/health").ok, "the first list", 30)
            assert ray.requests == 0
            castray.stop()
            wait_for(lambda: ray.requests > 0, "the fallback", 30)
            ray.mood = lambda: jsonify(node_list(NODES[:2]))
            wait_for(lambda: set(bridge.nodes()) == {"M1", "M2"}, "Ray's list", 30)
            assert bridge.get("/api/health").ok
            assert bridge.process.output().count("castray_failed") == 1
            castray.start()
            wait_for(lambda: set(bridge.nodes()) == {"M1", "M2", "M3"}, "CastRay's list", 60)


def test_password_of_a_source_is_never_shown(tmp_path: Path) -> None:
    with FakeRay(*NODES) as ray:
        url = ray.url.replace("http://", "http://operator:hunter2@")
        options = ("--ray-dashboard", url, "--refresh", "0.2", "--monitor-port", str(free_port()))
        with RunningBridge(tmp_path, *options) as bridge:
            wait_for(lambda: bridge.get("/api/health").ok, "the first list", 30)
            ray.mood = lambda: ("boom", 500)
            wait_for(lambda: not bridge.get("/api/health").ok, "the failure", 30)
            paths = ("/api/ray-dashboard", "/api/health", "/metrics", "/sd/prometheus", "/api/nodes/unified")
            shown = [bridge.get(path).text for path in paths] + [bridge.process.output()]
            assert not [text for text in shown if "hunter2" in text or "operator" in text]
            assert bridge.get("/api/ray-dashboard").json()["data"]["dashboardUrl"] == ray.url.rstrip("/")
