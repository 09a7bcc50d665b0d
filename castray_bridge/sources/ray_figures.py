"""Typed decoders of Ray's figures of use: they make objects of the members that are used, and of no other.

A node's row in `/nodes?view=summary` is 14 KB, its processes among it; the bridge uses some 200 bytes of it.
"""

from __future__ import annotations

from typing import Any, Final, TypedDict

import msgspec


class _Gpu(TypedDict, total=False):
    utilizationGpu: Any


class _Raylet(TypedDict, total=False):
    nodeId: Any
    startTimeMs: Any
    endTimeMs: Any


class UsageRow(TypedDict, total=False):
    """One node's figures; the type of a member is only known once it is looked at."""

    hostname: Any
    cpu: Any
    mem: Any
    gpus: list[_Gpu]
    raylet: _Raylet


class _UsageData(TypedDict, total=False):
    summary: list[msgspec.Raw]


class _UsageReply(TypedDict, total=False):
    data: _UsageData


class _LoadMetrics(TypedDict, total=False):
    usage: Any


class _ClusterStatus(TypedDict, total=False):
    loadMetricsReport: _LoadMetrics


class _StatusData(TypedDict, total=False):
    clusterStatus: _ClusterStatus


class _StatusReply(TypedDict, total=False):
    data: _StatusData


_USAGE: Final = msgspec.json.Decoder(_UsageReply)
_ROW: Final = msgspec.json.Decoder(UsageRow)
_STATUS: Final = msgspec.json.Decoder(_StatusReply)


def decode_usage(body: bytes | bytearray) -> Any:
    """Return the reply of `/nodes?view=summary` with the used members of each row. Raises `ValueError`.

    A row with a member of another type than Ray's is read whole, and costs no other row.
    """
    match _decode(_USAGE, body):
        case {"data": {"summary": list(rows)}}:
            return {"data": {"summary": [_row(row) for row in rows]}}
        case reply:
            return reply


def decode_cluster_status(body: bytes | bytearray) -> Any:
    """Return the reply of `/api/cluster_status` with what is in use of the cluster. Raises `ValueError`."""
    return _decode(_STATUS, body)


def _row(row: Any) -> Any:
    if not isinstance(row, msgspec.Raw):
        return row
    try:
        return _decode(_ROW, row)
    except ValueError:  # a number that no double can hold
        return {}


def _decode(decoder: msgspec.json.Decoder[Any], text: bytes | bytearray | msgspec.Raw) -> Any:
    """Return the value of `text`, by `decoder` if its types are right. Raises `ValueError`."""
    try:
        try:
            return decoder.decode(text)
        except msgspec.ValidationError:
            return msgspec.json.decode(text)
    except RecursionError:  # the other errors of msgspec are a `ValueError` each
        raise ValueError("nested too deeply") from None
