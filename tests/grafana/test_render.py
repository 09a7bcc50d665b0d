"""Dashboards as files."""

from __future__ import annotations

import json
from pathlib import Path

from grafana import render
from grafana.texts import LANGUAGES
from tests.grafana.files import DIRECTORY, Json


def test_committed_files_are_what_the_code_makes() -> None:
    committed = {path.relative_to(DIRECTORY): path.read_text("utf-8") for path in DIRECTORY.rglob("*.json")}
    assert committed == dict(render.files())


def test_same_input_gives_the_same_bytes() -> None:
    assert list(render.files()) == list(render.files())


def test_each_language_has_a_folder_with_every_dashboard(tmp_path: Path) -> None:
    written = render.write(tmp_path)
    wanted = {Path(lang) / f"{name}.json" for lang in LANGUAGES for name in render.DASHBOARDS}
    assert {path.relative_to(tmp_path) for path in written} == wanted
    assert all(
        json.loads(path.read_text("utf-8"))["uid"] == f"cmzsb-{path.stem}-{path.parent.name}" for path in written
    )


def test_one_language_is_one_folder(tmp_path: Path) -> None:
    assert {path.parent.name for path in render.write(tmp_path, ("zh",))} == {"zh"}


def test_nulls_and_obsolete_fields_are_left_out_and_the_lowest_threshold_stays_null() -> None:
    (_, model), *_ = render.models(("en",))
    assert model.pop("id") is None
    assert {"rows", "style", "__inputs", "hideControls", "sharedCrosshair"}.isdisjoint(model)
    assert set(_nulls(model)) == {"value"}


def _nulls(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [name for name, item in value.items() if item is None]
        return own + [name for item in value.values() for name in _nulls(item)]
    return [name for item in value for name in _nulls(item)] if isinstance(value, list) else []


def test_models_are_plain_json() -> None:
    for _, model in render.models():
        copy: Json = json.loads(json.dumps(model))
        assert copy == model
