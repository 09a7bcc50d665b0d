"""Contents of the directory that Ray copies to the nodes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy import bundle


def test_bundle_runs_without_anything_installed_and_without_compiled_code(tmp_path: Path) -> None:
    digest = bundle.build(tmp_path / "one")
    assert bundle.build(tmp_path / "two") == digest
    assert not [path for path in (tmp_path / "one").rglob("*") if path.suffix in {".so", ".pyc"}]
    paths = [str(tmp_path / "one"), str(tmp_path / "one" / bundle.LIBRARIES)]
    # -I -S: neither site-packages nor the environment.
    code = f"import sys; sys.path += {paths}; import exporter.__main__ as m; m.main()"
    command = [sys.executable, "-I", "-S", "-c", code, "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_bundle_has_only_the_node_side_and_its_actors_need_nothing_but_ray(tmp_path: Path) -> None:
    bundle.build(tmp_path)
    shipped = sorted(path.name for path in tmp_path.iterdir())
    assert shipped == ["deploy", "exporter", bundle.LIBRARIES, "servicekit"]
    modules = [f"deploy.{path.stem}" for path in (tmp_path / "deploy").glob("*.py")]
    assert {"deploy.controller", "deploy.supervisor", "deploy.child", "deploy.journals"} <= set(modules)
    assert not {"deploy.__main__", "deploy.cluster", "deploy.follow"} & set(modules)
    # What a Ray worker sees: Ray, and the bundle without its libraries.
    code = f"""
import sys, types
class Anything(types.ModuleType):
    def __getattr__(self, name): return type(name, (Exception,), {{}})
for name in ("ray", "ray.exceptions", "ray.util", "ray.util.scheduling_strategies"):
    sys.modules[name] = Anything(name)
sys.path.insert(0, {str(tmp_path)!r})
for name in {modules}: __import__(name)
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
