"""Values of traits that are not what they look like: codes for missing ones, infinities, categories as numbers."""

import numpy as np
import pandas as pd

from morbids.errors import MorbidsError

# Numbers that stand for "missing" in tables of other programs.
_CODES = (-9.0, -99.0, -999.0, -9999.0, 99.0, 999.0, 9999.0)
# Whole numbers of so few values may name categories.
_MOST_CATEGORIES = 6


def refuse_codes(values: "pd.Series[float]", name: str, source: str) -> None:
    """Refuse infinite values, and codes for missing ones that lie far outside of the other values.

    A code is one when it is further from the others than they are from each other: -999 among ages, 99 among ratings
    from 1 to 7, but not 99 among scores from 60 to 120.

    Raises
    ------
    MorbidsError
        The column holds one.
    """
    known = values.dropna().to_numpy(dtype=float)
    if np.isinf(known).any():
        raise MorbidsError(
            f"{source}: column '{name}' holds an infinite value.",
            "Write a number, or n/a where it is missing.",
        )
    others = known[~np.isin(known, _CODES)]
    if not len(others):
        return
    low, high = float(others.min()), float(others.max())
    for code in np.unique(known[np.isin(known, _CODES)]).tolist():
        if max(low - code, code - high) > high - low:
            raise MorbidsError(
                f"{source}: column '{name}' holds {code:g}, far from its other values ({low:g} to {high:g}): it "
                "looks like a code for a missing value.",
                "Write n/a for missing values. If it is a real value, scale the column so that it is none of the codes "
                f"{', '.join(f'{one:g}' for one in _CODES)}.",
            )


def doubt_category(values: "pd.Series[float]", name: str) -> str:
    """Return the doubt whether a column of few whole numbers names categories; empty when there is none.

    Two values give the same test as a category or as a number.
    """
    known = values.dropna().to_numpy(dtype=float)
    levels = np.unique(known)
    whole = bool(np.all(levels == np.round(levels)))
    if not whole or not 2 < len(levels) <= _MOST_CATEGORIES or len(known) < 2 * len(levels):
        return ""
    listed = ", ".join(f"{level:g}" for level in levels)
    return (
        f"'{name}' has only the values {listed} and is used as a straight line. If they name categories, write them as "
        "words, or as a Factor of a model file."
    )
