"""What the protocol itself makes of a contrast when nothing changes, and whether an effect can be told from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table
from morbids.group.comparison import Comparison
from morbids.imaging.images import read_image

# Columns of a calibration table that say which simulated tissue a line is of.
_TRUTH = ("bp_nd", "r1", "k4")
_VALUE = "null_percent"


class NullRange(NamedTuple):
    """Lowest and highest that a contrast reads without any change, in percent of baseline."""

    low: float
    high: float

    def scaled(self, baseline: float) -> "NullRange":
        """The range in the unit of the maps, at a baseline."""
        ends = self.low * baseline / 100, self.high * baseline / 100
        return NullRange(min(ends), max(ends))

    def explains(self, ci_low: float, ci_high: float) -> bool:
        """Whether an interval does not lie wholly outside: then the effect could be the protocol."""
        return not (ci_low > self.high or ci_high < self.low)


def find_null_range(comparison: Comparison) -> NullRange | None:
    """Range over scans and simulated tissues; None where the protocol was not calibrated or cannot matter.

    Where a scan is compared with another of the same person, tissue is the same in both: their nulls are subtracted
    tissue by tissue.
    """
    tables, (added, removed) = comparison.protocols
    if not tables.added:
        return None
    null = _read(tables.added, added)
    if tables.removed:
        null = [one - other for one, other in zip(null, _read(tables.removed, removed), strict=True)]
    values = pd.concat(null).dropna()
    return NullRange(float(values.min()), float(values.max())) if len(values) else None


def mean_at(paths: Sequence[Path], place_mm: Sequence[float]) -> float | None:
    """Mean of maps at a place; None where none of them is there or knows it."""
    values = []
    for path in paths:
        if path.exists():
            image = read_image(path)
            voxel = np.linalg.solve(image.affine, [*place_mm, 1.0])[:3].round().astype(int)
            if np.all((voxel >= 0) & (voxel < image.values.shape)):
                values.append(float(image.values[tuple(voxel)]))
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else None


def _read(paths: Sequence[Path], contrast: str) -> "list[pd.Series[float]]":
    """Of each table the null by simulated tissue; time courses of release repeat it."""
    tables = (read_table(path, ("contrast", *_TRUTH, _VALUE)) for path in paths)
    return [
        table[table["contrast"] == contrast].drop_duplicates(list(_TRUTH)).set_index(list(_TRUTH))[_VALUE]
        for table in tables
    ]
