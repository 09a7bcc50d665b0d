"""JSON as the bridge sends it."""

from __future__ import annotations

import json
import math

import pytest

from castray_bridge.snapshot.json_text import array, members, to_json


def test_text_is_compact_utf_8() -> None:
    assert to_json({"名": ["检测", None, 1.5, True]}) == '{"名":["检测",null,1.5,true]}'.encode()


def test_number_that_json_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        to_json({"cpu": math.nan})


def test_texts_are_put_together_as_they_are() -> None:
    assert json.loads(members({'a"b': b"1", "c": array([b"{}", b"[2]"]), "d": array([])})) == {
        'a"b': 1,
        "c": [{}, [2]],
        "d": [],
    }
    assert members({}) == b"{}"
