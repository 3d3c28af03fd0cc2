"""Corrections for many voxels: what the program knows of each, in one record.

Command line, plan, permutations, maps, tables, claims and methods text take it from `METHODS`: a new correction is a
record here and the function that it names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.clusters import Lattice, find_clusters, largest_clusters
from morbids.numerics.statistics.multiple import false_discovery_rate
from morbids.numerics.statistics.random_field import Smoothness, peak_p, peak_threshold
from morbids.numerics.statistics.tfce import enhance

Inference = Literal["max-t", "cluster-extent", "cluster-mass", "tfce", "fdr", "random-field"]
MaximumOf = Literal["t", "tfce", "cluster_extent", "cluster_mass"]
# The level of every test.
ALPHA: Final = 0.05


@dataclass(frozen=True)
class MapStatistic:
    """What permutation compares: a number of each voxel, whose maximum over the map is noted.

    Attributes
    ----------
    name, words
        Key of its null distribution, and what an outline is called.
    power
        What makes its maxima about as skewed as those of t.
    of_voxels
        (n_voxels,) signed statistic, from the height that is judged, its lattice and the height that forms clusters;
        None for the height itself.
    forms_clusters
        Whether it needs that height.
    quick_maxima
        Finds the maximum, and maybe those of other statistics, faster than through `of_voxels`: height, lattice,
        forming height, and whether both tails count.
    """

    name: MaximumOf
    words: str
    power: float
    of_voxels: Callable[[FloatArray, Lattice, float], FloatArray] | None = None
    forms_clusters: bool = False
    quick_maxima: Callable[[FloatArray, Lattice, float, bool], dict[MaximumOf, float]] | None = None

    @property
    def needs_neighbours(self) -> bool:
        """Whether the height alone is not enough."""
        return self.of_voxels is not None

    def measure(self, height: FloatArray, lattice: Lattice, forming: float) -> FloatArray:
        """(n_voxels,) statistic of each voxel."""
        return height if self.of_voxels is None else self.of_voxels(height, lattice, forming)

    def find_maxima(
        self, height: FloatArray, lattice: Lattice | None, forming: float, *, two_tailed: bool
    ) -> dict[MaximumOf, float]:
        """Maximum over the map, of either sign where both tails count."""
        if lattice is not None and self.quick_maxima is not None:
            return self.quick_maxima(height, lattice, forming, two_tailed)
        values = height if lattice is None else self.measure(height, lattice, forming)
        return {self.name: float(max(values.max(), -values.min()) if two_tailed else values.max())}


class FittedMap(NamedTuple):
    """What formulas correct.

    Attributes
    ----------
    t, p
        (n_voxels,) t, or F of several contrasts, and its p.
    df
        Residual degrees of freedom.
    smoothness
        Width of the noise; None where it is not known.
    """

    t: FloatArray
    p: FloatArray
    df: float
    smoothness: Smoothness | None


@dataclass(frozen=True)
class Formula:
    """Correction that takes the distribution of t from a formula.

    Attributes
    ----------
    correct
        (n_voxels,) corrected p; NaN where it cannot be had.
    passing_height
        The least ``|t|`` that passes a level; None where there is none.
    needs_smoothness
        Whether the width of the noise must be known.
    """

    correct: Callable[[FittedMap], FloatArray]
    passing_height: Callable[[FittedMap, float], float | None]
    needs_smoothness: bool = False


@dataclass(frozen=True)
class Method:
    """A correction.

    Attributes
    ----------
    name
        As `--inference` has it.
    label, brief
        On pages and in tables: in full, and in a list or the head of a column.
    kind
        Whether it gives a p to each voxel or to each cluster.
    test
        How: by the permutation distribution of a statistic, or by a formula.
    by_default
        Whether it is asked for without `--inference`.
    stat, description
        Of its map of corrected p: value of `stat-`, and what the map holds.
    column, column_description
        Of the table of clusters and peaks.
    words, sources
        For the methods text: what it corrects by, and keys of `data/references.bib`.
    """

    name: Inference
    label: str
    brief: str
    kind: Literal["voxel", "cluster"]
    test: MapStatistic | Formula
    stat: str
    description: str
    column: str
    column_description: str
    words: str
    sources: tuple[str, ...]
    by_default: bool = True

    @property
    def statistic(self) -> MapStatistic | None:
        """What is permuted; None for formulas."""
        return self.test if isinstance(self.test, MapStatistic) else None

    @property
    def formula(self) -> Formula | None:
        """None for permutations."""
        return self.test if isinstance(self.test, Formula) else None


def _sizes(
    height: FloatArray, lattice: Lattice, forming: float, what: Literal["extent", "mass"]
) -> FloatArray:
    """(n_voxels,) size of the cluster that each voxel lies in, with its sign; 0 outside."""
    clusters = find_clusters(height, lattice, forming)
    sizes = clusters.extent if what == "extent" else clusters.mass
    return np.concatenate([[0.0], clusters.sign * sizes])[clusters.labels]


def _extents(height: FloatArray, lattice: Lattice, forming: float) -> FloatArray:
    return _sizes(height, lattice, forming, "extent")


def _masses(height: FloatArray, lattice: Lattice, forming: float) -> FloatArray:
    return _sizes(height, lattice, forming, "mass")


def _largest_clusters(
    height: FloatArray, lattice: Lattice, forming: float, two_tailed: bool
) -> dict[MaximumOf, float]:
    extent, mass = largest_clusters(height, lattice, forming, both_tails=two_tailed)
    return {"cluster_extent": float(extent), "cluster_mass": mass}


def _lowest_discovery(tested: FittedMap, alpha: float) -> float | None:
    passing = false_discovery_rate(tested.p) <= alpha
    return float(np.abs(tested.t[passing]).min()) if passing.any() else None


def _peak_p(tested: FittedMap) -> FloatArray:
    if tested.smoothness is None:
        return np.full(tested.t.shape, np.nan)
    return peak_p(tested.t, tested.smoothness.resels, tested.df)


def _peak_threshold(tested: FittedMap, alpha: float) -> float | None:
    if tested.smoothness is None:
        return None
    return peak_threshold(alpha, tested.smoothness.resels, tested.df)


# In the order of tables; of those by default the first makes the claims.
METHODS: Final[Mapping[Inference, Method]] = {
    method.name: method
    for method in (
        Method(
            name="max-t",
            label="max-T (permutation)",
            brief="max-T",
            kind="voxel",
            test=MapStatistic("t", "|t|", power=1.0),
            stat="pfweMaxT",
            description="Family-wise p by permutation of the largest |t|, two-tailed",
            column="p_fwe_peak",
            column_description="Family-wise p of the peak, permutation of the largest |t|",
            words="the permutation distribution of the largest |t| over the brain",
            sources=("Nichols2002",),
        ),
        Method(
            name="cluster-extent",
            label="cluster extent (permutation)",
            brief="extent",
            kind="cluster",
            test=MapStatistic(
                "cluster_extent", "cluster extent in voxels", 1 / 3, _extents, True, _largest_clusters
            ),
            stat="pfweClusterExtent",
            description="Family-wise p of the cluster's extent by permutation; 1 outside clusters",
            column="p_fwe_extent",
            column_description="Family-wise p of the cluster's extent, in its first row",
            words="the permutation distribution of the largest cluster's extent",
            sources=("Nichols2002",),
        ),
        Method(
            name="cluster-mass",
            label="cluster mass (permutation)",
            brief="mass",
            kind="cluster",
            test=MapStatistic("cluster_mass", "cluster mass", 1 / 3, _masses, True, _largest_clusters),
            stat="pfweClusterMass",
            description="Family-wise p of the cluster's mass by permutation; 1 outside clusters",
            column="p_fwe_mass",
            column_description="Family-wise p of the cluster's mass, in its first row",
            words="the permutation distribution of the largest cluster's mass",
            sources=("Bullmore1999",),
        ),
        Method(
            name="tfce",
            label="TFCE (permutation)",
            brief="TFCE",
            kind="voxel",
            test=MapStatistic(
                "tfce", "TFCE score", 1 / 3, lambda height, lattice, _: enhance(height, lattice)
            ),
            stat="pfweTfce",
            description="Family-wise p by permutation of threshold-free cluster enhancement (E .5, H 2, 6 neighbours)",
            column="p_fwe_tfce",
            column_description="Family-wise p of the peak, threshold-free cluster enhancement",
            words="threshold-free cluster enhancement (E = 0.5, H = 2, neighbours share a face) with permutation",
            sources=("Smith2009",),
            by_default=False,
        ),
        Method(
            name="fdr",
            label="false discovery rate",
            brief="FDR",
            kind="voxel",
            test=Formula(lambda tested: false_discovery_rate(tested.p), _lowest_discovery),
            stat="pfdr",
            description="p adjusted for the false discovery rate (Benjamini-Hochberg)",
            column="p_fdr",
            column_description="p adjusted for the false discovery rate (Benjamini-Hochberg)",
            words="the false discovery rate",
            sources=("Benjamini1995",),
        ),
        Method(
            name="random-field",
            label="random field theory",
            brief="random field",
            kind="voxel",
            test=Formula(_peak_p, _peak_threshold, needs_smoothness=True),
            stat="pfweRandomField",
            description="Family-wise p of a peak of this height by random field theory, two-tailed",
            column="p_fwe_random_field",
            column_description="Family-wise p of the peak, random field theory, of t",
            words="Gaussian random field theory",
            sources=("Worsley1992", "Worsley1996"),
        ),
    )
}
# By the key of their null distributions.
STATISTICS: Final[Mapping[MaximumOf, MapStatistic]] = {
    method.statistic.name: method.statistic for method in METHODS.values() if method.statistic is not None
}
