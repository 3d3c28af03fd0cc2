"""Family-wise error of every corrected method on smooth noise without any effect.

Each run draws 18 maps of smooth Gaussian noise in an ellipsoid, tests their mean on both tails jointly, and asks
whether any voxel or cluster comes out at .05. A method is valid when this happens in 5 % of the runs or fewer.
"""

from typing import get_args

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.clusters import Lattice, make_lattice
from morbids.numerics.statistics.designs import fit_design, one_sample
from morbids.numerics.statistics.methods import MaximumOf
from morbids.numerics.statistics.permutation import (
    Measurement,
    cluster_threshold,
    corrected_p,
    find_null_maxima,
    measure_map,
)
from morbids.numerics.statistics.plan import plan_design
from morbids.numerics.statistics.random_field import estimate_smoothness, peak_p
from morbids.numerics.statistics.rearranged import observed_t, prepare_model

N_MAPS = 18
ALPHA = 0.05
# (1 + b) / 200 <= .05 has exactly the level .05.
N_PERMUTATIONS = 199
FWHM_VOXELS = 4.0
CLUSTER_FORMING_P = 0.001
STATISTICS: tuple[MaximumOf, ...] = get_args(MaximumOf)


def run(quick: bool) -> dict[str, float]:
    """Repeat the null experiment: 500 runs, or 40 of them.

    Returns
    -------
    dict
        fwe_<method>: share of the runs with a false positive; monte_carlo_error: two standard errors of it.
    """
    mask = _make_ellipsoid((26, 30, 26))
    lattice = make_lattice(mask)
    n_runs = 40 if quick else 500
    smallest = np.array([_smallest_p(seed, mask, lattice) for seed in range(n_runs)])
    rates = np.mean(smallest <= ALPHA, axis=0)
    keys = ("fwe_max_t", "fwe_tfce", "fwe_cluster_extent", "fwe_cluster_mass", "fwe_random_field")
    figures = {key: float(rate) for key, rate in zip(keys, rates, strict=True)}
    return {**figures, "monte_carlo_error": float(2 * np.sqrt(ALPHA * (1 - ALPHA) / n_runs))}


def _smallest_p(seed: int, mask: BoolArray, lattice: Lattice) -> list[float]:
    """Smallest corrected p of a run by t, TFCE, cluster extent, cluster mass and random fields."""
    maps = _draw_maps(seed, mask)
    design = one_sample(N_MAPS)
    model = prepare_model(maps, design)
    plan = plan_design(design, N_PERMUTATIONS, seed=seed)
    measurement = Measurement(STATISTICS, lattice, cluster_threshold(CLUSTER_FORMING_P, N_MAPS - 1))
    null = find_null_maxima(model, plan, plan.pieces(1)[0], measurement)
    observed = measure_map(observed_t(model), measurement, two_tailed=True)
    by_permutation = [
        float(corrected_p(np.array(value), null.maxima[name]))
        for name, value in zip(STATISTICS, observed, strict=True)
    ]
    fit = fit_design(maps, design)
    smoothness = estimate_smoothness(maps, design.matrix, mask)
    return [*by_permutation, float(np.nanmin(peak_p(fit.t, smoothness.resels, N_MAPS - 1)))]


def _make_ellipsoid(shape: tuple[int, int, int]) -> BoolArray:
    half = (np.array(shape) - 1) / 2
    offsets = (np.indices(shape) - half[:, None, None, None]) / half[:, None, None, None]
    return np.asarray((offsets**2).sum(axis=0) <= 1)


def _draw_maps(seed: int, mask: BoolArray) -> FloatArray:
    """(18, n_voxels) noise; smoothed in a larger box, so that it is as rough at the border as inside."""
    rng = np.random.default_rng(seed)
    margin = int(2 * FWHM_VOXELS)
    box = tuple(size + 2 * margin for size in mask.shape)
    inner = tuple(slice(margin, -margin) for _ in box)
    sigma = FWHM_VOXELS / np.sqrt(8 * np.log(2))
    maps = [ndimage.gaussian_filter(rng.standard_normal(box), sigma)[inner][mask] for _ in range(N_MAPS)]
    return np.stack(maps)
