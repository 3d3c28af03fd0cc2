"""Whether errors are symmetric, which flipping signs takes for granted."""

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.linear_model import read_blocks


def mean_skewness(maps: FloatArray, matrix: FloatArray) -> float:
    """Mean over voxels of the skewness of the residuals; 0 is expected of symmetric errors.

    Parameters
    ----------
    maps
        (n_maps, n_voxels); voxels that are not finite or constant are passed over.
    matrix
        (n_maps, n_columns) design.
    """
    basis = np.linalg.qr(matrix)[0]
    total, count = 0.0, 0
    for _, block in read_blocks(maps):
        residuals = block - basis @ (basis.T @ block)
        variance = (residuals**2).mean(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            skewness = (residuals**3).mean(axis=0) / variance**1.5
        # Residuals below this share of the data's power are rounding, as in the linear model.
        known = np.isfinite(skewness) & (variance > 1e-12 * (block**2).mean(axis=0))
        total += float(skewness[known].sum())
        count += int(known.sum())
    return total / count if count else float("nan")
