"""Ray's actor API in one process, without Ray: named actors that are plain objects, and their calls."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from ray.exceptions import GetTimeoutError


class Reference:
    """The result of a call. A `silent` actor never gives it."""

    def __init__(self, result: Callable[[], Any], silent: bool) -> None:
        self.result = result
        self.silent = silent


class FakeRay:
    """Stands where a module has `ray`: `monkeypatch.setattr(module, "ray", FakeRay())`.

    `actors` are the named actors; calls to one that is in `silent` give no result. `killed` lists killed names,
    `started` the name, options and arguments of actors that were started. `table` is the node table.
    """

    def __init__(self, actors: dict[str, Any] | None = None, table: Sequence[dict[str, Any]] = ()) -> None:
        self.actors = dict(actors or {})
        self.silent: set[str] = set()
        self.killed: list[str] = []
        self.started: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = []
        self.table = list(table)
        self.util = SimpleNamespace(list_named_actors=lambda: list(self.actors))

    def nodes(self) -> list[dict[str, Any]]:
        return self.table

    def get_actor(self, name: str, namespace: str) -> Handle:
        assert namespace == "cmzsb"
        if name not in self.actors:
            raise ValueError(name)
        return Handle(self, name)

    def wait(
        self, references: list[Reference], num_returns: int = 1, timeout: float | None = None
    ) -> tuple[list[Reference], list[Reference]]:
        return [one for one in references if not one.silent], [one for one in references if one.silent]

    def get(self, reference: Reference, timeout: float | None = None) -> Any:
        if reference.silent:
            raise GetTimeoutError("Get timed out: some object(s) not ready.")
        return reference.result()

    def kill(self, handle: Handle, no_restart: bool) -> None:
        assert no_restart
        self.killed.append(handle.name)
        self.actors.pop(handle.name, None)

    def remote(self, made: Any) -> Any:
        """Give what `ray.remote(CLASS)` gives, as far as `.options(…).remote(…)` needs it."""

        def start(options: dict[str, Any], arguments: tuple[Any, ...]) -> None:
            self.started.append((options["name"], options, arguments))

        return SimpleNamespace(
            options=lambda **options: SimpleNamespace(remote=lambda *arguments: start(options, arguments))
        )


class Handle:
    """An actor's handle. Its methods do not keep it alive, as in Ray 2.9 to 2.47."""

    def __init__(self, ray: FakeRay, name: str) -> None:
        self.ray = ray
        self.name = name

    def __getattr__(self, method: str) -> Any:
        reference = weakref.ref(self)

        def remote(*arguments: Any) -> Reference:
            handle = reference()
            if handle is None:
                raise RuntimeError("Lost reference to actor")
            actor = handle.ray.actors[handle.name]
            return Reference(lambda: getattr(actor, method)(*arguments), handle.name in handle.ray.silent)

        return SimpleNamespace(remote=remote)
