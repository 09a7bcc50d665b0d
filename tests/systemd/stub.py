"""`stub.py DIRECTORY PROGRAM ARGUMENT…` stands in for systemctl, journalctl, firewall-cmd and ufw.

It keeps what they would know in DIRECTORY and writes every call to `calls` there. Services are really started as their
unit says, by a user without rights, with the credentials that systemd would give them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

LIBRARIES = "/mnt/lib"
"""Of the interpreter; where it came from may be in a home directory."""
_UNITS = Path("/etc/systemd/system")
_START_SECONDS = 20.0


def main() -> int:
    directory, program = Path(sys.argv[1]), sys.argv[2]
    with (directory / "calls").open("a") as log:
        print(program, *sys.argv[3:], file=log)
    return _PROGRAMS[program](directory, sys.argv[3:])


def _systemctl(directory: Path, arguments: list[str]) -> int:
    verb = next(word for word in arguments if not word.startswith("-"))
    unit = arguments[-1]
    if verb in ("restart", "stop", "disable"):
        _stop(directory, unit)
    if verb == "show":
        return _show(directory, unit, arguments[arguments.index("--property") + 1])
    if verb in ("restart", "start") and not _is_active(directory, unit):
        return _start(directory, unit)
    if verb == "enable":
        (directory / f"{unit}.enabled").touch()
    elif verb == "disable":
        (directory / f"{unit}.enabled").unlink()
    return 3 if verb == "is-active" and not _is_active(directory, unit) else 0


def _texts(unit: str) -> list[str]:
    return [path.read_text("utf-8") for path in (_UNITS / f"{unit}.service", *_UNITS.glob(f"{unit}.service.d/*.conf"))]


def _show(directory: Path, unit: str, name: str) -> int:
    if name == "MainPID":
        print((directory / f"{unit}.pid").read_text() if _is_active(directory, unit) else 0)
    elif name == "Environment":
        print(*_values(_texts(unit), "Environment"))
    else:
        print()
    return 0


def _start(directory: Path, unit: str) -> int:
    texts = _texts(unit)
    environment = dict(line.split("=", 1) for line in _values(texts, "Environment"))
    for name in _values(texts, "EnvironmentFile"):
        lines = Path(name.removeprefix("-")).read_text("utf-8").splitlines()
        environment |= dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    for credential in _values(texts, "LoadCredential"):
        _grant(unit, *credential.split(":", 1))
    (command,) = _values(texts, "ExecStart")
    state = Path("/var/lib") / unit
    state.mkdir(exist_ok=True)
    shutil.chown(state, "nobody")
    log = (directory / f"{unit}.log").open("ab")
    service = subprocess.Popen(
        ["setpriv", "--reuid=nobody", "--clear-groups", *command.replace("${STATE_DIRECTORY}", str(state)).split()],
        env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": LIBRARIES, **environment},
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip
    (directory / f"{unit}.pid").write_text(str(service.pid))
    deadline = time.monotonic() + _START_SECONDS
    while service.poll() is None and time.monotonic() < deadline:
        if "listening" in (directory / f"{unit}.log").read_text("utf-8"):
            return 0
        time.sleep(0.05)
    return 1


def _values(texts: list[str], key: str) -> list[str]:
    return [value for text in texts for value in re.findall(rf"^{key}=(.+)$", text, re.MULTILINE)]


def _grant(unit: str, name: str, source: str) -> None:
    copy = Path("/run/credentials") / f"{unit}.service" / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(Path(source).read_bytes())
    shutil.chown(copy, "nobody")
    copy.chmod(0o400)


def _stop(directory: Path, unit: str) -> None:
    if _is_active(directory, unit):
        service = psutil.Process(int((directory / f"{unit}.pid").read_text()))
        service.terminate()
        service.wait(10)
    (directory / f"{unit}.log").unlink(missing_ok=True)


def _is_active(directory: Path, unit: str) -> bool:
    try:
        service = psutil.Process(int((directory / f"{unit}.pid").read_text()))
        return service.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False


def _journalctl(directory: Path, arguments: list[str]) -> int:
    print((directory / f"{arguments[1]}.log").read_text("utf-8"), end="")
    return 0


def _firewalld(directory: Path, arguments: list[str]) -> int:
    options = dict(word.removeprefix("--").partition("=")[::2] for word in arguments)
    zone = options.get("zone", "public")
    if "get-zones" in options:
        print("home public")
    for action in ("query", "add", "remove"):
        if service := options.get(f"{action}-service"):
            return _rule(directory / f"{zone}.{service}", action)
    return 0


def _ufw(directory: Path, arguments: list[str]) -> int:
    services = sorted(path.suffix[1:] for path in directory.glob("ufw.*"))
    if arguments == ["status"]:
        print("Status: active", *(f"{service:26} ALLOW       Anywhere" for service in services), sep="\n")
    elif arguments == ["show", "added"]:
        print(*(f"ufw allow {service}" for service in services), sep="\n")
    elif arguments[0] != "app" and arguments[-2] == "allow":
        return _rule(directory / f"ufw.{arguments[-1]}", "remove" if arguments[0] == "delete" else "add")
    return 0


def _rule(file: Path, action: str) -> int:
    if action == "add":
        file.touch()
    elif action == "remove":
        file.unlink()
    return 0 if action == "add" or file.exists() or action == "remove" else 1


_PROGRAMS: dict[str, Callable[[Path, list[str]], int]] = {
    "systemctl": _systemctl,
    "journalctl": _journalctl,
    "firewall-cmd": _firewalld,
    "ufw": _ufw,
}

if __name__ == "__main__":
    sys.exit(main())
