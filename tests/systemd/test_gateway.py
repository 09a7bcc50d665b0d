"""The committed gateway in a real nginx, before a real bridge and a CastRay; what its client uses works as before."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import websocket
from flask import Flask

from testkit.binaries import require
from testkit.browser import Visitor
from testkit.fake_castray import MARK, Delays
from testkit.gateway_site import CONFIGURATION, ELSEWHERE, USUAL, GatewaySite
from testkit.net import free_port, wait_for
from testkit.nginx import adapted, start_nginx
from testkit.web import WebServer

UPLOAD_BYTES = 100 << 20
LISTS = ("/api/ray-dashboard", "/api/nodes/unified")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewaySite]:
    require("nginx")
    with ExitStack() as stack:
        yield GatewaySite(tmp_path_factory.mktemp("gateway"), stack)


CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/", {}),
    ("GET", "/static/app.html", {}),
    ("GET", "/static/wall.js", {}),
    ("GET", "/api/status", {}),
    ("GET", "/api/files", {}),
    ("GET", "/docs", {}),
    ("GET", "/api/file/read?path=a%20b%2Fc.txt", {}),
    ("GET", "/api/file/read?path=missing", {}),
    ("GET", "/api/file/read?path=big&size=3000000", {}),
    ("GET", "/api/nothing", {}),
    ("POST", "/api/nodes", {"json": {}}),
    ("POST", "/api/file-transfer/node-to-node", {"data": {"target": "M6"}}),
    ("GET", "/api/file-transfer/status/t0", {}),
    ("GET", "/api/file-transfer/list", {}),
    ("GET", "/api/file-transfers/status", {}),
    ("GET", "/api/station-maintenance/status/r0", {}),
]


@pytest.mark.parametrize(("method", "path", "more"), CALLS, ids=[f"{call[0]} {call[1]}" for call in CALLS])
def test_reply_of_castray_is_the_same_through_the_gateway(
    site: GatewaySite, method: str, path: str, more: dict[str, Any]
) -> None:
    before = requests.request(method, site.castray.url + path, headers=ELSEWHERE, timeout=20, **more)
    after = site.ask(method, path, **more)
    assert (after.status_code, after.content) == (before.status_code, before.content)
    for header in ("Content-Type", "Access-Control-Allow-Origin"):
        assert after.headers[header] == before.headers[header]


def test_what_is_started_through_the_gateway_can_be_followed_there(site: GatewaySite) -> None:
    for path in ("/api/file-transfers", "/api/file-transfers/manual"):
        begun = site.ask("POST", path, json={"target": "M6"}).json()
        assert site.get(f"/api/file-transfer/status/{begun['transfer_id']}").json() == begun
    begun = site.ask("POST", "/api/file-transfer/node-to-node", data={"source": "M5", "target": "M6"}).json()
    assert begun["target"] == "M6"
    for path in ("detect", "detect-error-test"):
        run = site.ask("POST", f"/api/station-maintenance/{path}", json={"station": 1}).json()["task_id"]
        status = f"/api/station-maintenance/status/{run}"
        wait_for(lambda status=status: site.get(status).json()["status"] == "completed", "the run", 10)


def test_lights_come_from_the_bridge_with_the_fields_of_castray(site: GatewaySite) -> None:
    assert site.monitor.report(status="detecting", current_task="frame 7").ok
    wait_for(lambda: site.node()["workStatus"] == "detecting", "the state", 10)
    assert site.node()["currentTask"] == "frame 7"
    assert site.get("/api/nodes/unified").json()["nodes"][0]["workStatus"] == "detecting"
    assert site.get("/api/ray-dashboard").headers["Access-Control-Allow-Origin"] == "*"


def test_redirect_of_castray_stays_at_the_gateway(site: GatewaySite) -> None:
    reply = site.ask("GET", "/api/status/", allow_redirects=False)
    assert reply.headers["Location"] == f"{site.url}/api/status"


def test_hundred_megabytes_arrive_byte_for_byte_and_none_on_the_gateways_disk(site: GatewaySite) -> None:
    content = os.urandom(1 << 20) * (UPLOAD_BYTES >> 20)
    files = {"file": ("map.tif", content)}
    reply = site.ask("POST", "/api/file-transfer/upload", files=files, data={"target": "M6"}).json()
    assert (reply["size"], reply["sha256"]) == (UPLOAD_BYTES, hashlib.sha256(content).hexdigest())
    assert reply["filename"] == "map.tif"
    log = (site.directory / "nginx.log").read_text("utf-8")
    assert "buffered to a temporary file" not in log


def test_first_bytes_of_an_upload_reach_castray_before_its_last_are_sent(tmp_path: Path) -> None:
    """A server in CastRay's place notes what it has while the client still waits with the rest."""
    arrived, rest = threading.Event(), threading.Event()

    def upload() -> str:
        from flask import request

        assert request.stream.read(5) == b"first"
        arrived.set()
        return request.stream.read().decode()

    def body() -> Iterator[bytes]:
        yield b"first"
        assert rest.wait(10)
        yield b"last"

    app = Flask("castray")
    app.post("/api/file-transfer/upload")(upload)
    with WebServer(app) as castray:
        address = f"127.0.0.1:{free_port()}"
        text = adapted(
            CONFIGURATION, ("listen 28823;", f"listen {address};"), ("127.0.0.1:28824;", f"127.0.0.1:{castray.port};")
        )
        with start_nginx(tmp_path, text):
            url = f"http://{address}/api/file-transfer/upload"
            wait_for(lambda: requests.get(url, timeout=5).status_code == 405, "nginx", 10)
            threading.Thread(target=lambda: arrived.wait(10) and rest.set()).start()
            assert requests.post(url, data=body(), timeout=20).text == "last"


