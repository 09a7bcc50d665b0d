"""How much is tried: 4,000 cases, or as many as the environment's `CASES` says (`make fuzz`)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("CASES", "4000"))


def cases(share: float) -> Callable[[Any], Any]:
    """Decorate a hypothesis test: it tries `share` of all cases."""
    return settings(
        max_examples=max(1, int(CASES * share)),
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
        print_blob=True,
    )


NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([0, -0.0, 1e308, 2**53, 2**53 + 1, 10**400, -1, True]),
)
TEXT = st.text(st.characters(codec=None), max_size=40)
"""Any code points, lone surrogates too."""
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
"""Any value that Python's `json` writes, well-formed or not."""
