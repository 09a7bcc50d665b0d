"""What listens on a port, from servers of each kind."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest

from deploy import port_check
from deploy.port_check import PortKind, RayService, classify, kind_of, service_of
from servicekit.address import Address

METHODS = {"head": "/ray.rpc.NodeInfoGcsService/GetClusterId", "client": "/ray.rpc.RayletDriver/ClusterInfo"}
"""Ray's own, the same in 2.9 to 2.60."""


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[Address]:
    """A server that hands one connection to `handle`, then closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                handle(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield Address(*server.getsockname())
        thread.join()


@contextmanager
def grpc_server(token: str | None = None, **codes: grpc.StatusCode) -> Iterator[Address]:
    """A gRPC server that answers the methods named (`head`, `client`) with these codes, and no other.

    With a `token` it answers to nobody else, in Ray's way.
    """

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
            code = next((codes[name] for name in codes if METHODS[name] == details.method), None)
            given = {each.key: each.value for each in details.invocation_metadata}.get("authorization")
            if token is not None and given != f"Bearer {token}":
                code = grpc.StatusCode.UNAUTHENTICATED
            if code is None:
                return None
            return grpc.unary_unary_rpc_method_handler(
                lambda request, context: b"" if code is grpc.StatusCode.OK else context.abort(code, ""),
                request_deserializer=bytes,
                response_serializer=bytes,
            )

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield Address("127.0.0.1", port)
    finally:
        server.stop(None).wait()


def test_ray_is_grpc() -> None:
    with grpc_server() as address:
        assert kind_of(address) is PortKind.GRPC


def test_dashboard_is_http() -> None:
    with listening(lambda connection: connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")) as address:
        assert kind_of(address) is PortKind.HTTP


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"-ERR unknown command\r\n"])
def test_other_services_are_neither(greeting: bytes) -> None:
    with listening(lambda connection: connection.sendall(greeting)) as address:
        assert kind_of(address) is PortKind.OTHER


def test_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_check, "_REPLY_SECONDS", 0.1)
    over = threading.Event()
    with listening(lambda connection: over.wait(10) and None) as address:
        assert kind_of(address) is PortKind.OTHER
        over.set()


def test_with_tls_between_the_nodes_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_USE_TLS", "1")
    received: list[bytes] = []
    with listening(lambda connection: received.append(connection.recv(100))) as address:
        assert kind_of(address) is PortKind.GRPC
    assert received == [b""]


def test_cut_frame_is_not_grpc() -> None:
    assert classify(b"\0\0\0\x04\0\0\0\0\0") is PortKind.GRPC
    assert classify(b"\0\0\0\x04") is PortKind.OTHER
    assert classify(b"\0\0\0\x07\0\0\0\0\0") is PortKind.OTHER


@pytest.mark.parametrize(
    ("codes", "service"),
    [
        ({"head": grpc.StatusCode.OK}, RayService.HEAD),
        ({"client": grpc.StatusCode.OK}, RayService.CLIENT_SERVER),
        ({"client": grpc.StatusCode.NOT_FOUND}, RayService.CLIENT_SERVER),
        ({"head": grpc.StatusCode.UNAUTHENTICATED}, RayService.LOCKED),
        ({"client": grpc.StatusCode.UNAUTHENTICATED}, RayService.LOCKED),
        ({}, RayService.UNKNOWN),
    ],
)
def test_service_of_ray_is_known_by_the_methods_that_it_has(
    codes: dict[str, grpc.StatusCode], service: RayService
) -> None:
    with grpc_server(**codes) as address:
        assert service_of(address) is service


@pytest.mark.parametrize(("token", "service"), [("abc", RayService.HEAD), ("abd", RayService.LOCKED)])
def test_port_that_demands_a_token_opens_to_the_right_one(token: str, service: RayService) -> None:
    with grpc_server(token="abc", head=grpc.StatusCode.OK) as address:
        assert service_of(address) is RayService.LOCKED
        assert service_of(address, token) is service


def test_service_is_unknown_without_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc", None)
    assert service_of(Address("127.0.0.1", 1)) is RayService.UNKNOWN
