"""The bridge's HTTP API, without a server: nodes that answer, and none."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from castray_bridge.bridge import Bridge
from castray_bridge.probes.status import NodeStatus, ProbeResult, failed, parse
from castray_bridge.refresher import LATE_SECONDS, MAX_AGE
from castray_bridge.snapshot.render import push as message
from castray_bridge.sources import castray_nodes
from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.access import BEARER_PROTOCOL, Access, bearer_protocols
from castray_bridge.web.api import create_app
from castray_bridge.web.websocket import Push
from servicekit.address import Address
from servicekit.clock import rfc3339
from testkit.clocks import ManualClock
from testkit.hostile import STATUS
from testkit.samples import sample
from testkit.sources import StillSource, node, sample_cluster

M1 = Address("127.0.0.1", 8000)


class World:
    """A bridge over the sample cluster whose pool is asleep: tests say what nodes answer."""

    def __init__(self, unreachable_as: str = "idle", access: Access | None = None) -> None:
        self.clock = ManualClock()
        self.source = StillSource(sample_cluster())
        self.bridge = Bridge(self.source, unreachable_as=unreachable_as, clock=self.clock)
        self.bridge._status_provider.close()
        self.bridge.poller.refresh()
        self.push = Push(self.bridge.store, self.bridge.metrics, 10)
        self.client: FlaskClient = create_app(self.bridge, self.push, access or Access()).test_client()

    def answer(self, address: Address, status: NodeStatus) -> None:
        self.bridge.store.publish(ProbeResult(address, status, 0.001))

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more).get_json()

    def node(self, name: str) -> dict[str, Any]:
        nodes = self.get("/api/ray-dashboard")["data"]["nodes"]
        found: dict[str, Any] = next(node for node in nodes if node["name"] == name and node["state"] == "ALIVE")
        return found


@pytest.fixture
def world() -> World:
    return World()


def good(**changed: Any) -> NodeStatus:
    return parse(json.dumps(STATUS | changed).encode())


def shape(value: Any) -> Any:
    """Return the names and kinds of a reply; numbers are one kind, as in JSON."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__
    return "list" if isinstance(value, list) else "number"


def test_every_field_of_the_old_castray_is_there_with_its_type(world: World) -> None:
    old, new = sample("castray_ray_dashboard"), world.get("/api/ray-dashboard")
    assert shape(new).items() >= {key: shape(old[key]) for key in ("result", "msg", "timestamp")}.items()
    assert new["data"].keys() >= old["data"].keys()
    for key in ("totalNodes", "aliveNodes", "deadNodes", "headNodes", "resources"):
        assert shape(new["data"]["summary"][key]) == shape(old["data"]["summary"][key])
    by_id = {node["nodeId"]: node for node in new["data"]["nodes"]}
    for entry in old["data"]["nodes"]:
        known = {key: kind for key, kind in shape(entry).items() if key != "workStatusTimestamp"}
        assert shape(by_id[entry["nodeId"]]).items() >= known.items()


def test_answer_of_a_node_is_shown(world: World) -> None:
    world.answer(M1, good())
    node = world.node("M1")
    assert (node["workStatus"], node["workStatusReachable"], node["workStatusError"]) == ("detecting", True, None)
    assert (node["workStatusTimestamp"], node["workStatusStale"]) == (STATUS["timestamp"], False)
    assert (node["currentTask"], node["tasks"]) == ("frame 7", ["frame 7"])
    assert node["inference"] == {"totalProcessed": 3, "lowConfidence": 2, "sentToServer": 1}
    counts = world.get("/api/ray-dashboard")["data"]["summary"]["workStatus"]
    assert counts == {"unknown": 2, "idle": 0, "detecting": 1, "sending": 0}


