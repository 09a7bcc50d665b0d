"""A disk that gets full and has room again: a small tmpfs where that may be mounted, else a limit on file sizes."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """`path` is where to put files; after `fill` the process `pid` can write no more there, until `free`."""

    path: Path

    def fill(self, pid: int) -> None: ...
    def free(self, pid: int) -> None: ...


class MountedDisk:
    """A file system of its own, some MiB large, that is really full."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, pid: int = 0) -> None:
        assert self.path.is_mount(), f"{self.path} is no mount: this would fill the machine's own disk"
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * os.statvfs(self.path).f_bsize)

    def leave(self, size: int) -> None:
        """Make room again for `size` bytes."""
        os.truncate(self._ballast, self._ballast.stat().st_size - size)

    def free(self, pid: int = 0) -> None:
        self._ballast.unlink()


class LimitedFiles:
    """Makes every write of one process fail: what a disk that became read-only looks like, and needs no rights."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, pid: int) -> None:
        self._limit(pid, 0)

    def free(self, pid: int) -> None:
        self._limit(pid, resource.RLIM_INFINITY)

    @staticmethod
    def _limit(pid: int, size: int) -> None:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def mounted(block_bytes: int = 0) -> Iterator[MountedDisk | None]:
    """Mount a small tmpfs, or an ext4 of `block_bytes` each; None where that is not allowed."""
    with tempfile.TemporaryDirectory(prefix="cmzsb-disk-") as name, tempfile.NamedTemporaryFile() as image:
        steps = [["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", name]]
        if block_bytes:
            image.truncate(4 * 1024 * 1024)
            steps = [
                # Without blocks kept for root: these tests may run as root, and are to find the disk full.
                ["mkfs.ext4", "-q", "-b", str(block_bytes), "-m", "0", "-O", "^has_journal", image.name],
                ["mount", "-o", "loop", image.name, name],
            ]
        try:
            allowed = all(subprocess.run(step, capture_output=True, check=False).returncode == 0 for step in steps)
        except FileNotFoundError:
            allowed = False
        try:
            yield MountedDisk(Path(name)) if allowed else None
        finally:
            if allowed:
                subprocess.run(["umount", "--lazy", name], check=True)
