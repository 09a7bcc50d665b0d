"""The file of addresses: one per line, with the severities and the language that it gets."""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from notify.alert import SEVERITIES, WATCHDOG
from notify.channel import Address
from notify.plain_text import safe_url
from notify.transport import open_address, ping
from notify.wording import LANGUAGES
from servicekit.errors import StartError
from servicekit.log import event

_FORM: Final = "SEVERITIES LANGUAGE ADDRESS, or: watchdog URL"
_log = logging.getLogger(__name__)


def read(path: Path) -> tuple[Address, ...]:
    """Return the addresses in `path`; at least one. Raises `StartError`, which tells the line and never the address."""
    try:
        text = path.read_text("utf-8")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise StartError(f"the address file {path} cannot be read: {reason}") from None
    if mode & 0o004:
        _log.warning(event("addresses_readable_by_all", file=path, advice="chmod 600"))
    found: list[Address] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if fields and not fields[0].startswith("#"):
            try:
                found.append(_address(number, fields, _identity(fields, read_before=found)))
            except ValueError as error:
                raise StartError(f"the address file {path}, line {number}: {error}") from None
    if not found:
        raise StartError(f"the address file {path} has no address; one per line: {_FORM}")
    return tuple(found)


def _identity(fields: list[str], read_before: Sequence[Address]) -> str:
    """Return a digest of a line's fields, which a line of the same text does not share."""
    known = {address.identity for address in read_before}
    digests = (hashlib.sha256(repr((fields, number)).encode()).hexdigest() for number in itertools.count())
    return next(digest for digest in digests if digest not in known)


def _address(number: int, fields: list[str], identity: str) -> Address:
    """Return the address of a line. Raises ValueError without anything of the address in its text."""
    if fields[0] == WATCHDOG:
        if len(fields) != 2 or not safe_url(fields[1]):
            raise ValueError("after 'watchdog' comes one http or https URL, without a password")
        return Address(number, frozenset({WATCHDOG}), "en", ping(fields[1]), identity)
    if len(fields) != 3:
        raise ValueError(f"{_FORM} is expected; blanks in an address are %20")
    severities = SEVERITIES if fields[0] == "all" else tuple(fields[0].split(","))
    if not set(severities) <= set(SEVERITIES):
        raise ValueError(f"severities are all, or some of {','.join(SEVERITIES)}, separated by commas")
    if fields[1] not in LANGUAGES:
        raise ValueError(f"the language is one of {', '.join(LANGUAGES)}")
    transport = open_address(fields[2])
    if transport is None:
        raise ValueError("apprise does not understand the address; see docs/operations.md")
    return Address(number, frozenset(severities), fields[1], transport, identity)
