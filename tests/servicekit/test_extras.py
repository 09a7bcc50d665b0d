"""A command says in one line what it lacks."""

from __future__ import annotations

import sys

import pytest

from servicekit.extras import needed


def test_missing_library_names_the_extra_that_brings_it() -> None:
    with pytest.raises(SystemExit) as ended, needed("castray-bridge", "bridge"):
        import no_such_library.part  # type: ignore[import-not-found]  # noqa: F401
    assert ended.value.code == "castray-bridge: no_such_library is missing: in the checkout, pip install '.[bridge]'"


def test_missing_module_of_the_project_keeps_its_traceback() -> None:
    with pytest.raises(ModuleNotFoundError), needed("castray-bridge", "bridge"):
        import exporter.no_such_module  # type: ignore[import-not-found]  # noqa: F401


def test_python_that_is_too_old_is_named_with_the_one_that_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    with pytest.raises(SystemExit) as ended, needed("castray-bridge", "bridge", python=(3, 10)):
        pytest.fail("the imports must not begin")
    assert str(ended.value.code).startswith("castray-bridge: this is Python 3.9, and 3.10 or later is needed")


def test_everything_there_changes_nothing() -> None:
    with needed("castray-bridge", "bridge", python=(3, 9)):
        import json
    assert json.loads("1") == 1
