"""The typed decoders of Ray's figures, over real replies and odd ones."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest

from castray_bridge.sources.ray_figures import decode_cluster_status, decode_usage
from castray_bridge.sources.ray_nodes import parse_ray_cluster
from testkit.fake_ray import RayNode, real_usage
from testkit.samples import ray_replies, ray_samples, sample


def encoded(value: Any) -> bytearray:
    return bytearray(json.dumps(value).encode())


def rows(*changed: dict[str, Any]) -> Any:
    """Return the decoded rows of a reply with the sample's first row, changed each time."""
    row = sample("ray_nodes_summary")["data"]["summary"][0]
    return decode_usage(encoded({"data": {"summary": [row | change for change in changed]}}))["data"]["summary"]


@pytest.mark.parametrize("folder", ray_samples())
def test_cluster_is_that_of_the_whole_replies(folder: str) -> None:
    nodes, usage, status = ray_replies(folder)
    decoded = decode_usage(encoded(usage)), decode_cluster_status(encoded(status))
    assert parse_ray_cluster(nodes, *decoded, "") == parse_ray_cluster(nodes, usage, status, "")


def test_only_the_used_members_are_read() -> None:
    (row,) = rows({})
    assert row.keys() == {"hostname", "cpu", "mem", "gpus", "raylet"}
    assert row["raylet"].keys() <= {"nodeId", "startTimeMs", "endTimeMs"}
    (gpu,) = rows({"gpus": [{"utilizationGpu": 7, "processesPids": [{"pid": 1}], "name": "x"}]})[0]["gpus"]
    assert gpu == {"utilizationGpu": 7}


@pytest.mark.parametrize(
    "change",
    [{"gpus": 7}, {"gpus": [7]}, {"gpus": None}, {"raylet": []}, {"raylet": None}, {"mem": "much"}, {"cpu": {}},
     {"hostname": 7}, {"cpu": 10**400}],
)  # fmt: skip
def test_member_of_another_type_costs_no_other_row(change: dict[str, Any]) -> None:
    before, odd, after = rows({}, change, {})
    assert before == after == rows({})[0]
    (key,) = change
    assert odd[key] == change[key]


def test_number_that_no_double_holds_costs_its_own_row() -> None:
    text = b'{"data": {"summary": [{"cpu": 1e999}, {"cpu": 7.5}, 3]}}'
    assert decode_usage(text) == {"data": {"summary": [{}, {"cpu": 7.5}, 3]}}


@pytest.mark.parametrize("decode", [decode_usage, decode_cluster_status])
@pytest.mark.parametrize("value", [None, [], "x", 7, {}, {"data": None}, {"data": []}, {"data": {"summary": {}}}])
def test_other_json_is_passed_on_for_the_parser(decode: Any, value: Any) -> None:
    decoded = decode(encoded(value))
    nodes = sample("ray_api_v0_nodes")
    assert parse_ray_cluster(nodes, decoded, decoded, "") == parse_ray_cluster(nodes, None, None, "")


@pytest.mark.parametrize("decode", [decode_usage, decode_cluster_status])
@pytest.mark.parametrize(
    "text",
    [b"", b"<html>", b'{"data": ', b"{} x", b'{"data": NaN}', b'{"data": {"summary": [{"cpu": NaN}]}}', b"\xff\x00",
     b"[" * 100_000, b'{"data": ' * 100_000, b'{"data": {"summary": [' + b'{"a": ' * 100_000],
)  # fmt: skip
def test_what_is_not_json_is_an_error(decode: Any, text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (any of them is told in the same words)
        decode(text)


def test_memory_is_that_of_the_used_members() -> None:
    body = real_usage([RayNode(f"M{number}", f"10.0.0.{number}") for number in range(100)], 0)
    assert len(body) > 1_000_000
    tracemalloc.start()
    try:
        decoded = decode_usage(body)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(decoded["data"]["summary"]) == 100
    assert kept < 200_000
    assert peak < 400_000