def test_download_waits_for_a_slow_client_and_not_on_the_gateways_disk(site: GatewaySite) -> None:
    size = 50 << 20
    with requests.get(f"{site.url}/api/file/read?path=big&size={size}", stream=True, timeout=20) as reply:
        pieces = reply.iter_content(1 << 20)
        received = len(next(pieces))
        for _ in range(50):  # the client reads no further meanwhile
            assert site.get("/api/files").ok
        received += sum(map(len, pieces))
    assert received == size
    assert "buffered to a temporary file" not in (site.directory / "nginx.log").read_text("utf-8")


def connect(site: GatewaySite, path: str = "/ws") -> websocket.WebSocket:
    return websocket.create_connection(f"ws://{site.address}{path}", timeout=10, origin=ELSEWHERE["Origin"])


@pytest.mark.parametrize("path", ["/ws", "/wall/ws"])
def test_websocket_of_the_bridge_comes_through(site: GatewaySite, path: str) -> None:
    client = connect(site, path)
    said = json.loads(client.recv())
    assert said["type"] == "cluster_status"
    assert "workStatus" in json.dumps(said)
    client.send("ping")
    while (text := client.recv()) != "pong":
        assert json.loads(text)["type"] == "cluster_status"
    client.close()


def test_wall_stands_below_its_folder_and_castrays_page_at_the_root(site: GatewaySite, viewer: Visitor) -> None:
    assert site.ask("GET", "/wall", allow_redirects=False).headers["Location"] == "/wall/"
    assert site.get("/").json()["service"] == "CastRay"
    viewer.page.goto(f"{site.url}/wall/")
    viewer.page.get_by_text("M5", exact=True).first.wait_for()
    assert viewer.complaints == []
    assert f"ws://{site.address}/wall/ws" in viewer.requests
    assert all("/wall/" in url for url in viewer.requests)


def test_blocked_castray_hinders_none_of_the_bridges_paths(site: GatewaySite) -> None:
    with site.blocked(site.castray):
        waiting = [
            threading.Thread(target=lambda: site.get("/api/files"), name=f"client {number}") for number in range(20)
        ]
        for thread in waiting:
            thread.start()
        begun = time.monotonic()
        for path in (*LISTS, "/wall/", "/wall/api/health"):
            assert site.get(path).status_code == 200
        client = connect(site)
        client.recv()
        client.close()
        assert time.monotonic() - begun < 2
        assert all(thread.is_alive() for thread in waiting)
    for thread in waiting:
        thread.join(20)
        assert not thread.is_alive()


def test_request_for_which_castray_blocks_gets_its_reply(site: GatewaySite) -> None:
    begun = time.monotonic()
    reply: list[requests.Response] = []
    asking = threading.Thread(target=lambda: reply.append(site.ask("POST", "/api/nodes", json={"node_id": "M5"})))
    asking.start()
    while asking.is_alive():
        assert site.node()["workStatusReachable"]
        asking.join(0.1)
    assert reply[0].json() == {"success": True, "node_id": "M5"}
    assert time.monotonic() - begun >= USUAL.actor


def test_list_that_takes_castray_seconds_keeps_no_client_of_the_gateway_waiting(site: GatewaySite) -> None:
    with site.slow_castray(Delays(dashboard=1.0, monitors=1.0)):
        begun = time.monotonic()
        assert requests.get(f"{site.castray.url}/api/ray-dashboard", timeout=20).json()["msg"] == MARK
        assert time.monotonic() - begun >= 3
        end = time.monotonic() + 10  # several such lists
        while (begun := time.monotonic()) < end:
            reply = site.get("/api/ray-dashboard").json()
            assert time.monotonic() - begun < 1
            assert reply["result"] is True
            assert reply["data"]["nodes"][0]["workStatusReachable"]
            time.sleep(0.1)