@pytest.mark.parametrize("shown", ["idle", "unknown"])
def test_unreachable_node_is_shown_as_chosen_and_the_truth_beside_it(shown: str) -> None:
    world = World(unreachable_as=shown)
    world.answer(M1, good())
    world.answer(M1, failed(good(), "timeout"))
    node = world.node("M1")
    assert (node["workStatus"], node["workStatusReachable"], node["workStatusError"]) == (shown, False, "timeout")
    assert node["inference"]["totalProcessed"] == 3
    assert world.get("/api/ray-dashboard")["data"]["summary"]["workStatus"]["unknown"] == 3


def test_dead_twin_keeps_its_place_but_not_the_light(world: World) -> None:
    world.answer(Address("127.0.0.3", 8000), good(status="sending"))
    twins = [node for node in world.get("/api/nodes/unified")["nodes"] if node["name"] == "M3"]
    assert {node["state"]: node["workStatusReachable"] for node in twins} == {"ALIVE": True, "DEAD": False}
    assert world.get("/api/nodes/M3/status")["workStatus"] == "sending"
    assert world.get("/api/nodes/127.0.0.3/status")["state"] == "ALIVE"


def test_websocket_and_http_carry_the_same_objects(world: World) -> None:
    world.answer(M1, good())
    pushed = json.loads(message(world.bridge.store.snapshot()))
    data = world.get("/api/ray-dashboard")["data"]
    assert pushed == {"type": "cluster_status", "data": {"nodes": data["nodes"], "summary": data["summary"]}}
    assert data["nodes"] == world.get("/api/nodes/unified")["nodes"] == world.bridge.nodes()


NODE_DATA = ("/api/ray-dashboard", "/api/nodes/unified", "/api/nodes/M1/status", "/api/history?node=M1")


def test_list_of_a_failing_ray_is_kept_marked_and_given_up_after_five_minutes(world: World) -> None:
    world.bridge.history._timeout = 0.1  # nobody is there to answer it
    world.source.failure = "Ray answers 500"
    world.bridge.poller.refresh()
    reply = world.client.get("/api/ray-dashboard")
    assert (reply.get_json()["result"], reply.get_json()["msg"]) == (False, "Ray answers 500")
    assert len(reply.get_json()["data"]["nodes"]) == 4
    assert {path: world.client.get(path).status_code for path in NODE_DATA} == dict.fromkeys(NODE_DATA, 200)
    world.clock.pass_(MAX_AGE + 1)
    assert {path: world.client.get(path).status_code for path in NODE_DATA} == dict.fromkeys(NODE_DATA, 503)
    assert "Ray answers 500" in world.get("/api/nodes/unified")["error"]
    world.source.failure = None
    world.bridge.poller.refresh()
    assert {path: world.client.get(path).status_code for path in NODE_DATA} == dict.fromkeys(NODE_DATA, 200)


def test_before_the_first_list_there_is_no_node_data() -> None:
    bridge = Bridge(StillSource(sample_cluster()))
    client = create_app(bridge, Push(bridge.store, bridge.metrics, 10), Access()).test_client()
    assert {path: client.get(path).status_code for path in NODE_DATA} == dict.fromkeys(NODE_DATA, 503)


def test_timestamp_tells_when_news_came_last_though_nothing_changed(world: World) -> None:
    world.answer(M1, good())
    before = world.get("/api/ray-dashboard")
    world.clock.pass_(50)
    world.answer(M1, good())
    after = world.get("/api/ray-dashboard")
    assert after["data"] == before["data"]
    assert after["timestamp"] == rfc3339(world.clock.time()) > before["timestamp"]
    world.clock.pass_(7)
    assert world.get("/api/ray-dashboard") == after


def test_answer_of_an_address_is_nobody_elses_when_it_changes_hands(world: World) -> None:
    world.source.cluster = Cluster((node("M1", "10.0.0.1"), node("M2", "10.0.0.2")))
    world.bridge.poller.refresh()
    world.answer(Address("10.0.0.1", 8000), good(status="sending"))
    world.source.cluster = Cluster((node("M2", "10.0.0.1"),))
    world.bridge.poller.refresh()
    taken = world.node("M2")
    assert (taken["workStatusError"], taken["inference"]["totalProcessed"]) == ("pending", 0)
    # The same machine under a new id keeps its light.
    world.answer(Address("10.0.0.1", 8000), good(status="sending"))
    world.source.cluster = Cluster((node("M2", "10.0.0.1", node_id="new"),))
    world.bridge.poller.refresh()
    assert world.node("M2")["workStatus"] == "sending"


