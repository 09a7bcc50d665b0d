"""The bridge as a process: WebSocket clients, signals, wrong starts."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket
from flask import Flask, jsonify

from castray_bridge.web.access import BEARER_PROTOCOL, bearer_protocols
from testkit.hostile import STATUS, HostileServer, body, says, silent
from testkit.net import free_port, wait_for
from testkit.process import Process, module
from testkit.running import RunningBridge
from testkit.web import WebServer


class Service:
    """A running bridge over two nodes: one whose answer tests choose, one that hangs."""

    def __init__(self, directory: Path, source: str, port: int, *options: str) -> None:
        self.node = HostileServer(says(body(STATUS)), "127.0.0.1", port)
        self.hanging = HostileServer(silent, "127.0.0.2", port)
        self.address = f"127.0.0.1:{free_port()}"
        command = module("castray_bridge", "--listen", self.address, "--castray", source, "--monitor-port", str(port))
        self.process = Process([*command, "--refresh", "0.2", *options], directory / "bridge.log")

    def node_becomes(self, state: str) -> None:
        self.node.behaviour = says(body(STATUS | {"status": state}))

    def get(self, path: str) -> Any:
        return requests.get(f"http://{self.address}{path}", timeout=5).json()

    def connect(self, **options: Any) -> websocket.WebSocket:
        return websocket.create_connection(f"ws://{self.address}/ws", timeout=10, **options)

    def is_settled(self) -> bool:
        states = {node["name"]: node["workStatusError"] for node in self.get("/api/nodes/unified")["nodes"]}
        return states == {"M1": None, "M2": "timeout"}

    def close(self) -> None:
        self.process.kill()
        self.node.close()
        self.hanging.close()


@pytest.fixture(scope="module")
def source() -> Iterator[str]:
    nodes = [
        {"nodeId": f"id{n}", "name": f"M{n}", "nodeIp": f"127.0.0.{n}", "state": "ALIVE", "extra": n} for n in (1, 2)
    ]
    app = Flask("castray")
    app.get("/api/ray-dashboard")(lambda: jsonify(result=True, data={"nodes": nodes, "summary": {"kept": 1}}))
    with WebServer(app) as server:
        yield server.url


@pytest.fixture(scope="module")
def service(source: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    port = free_port(["127.0.0.1", "127.0.0.2"])
    running = Service(tmp_path_factory.mktemp("bridge"), source, port, "--max-websockets", "5")
    try:
        wait_for(running.is_settled, "first answers", 20)
        yield running
    finally:
        running.close()


def receive(client: websocket.WebSocket) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(client.recv())
    return message


def test_what_an_old_castray_says_is_kept(service: Service) -> None:
    data = service.get("/api/ray-dashboard")["data"]
    assert data["summary"]["kept"] == 1
    assert [node["extra"] for node in data["nodes"]] == [1, 2]


def test_client_gets_the_state_on_connect_on_change_and_every_three_seconds(service: Service) -> None:
    client = service.connect()
    first = receive(client)
    assert first["type"] == "cluster_status"
    assert [node["workStatus"] for node in first["data"]["nodes"]] == ["detecting", "idle"]
    service.node_becomes("sending")
    assert receive(client)["data"]["nodes"][0]["workStatus"] == "sending"
    begun = time.monotonic()
    receive(client)
    assert 2 < time.monotonic() - begun < 4
    client.close()


def test_ping_is_answered(service: Service) -> None:
    client = service.connect()
    receive(client)
    client.send("ping")
    assert client.recv() == "pong"
    client.send("garbage \u202e")
    client.send_binary(b"\xff\x00")
    client.send("ping")
    assert client.recv() == "pong"
    client.close()


def send_often(client: websocket.WebSocket, times: int) -> None:
    for _ in range(times):
        client.send("ping")


def test_client_that_floods_is_dropped_and_others_are_served(service: Service) -> None:
    other, flood = service.connect(), service.connect()
    receive(other)
    with pytest.raises((websocket.WebSocketException, OSError)):
        send_often(flood, 200_000)
    other.send("ping")
    assert wait_for(lambda: other.recv() == "pong", "pong", 10)
    other.close()


def test_one_client_too_many_is_turned_away(service: Service) -> None:
    wait_for(lambda: "websocket_clients 0.0" in metrics(service), "all clients gone", 15)
    clients = [service.connect() for _ in range(5)]
    for client in clients:
        receive(client)
    extra = service.connect()
    opcode, _ = extra.recv_data()
    assert opcode == websocket.ABNF.OPCODE_CLOSE
    for client in clients:
        client.close()


def metrics(service: Service) -> str:
    return requests.get(f"http://{service.address}/metrics", timeout=5).text


def test_history_asks_the_monitors(service: Service) -> None:
    before = len(service.node.requests)
    assert service.get("/api/history?minutes=5") == {"nodes": {"M1": [], "M2": []}}
    assert any(b"GET /api/history?since=" in request for request in service.node.requests[before:])


def test_foreign_pages_may_not_connect_when_origins_are_set(source: str, tmp_path: Path) -> None:
    service = Service(tmp_path, source, free_port(["127.0.0.1", "127.0.0.2"]), "--cors-origin", "http://good.example")
    try:
        wait_for(lambda: service.get("/api/health"), "the bridge", 20)
        with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
            service.connect(origin="http://evil.example")
        for origin in ("http://good.example", f"http://{service.address}", f"https://{service.address}"):
            service.connect(origin=origin).close()
        client = service.connect(origin="http://good.example")
        begun = time.monotonic()
        assert service.process.terminate(within=10) == 0
        assert time.monotonic() - begun < 5
        client.close()
    finally:
        service.close()


def test_token_opens_the_websocket_as_a_header_or_as_a_subprotocol(source: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("a /secret+\n", "utf-8")
    service = Service(tmp_path, source, free_port(["127.0.0.1", "127.0.0.2"]), "--token-file", str(file))
    try:
        wait_for(lambda: service.get("/api/health"), "the bridge", 20)
        for options in ({}, {"subprotocols": bearer_protocols("wrong")}, {"subprotocols": [BEARER_PROTOCOL]}):
            with pytest.raises(websocket.WebSocketBadStatusException, match="401"):
                service.connect(**options)
        by_header = service.connect(header=["Authorization: Bearer a /secret+"])
        by_protocol = service.connect(subprotocols=bearer_protocols("a /secret+"))
        assert (by_header.getsubprotocol(), by_protocol.getsubprotocol()) == (None, BEARER_PROTOCOL)
        for client in (by_header, by_protocol):
            assert receive(client)["type"] == "cluster_status"
            client.close()
        assert "secret" not in service.process.output()
    finally:
        service.close()


def test_bridge_leaves_nothing_in_the_home_directory(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, runtime = tmp_path / "home", tmp_path / "runtime"
    for folder, variable in ((home, "HOME"), (runtime, "XDG_RUNTIME_DIR")):
        folder.mkdir()
        monkeypatch.setenv(variable, str(folder))
    service = Service(tmp_path, source, free_port(["127.0.0.1", "127.0.0.2"]))
    try:
        wait_for(service.is_settled, "first answers", 20)
        assert [*home.iterdir(), *runtime.iterdir()] == []
        assert service.process.terminate(within=10) == 0
        assert [*home.iterdir(), *runtime.iterdir()] == []
        assert "control" not in service.process.output().lower()
    finally:
        service.close()


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(module("castray_bridge", *options), capture_output=True, text=True, timeout=20, check=False)


def test_busy_port_is_one_line_at_once(service: Service) -> None:
    begun = time.monotonic()
    assert run("--version").returncode == 0
    loaded = time.monotonic()
    done = run("--listen", service.address, "--ray-dashboard", "http://127.0.0.1:1")
    # gunicorn by itself would try for five seconds. Loading Python's modules is not counted: it takes what it takes.
    assert time.monotonic() - loaded < loaded - begun + 1
    assert done.returncode == 1
    assert "Address already in use" in done.stderr
    assert done.stderr.count("\n") == 1


def test_request_in_flight_is_answered_when_the_bridge_is_told_to_stop(source: str, tmp_path: Path) -> None:
    service = Service(tmp_path, source, free_port(["127.0.0.1", "127.0.0.2"]))
    try:
        wait_for(service.is_settled, "first answers", 20)
        before = len(service.hanging.requests)
        with ThreadPoolExecutor(1) as threads:
            # It takes a second, the budget of the node that hangs.
            asked = threads.submit(service.get, "/api/history?minutes=5")
            wait_for(
                lambda: any(b"/api/history" in request for request in service.hanging.requests[before:]),
                "the question that hangs",
            )
            begun = time.monotonic()
            assert service.process.terminate(within=10) == 0
            assert time.monotonic() - begun < 5
            assert asked.result(1) == {"nodes": {"M1": [], "M2": []}}
        assert "Traceback" not in service.process.output()
    finally:
        service.close()


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--ray-dashboard", "http://user:secret@"),
        ("--ray-dashboard", "http://a", "--cors-origin", "dashboard.example"),
        ("--ray-dashboard", "http://a", "--host-names", "head:8001"),
        ("--ray-dashboard", "http://a", "--source-timeout", "0"),
        ("--ray-dashboard", "head:8265"),
        ("--ray-dashboard", "http://a", "--listen", "8001"),
        ("--ray-dashboard", "http://a", "--alertmanager-url", "ftp://user:secret@head"),
        ("--ray-dashboard", "http://a", "--alertmanager-external-url", "head:9093"),
        ("--ray-dashboard", "http://a", "--nonsense"),
        ("--ray-dashboard", "http://a", "--timeout", "0"),
    ],
)
def test_wrong_options_are_one_line(options: tuple[str, ...]) -> None:
    done = run(*options)
    assert done.returncode == 2
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("option", ["--inventory", "--token-file", "--ray-token-file", "--ca-file"])
def test_missing_file_is_one_line(option: str, tmp_path: Path) -> None:
    done = run("--ray-dashboard", "http://127.0.0.1:1", option, str(tmp_path / "none"))
    assert done.returncode == 1
    assert "none" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "link"),
    [
        ((), None),
        (("--alertmanager-url", "http://reader:secret@127.0.0.1:1/am"), "http://127.0.0.1:1/am"),
        (("--alertmanager-url", "http://127.0.0.1:1", "--alertmanager-external-url", "http://head/"), "http://head/"),
    ],
)
def test_wall_learns_where_alertmanager_is_and_not_its_password(
    options: tuple[str, ...], link: str | None, tmp_path: Path
) -> None:
    with RunningBridge(tmp_path, "--ray-dashboard", "http://127.0.0.1:1", *options) as bridge:
        assert bridge.get("/static/links.json").json() == {"alertmanager": link}
        if link:
            wait_for(lambda: "alertmanager_failed" in bridge.process.output(), "the failure")
            assert "castray_bridge_alertmanager_up 0.0" in bridge.get("/metrics").text
        assert "secret" not in bridge.process.output() + bridge.get("/metrics").text
