"""What the protocol itself makes of a contrast when nothing changes, and whether an effect can be told from it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import read_table
from morbids.group.comparison import Comparison
from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import INTERCEPT

# Columns of a table of ranges by region, and of a calibration table, which has simulated tissues instead of regions.
_BY_REGION = ("null_low_percent", "null_high_percent")
_BY_TISSUE = "null_percent"


class NullRange(NamedTuple):
    """Lowest and highest that a contrast reads without any change, in percent of baseline."""

    low: float
    high: float

    def scaled(self, baseline: float) -> "NullRange":
        """The range in the unit of the maps, at a baseline."""
        ends = self.low * baseline / 100, self.high * baseline / 100
        return NullRange(min(ends), max(ends))

    def explains(self, low: float, high: float) -> bool:
        """Whether an interval does not lie wholly outside: then the effect could be the protocol."""
        return not (low > self.high or high < self.low)


class NullRanges(NamedTuple):
    """Range of a mean over scans anywhere in the brain, and by region where scans tell it."""

    anywhere: NullRange
    by_region: Mapping[str, NullRange]

    def of(self, region: str) -> NullRange:
        """Of a region; of left and right together under the name of both."""
        sides = [
            self.by_region[name] for name in (region, f"{region}_L", f"{region}_R") if name in self.by_region
        ]
        return NullRange(*np.mean(sides, axis=0).tolist()) if sides else self.anywhere


def find_null_ranges(comparison: Comparison) -> NullRanges | None:
    """Mean over scans of the ends of their ranges; None where nothing is known, or the effect is no mean change.

    Slopes and differences between groups are in another unit, or compare people who share the protocol.

    What is not known (k2', dissociation, mixture of tissues) is much the same in all scans, so the mean of a group is
    as uncertain as one scan. Of two scans of one person it is the same: their ends are subtracted.
    """
    tables, (added, removed) = comparison.protocols
    if not tables.added or set(comparison.design.weights) != {INTERCEPT}:
        return None
    ends = _mean_ends(tables.added, added)
    if tables.removed:
        ends = ends - _mean_ends(tables.removed, removed)
    ends = ends.dropna()
    if ends.empty:
        return None
    ranges = {
        str(name): NullRange(*sorted(row)) for name, row in zip(ends.index, ends.to_numpy(), strict=True)
    }
    widest = NullRange(min(one.low for one in ranges.values()), max(one.high for one in ranges.values()))
    return NullRanges(widest, ranges)


def means_at(paths: Sequence[Path], places_mm: FloatArray) -> FloatArray:
    """Mean of maps at places (n, 3), RAS mm: (n,), NaN where none of the maps is there or knows it."""
    values = np.full((len(paths), len(places_mm)), np.nan)
    for own, path in zip(values, paths, strict=True):
        if path.exists():
            image = read_image(path)
            to_voxel = np.linalg.inv(image.affine)
            voxels = (places_mm @ to_voxel[:3, :3].T + to_voxel[:3, 3]).round().astype(int)
            there = np.all((voxels >= 0) & (voxels < image.values.shape), axis=1)
            own[there] = image.values[tuple(voxels[there].T)]
    known = np.isfinite(values)
    total, count = np.where(known, values, 0).sum(axis=0), known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _mean_ends(paths: Sequence[Path], contrast: str) -> pd.DataFrame:
    """Lowest and highest null of each region, mean over scans; one line for tables of simulated tissues."""
    ends = []
    for path in paths:
        table = read_table(path, ("contrast",))
        own = table[table["contrast"] == contrast]
        if _BY_TISSUE in own:
            low, high = own[_BY_TISSUE].min(), own[_BY_TISSUE].max()
            ends.append(pd.DataFrame({"low": [low], "high": [high]}, index=["anywhere"]))
        else:
            named = own.set_index("name")[list(_BY_REGION)]
            ends.append(named.set_axis(["low", "high"], axis=1))
    return pd.concat(ends).groupby(level=0).mean()