def test_nodes_without_ids_have_their_own_lights(world: World) -> None:
    world.source.cluster = Cluster(
        (
            node("M1", "10.0.0.1", node_id=""),
            node("M2", "10.0.0.2", node_id=""),
            node("M1", "10.0.0.1", node_id="", alive=False),
        )
    )
    world.bridge.poller.refresh()
    world.answer(Address("10.0.0.1", 8000), good(status="sending"))
    reply = world.get("/api/ray-dashboard")["data"]
    assert [shown["workStatusError"] for shown in reply["nodes"]] == [None, "pending", "dead"]
    assert reply["summary"]["workStatus"] == {"unknown": 1, "idle": 0, "detecting": 0, "sending": 1}


def test_living_node_without_an_address_is_unreachable_and_counted(world: World) -> None:
    world.source.cluster = Cluster((node("M1", "head.local"),))
    world.bridge.poller.refresh()
    reply = world.get("/api/ray-dashboard")["data"]
    assert [shown["workStatusError"] for shown in reply["nodes"]] == ["unreachable"]
    assert reply["summary"]["workStatus"]["unknown"] == 1


def test_list_that_grows_and_shrinks_is_shown_whole(world: World) -> None:
    for names in (["M1"], ["M1", "M2", "M3"], ["M3"]):
        world.source.cluster = Cluster(tuple(node(name, f"10.0.0.{name[1]}") for name in names))
        world.bridge.poller.refresh()
        assert [shown["name"] for shown in world.get("/api/nodes/unified")["nodes"]] == names


def test_order_of_the_list_makes_no_difference_to_who_is_asked(world: World) -> None:
    nodes = (node("M1", "10.0.0.1"), node("M2", "10.0.0.1"))
    orders: list[Mapping[Address, str]] = []
    world.bridge._status_provider.set_targets = orders.append  # type: ignore[method-assign]
    for cluster in (Cluster(nodes), Cluster(nodes[::-1]), Cluster(nodes[:1])):
        world.source.cluster = cluster
        world.bridge.poller.refresh()
    assert orders[0] == orders[1] != orders[2]


def test_what_castray_says_around_the_nodes_is_kept(world: World) -> None:
    old = sample("castray_ray_dashboard") | {"above": [1], "msg": "its own words"}
    old["data"]["nodes"][0]["tasks"] = ["their own"]
    world.source.cluster = castray_nodes.parse(old)
    world.bridge.poller.refresh()
    world.answer(M1, good())
    reply = world.get("/api/ray-dashboard")
    assert (reply["above"], reply["msg"], reply["result"]) == ([1], "its own words", True)
    assert (world.node("M1")["tasks"], world.node("M1")["currentTask"]) == (["their own"], "frame 7")
    world.source.failure = "CastRay answers 500"
    world.bridge.poller.refresh()
    reply = world.get("/api/ray-dashboard")
    assert (reply["above"], reply["msg"], reply["result"]) == ([1], "CastRay answers 500", False)


@pytest.mark.parametrize(
    "key", ["M2", "127.0.0.2", "85e5d2709b8b23a2943c09da3e9fb16b1b28f9508505d505f6d45d6a", "f6d45d6a"]
)
def test_node_is_found_by_name_address_and_id(world: World, key: str) -> None:
    assert world.get(f"/api/nodes/{key}/status")["name"] == "M2"


