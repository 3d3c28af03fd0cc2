"""Values of sidecar fields: numbers that are numbers, whatever JSON holds in their place."""

from collections.abc import Mapping
from typing import Any

import numpy as np

# How sidecars say that a value is not known.
NOT_AVAILABLE = ("", "n/a", "na", "none", "null", "unknown")


def as_number(value: object) -> float | None:
    """Return a finite number; None for text, true, false, lists, and numbers too large to compute with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if np.isfinite(number) else None


def is_given(metadata: Mapping[str, Any], name: str) -> bool:
    """Whether a field says anything: absent, null and `n/a` do not."""
    value = metadata.get(name)
    return not (value is None or (isinstance(value, str) and value.strip().lower() in NOT_AVAILABLE))


def as_text(value: object, most: int = 60) -> str:
    """A value for a sentence: as Python writes it, cut where it would get too long."""
    written = repr(value)
    return written if len(written) <= most else f"{written[:most]}..."
