"""Tissue mixture of a T1w image: pure tissues, voxels that mix two of them, and their neighbourhood.

Cerebrospinal fluid, grey matter and white matter are Gaussian in intensity; a voxel that mixes two of them
has any fraction with equal probability [Santago & Gage 1993, IEEE TMI 12:566]. Neighbours make each other alike by a
Markov prior on the order CSF, CSF/GM, GM, GM/WM, WM, solved by mean field.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.special import ndtr

from morbids.numerics.arrays import BoolArray, FloatArray

N_BINS = 512
N_CLASSES = 5
PURE = (0, 2, 4)
"""Positions of CSF, GM and WM among the five ordered classes; 1 and 3 are the mixtures."""


class TissueMixture(NamedTuple):
    """Intensities of the tissues.

    Attributes
    ----------
    mean, sd
        (3,) of CSF, GM, WM.
    weight
        (5,) share of CSF, CSF/GM, GM, GM/WM, WM; sums to 1.
    """

    mean: FloatArray
    sd: FloatArray
    weight: FloatArray


def fit_tissue_mixture(intensities: FloatArray, n_iterations: int = 200) -> TissueMixture:
    """Fit the five-class mixture to brain intensities by expectation maximisation on their histogram.

    Parameters
    ----------
    intensities
        (n_voxels,) of a bias-corrected T1w image within the brain.
    n_iterations
        At most this many steps; stops when means move by less than 1e-4 of their spread.

    Raises
    ------
    ValueError
        The intensities do not vary.
    """
    low, high = np.percentile(intensities, [0.1, 99.9])
    if not high > low:
        raise ValueError("the intensities do not vary")
    counts, edges = np.histogram(intensities, N_BINS, (low, high))
    level = (edges[:-1] + edges[1:]) / 2
    share = counts / counts.sum()
    mixture = _first_guess(level, share)
    for _ in range(n_iterations):
        density = class_densities(level, mixture) * mixture.weight
        responsibility = share[:, None] * density / np.maximum(density.sum(axis=1, keepdims=True), 1e-300)
        updated = _maximise(level, responsibility, (high - low) / 100)
        moved = np.abs(updated.mean - mixture.mean).max()
        mixture = updated
        if moved < 1e-4 * (high - low):
            break
    return mixture


def _first_guess(level: FloatArray, share: FloatArray) -> TissueMixture:
    """Three means by k-means on the histogram."""
    cumulative = np.cumsum(share)
    mean = np.interp([0.05, 0.4, 0.85], cumulative, level)
    for _ in range(100):
        nearest = np.abs(level[:, None] - mean).argmin(axis=1)
        weight = np.bincount(nearest, share, 3)
        mean = np.bincount(nearest, share * level, 3) / np.maximum(weight, 1e-12)
    sd = np.full(3, np.diff(mean).min() / 4)
    return TissueMixture(mean, sd, np.full(N_CLASSES, 1 / N_CLASSES))


def _maximise(level: FloatArray, responsibility: FloatArray, least_sd: float) -> TissueMixture:
    """Means and spreads from the pure classes, weights from all."""
    pure = responsibility[:, PURE]
    total = np.maximum(pure.sum(axis=0), 1e-12)
    mean = (level[:, None] * pure).sum(axis=0) / total
    variance = ((level[:, None] - mean) ** 2 * pure).sum(axis=0) / total
    weight = responsibility.sum(axis=0)
    return TissueMixture(mean, np.maximum(np.sqrt(variance), least_sd), weight / weight.sum())


def class_densities(intensities: FloatArray, mixture: TissueMixture) -> FloatArray:
    """Densities of the five classes.

    Parameters
    ----------
    intensities
        (n,).

    Returns
    -------
    FloatArray
        (n, 5). A mixture's density is the integral of Gaussians over all fractions, in closed form. Below the mean of
        CSF and above that of WM the density is that at the mean, so that dark and bright outliers keep their
        class.
    """
    value = np.clip(intensities, mixture.mean[0], mixture.mean[2])
    density = np.empty((len(value), N_CLASSES))
    for tissue, position in enumerate(PURE):
        z = (value - mixture.mean[tissue]) / mixture.sd[tissue]
        density[:, position] = np.exp(-(z**2) / 2) / (mixture.sd[tissue] * np.sqrt(2 * np.pi))
    for darker in (0, 1):
        means, sd = mixture.mean[darker : darker + 2], mixture.sd[darker : darker + 2].mean()
        rise = ndtr((value - means[0]) / sd) - ndtr((value - means[1]) / sd)
        density[:, 2 * darker + 1] = rise / max(means[1] - means[0], 1e-12)
    return density


def brighter_fraction(intensities: FloatArray, mixture: TissueMixture) -> FloatArray:
    """Fraction of the brighter tissue in a voxel of each mixture, were it one: (n, 2) for CSF/GM and GM/WM."""
    darker, brighter = mixture.mean[:2], mixture.mean[1:]
    fraction: FloatArray = np.clip((intensities[:, None] - darker) / (brighter - darker), 0, 1)
    return fraction


def tissue_posteriors(
    intensities: FloatArray,
    mask: BoolArray,
    mixture: TissueMixture,
    coupling: FloatArray,
    prior: FloatArray | None = None,
    n_sweeps: int = 8,
) -> FloatArray:
    """Posterior fraction of each tissue in each voxel of a mask.

    Parameters
    ----------
    intensities
        (x, y, z).
    mask
        (x, y, z).
    coupling
        (3,) strength of the Markov prior towards neighbours along each axis.
    prior
        (x, y, z, 5) spatial prior of the classes; None for the mixture's weights everywhere.

    Returns
    -------
    FloatArray
        (x, y, z, 3) of CSF, GM, WM: sums to 1 in the mask, 0 outside.
    """
    values = intensities[mask]
    density = class_densities(values, mixture)
    weights = mixture.weight if prior is None else prior[mask]
    evidence = np.full((*mask.shape, N_CLASSES), 0.0, dtype=np.float32)
    evidence[mask] = np.log(np.maximum(density * weights, 1e-30))
    posterior = np.zeros_like(evidence)
    start = np.exp(evidence[mask] - evidence[mask].max(axis=1, keepdims=True))
    posterior[mask] = start / start.sum(axis=1, keepdims=True)
    for _ in range(n_sweeps):
        _sweep(posterior, evidence, mask, coupling.astype(np.float32))
    classes = posterior[mask]
    fraction = brighter_fraction(values, mixture)
    tissues = np.zeros((*mask.shape, 3), dtype=np.float32)
    tissues[mask] = np.stack(
        [
            classes[:, 0] + classes[:, 1] * (1 - fraction[:, 0]),
            classes[:, 2] + classes[:, 1] * fraction[:, 0] + classes[:, 3] * (1 - fraction[:, 1]),
            classes[:, 4] + classes[:, 3] * fraction[:, 1],
        ],
        axis=1,
    )
    return tissues


@njit(cache=True)
def _sweep(posterior: FloatArray, evidence: FloatArray, mask: BoolArray, coupling: FloatArray) -> None:
    """One in-place mean-field sweep: each voxel hears its six neighbours, by distance in the class order."""
    n_x, n_y, n_z = mask.shape
    energy = np.zeros(N_CLASSES, dtype=np.float32)
    for x in range(n_x):
        for y in range(n_y):
            for z in range(n_z):
                if not mask[x, y, z]:
                    continue
                for k in range(N_CLASSES):
                    energy[k] = evidence[x, y, z, k]
                for axis in range(3):
                    for side in (-1, 1):
                        i = x + side if axis == 0 else x
                        j = y + side if axis == 1 else y
                        m = z + side if axis == 2 else z
                        if i < 0 or j < 0 or m < 0 or i >= n_x or j >= n_y or m >= n_z or not mask[i, j, m]:
                            continue
                        for k in range(N_CLASSES):
                            unlike = np.float32(0)
                            for other in range(N_CLASSES):
                                unlike += abs(k - other) * posterior[i, j, m, other]
                            energy[k] -= coupling[axis] * unlike
                top = energy.max()
                total = np.float32(0)
                for k in range(N_CLASSES):
                    posterior[x, y, z, k] = np.exp(energy[k] - top)
                    total += posterior[x, y, z, k]
                for k in range(N_CLASSES):
                    posterior[x, y, z, k] /= total