def test_question_that_is_overdue_is_a_failure_before_it_ends(world: World) -> None:
    def hang() -> Cluster:
        world.clock.pass_(LATE_SECONDS + 1)
        seen.append(world.client.get("/sd/prometheus").status_code)
        seen.append(world.get("/api/ray-dashboard")["msg"])
        return world.source.cluster

    seen: list[Any] = []
    world.source.fetch = hang  # type: ignore[method-assign]
    world.bridge.poller.refresh()
    assert seen == [503, "the nodes are being asked for since 6 s"]
    assert world.get("/api/ray-dashboard")["result"] is True


def test_viewers_of_a_snapshot_get_the_same_bytes_and_nothing_is_kept_beyond_it(world: World) -> None:
    snapshot = world.bridge.store.snapshot()
    assert message(snapshot) is message(snapshot)
    held = weakref.ref(snapshot)
    world.answer(M1, good())
    world.get("/api/ray-dashboard")
    del snapshot
    gc.collect()
    assert held() is None


def test_service_discovery_says_503_rather_than_nothing(world: World) -> None:
    assert [group["labels"]["node"] for group in world.get("/sd/prometheus")] == ["M1", "M2", "M3"]
    world.source.failure = "Ray cannot be reached"
    world.bridge.poller.refresh()
    assert world.client.get("/sd/prometheus").status_code == 503
    assert world.client.get("/api/health").status_code == 503


def test_failing_ray_is_logged_once_per_change(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for failure in ("a", "a", "a", "b", None, None):
        world.source.failure = failure
        world.bridge.poller.refresh()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["source_failed reason=a", "source_failed reason=b", "source_answers nodes=4"]


def test_unforeseen_trouble_with_a_list_is_a_failure_and_does_not_end_the_refresher(world: World) -> None:
    end = world.bridge.store.subscribe(lambda: 1 // 0)
    world.source.cluster = Cluster((node("M1", "10.0.0.1"),))
    world.bridge.poller.refresh()
    assert "ZeroDivisionError" in str(world.bridge.poller.failure)
    end()


def test_unforeseen_reply_of_the_source_does_not_end_the_refresher(world: World) -> None:
    world.source.fetch = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value] # that is the fault
    world.bridge.poller.refresh()
    assert "ZeroDivisionError" in str(world.bridge.poller.failure)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/nodes/M9/status", 404),
        ("/api/nodes/..%2f..%2fetc%2fpasswd/status", 404),
        ("/nothing", 404),
        ("/api/history?minutes=0", 400),
        ("/api/history?minutes=x", 400),
        ("/api/history?minutes=99999999999999999999", 400),
        ("/api/history?node=M9", 404),
    ],
)
def test_wrong_question_is_a_json_error(world: World, path: str, code: int) -> None:
    reply = world.client.get(path)
    assert reply.status_code == code
    assert list(reply.get_json()) == ["error"]


def test_visitor_cannot_make_the_bridge_ask_another_address(world: World) -> None:
    reply = world.get("/api/ray-dashboard?dashboard_url=http://169.254.169.254/")
    assert reply["data"]["dashboardUrl"] == "http://head:8265"


@pytest.mark.parametrize("path", ["/api/ray-dashboard", "/metrics", "/sd/prometheus"])
def test_foreign_host_name_is_misdirected(world: World, path: str) -> None:
    assert world.client.get(path, headers={"Host": "evil.example"}).status_code == 421


def test_token_guards_the_data_but_not_page_and_health() -> None:
    client = World(access=Access(token="right")).client
    assert client.get("/").status_code == 200
    assert client.get("/api/health").status_code == 200
    for path in ("/api/ray-dashboard", "/metrics", "/sd/prometheus", "/ws"):
        assert client.get(path).status_code == 401
        assert client.get(f"{path}?token=right").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer right"}).status_code == 200


