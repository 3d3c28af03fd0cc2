"""How alike two images are, when their contrasts differ."""

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

BINS = 48


def normalised_mutual_information(first: FloatArray, second: FloatArray, mask: BoolArray) -> float:
    """Normalised mutual information within a mask, (H(a) + H(b)) / H(a, b) [Studholme 1999].

    Intensities are clipped at their 0.5 and 99.5 percentiles in the mask and put into 48 bins.

    Returns
    -------
    float
        From 1 (independent) to 2 (one determines the other); NaN when either image is constant in the mask.
    """
    known = mask & np.isfinite(first) & np.isfinite(second)
    codes = [_bin_numbers(image[known]) for image in (first, second)]
    if codes[0] is None or codes[1] is None:
        return float("nan")
    joint = np.bincount(codes[0] * BINS + codes[1], minlength=BINS * BINS).reshape(BINS, BINS) / known.sum()
    return (_entropy(joint.sum(axis=0)) + _entropy(joint.sum(axis=1))) / _entropy(joint.ravel())


def detail_correlation(
    first: FloatArray, second: FloatArray, mask: BoolArray, voxel_mm: FloatArray, fwhm_mm: float
) -> float:
    """Correlation within a mask of what is finer than a Gaussian of a full width at half maximum.

    Returns
    -------
    float
        From -1 to 1; 0 when either image has no detail in the mask.
    """
    sigma = fwhm_mm / np.sqrt(8 * np.log(2)) / voxel_mm
    weight = np.maximum(ndimage.gaussian_filter(mask.astype(np.float32), sigma), 1e-3)
    # Divided by the weight, the blurred image is a mean over the mask alone: its edge is no detail.
    details = [
        (image - ndimage.gaussian_filter(np.where(mask, image, 0), sigma) / weight)[mask]
        for image in (first, second)
    ]
    if not all(detail.size and np.ptp(detail) > 0 for detail in details):
        return 0.0
    return float(np.corrcoef(details[0], details[1])[0, 1])


def _bin_numbers(values: FloatArray) -> IntArray | None:
    """Bin numbers of intensities; None when they do not vary."""
    if values.size == 0:
        return None
    low, high = np.percentile(values, [0.5, 99.5])
    if high <= low:
        return None
    return np.asarray((np.clip((values - low) / (high - low), 0, 1 - 1e-6) * BINS).astype(np.int64))


def _entropy(probability: FloatArray) -> float:
    """Shannon entropy in nats."""
    positive = probability[probability > 0]
    return float(-(positive * np.log(positive)).sum())
