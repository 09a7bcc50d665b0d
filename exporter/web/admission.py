"""The limit of list requests that are processed or waiting at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from werkzeug.exceptions import ServiceUnavailable


class AdmissionQueue:
    """Admits list requests one after the other, because side by side they need the memory of all and end no sooner."""

    def __init__(self, limit: int) -> None:
        """At most `limit` requests are admitted or waiting at once."""
        self._places = BoundedSemaphore(limit)
        self._work = Lock()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Wait for the turn and hold it. Raises `ServiceUnavailable` when all places are taken."""
        if not self._places.acquire(blocking=False):
            raise ServiceUnavailable("too many requests for lists at once; ask again", retry_after=1)
        try:
            with self._work:
                yield
        finally:
            self._places.release()
