"""What is tried at either service: foreign hosts, odd paths, oversized and ambiguous requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testkit.fake_ray import FakeRay, RayNode
from testkit.hostile import GOOD, serving
from testkit.net import wait_for
from testkit.running import RunningBridge, RunningMonitor, Service
from tests.attacks.http import refusal, replies, reply, request

READS = {
    "monitor": ["/api/status", "/api/alerts", "/api/history", "/api/health", "/metrics", "/", "/api/nodes/M5/status"],
    "bridge": ["/api/ray-dashboard", "/api/nodes/unified", "/api/history", "/api/health", "/metrics", "/sd/prometheus",
               "/", "/ws"],
}  # fmt: skip


@pytest.fixture(scope="module", params=["monitor", "bridge"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    directory = tmp_path_factory.mktemp(request.param)
    if request.param == "monitor":
        with RunningMonitor(directory) as monitor:
            yield monitor
        return
    with serving(GOOD) as node, FakeRay(RayNode("M5", "127.0.0.1")) as ray:
        options = ("--ray-dashboard", ray.url, "--monitor-port", str(node.address.port))
        with RunningBridge(directory, *options) as bridge:
            wait_for(lambda: bridge.get("/api/health").ok, "the nodes")
            yield bridge


def kind(service: Service) -> str:
    return "monitor" if isinstance(service, RunningMonitor) else "bridge"


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.1@evil.example",
     "0x7f000001", "[evil]", "", "localhost\t.evil", "LOCALHOST.", "evil.example, localhost"],
)  # fmt: skip
def test_page_that_rebinds_its_name_reads_nothing(service: Service, host: str) -> None:
    for path in READS[kind(service)]:
        status, _ = refusal(service, request(f"GET {path} HTTP/1.1", host=host))
        assert status in (400, 421)


def test_two_host_headers_are_no_way_around(service: Service) -> None:
    for hosts in (("localhost", "evil.example"), ("evil.example", "localhost")):
        raw = request("GET /api/health HTTP/1.1", f"Host: {hosts[1]}", host=hosts[0])
        assert reply(service, raw).status in (400, 421)
    absolute = request("GET http://evil.example/api/health HTTP/1.1")
    assert reply(service, absolute).status in (200, 400, 404, 421)
    assert b"evil" not in reply(service, absolute).body


@pytest.mark.parametrize(
    "path",
    ["/api/nodes/..%2f..%2f..%2fetc%2fpasswd/status", "/api/nodes/../../../etc/passwd/status", "/../../etc/passwd",
     "/static/../../../../etc/passwd", "/static/..%2f..%2f__main__.py", "/static/%2e%2e/%2e%2e/pyproject.toml",
     "/static//etc/passwd", "/static/%00", "/static/C:%5cboot.ini", "//evil.example/%2f..",
     "/api/%00", "/api/nodes/%00/status", "/api/nodes/%ff%fe/status", "/api/nodes/%ed%a0%80/status",
     "/api/nodes//status", "/%e2%80%ae", "/api/status/", "/.git/config", "/console", "/debug", "/server-status"],
)  # fmt: skip
def test_path_that_leads_nowhere_is_a_json_404_that_tells_nothing(service: Service, path: str) -> None:
    status, _ = refusal(service, request(f"GET {path} HTTP/1.1"))
    assert status in (400, 404)


@pytest.mark.parametrize("path", ["//", "//evil.example", "///evil.example/", "/\\evil.example", "/;@evil.example"])
def test_path_with_slashes_too_many_redirects_nobody(service: Service, path: str) -> None:
    answer = reply(service, request(f"GET {path} HTTP/1.1"))
    assert answer.status in (200, 400, 404)
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (request("GET /" + "a" * 50_000 + " HTTP/1.1"), (400, 414, 431)),
        (request("GET /?" + "a=b&" * 12_000 + " HTTP/1.1"), (400, 414, 431)),
        (request("GET /api/health HTTP/1.1", "X: " + "a" * 40_000), (400, 431)),
        (request("GET /api/health HTTP/1.1", *(f"X-{n}: a" for n in range(2000))), (400, 431)),
        (request("GET /api/health HTTP/1.1", "Cookie: " + "a=b;" * 9_000), (400, 431)),
        (request("GET  /api/health  HTTP/1.1"), (400,)),
        (request("GET /api/health HTTP/1.1", "Broken Header"), (400,)),
        (request("GET /api/health HTTP/1.1", "Bad\x00Name: x"), (400,)),
        (request("GET /api/health HTTP/1.1", "Space : x"), (400,)),
        (request("GET /api/health HTTP/1.1", "Content-Length: -1"), (400,)),
        (request("GET /api/health HTTP/1.1", "Content-Length: " + "9" * 5000), (400,)),
        (request("GET /api/health HTTP/1.1", "Content-Length: 1e3"), (400,)),
        (request("GET /api/health HTTP/1.1", "Transfer-Encoding: cow"), (400,)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400,)),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", (400,)),
    ],
    ids=["path", "query", "header", "headers", "cookie", "spaces", "no colon", "NUL", "space before colon",
         "negative length", "long length", "float length", "unknown encoding", "TLS", "SSH"],
)  # fmt: skip
def test_what_is_too_long_or_no_http_is_refused_in_json(
    service: Service, raw: bytes, statuses: tuple[int, ...]
) -> None:
    status, _ = refusal(service, raw)
    assert status in statuses
    assert service.get("/api/health").ok


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\n12345",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 0\r\n\tTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["CL.TE", "TE.CL", "two lengths", "two codings", "odd space", "space before colon", "folded"],
)  # fmt: skip
def test_ambiguous_framing_is_refused_and_ends_the_connection(service: Service, framing: str) -> None:
    raw = f"POST /api/update_status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{framing}"
    smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answers = replies(service, (raw + smuggled).encode("latin-1"))
    # One answer to the one request: nothing of its body is taken for a second.
    assert [answer.status for answer in answers if answer.status == 200] == []
    assert len(answers) == 1
    assert answers[0].status >= 400


def test_pipelined_requests_get_one_answer_each_in_order(service: Service) -> None:
    raw = b"".join(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        for path in ("/api/health", "/nothing", "/api/health")
    )
    raw += request("GET /nothing HTTP/1.1")
    assert [answer.status for answer in replies(service, raw)] == [200, 404, 200, 404]


@pytest.mark.parametrize("method", ["get", "Get", "BREW", "TRACE", "CONNECT", "DELETE", "PUT", "PATCH"])
def test_other_methods_are_refused(service: Service, method: str) -> None:
    status, _ = refusal(service, request(f"{method} /api/health HTTP/1.1"))
    assert status in (400, 404, 405)


@pytest.mark.parametrize(
    "query",
    ["?name[]=up", "?name%5B%5D=cmzsb_work_status", "?" + "&".join(f"name[]=a{n}" for n in range(1000)),
     "?format=json"],
)  # fmt: skip
def test_tricks_with_a_scrape_change_nothing(service: Service, query: str) -> None:
    def names(text: bytes) -> set[bytes]:
        return {line.split(b" ")[0] for line in text.splitlines() if not line.startswith(b"#")}

    plain = reply(service, request("GET /metrics HTTP/1.1"))
    tricky = reply(service, request(f"GET /metrics{query} HTTP/1.1"))
    assert tricky.status in (200, 400, 414, 431)
    if tricky.status == 200:
        assert names(tricky.body) == names(plain.body)


@pytest.mark.parametrize(
    "accept", ["a/b;q=0.1," * 1000, "*/*;q=" + "9" * 5000, "application/openmetrics-text;version=9"]
)
def test_odd_accept_of_a_scrape_is_bounded_work(service: Service, accept: str) -> None:
    assert reply(service, request("GET /metrics HTTP/1.1", f"Accept: {accept}")).status in (200, 400, 431)


def test_log_stays_one_line_per_event_without_traces(service: Service) -> None:
    reply(service, request("GET /%0aFAKE%20ERROR%0d HTTP/1.1"))
    log = service.process.output()
    assert "Traceback" not in log
    assert all(line[:4].isdigit() for line in log.splitlines()), log
