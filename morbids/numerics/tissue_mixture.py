"""Tissue mixture of a T1w image: pure tissues, voxels that mix two of them, and their neighbourhood.

Cerebrospinal fluid, grey matter and white matter are Gaussian in intensity; a voxel that mixes two of them
has any fraction with equal probability [Santago & Gage 1993, IEEE TMI 12:566]. Neighbours make each other alike by a
Markov prior on the order CSF, CSF/GM, GM, GM/WM, WM, solved by mean field.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.compiled import compiled

SAMPLE = 60000
LEAST_PRIOR = 0.02
"""Anatomy never excludes a tissue: people differ from the average."""
N_CLASSES = 5
MOST_MIXED = 0.12
"""Largest weight of either mixture; what 1 mm voxels of a folded cortex hold."""
MOST_SPREAD = 0.45
"""Largest standard deviation of a tissue, in distances between the means: tissues stay apart in noise."""
GREY_OVER_WHITE_SPREAD = 1.5
"""Noise is alike in all tissues: where grey matter spreads further than white by more than what cortices differ,
the voxels are mixtures, which have classes of their own (and which a wide Gaussian would swallow)."""
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
    deep_grey
        Mean and spread of deep grey matter; those of GM when no prior says where it is.
    """

    mean: FloatArray
    sd: FloatArray
    weight: FloatArray
    deep_grey: tuple[float, float]


class TissuePrior(NamedTuple):
    """What anatomy expects in each voxel before its intensity is seen.

    Attributes
    ----------
    tissues
        (n, 3) probability of CSF, GM, WM.
    deep_grey
        (n,) probability of thalamus, pallidum, putamen or caudate, whose grey matter is brighter than the
        cortex.
    """

    tissues: FloatArray
    deep_grey: FloatArray


