"""What a board gets, and what it does not."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from typing import Any

import pytest

from testkit.paths import ROOT
from tests.packaging.test_imports import imports

_LINK = r"\]\((?!https?:|#)([^)#\s]+)"


def project() -> dict[str, Any]:
    # Not the installed metadata, which are those of the last installation.
    tomllib = pytest.importorskip("tomllib", reason="Python 3.11 reads TOML")
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return found


def names(requirements: Iterable[str]) -> set[str]:
    return {normal(re.split(r"[^\w.-]", line)[0]) for line in requirements}


def normal(name: str) -> str:
    """Return the name of a distribution as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_base_install_is_light() -> None:
    assert names(project()["dependencies"]) == {
        "click", "flask", "prometheus-client", "waitress", "werkzeug",
    }  # fmt: skip


def test_every_library_that_is_imported_is_declared() -> None:
    own = ("castray_bridge", "deploy", "exporter", "grafana", "notify", "servicekit")
    modules = [path for package in own for path in (ROOT / package).rglob("*.py")]
    libraries = {name.split(".")[0] for path in modules for name in imports(path)} - {*own} - sys.stdlib_module_names
    declared = names(project()["dependencies"])
    for extra in ("bridge", "ray", "grafana", "notify"):
        declared |= names(project()["optional-dependencies"][extra])
    providers = packages_distributions()
    assert {name for name in libraries if not declared & {normal(one) for one in providers.get(name, ())}} == set()


@pytest.mark.parametrize("package", ["exporter.__main__", "castray_bridge.__main__"])
def test_services_start_without_the_extras(package: str) -> None:
    """Importing everything a service needs must not touch Ray, pandas or grafanalib."""
    heavy = ("ray", "pandas", "numpy", "grafanalib", "yaml", "rich")
    code = f"import sys, {package}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_dashboards_without_grafanalib_say_what_to_install() -> None:
    code = "import sys; sys.modules['grafanalib'] = None; import grafana.__main__"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("pip install '.[grafana]'")
    assert done.stderr.count("\n") == 1


def test_every_page_that_readme_and_docs_link_to_is_there() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(_LINK, page.read_text("utf-8"))]
    missing = [f"{page.name}: {link}" for page, link in links if not (page.parent / link).exists()]
    assert not missing


def test_repository_tells_nothing_of_the_machine_it_was_made_on() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    home = "/" + "work/"
    named = [name for name in tracked if name.endswith((".py", ".md", ".yml", ".json", ".sh", ".toml", ".js"))]
    assert [name for name in named if home in (ROOT / name).read_text("utf-8")] == []
