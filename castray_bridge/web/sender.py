"""The loop that sends the newest snapshot to all WebSocket clients; a slow one is dropped and delays no other."""

from __future__ import annotations

import contextlib
import logging
import math
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import Final

from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.web.client import ClientGoneError, DropError
from castray_bridge.web.viewer import Viewer
from servicekit.log import event

MIN_DISTANCE: Final = 0.05
"""Seconds between two pushes, which are the same for all clients: twenty a second at most."""
LIST_DISTANCE: Final = 0.1
"""Seconds between two pushes in which clients get whole lists: ten a second at most."""
_CHECK_SECONDS: Final = 0.5
_GOODBYE_SECONDS: Final = 0.5
"""How long a stopping sender waits for the clients' replies to its close frames."""

_log = logging.getLogger(__name__)


class Sender:
    """Serves the clients from `run`, in one thread; the other methods may be called in any, and in a signal handler."""

    def __init__(self, store: SnapshotStore, on_end: Callable[[Viewer, str | None], None]) -> None:
        """`on_end` is called with each client that has left, and the reason if it was dropped."""
        self._store = store
        self._on_end = on_end
        self._new: deque[Viewer] = deque()
        self._viewers: set[Viewer] = set()
        self._selector = selectors.DefaultSelector()
        self._wake_from, self._wake_to = socket.socketpair()
        for end in (self._wake_from, self._wake_to):
            end.setblocking(False)
        self._has_changed = False
        """Whether the snapshot may be newer than the last push; set by other threads."""
        self._behind: set[Viewer] = set()
        """Clients that still lack something of the last push."""
        self._is_stopping = False
        self._pushed_at = self._listed_at = self._checked_at = -math.inf

    def add(self, viewer: Viewer) -> None:
        """Serve `viewer` from now on; its first message is the whole list."""
        self._new.append(viewer)
        self._wake()

    def stop(self) -> None:
        """Close all connections, and let `run` return after that."""
        self._is_stopping = True
        self._wake()

    def run(self) -> None:
        """Serve until `stop`."""
        unsubscribe = self._store.subscribe(self._note_change)
        self._selector.register(self._wake_from, selectors.EVENT_READ)
        while not self._is_stopping:
            self._turn()
        unsubscribe()
        self._say_goodbye()
        self._selector.close()

    def _turn(self) -> None:
        try:
            self._wait(self._seconds_to_wait())
            self._admit()
            self._push_if_due()
            self._check_if_due()
        except Exception as error:  # noqa: BLE001 (the next change may do without it)
            _log.error(event("push_failed"), exc_info=error)
            time.sleep(_CHECK_SECONDS)

    def _note_change(self) -> None:
        if not self._has_changed:
            self._has_changed = True
            self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: the loop is about to wake up
            self._wake_to.send(b"\0")

    def _seconds_to_wait(self) -> float:
        due = self._checked_at + _CHECK_SECONDS
        if self._has_changed:
            due = min(due, self._pushed_at + MIN_DISTANCE)
        if self._behind:
            due = min(due, self._listed_at + LIST_DISTANCE)
        return max(0.0, due - time.monotonic())

    def _wait(self, seconds: float) -> None:
        """Wait, and do what the clients' sockets are ready for."""
        for key, events in self._selector.select(seconds):
            if key.data is None:
                self._wake_from.recv(4096)
            elif events & selectors.EVENT_WRITE:
                self._do(key.data, Viewer.flush)
            else:
                self._do(key.data, self._hear)

    def _hear(self, viewer: Viewer) -> None:
        viewer.hear()
        if viewer.wants_list:
            self._behind.add(viewer)

    def _admit(self) -> None:
        while self._new:
            viewer = self._new.popleft()
            self._viewers.add(viewer)
            self._selector.register(viewer.client, selectors.EVENT_READ, viewer)
            self._offer([viewer], may_be_list=True)

    def _push_if_due(self) -> None:
        now = time.monotonic()
        is_push_due = self._has_changed and now >= self._pushed_at + MIN_DISTANCE
        may_be_list = now >= self._listed_at + LIST_DISTANCE
        if not (is_push_due or (self._behind and may_be_list)):
            return
        if may_be_list:
            self._listed_at = now
        if is_push_due:
            self._has_changed = False  # before the snapshot is read: a later change is pushed the next time
            self._pushed_at = now
        self._offer(tuple(self._viewers if is_push_due else self._behind), may_be_list)

    def _check_if_due(self) -> None:
        """Find clients that do not read or reply, and give the others signs of life."""
        now = time.monotonic()
        if now >= self._checked_at + _CHECK_SECONDS:
            self._checked_at = now
            self._each(tuple(self._viewers), lambda viewer: viewer.check(now))
            if not self._has_changed:
                self._offer(tuple(self._viewers), may_be_list=now >= self._listed_at + LIST_DISTANCE)

    def _offer(self, viewers: Collection[Viewer], may_be_list: bool) -> None:
        """Offer one snapshot to all of `viewers`, so that they can share its messages."""
        if not viewers:
            return
        snapshot, now = self._store.snapshot(), time.monotonic()

        def offer(viewer: Viewer) -> None:
            is_behind = viewer.offer(snapshot, now, may_be_list)
            (self._behind.add if is_behind else self._behind.discard)(viewer)

        self._each(viewers, offer)

    def _each(self, viewers: Collection[Viewer], action: Callable[[Viewer], None]) -> None:
        for viewer in viewers:
            self._do(viewer, action)

    def _do(self, viewer: Viewer, action: Callable[[Viewer], None]) -> None:
        """Do `action` with `viewer`; where it fails, this client ends and no other."""
        try:
            action(viewer)
        except DropError as error:
            self._end(viewer, str(error))
        except ClientGoneError:
            self._end(viewer)
        except Exception as error:  # noqa: BLE001 (a fault in one conversation must not end the others)
            _log.error(event("websocket_failed", peer=viewer.peer), exc_info=error)
            self._end(viewer, type(error).__name__)
        else:
            self._watch(viewer)

    def _watch(self, viewer: Viewer) -> None:
        """Let the loop wake up when the client takes more, exactly while there is more."""
        is_blocked = viewer.client.blocked_since is not None
        if is_blocked != viewer.is_watched_for_room:
            viewer.is_watched_for_room = is_blocked
            # Not for messages meanwhile: replies would only wait behind what the client does not take.
            self._selector.modify(viewer.client, selectors.EVENT_WRITE if is_blocked else selectors.EVENT_READ, viewer)

    def _end(self, viewer: Viewer, drop_reason: str | None = None) -> None:
        self._selector.unregister(viewer.client)
        self._viewers.discard(viewer)
        self._behind.discard(viewer)
        if drop_reason is not None:
            viewer.client.abort()
        self._on_end(viewer, drop_reason)

    def _say_goodbye(self) -> None:
        deadline = time.monotonic() + _GOODBYE_SECONDS
        self._each(tuple(self._viewers), lambda viewer: viewer.client.close(1001, "the server stops"))
        while self._viewers and time.monotonic() < deadline:
            self._wait(deadline - time.monotonic())
        for viewer in (*self._viewers, *self._new):
            self._on_end(viewer, None)