def test_without_the_bridge_castrays_own_replies_come_through(site: GatewaySite) -> None:
    with site.without_bridge():
        assert site.get("/api/ray-dashboard").json()["msg"] == MARK
        assert "workStatus" not in site.node()
        assert site.get("/api/nodes/unified").json()["source"] == MARK
        client = connect(site)
        assert json.loads(client.recv())["source"] == MARK
        client.send("ping")
        assert "pong" in (client.recv(), client.recv())
        client.close()
        wall = site.get("/wall/")
        assert (wall.status_code, list(wall.json())) == (502, ["error"])
        assert site.get("/api/files").ok


def test_bridge_that_hangs_is_replaced_too(site: GatewaySite) -> None:
    with site.blocked(site.bridge):
        assert site.get("/api/ray-dashboard").json()["msg"] == MARK
    site.wait_for_lights()


def test_without_castray_the_lights_go_on_and_its_own_paths_reply_json(site: GatewaySite) -> None:
    with site.without_castray():
        for method, path in (("GET", "/"), ("GET", "/api/files"), ("POST", "/api/nodes")):
            reply = site.ask(method, path, **({"json": {}} if method == "POST" else {}))
            assert reply.status_code == 502
            assert reply.headers["Content-Type"] == "application/json"
            assert reply.headers["Access-Control-Allow-Origin"] == "*"
            assert "CastRay" in reply.json()["detail"]
        assert site.monitor.report(status="sending").ok
        wait_for(lambda: site.node()["workStatus"] == "sending", "the lights, from Ray", 20)
        client = connect(site)
        assert json.loads(client.recv())["type"] == "cluster_status"
        client.close()
    wait_for(lambda: site.get("/api/files").ok, "CastRay again", 10)


def test_without_both_every_path_replies_json(site: GatewaySite) -> None:
    with site.without_bridge():
        site.castray.process.kill()
        try:
            for path in (*LISTS, "/ws", "/api/files"):
                reply = site.get(path)
                assert (reply.status_code, reply.headers["Access-Control-Allow-Origin"]) == (502, "*")
                assert reply.json()["result"] is False
        finally:
            site.start_castray()


def test_fault_in_castray_can_be_read_by_a_page_of_another_origin(site: GatewaySite) -> None:
    path = "/api/file/read?path=damaged"
    before = requests.get(site.castray.url + path, headers=ELSEWHERE, timeout=5)
    assert before.status_code == 500
    assert "Access-Control-Allow-Origin" not in before.headers
    assert site.get(path).headers["Access-Control-Allow-Origin"] == "*"


CLIENT = """async ([base, size]) => {
    const json = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" };
    const form = new FormData();
    form.append("file", new Blob([new Uint8Array(size)]), "map.tif");
    form.append("target", "M6");
    const calls = [
        ["/api/ray-dashboard"], ["/api/nodes/unified"], ["/api/status"], ["/api/files"], ["/api/file/read?path=a"],
        ["/api/file/read?path=missing"], ["/api/file/read?path=damaged"], ["/api/file-transfer/list"],
        ["/api/station-maintenance/detect", json], ["/api/nodes", json],
        ["/api/file-transfer/upload", { method: "POST", body: form }],
    ];
    const found = {};
    for (const [path, options] of calls) {
        found[path] = await fetch(base + path, options).then((reply) => reply.status, (error) => String(error));
    }
    found["/ws"] = await new Promise((resolve) => {
        const socket = new WebSocket(base.replace("http", "ws") + "/ws");
        socket.onmessage = (event) => { socket.close(); resolve(JSON.parse(event.data).type); };
        socket.onerror = () => resolve("failed");
    });
    return found;
}"""


@pytest.fixture(scope="module")
def client_page() -> Iterator[str]:
    app = Flask("client")
    app.get("/")(lambda: "<!doctype html><title>client</title>")
    with WebServer(app) as server:
        yield server.url


def test_calls_of_a_page_of_another_origin_are_the_same_before_and_after(
    site: GatewaySite, viewer: Visitor, client_page: str
) -> None:
    viewer.page.goto(client_page)
    before, after = (viewer.page.evaluate(CLIENT, [url, 1 << 20]) for url in (site.castray.url, site.url))
    fault = "/api/file/read?path=damaged"
    assert before.pop(fault).startswith("TypeError")  # the browser hides it
    assert after.pop(fault) == 500
    assert after == before
    assert after["/api/file-transfer/upload"] == 200
    assert after["/ws"] == "cluster_status"


def test_page_of_another_origin_reads_why_castray_fails(site: GatewaySite, viewer: Visitor, client_page: str) -> None:
    viewer.page.goto(client_page)
    with site.without_castray():
        found = viewer.page.evaluate(CLIENT, [site.url, 1000])
    assert found.pop("/ws") == "cluster_status"
    assert [found.pop(path) for path in LISTS] == [200, 200]
    assert set(found.values()) == {502}
