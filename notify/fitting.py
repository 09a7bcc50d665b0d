"""Lines and lists that fit into a number of bytes of UTF-8, which is what the services count."""

from __future__ import annotations

from collections.abc import Sequence

from notify.wording import Wording


def size(text: str) -> int:
    """Return the bytes of `text` in UTF-8."""
    return len(text.encode())


def shortened(text: str, room: int) -> str:
    """Return as much of `text` as `room` bytes hold; a cut ends in `…`."""
    if size(text) <= room:
        return text
    return text.encode()[: max(0, room - size("…"))].decode(errors="ignore") + "…"


def listing(names: Sequence[str], words: Wording, room: int) -> str:
    """Return `names` as a list of at most `room` bytes; what does not fit is counted at its end."""
    whole = words.comma.join(names)
    if size(whole) <= room:
        return whole
    shown = ""
    for index, name in enumerate(names):
        longer = shown + name + words.comma
        if size(longer + words.more.format(len(names) - index - 1)) > room:
            break
        shown = longer
    else:
        return shown
    return shown + words.more.format(len(names) - index)


class Lines:
    """Lines that together, each with its line break, have at most `room` bytes; `room` is what is left."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken: list[str] = []

    def reserve(self, lines: Sequence[str], share: float) -> list[str]:
        """Set room aside for `lines`; return those that fit into `share` of the room, for `take_reserved`."""
        room = int(self.room * share)
        kept = []
        for line in lines:
            if size(line) < room:
                room -= size(line) + 1
                self.room -= size(line) + 1
                kept.append(line)
        return kept

    def take_reserved(self, lines: Sequence[str]) -> None:
        """Add lines that room was set aside for."""
        self.taken.extend(lines)

    def fits(self, *lines: str) -> bool:
        """Return whether there is room for all of `lines`."""
        return sum(size(line) + 1 for line in lines) <= self.room

    def add(self, line: str) -> None:
        """Add a line if there is room for it."""
        if self.fits(line):
            self.room -= size(line) + 1
            self.taken.append(line)
