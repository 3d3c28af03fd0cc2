"""Judge one comparison: statistics of every voxel, and p corrected for many voxels in each way asked for."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from morbids.bids.names import stat_label
from morbids.bids.tables import write_table
from morbids.errors import MorbidsError
from morbids.group.comparison import StatisticName, WrittenDesign
from morbids.group.steps.clusters import NAMING, tabulate_clusters
from morbids.group.steps.maps import write_map
from morbids.group.steps.permutations import Heights, PermutationTest, join_maxima, model_of
from morbids.imaging.images import Image, read_image
from morbids.imaging.naming import read_names
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.clusters import Lattice, find_clusters, make_lattice
from morbids.numerics.statistics.designs import fit_design
from morbids.numerics.statistics.linear_model import LinearFit
from morbids.numerics.statistics.methods import (
    ALPHA,
    METHODS,
    FittedMap,
    Formula,
    Inference,
    MaximumOf,
    Method,
)
from morbids.numerics.statistics.permutation import corrected_p, critical_value
from morbids.numerics.statistics.random_field import Smoothness, estimate_smoothness
from morbids.numerics.statistics.rearranged import observed_t
from morbids.numerics.statistics.symmetry import mean_skewness
from morbids.numerics.statistics.unequal import measure_ratio

PSEUDO_T = stat_label("pseudo-t")
CLUSTERS = "clusters"
STATISTICS: Mapping[StatisticName, tuple[str, ...]] = {
    "t": ("effect", "variance", "t", "z", "p", "g", "r2"),
    "F": ("F", "z", "p", "r2"),
}


class Inferred(NamedTuple):
    """Results of a comparison.

    Attributes
    ----------
    maps
        Images by `stat-`: see `statistics_of`.
    table
        Clusters: a row per peak.
    summary
        Thresholds, counts and degrees of freedom.
    """

    maps: dict[str, Path]
    table: Path
    summary: dict[str, Any]


class Asked(NamedTuple):
    """What is asked of the maps of a comparison.

    Attributes
    ----------
    design, directions
        The test, and what clusters of positive and of negative effect are called.
    tests, inference
        Permutations that were made, and methods that p is corrected by.
    heights
        What is judged.
    """

    design: WrittenDesign
    directions: tuple[str, str]
    tests: tuple[PermutationTest, ...]
    inference: tuple[Inference, ...]
    heights: Heights


class Judged(NamedTuple):
    """What is judged.

    Attributes
    ----------
    fit
        Of every voxel.
    height
        (n_voxels,) what maxima and clusters are of: t, F, pseudo-t, or z where degrees of freedom differ.
    statistic
        Its name.
    forming
        Height that forms clusters.
    tested
        What formulas correct.
    """

    fit: LinearFit
    height: FloatArray
    statistic: str
    forming: float
    tested: FittedMap


def statistics_of(
    inference: Sequence[Inference], variance_fwhm_mm: float, statistic: StatisticName = "t"
) -> tuple[str, ...]:
    """Return the maps that a comparison leaves, by `stat-`."""
    pseudo = (PSEUDO_T,) if variance_fwhm_mm and statistic == "t" else ()
    return (*STATISTICS[statistic], *pseudo, *(METHODS[name].stat for name in inference), CLUSTERS)


def infer(
    maps: Path,
    mask: Path,
    mask_rule: str,
    maxima: Sequence[Path],
    asked: Asked,
    labels: Sequence[Path],
    label_names: Sequence[Path],
    out_dir: Path,
) -> Inferred:
    """Fit every voxel, correct p, and name clusters and peaks.

    Parameters
    ----------
    maxima
        Pieces of the permutations that are asked for.
    labels, label_names
        Label images and tables of `NAMING`, in its order.
    """
    design, directions, tests, inference, (forming_p, variance_fwhm_mm) = asked
    image = read_image(mask)
    lattice = make_lattice(image.values > 0.5)
    null = join_maxima(maxima, tests)
    threshold = design.forming_height(forming_p)
    data = np.load(maps, mmap_mode="r")
    fit = fit_design(data, design.design)
    statistic = design.judged(variance_fwhm_mm)
    height = {"t": fit.t, "F": fit.f}.get(statistic)
    if height is None:
        height = observed_t(model_of(data, mask, design, variance_fwhm_mm))
    x, y, z = image.voxel_mm.tolist()
    clusters = find_clusters(height, lattice, threshold, voxel_size_mm=(x, y, z))
    methods = [METHODS[name] for name in inference]
    needed = any(one.formula and one.formula.needs_smoothness for one in methods)
    smoothness, why_not = _smoothness(data, design, image) if needed else (None, "")
    tested = FittedMap(fit.f if design.several else fit.t, fit.p, design.df, smoothness)
    judged = Judged(fit, height, statistic, threshold, tested)
    corrected = {one.stat: _correct(one, judged, lattice, null) for one in methods}
    made: dict[str, Any] = {
        **{"effect": fit.effect, "variance": fit.variance, "t": fit.t, "F": fit.f, "p": fit.p},
        # What is outlined must be what was judged, which is near z (see `quick_z`).
        "z": np.where(np.isfinite(fit.z), height, np.nan) if design.judges_z else fit.z,
        **{"g": fit.hedges_g, "r2": fit.r_squared, PSEUDO_T: height, CLUSTERS: clusters.labels},
        **corrected,
    }
    values = {name: made[name] for name in statistics_of(inference, variance_fwhm_mm, design.statistic)}
    names = {
        atlas: read_names(image_of, table_of)
        for atlas, image_of, table_of in zip(NAMING, labels, label_names, strict=True)
    }
    table = tabulate_clusters(clusters, values, (image, lattice.voxels), names, directions)
    write_table(table, out_dir / "clusters.tsv")
    paths = {name: write_map(numbers, image, out_dir / f"{name}.nii.gz") for name, numbers in values.items()}
    told = [_tell(one, judged, corrected[one.stat], null, tests) for one in methods]
    summary = {
        "Mask": mask_rule,
        "Statistic": statistic,
        "ClusterFormingHeight": threshold,
        **_summarise(judged, design, image, why_not),
        **_tell_skewness(data, design),
        **_tell_variances(data, design),
        "Tests": told,
    }
    return Inferred(paths, out_dir / "clusters.tsv", summary)


def _tell_skewness(data: FloatArray, design: WrittenDesign) -> dict[str, float]:
    """How skewed errors are, where signs are flipped."""
    if design.design.exchange != "signs":
        return {}
    return {"Skewness": round(mean_skewness(data, design.design.matrix), 3)}


def _tell_variances(data: FloatArray, design: WrittenDesign) -> dict[str, float]:
    """Standard deviation of the second of two groups over that of the first, where these may differ, and its spread."""
    own = design.design
    if own.second_group is None or own.voxelwise:
        return {}
    ratio = measure_ratio(data, own.matrix, own.second_group)
    return {
        "StandardDeviationRatio": round(1 / ratio.first_over_second, 3),
        "StandardDeviationRatioSpread": round(ratio.spread, 3),
    }


def _summarise(judged: Judged, design: WrittenDesign, image: Image, why_not: str) -> dict[str, Any]:
    """Counts, degrees of freedom, and the width of the noise or the reason why it is not known."""
    fit = judged.fit
    return {
        "NumberOfMaps": len(next(iter(design.columns.values()))),
        "NumberOfVoxels": len(fit.t),
        **_degrees_of_freedom(fit, design),
        **_tell_smoothness(judged.tested.smoothness, why_not, image),
    }


def _smoothness(data: FloatArray, design: WrittenDesign, image: Image) -> tuple[Smoothness | None, str]:
    """Width of the noise; None and the reason where it cannot be estimated (too few maps)."""
    try:
        return estimate_smoothness(data, design.design.matrix, image.values > 0.5), ""
    except MorbidsError as error:
        return None, error.message


def _correct(
    method: Method, judged: Judged, lattice: Lattice, null: Mapping[MaximumOf, FloatArray]
) -> FloatArray:
    """(n_voxels,) corrected p of one method; 1 outside clusters where clusters are judged."""
    if isinstance(method.test, Formula):
        return method.test.correct(judged.tested)
    return corrected_p(method.test.measure(judged.height, lattice, judged.forming), null[method.test.name])


def _tell(
    method: Method,
    judged: Judged,
    p: FloatArray,
    null: Mapping[MaximumOf, FloatArray],
    tests: Sequence[PermutationTest],
) -> dict[str, Any]:
    """What one method found: voxels that pass in each direction, its threshold, and its rearrangements."""
    passing = p <= ALPHA
    told: dict[str, Any] = {
        "Method": method.name,
        "VoxelsPositive": int(np.sum(passing & (judged.height > 0))),
        "VoxelsNegative": int(np.sum(passing & (judged.height < 0))),
        "SmallestP": float(np.nanmin(p)) if np.isfinite(p).any() else None,
    }
    if isinstance(method.test, Formula):
        height = method.test.passing_height(judged.tested, ALPHA)
        named = "F" if judged.statistic == "F" else "t"
        return told | (_critical(named, height) if height is not None else {})
    if not method.test.needs_neighbours:
        told |= _critical(judged.statistic, critical_value(null[method.test.name], ALPHA))
    for test in tests:
        if method.test.name in test.statistics:
            told |= {
                "Rearrangements": test.plan.n_rearrangements,
                "Exhaustive": test.plan.exhaustive,
                "SmallestPossibleP": test.plan.smallest_p,
            }
    return told


def _critical(statistic: str, value: float) -> dict[str, Any]:
    """Height that passes, with the name of what it is a height of; None where none can."""
    return {"CriticalStatistic": statistic, "CriticalHeight": value if np.isfinite(value) else None}


def _degrees_of_freedom(fit: LinearFit, design: WrittenDesign) -> dict[str, Any]:
    tested = {"DegreesOfFreedomTested": len(design.several)} if design.several else {}
    if not design.judges_z:
        return tested | {"DegreesOfFreedom": design.df}
    low, high = (float(end) for end in np.nanpercentile(fit.df, [0, 100]))
    return tested | {"DegreesOfFreedom": float(np.nanmedian(fit.df)), "DegreesOfFreedomRange": [low, high]}


def _tell_smoothness(smoothness: Smoothness | None, why_not: str, image: Image) -> dict[str, Any]:
    if smoothness is None:
        return {"RandomField": why_not} if why_not else {}
    return {
        "FWHMmm": [round(float(width), 2) for width in smoothness.fwhm_voxels * image.voxel_mm],
        "Resels": [round(float(count), 2) for count in smoothness.resels],
    }
