"""How many list requests may be in work or waiting at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from werkzeug.exceptions import ServiceUnavailable


class AdmissionQueue:
    """Long lists are made one after the other: side by side they would end no sooner, and take the memory of all."""

    def __init__(self, most: int) -> None:
        """`most` may be in work or wait for it."""
        self._places = BoundedSemaphore(most)
        self._work = Lock()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Wait for the turn and have it. Raises `ServiceUnavailable` when too many are waiting already."""
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable("too many ask for lists at once; ask again", retry_after=1)
        try:
            with self._work:
                yield
        finally:
            self._places.release()
