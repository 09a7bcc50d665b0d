"""What listens on a port: Ray speaks gRPC, its dashboard HTTP."""

from __future__ import annotations

import enum
import os
import socket
import struct
from typing import Final

from servicekit.address import Address

_CONNECT_SECONDS: Final = 3.0
_REPLY_SECONDS: Final = 3.0
_SETTINGS: Final = 4
"""Type of an HTTP/2 frame."""
_FRAME_HEADER: Final = struct.Struct(">3sBBI")
_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _FRAME_HEADER.pack(b"\0\0\0", _SETTINGS, 0, 0)
"""The start of an HTTP/2 connection, which HTTP/1 servers answer with an error in HTTP/1."""
_METHODS: Final = {"head": "/ray.rpc.NodeInfoGcsService/GetClusterId", "client": "/ray.rpc.RayletDriver/ClusterInfo"}
"""A method, without effects, of Ray's head (its GCS) and of its client server."""


class PortKind(enum.Enum):
    """The protocol of a server, from its first bytes."""

    GRPC = "gRPC"
    HTTP = "HTTP"
    OTHER = "other"


class RayService(enum.Enum):
    """The service of Ray at a port, as far as it can be told."""

    HEAD = "head"
    CLIENT_SERVER = "client"
    LOCKED = "demands a token"
    UNKNOWN = "unknown"


def kind_of(address: Address) -> PortKind:
    """Return the protocol of the server at `address`, within 6 s. Raises `OSError` when nothing accepts there.

    With TLS between the nodes (RAY_USE_TLS) it is taken for gRPC, because it answers to nobody without a certificate.
    """
    with socket.create_connection(address, _CONNECT_SECONDS) as connection:
        if os.environ.get("RAY_USE_TLS", "").lower() in ("1", "true"):
            return PortKind.GRPC
        connection.settimeout(_REPLY_SECONDS)
        try:
            connection.sendall(_PREFACE)
            return classify(connection.recv(_FRAME_HEADER.size))
        except OSError:
            return PortKind.OTHER


def classify(reply: bytes) -> PortKind:
    """Return the protocol of the first bytes of a server's reply to an HTTP/2 preface."""
    if reply.startswith(b"HTTP/"):
        return PortKind.HTTP
    if len(reply) == _FRAME_HEADER.size and _FRAME_HEADER.unpack(reply)[1] == _SETTINGS:
        return PortKind.GRPC
    return PortKind.OTHER


def service_of(address: Address, token: str | None = None) -> RayService:
    """Return which service of Ray the gRPC server at `address` is, within 6 s; `LOCKED` where it refuses `token`."""
    try:
        import grpc  # an optional library of Ray's, which its client needs and the rest does not
    except ModuleNotFoundError:
        return RayService.UNKNOWN
    silent = (grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.insecure_channel(str(address)) as channel:
        for service, method in _METHODS.items():
            call = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
            try:
                call(b"", timeout=_REPLY_SECONDS, metadata=metadata)
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                    return RayService.LOCKED
                if error.code() in silent:
                    continue
            return RayService(service)
    return RayService.UNKNOWN
