"""Where a claimed map passes: voxels, clusters, and whether the protocol alone could read their peaks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from morbids.bids.names import stat_label
from morbids.bids.tables import read_table
from morbids.group.bias import NullRanges, means_at
from morbids.group.comparison import Comparison
from morbids.group.steps.inference import CLUSTERS
from morbids.imaging.images import Image, read_image
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.claims import height_of_p
from morbids.numerics.statistics.clusters import make_lattice
from morbids.numerics.statistics.methods import METHODS, Inference


class Found(NamedTuple):
    """What one comparison left on disk.

    Attributes
    ----------
    comparison
        The question.
    evidence, facts
        Table of `gather_evidence`, and what is known beside it.
    regions
        Tests of the (averaged) regions.
    maps, mask, clusters
        Statistical maps by `stat-`, the tested voxels, and the table of clusters.
    summary
        Of the test.
    """

    comparison: Comparison
    evidence: Path
    facts: Mapping[str, Any]
    regions: Path
    maps: Mapping[str, Path]
    mask: Path
    clusters: Path
    summary: Mapping[str, Any]

    @property
    def two_tailed(self) -> bool:
        """Whether either sign is claimed."""
        return not self.comparison.expected


class Reach(NamedTuple):
    """How far intervals of a map reach that hold for all voxels, and all tests of the page, at once.

    Attributes
    ----------
    level
        p of the map that they have.
    height
        The same as a height of the statistic that is judged; None where the claims judge no height.
    """

    level: float
    height: float | None

    def around(self, peak: Mapping[Any, Any], found: Found) -> float:
        """Half the width of the interval of an effect, from its row in the table of clusters."""
        effect, summary = float(peak["effect"]), found.summary
        if self.height is not None:
            return abs(effect / float(peak[_COLUMNS[str(summary["Statistic"])]])) * self.height
        level = self.level / int(summary["NumberOfVoxels"])
        height = height_of_p(level, float(summary["DegreesOfFreedom"]), two_tailed=found.two_tailed)
        return abs(effect / float(peak["t"])) * height


# Columns of the table of clusters by the statistic that is judged.
_COLUMNS = {"t": "t", "z": "z", "pseudo-t": "pseudo_t"}


class ClaimedPlace(NamedTuple):
    """A claimed cluster: its number, direction, label and peak, and whether the protocol alone could read the peak.

    `could_be_protocol` is None where that is not known.
    """

    cluster: int
    direction: str
    label: str
    peak_mm: tuple[float, float, float]
    could_be_protocol: bool | None

    @property
    def name(self) -> str:
        """For people."""
        return f"cluster {self.cluster}, {self.label or 'unlabelled'}"


class Located(NamedTuple):
    """Claimed clusters, and the sign of the effect in claimed voxels (n_voxels,), 0 elsewhere."""

    places: tuple[ClaimedPlace, ...] = ()
    signs: FloatArray = np.zeros(0)


def locate(
    found: Found, method: Inference, critical: float, null: NullRanges | None, reach: Reach
) -> Located:
    """Find the voxels that reach the critical value of the page, and the clusters that these lie in.

    Parameters
    ----------
    critical
        Of the method's statistic; of its corrected p where it has none of its own.
    null
        What the protocol alone reads, in percent of baseline.
    reach
        Of the intervals that are compared with it.
    """
    image = read_image(found.mask)
    inside = image.values > 0.5
    judged = str(found.summary["Statistic"])
    height = read_image(found.maps[stat_label(judged)]).values[inside]
    height = np.maximum(height, 0) if found.comparison.design.several else height
    passing = _passing(found, method, critical, np.nan_to_num(height), image)
    expected = found.comparison.expected
    signs = np.where(passing & ((expected == 0) | (np.sign(height) == expected)), np.sign(height), 0)
    labels = read_image(found.maps[CLUSTERS]).values[inside]
    numbers = set(np.unique(labels[signs != 0]).astype(int)) - {0}
    return Located(tuple(_places(found, numbers, null, reach)), signs)


def _passing(found: Found, method: Inference, critical: float, height: FloatArray, image: Image) -> BoolArray:
    """(n_voxels,) whether the method's statistic reaches its critical value, whatever the sign."""
    inside = image.values > 0.5
    one = METHODS[method]
    if one.statistic is None:
        return np.asarray(read_image(found.maps[one.stat]).values[inside] <= critical)
    measured = one.statistic.measure(
        height, make_lattice(inside), float(found.summary["ClusterFormingHeight"])
    )
    return np.asarray(np.abs(measured) >= critical)


def _places(found: Found, numbers: set[int], null: NullRanges | None, reach: Reach) -> Iterator[ClaimedPlace]:
    """Each of these clusters at its highest peak, which is its first row."""
    table = read_table(found.clusters).drop_duplicates("cluster")
    rows = table[table["cluster"].isin(numbers)]
    peaks_mm = rows[["x_mm", "y_mm", "z_mm"]].to_numpy(dtype=float)
    baselines = _baselines(found, peaks_mm) if null else np.full(len(rows), np.nan)
    for row, peak_mm, baseline in zip(rows.to_dict("records"), peaks_mm.tolist(), baselines, strict=True):
        label = str(row["AAL"]).replace("_", " ") if isinstance(row["AAL"], str) else ""
        could_be = None
        if null and np.isfinite(baseline):
            effect, around = float(row["effect"]), reach.around(row, found)
            could_be = null.anywhere.scaled(baseline).explains(effect - around, effect + around)
        yield ClaimedPlace(int(row["cluster"]), str(row["direction"]), label, tuple(peak_mm), could_be)


def _baselines(found: Found, peaks_mm: FloatArray) -> FloatArray:
    """(n,) binding at peaks (n, 3), which what the protocol alone reads is in percent of; NaN where unknown."""
    if found.comparison.quantity.endswith("(%)"):
        return np.full(len(peaks_mm), 100.0)
    return means_at(found.comparison.binding, peaks_mm)