@pytest.mark.parametrize(
    ("token", "offered", "code"),
    [
        # 400: admitted, and then told that this is no WebSocket handshake.
        ("right", bearer_protocols("right"), 400),
        ("right", bearer_protocols("wrong"), 401),
        ("right", [BEARER_PROTOCOL], 401),
        ("right", [BEARER_PROTOCOL, "right"], 401),
        ("right", bearer_protocols("right")[1:], 401),
        ("right", ["chat", *reversed(bearer_protocols("right"))], 400),
        ("a b/ü+{}", bearer_protocols("a b/ü+{}"), 400),
    ],
)
def test_websocket_takes_the_token_as_a_subprotocol(token: str, offered: list[str], code: int) -> None:
    client = World(access=Access(token=token)).client
    headers = {"Sec-WebSocket-Protocol": ", ".join(offered)}
    assert client.get("/ws", headers=headers).status_code == code
    assert client.get("/metrics", headers=headers).status_code == 401


def test_token_in_a_subprotocol_is_base64url_without_padding() -> None:
    assert bearer_protocols("a>b?c") == ["cmzsb.bearer", "YT5iP2M"]


@pytest.mark.parametrize(
    ("origins", "origin", "granted"),
    [((), "http://a", "*"), (("http://a",), "http://a", "http://a"), (("http://a",), "http://b", None)],
)
def test_page_elsewhere_may_ask_whether_it_may_send_the_token(
    origins: tuple[str, ...], origin: str, granted: str | None
) -> None:
    client = World(access=Access(origins=origins, token="right")).client
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    reply = client.options("/api/ray-dashboard", headers=asked)
    assert reply.headers.get("Access-Control-Allow-Origin") == granted
    assert reply.headers.get("Access-Control-Allow-Headers") == ("Authorization" if granted else None)
    assert (reply.status_code, reply.data) == (200, b"")
    assert client.options("/api/ray-dashboard", headers={"Origin": origin}).status_code == 401
    # Its question itself: refused without the token, and readable for the page in either case.
    refused = client.get("/api/ray-dashboard", headers={"Origin": origin})
    assert (refused.status_code, refused.headers.get("Access-Control-Allow-Origin")) == (401, granted)
    shown = client.get("/api/ray-dashboard", headers={"Origin": origin, "Authorization": "Bearer right"})
    assert (shown.status_code, shown.headers.get("Access-Control-Allow-Origin")) == (200, granted)


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        ("http://localhost:8001", True),
        ("https://localhost:8001", True),  # a proxy in front speaks TLS, and leaves "Host" as it is
        ("http://good.example", True),
        ("https://good.example", False),
        ("http://localhost", False),
        ("http://localhost:8002", False),
        ("null", False),
        ("http://[evil", False),
        ("", False),
    ],
)
def test_websocket_admits_the_bridges_own_page_and_the_configured_ones(origin: str, admitted: bool) -> None:
    client = World(access=Access(origins=("http://good.example",))).client
    reply = client.get("/ws", headers={"Origin": origin, "Host": "localhost:8001"})
    assert reply.status_code == (400 if admitted else 403)


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [((), "http://a", "*"), (("http://a",), "http://a", "http://a"), (("http://a",), "http://b", None)],
)
def test_pages_of_configured_origins_may_read(origins: tuple[str, ...], origin: str, allowed: str | None) -> None:
    reply = World(access=Access(origins=origins)).client.get("/api/ray-dashboard", headers={"Origin": origin})
    assert reply.headers.get("Access-Control-Allow-Origin") == allowed


def test_only_what_changed_is_made_anew(world: World) -> None:
    before = world.bridge.store.snapshot()
    assert world.bridge.store.snapshot() is before
    world.answer(M1, good())
    after = world.bridge.store.snapshot()
    assert after.version > before.version
    assert [row is old for row, old in zip(after.shown, before.shown, strict=True)] == [False, True, True, True]
    world.answer(M1, good())
    assert world.bridge.store.snapshot() is after


def test_unforeseen_error_is_counted_and_tells_nothing(world: World) -> None:
    def broken() -> None:
        raise RuntimeError("secret")

    world.client.application.add_url_rule("/broken", "broken", broken)
    assert world.get("/broken") == {"error": "internal error"}
    assert "castray_bridge_http_errors_total 1.0" in world.client.get("/metrics").get_data(as_text=True)
