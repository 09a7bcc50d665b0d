"""Every dependency has its reason, and a licence that goes with the project's own."""

from __future__ import annotations

import re
from importlib.metadata import Distribution, distribution

import pytest
from packaging.requirements import Requirement

from tests.packaging.test_project import ROOT, project

_PERMISSIVE = re.compile(r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|ZPL|Zope")
_OTHER = re.compile(r"\b[AL]?GPL|SSPL|BUSL|Commons Clause|Proprietary")


def installed(requirements: list[str]) -> dict[str, Distribution]:
    """Return what these requirements bring along, by name."""
    found: dict[str, Distribution] = {}
    open_ones = [Requirement(text) for text in requirements]
    while open_ones:
        requirement = open_ones.pop()
        known = distribution(requirement.name)
        if known.name in found and not requirement.extras:
            continue
        found[known.name] = known
        for text in known.requires or ():
            needed = Requirement(text)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                open_ones.append(needed)
    return found


def licence(known: Distribution) -> str:
    """Return everything that a distribution says of its licence in a few words."""
    classifiers = [text for text in known.metadata.get_all("Classifier", []) if text.startswith("License ::")]
    named = [known.metadata.get("License-Expression") or "", (known.metadata.get("License") or "")[:60]]
    return " ".join(named + classifiers)


def extras(*names: str) -> list[str]:
    return [text for name in names for text in project()["optional-dependencies"][name]]


@pytest.mark.parametrize(
    "requirements",
    [project()["dependencies"], extras("bridge"), extras("grafana"), extras("notify"), extras("ray")],
    ids=["base", "bridge", "grafana", "notify", "ray"],
)
def test_licences_go_with_apache_2(requirements: list[str]) -> None:
    licences = {name: licence(known) for name, known in installed(requirements).items()}
    assert {name: text for name, text in licences.items() if not _PERMISSIVE.search(text) or _OTHER.search(text)} == {}


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    lists = text.partition("\ndependencies = [")[2].partition("[project.scripts]")[0]
    lines = [line.strip() for line in lists.splitlines() if line.strip().startswith('"')]
    assert len(lines) == len(project()["dependencies"] + extras(*project()["optional-dependencies"]))
    assert [line for line in lines if not re.search(r'",\s+# \w', line)] == []
