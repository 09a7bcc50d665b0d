"""The board's own figures, from sysfs: load of the integrated GPU and temperatures.

NVIDIA's library for discrete GPUs does not know the GPU of a Jetson. Its driver gives the load as a file beside the
device node, in thousandths; the kernel gives each thermal zone's temperature in thousandths of a degree.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from servicekit.clock import Clock, SystemClock
from servicekit.text import safe_name

INTERVAL_SECONDS: Final = 2.0
EXPIRES_SECONDS: Final = 15.0
"""Age from which a reading is no longer shown, because a read of sysfs can block."""
_SYSFS: Final = Path("/sys")
_GPU_DEVICE: Final = re.compile(r".*(\.gpu|gv11b|gp10b|ga10b)")
_PLAUSIBLE: Final = (-60.0, 200.0)
"""Celsius; a zone whose engine is off answers −256 °C, or not at all."""
_PLACEHOLDERS: Final = frozenset({"PMIC-Die"})
"""Zones that Jetsons before Orin report with a constant 100 °C."""


class Reading(NamedTuple):
    """The figures of one reading; an unknown one is None or missing."""

    gpu_ratio: float | None = None
    """Load of the GPU, 0 to 1."""
    celsius: tuple[tuple[str, float], ...] = ()
    """Name and temperature of each thermal zone."""

    @property
    def hottest(self) -> float | None:
        """Temperature of the hottest zone in Celsius."""
        return max((celsius for _, celsius in self.celsius), default=None)


NOTHING: Final = Reading()


def read_board(root: Path = _SYSFS, read: Callable[[Path], str] = Path.read_text) -> Reading:
    """Read the figures below `root`; may block for as long as a driver does."""
    return Reading(_gpu_ratio(root, read), tuple(sorted(_temperatures(root, read).items())))


def _gpu_ratio(root: Path, read: Callable[[Path], str]) -> float | None:
    names = sorted((root / "class" / "devfreq").glob("*"))
    devices = [path / "device" for path in names if _GPU_DEVICE.fullmatch(path.name)]
    for device in [*devices, root / "devices" / "gpu.0"]:  # the latter on older kernels
        load = _integer(device / "load", read)
        if load is not None and 0 <= load <= 1000:
            return load / 1000
    return None


def _temperatures(root: Path, read: Callable[[Path], str]) -> dict[str, float]:
    """Return the temperature by zone; of zones of one name the hottest, as names are labels and must be unique."""
    found: dict[str, float] = {}
    for zone in (root / "class" / "thermal").glob("thermal_zone*"):
        name, millidegrees = safe_name(_text(zone / "type", read) or ""), _integer(zone / "temp", read)
        if not name or name in _PLACEHOLDERS or millidegrees is None:
            continue
        celsius = millidegrees / 1000
        if _PLAUSIBLE[0] <= celsius <= _PLAUSIBLE[1]:
            found[name] = max(celsius, found.get(name, celsius))
    return found


def _text(path: Path, read: Callable[[Path], str]) -> str | None:
    try:
        return read(path).strip()
    except (OSError, ValueError):  # the file is not there, the engine is off (EAGAIN), or it holds no text
        return None


def _integer(path: Path, read: Callable[[Path], str]) -> int | None:
    text = _text(path, read)
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


class BoardReader:
    """Reads the board every `INTERVAL_SECONDS` in a thread of its own. Thread-safe; never blocks its callers."""

    def __init__(self, read: Callable[[], Reading] = read_board, clock: Clock | None = None) -> None:
        self._read = read
        self._clock = clock or SystemClock()
        self._stop = threading.Event()
        self._latest = (NOTHING, self._clock.monotonic())
        self._thread = threading.Thread(target=self._run, name="board", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def latest(self) -> Reading:
        """Return the latest reading; an empty one when it is too old."""
        reading, at = self._latest
        return reading if self._clock.monotonic() - at < EXPIRES_SECONDS else NOTHING

    def close(self) -> None:
        """Stop, without waiting for a read that blocks."""
        self._stop.set()

    def refresh(self) -> None:
        """Read the board once; called by the thread."""
        self._latest = (self._read(), self._clock.monotonic())

    def _run(self) -> None:
        while True:
            self.refresh()
            if self._stop.wait(INTERVAL_SECONDS):
                return
