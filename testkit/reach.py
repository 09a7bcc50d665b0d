"""Which tests start a process, a browser or a server: derived from the code that they reach."""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from testkit.paths import ROOT

_STARTERS: Final = frozenset({"multiprocessing", "playwright", "ray", "subprocess"})
"""Libraries that start processes; what reaches one of them is taken to use it."""
_FORKS: Final = frozenset({"fork", "forkpty", "posix_spawn", "system"})
"""The same, as functions of `os`."""
_SERVING: Final = frozenset({"create_server", "make_server", "serve_forever"})
"""Names that only code which serves on a socket uses."""
_OWN: Final = frozenset({path.parent.name for path in ROOT.glob("*/__init__.py")})
_EVENTS: Final = frozenset({"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
"""CPython's audit events of a process that starts another."""


class Reach:
    """Remembers what it has looked at, because thousands of tests reach the same code."""

    def __init__(self) -> None:
        self._looked_at: dict[int, tuple[object, bool, list[object]]] = {}
        self._harmless: set[int] = set()

    def starts_something(self, roots: Iterable[object]) -> bool:
        """Tell whether the functions and classes `roots` reach, by any of their names, code that starts something.

        Looks through this project's own code only. It errs on the safe side: a name that is never used counts too.
        """
        seen: set[int] = set()
        found = list(roots)
        while found:
            one = found.pop()
            if id(one) in seen or id(one) in self._harmless:
                continue
            seen.add(id(one))
            starter, used = self._look_at(one)
            if starter:
                return True
            found += used
        self._harmless |= seen
        return False

    def _look_at(self, one: object) -> tuple[bool, list[object]]:
        if id(one) not in self._looked_at:
            # With the object itself, so that no other one gets its id.
            self._looked_at[id(one)] = (one, _is_starter(one), list(_used(one)))
        return self._looked_at[id(one)][1:]


def _is_starter(one: object) -> bool:
    return _package(one) in _STARTERS or any(_starts(code) for code in _codes(one))


def _starts(code: CodeType) -> bool:
    names = set(code.co_names)
    forks = "os" in names and not _FORKS.isdisjoint(names)
    return forks or not _SERVING.isdisjoint(names) or any(name.split(".")[0] in _STARTERS for name in _imports(code))


def _package(one: object) -> str:
    name = one.__name__ if isinstance(one, ModuleType) else getattr(one, "__module__", None)
    return name.split(".")[0] if isinstance(name, str) else ""


def _used(one: object) -> Iterator[object]:
    """Yield the objects that `one` names."""
    if isinstance(one, FunctionType):
        yield from _used_by_function(one)
    elif isinstance(one, type) and _package(one) in _OWN:
        yield from (getattr(value, "__func__", value) for value in vars(one).values())
        yield from one.__mro__[1:]
    elif isinstance(one, property | functools.cached_property):
        yield one.fget if isinstance(one, property) else one.func
    elif isinstance(one, functools.partial):
        yield from (one.func, *one.args)
    elif isinstance(one, list | tuple | set | frozenset):
        yield from one
    elif isinstance(one, Mapping):
        yield from one.values()


def _used_by_function(function: FunctionType) -> Iterator[object]:
    if _package(function) not in _OWN and not hasattr(function, "__wrapped__"):
        return
    names = {name for code in _codes(function) for name in code.co_names}
    for name in names & function.__globals__.keys():
        value = function.__globals__[name]
        yield value
        if isinstance(value, ModuleType) and _package(value) in _OWN:
            yield from (getattr(value, attribute) for attribute in names if hasattr(value, attribute))
    yield from inspect.getclosurevars(function).nonlocals.values()
    yield getattr(function, "__wrapped__", None)


def _codes(one: object) -> Iterator[CodeType]:
    """Yield the code of a function of this project, and that of the functions inside it."""
    left = [one.__code__] if isinstance(one, FunctionType) and _package(one) in _OWN else []
    while left:
        code = left.pop()
        yield code
        left += [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def _imports(code: CodeType) -> Iterator[str]:
    return (str(step.argval) for step in dis.get_instructions(code) if step.opname == "IMPORT_NAME")


_forbidden = False


def _refuse(event: str, arguments: Any) -> None:
    if _forbidden and event in _EVENTS:
        raise RuntimeError(f"a test without the mark `servers` starts a process ({event}: {arguments[:1]})")


@contextmanager
def no_processes() -> Iterator[None]:
    """Let every attempt of this process to start another raise `RuntimeError`."""
    global _forbidden
    _install()
    _forbidden = True
    try:
        yield
    finally:
        _forbidden = False


@functools.cache
def _install() -> None:
    # Once, because an audit hook cannot be removed.
    sys.addaudithook(_refuse)
