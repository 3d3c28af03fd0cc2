"""Weights at the group level: plain t, pseudo-t and mixed effects on difference maps, level and power in one table.

Each study draws difference maps of smooth noise: what differs between people, and the error of each scan, whose
variance differs between scans as doses and body sizes do and is known to the judge. Noise is the same everywhere, or
varies over the map as binding does (a log-normal standard deviation, correlated over about three voxels), and an effect
in a tenth of the voxels with it. Signs are flipped for all three; a voxel is found where its statistic passes the
largest of the rearrangements.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.exchange import random_signs
from morbids.numerics.statistics.permutation import corrected_p

ALPHA = 0.05
N_PERMUTATIONS = 199
SHAPE = (8, 8, 8)
NOISE_SIGMA_VOXELS, VARIANCE_SIGMA_VOXELS = 1.2, 2.5
EFFECT_SE = 4.5
# The variance of scans differs by this factor between the best and the worst, log-uniform: doses from 200 to 800 MBq.
VARIANCE_RANGE = 4.0
# Mean share of the variance of a difference map that the scans' own errors make.
ERROR_SHARES = (0.2, 0.8)
SIZES = (8, 18)
# Standard deviation over the map of the logarithm of the noise's own, by what the figures call it.
VARIED: dict[str, float] = {"uniform": 0.0, "varied": 0.4}


class Differences(NamedTuple):
    """(n_maps, n_voxels) maps and variances of their scans' errors, and the (n_voxels,) local size of the noise."""

    maps: FloatArray
    errors: FloatArray
    noise: FloatArray


Statistic = Callable[[FloatArray, FloatArray], FloatArray]


def run(quick: bool) -> dict[str, float]:
    """Judge 150 studies of every case, or 30.

    Returns
    -------
    dict
        fwe_<statistic>_<n>_<share>_<noise>, found_...: share of null studies with a false positive, and of the voxels
        with an effect that are found; n people, share of the variance that scans' errors make, and whether the noise
        is uniform or varied over the map.
        Statistics: t, pseudo_t (variance smoothed by twice the width of the noise), mixed (weights from the known
        error and the between-person variance by moments). monte_carlo_error: two standard errors of a share of .05.
    """
    n_studies = 30 if quick else 150
    figures: dict[str, float] = {}
    for n_maps in SIZES:
        for share, (words, spread) in product(ERROR_SHARES, VARIED.items()):
            rng = np.random.default_rng(23)
            studies = [_study(_draw(n_maps, share, spread, rng)) for _ in range(n_studies)]
            for name in studies[0]:
                key = f"{name}_{n_maps}_{share:g}_{words}"
                figures[key] = float(np.mean([study[name] for study in studies]))
    return {**figures, "monte_carlo_error": float(2 * np.sqrt(ALPHA * (1 - ALPHA) / n_studies))}


def plain_t(maps: FloatArray, _errors: FloatArray) -> FloatArray:
    """Student's t of each (..., n_maps, n_voxels) set of maps."""
    t: FloatArray = maps.mean(axis=-2) / np.sqrt(maps.var(axis=-2, ddof=1) / maps.shape[-2])
    return t


def pseudo_t(maps: FloatArray, _errors: FloatArray) -> FloatArray:
    """T with the variance smoothed in space."""
    variance = maps.var(axis=-2, ddof=1).reshape(-1, *SHAPE)
    smooth = ndimage.gaussian_filter(variance, (0, *[VARIANCE_SIGMA_VOXELS] * 3), mode="wrap")
    t: FloatArray = maps.mean(axis=-2) / np.sqrt(smooth.reshape(*maps.shape[:-2], -1) / maps.shape[-2])
    return t


def mixed_effects(maps: FloatArray, errors: FloatArray) -> FloatArray:
    """T of the weighted mean: between-person variance by moments (DerSimonian & Laird 1986), Knapp-Hartung error."""
    weights = 1 / errors
    mean = (weights * maps).sum(axis=-2) / weights.sum(axis=-2)
    scatter = (weights * (maps - mean[..., None, :]) ** 2).sum(axis=-2)
    total = weights.sum(axis=-2)
    between = (scatter - (maps.shape[-2] - 1)) / (total - (weights**2).sum(axis=-2) / total)
    weights = 1 / (errors + np.maximum(between, 0)[..., None, :])
    total = weights.sum(axis=-2)
    mean = (weights * maps).sum(axis=-2) / total
    left = (weights * (maps - mean[..., None, :]) ** 2).sum(axis=-2) / (maps.shape[-2] - 1)
    return np.asarray(mean / np.sqrt(left / total))


STATISTICS: dict[str, Statistic] = {"t": plain_t, "pseudo_t": pseudo_t, "mixed": mixed_effects}


def _draw(n_maps: int, share: float, spread: float, rng: np.random.Generator) -> Differences:
    """Noise of unit variance on the average of people, times its local size; scans' own errors make a share."""
    dose = np.exp(rng.uniform(0, np.log(VARIANCE_RANGE), n_maps))
    errors = (share * dose / dose.mean())[:, None]
    between, within = (_smooth(rng, n_maps) for _ in range(2))
    noise = np.exp(spread * _smooth(rng, 1)[0])
    maps = noise * (np.sqrt(1 - share) * between + np.sqrt(errors) * within)
    return Differences(maps, errors * noise**2, noise)


def _smooth(rng: np.random.Generator, n_maps: int) -> FloatArray:
    """(n_maps, n_voxels) smooth noise of unit variance."""
    sigma = (0, *[NOISE_SIGMA_VOXELS] * 3)
    smooth = ndimage.gaussian_filter(rng.standard_normal((n_maps, *SHAPE)), sigma, mode="wrap")
    return np.asarray((smooth / smooth.std()).reshape(n_maps, -1))


def _study(drawn: Differences) -> dict[str, float]:
    maps, errors, noise = drawn
    active = np.arange(maps.shape[1]) % 10 == 0
    displaced = maps + EFFECT_SE / np.sqrt(len(maps)) * noise * active
    signs = random_signs(5, 0, N_PERMUTATIONS, len(maps))[:, :, None]
    found = {}
    for name, statistic in STATISTICS.items():
        found[f"fwe_{name}"] = float(np.any(_p(maps, errors, signs, statistic) <= ALPHA))
        found[f"found_{name}"] = float(np.mean(_p(displaced, errors, signs, statistic)[active] <= ALPHA))
    return found


def _p(maps: FloatArray, errors: FloatArray, signs: FloatArray, statistic: Statistic) -> FloatArray:
    """(n_voxels,) p of each voxel, corrected by the largest statistic of all flips."""
    null = np.abs(statistic(signs * maps, errors)).max(axis=1)
    return corrected_p(statistic(maps, errors), null)