def fit_tissue_mixture(
    intensities: FloatArray,
    prior: TissuePrior | None = None,
    n_iterations: int = 60,
    start: TissueMixture | None = None,
) -> TissueMixture:
    """Fit the five-class mixture to brain intensities by expectation maximisation.

    Parameters
    ----------
    intensities
        (n,) of a bias-corrected T1w image within the brain; more than 60 000 are sampled evenly.
    prior
        Of the same voxels. With it the classes start from the tissues' places instead of from k-means.
    n_iterations
        At most this many steps; stops when means move by less than 1e-4 of their spread.
    start
        A mixture that is near, as of the same image with other shading.

    Raises
    ------
    ValueError
        The intensities do not vary.
    """
    step = max(1, len(intensities) // SAMPLE)
    low, high = np.percentile(intensities[::step], [0.1, 99.9])
    if not high > low:
        raise ValueError("the intensities do not vary")
    level = np.clip(intensities[::step], low, high).astype(np.float64)
    sample = None if prior is None else TissuePrior(prior.tissues[::step], prior.deep_grey[::step])
    mixture = start or _first_guess(level, sample)
    expected = expect_classes(sample)
    for _ in range(n_iterations):
        density = class_densities(level, mixture, sample) * class_prior(mixture, expected)
        responsibility = density / np.maximum(_sum_classes(density), 1e-300)
        updated = _maximise(level, responsibility, (high - low) / 100, sample)
        moved = np.abs(updated.mean - mixture.mean).max()
        mixture = updated
        if moved < 1e-4 * (high - low):
            break
    return mixture


def _first_guess(level: FloatArray, prior: TissuePrior | None) -> TissueMixture:
    """Three means where the prior is sure of a tissue, else by k-means."""
    mean = np.percentile(level, [5, 40, 85])
    if prior is not None:
        certain = prior.tissues * (prior.tissues > 0.7) * (prior.deep_grey < 0.2)[:, None]
        total = certain.sum(axis=0)
        mean = np.where(total > 0, (level[:, None] * certain).sum(axis=0) / np.maximum(total, 1e-12), mean)
        mean = np.sort(mean)
    else:
        for _ in range(50):
            nearest = np.abs(level[:, None] - mean).argmin(axis=1)
            mean = np.bincount(nearest, level, 3) / np.maximum(np.bincount(nearest, minlength=3), 1)
    sd = np.full(3, max(np.diff(mean).min(), np.ptp(level) / 20) / 4)
    deep = _deep_grey_intensity(level, prior, mean[1], sd[1])
    return TissueMixture(mean, sd, np.full(N_CLASSES, 1 / N_CLASSES), deep)


def _deep_grey_intensity(
    level: FloatArray, prior: TissuePrior | None, mean: float, sd: float
) -> tuple[float, float]:
    """Median and robust spread where deep grey matter is sure; those of grey matter without such voxels."""
    sure = np.zeros(len(level), dtype=bool) if prior is None else prior.deep_grey > 0.8
    if sure.sum() < 20:
        return float(mean), float(sd)
    median = float(np.median(level[sure]))
    return median, float(max(1.4826 * np.median(np.abs(level[sure] - median)), sd / 2))


def _maximise(
    level: FloatArray, responsibility: FloatArray, least_sd: float, prior: TissuePrior | None
) -> TissueMixture:
    """Means and spreads from the pure classes (cortex alone for grey matter), weights from all."""
    powers = np.stack([np.ones_like(level), level, level**2])
    sums = powers @ responsibility
    weights = sums[0] / len(level)
    if prior is not None:
        sums[:, 2] -= powers @ (prior.deep_grey * responsibility[:, 2])
    total, first, second = sums[:, PURE]
    total = np.maximum(total, 1e-12)
    mean = first / total
    variance = np.maximum(second / total - mean**2, 0)
    sd = np.clip(np.sqrt(variance), least_sd, MOST_SPREAD * max(np.diff(mean).min(), 2 * least_sd))
    sd[1] = min(sd[1], GREY_OVER_WHITE_SPREAD * sd[2])
    # Noise looks like mixing to a mixture of free weights, and would end as noise in the fractions.
    weight = np.clip(weights, LEAST_PRIOR, [1, MOST_MIXED, 1, MOST_MIXED, 1])
    deep = _deep_grey_intensity(level, prior, mean[1], sd[1])
    return TissueMixture(mean, sd, weight / weight.sum(), deep)


def tissue_contrast(mixture: TissueMixture) -> float:
    """White matter above grey matter, as part of its height above CSF: 0 when nothing tells the two apart."""
    csf, gm, wm = mixture.mean
    return float((wm - gm) / max(wm - csf, 1e-12))


def expect_classes(prior: TissuePrior | None) -> FloatArray | None:
    """What anatomy expects of the five classes over its average (n, 5); None without a prior."""
    if prior is None:
        return None
    csf, gm, wm = np.clip(prior.tissues, LEAST_PRIOR, 1).T
    expected = np.stack([csf, (csf + gm) / 2, gm, (gm + wm) / 2, wm], axis=1)
    expected /= expected.mean(axis=0)
    # Deep grey matter is grey through and through: its brightness is no admixture of white matter.
    expected[:, 3] *= 1 - 0.9 * prior.deep_grey
    expected[:, 4] *= 1 - 0.5 * prior.deep_grey
    return expected


def class_prior(mixture: TissueMixture, expected: FloatArray | None) -> FloatArray:
    """Prior of the five classes: (5,) weights, or (n, 5) weights times what `expect_classes` found."""
    if expected is None:
        return mixture.weight
    product = expected * mixture.weight.astype(expected.dtype)
    product /= _sum_classes(product)
    return product


def _sum_classes(values: FloatArray) -> FloatArray:
    """Sum (n, 1) over the classes: by the matrix library, which is ten times quicker along so short an axis."""
    return np.asarray(values @ np.ones((values.shape[1], 1), values.dtype))


def class_densities(
    intensities: FloatArray, mixture: TissueMixture, prior: TissuePrior | None = None
) -> FloatArray:
    """Densities of the five classes.

    Parameters
    ----------
    intensities
        (n,), whose precision the densities get.
    prior
        Of the same voxels: where deep grey matter is expected, grey matter has its brightness.

    Returns
    -------
    FloatArray
        (n, 5). A mixture's density is the integral of Gaussians over all fractions, in closed form. Below the mean of
        CSF and above that of WM the density is that at the mean, so that dark and bright outliers keep their
        class.
    """
    # Plain numbers leave the precision of arrays as it is.
    mean, sd, (deep_mean, deep_sd) = mixture.mean.tolist(), mixture.sd.tolist(), mixture.deep_grey
    value = np.clip(intensities, mean[0], mean[2])
    density = np.empty((len(value), N_CLASSES), value.dtype)
    for tissue, position in enumerate(PURE):
        density[:, position] = _gaussian(value, mean[tissue], sd[tissue])
    if prior is not None:
        density[:, 2] += prior.deep_grey * (_gaussian(value, deep_mean, deep_sd) - density[:, 2])
    for darker in (0, 1):
        low, high = mean[darker : darker + 2]
        spread = (sd[darker] + sd[darker + 1]) / 2
        rise = special.ndtr((value - low) / spread) - special.ndtr((value - high) / spread)
        density[:, 2 * darker + 1] = rise / max(high - low, 1e-12)
    return density


def _gaussian(value: FloatArray, mean: float, sd: float) -> FloatArray:
    z = (value - mean) / sd
    return np.asarray(np.exp(z * z * -0.5) / (sd * math.sqrt(2 * math.pi)))


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
    prior: TissuePrior | None = None,
    n_sweeps: int = 6,
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
        Of the voxels in the mask; None for the mixture's weights everywhere.

    Returns
    -------
    FloatArray
        (x, y, z, 3) of CSF, GM, WM: sums to 1 in the mask, 0 outside.
    """
    values = intensities[mask]
    density = class_densities(values, mixture, prior) * class_prior(mixture, expect_classes(prior))
    density = np.maximum(density, 1e-30).astype(np.float32)
    posterior = np.zeros((*mask.shape, N_CLASSES), dtype=np.float32)
    posterior[mask] = density / _sum_classes(density)
    evidence = np.zeros_like(posterior)
    if n_sweeps:
        evidence[mask] = np.log(density)
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


@compiled
def _sweep(posterior: FloatArray, evidence: FloatArray, mask: BoolArray, coupling: FloatArray) -> None:
    """One in-place mean-field sweep: each voxel hears its six neighbours, by distance in the class order."""
    n_x, n_y, n_z = mask.shape
    energy = np.zeros(N_CLASSES, dtype=np.float32)
    heard = np.zeros(N_CLASSES, dtype=np.float32)
    for x in range(n_x):
        for y in range(n_y):
            for z in range(n_z):
                if not mask[x, y, z]:
                    continue
                heard[:] = 0
                for axis in range(3):
                    for side in (-1, 1):
                        i = x + side if axis == 0 else x
                        j = y + side if axis == 1 else y
                        m = z + side if axis == 2 else z
                        # Outside the mask posteriors are zero, so that only the edge of the array is special.
                        if 0 <= i < n_x and 0 <= j < n_y and 0 <= m < n_z:
                            for k in range(N_CLASSES):
                                heard[k] += coupling[axis] * posterior[i, j, m, k]
                for k in range(N_CLASSES):
                    energy[k] = evidence[x, y, z, k]
                    for other in range(N_CLASSES):
                        energy[k] -= abs(k - other) * heard[other]
                top = energy.max()
                total = np.float32(0)
                for k in range(N_CLASSES):
                    posterior[x, y, z, k] = np.exp(energy[k] - top)
                    total += posterior[x, y, z, k]
                for k in range(N_CLASSES):
                    posterior[x, y, z, k] /= total
