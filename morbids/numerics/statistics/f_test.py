"""Several contrasts at once by F, such as the differences among three groups or four scans of a person.

With y the residuals of the null model at length 1, X an orthonormal basis of what the contrasts add and N one of the
null model,

    R2 = |X'Py|^2 / (1 - |N'Py|^2),    F = (R2 / q) / ((1 - R2) / df),

for each rearrangement P, as for t, which is the case of one contrast (q = 1) with its sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.linear_model import (
    LinearFit,
    MapsInBlocks,
    check_design,
    check_rows,
    read_blocks,
    residual_variance,
)

# Keeps F finite where a rearrangement leaves no residual.
_SMALLEST_SHARE = 1e-12
_SMALLEST_P_OF_NDTRI = 1e-300


def tail_of_f(f: FloatArray, n_tested: int, df: FloatArray | float) -> FloatArray:
    """Probability of an F at least as large."""
    return np.asarray(special.fdtrc(n_tested, df, f))


def quick_z_of_f(f: FloatArray, n_tested: int, df: FloatArray | float) -> FloatArray:
    """Normal deviate with nearly the upper tail area of F, quick and rising with F.

    Paulson's approximation (1942, Ann Math Stat 13:233): the cube root of F is nearly normal. As a statistic of
    permutations it needs no exact tail: its null distribution is its own.
    """
    of_tested, of_rest = 2 / (9 * n_tested), 2 / (9 * np.asarray(df, dtype=float))
    root = np.cbrt(f)
    return np.asarray(((1 - of_rest) * root - (1 - of_tested)) / np.sqrt(of_rest * root**2 + of_tested))


def fit_f(
    maps: FloatArray, matrix: FloatArray, contrasts: FloatArray, column_names: Sequence[str]
) -> LinearFit:
    """Fit maps = matrix @ parameters + noise by least squares and test that all contrasts are 0.

    Parameters
    ----------
    maps
        (n_maps, n_voxels).
    matrix, contrasts
        (n_maps, n_columns) design, and (n_tested, n_columns) weights.

    Raises
    ------
    MorbidsError
        The design cannot be estimated, contrasts depend on each other, or the numbers of rows differ.
    """
    check_rows(maps, matrix)
    check_design(matrix, contrasts, column_names)
    orthonormal, triangle = np.linalg.qr(matrix)
    # Of the coordinates Q' maps, the part that lies in the span of the contrasts: C R^-1, made orthonormal.
    tested = np.linalg.qr(np.linalg.solve(triangle.T, contrasts.T))[0]
    df, n_tested = float(matrix.shape[0] - matrix.shape[1]), len(contrasts)
    f = np.empty(maps.shape[1])
    for columns, block in read_blocks(maps):
        with np.errstate(invalid="ignore"):
            coordinates = orthonormal.T @ block
            noise = residual_variance(block, block - orthonormal @ coordinates, df)
            f[columns] = np.square(tested.T @ coordinates).sum(axis=0) / n_tested / noise
    p = tail_of_f(f, n_tested, df)
    unknown = np.full(f.shape, np.nan)
    return LinearFit(
        effect=unknown,
        variance=unknown,
        t=unknown,
        df=np.full(f.shape, df),
        z=_z_of_tail(p, f, n_tested, df),
        p=p,
        hedges_g=unknown,
        r_squared=n_tested * f / (n_tested * f + df),
        f=f,
    )


def _z_of_tail(p: FloatArray, f: FloatArray, n_tested: int, df: float) -> FloatArray:
    """Normal deviate with the upper tail area of F; quick where the area is too small to be inverted."""
    with np.errstate(divide="ignore"):
        by_area = -special.ndtri(p)
    return np.asarray(np.where(p < _SMALLEST_P_OF_NDTRI, quick_z_of_f(f, n_tested, df), by_area))


@dataclass(frozen=True)
class FModel(MapsInBlocks):
    """F of several contrasts; score = partial R2.

    Attributes
    ----------
    rows
        (n_tested + k, n_maps): orthonormal basis of what the contrasts add, then the null model.
    data
        (n_maps, n_voxels) residuals of the null model of length 1, 0 where nothing can be tested.
    n_tested, df
        Degrees of freedom.
    """

    rows: FloatArray
    data: FloatArray
    n_tested: int
    df: float

    def score(self, rows: FloatArray, block: slice) -> FloatArray:
        """Partial R2 of each voxel."""
        data = self.data[:, block]
        moved = rows.astype(data.dtype)
        squares = [(moved[:, row] @ data) ** 2 for row in range(moved.shape[1])]
        explained = np.sum(squares[: self.n_tested], axis=0)
        left = 1 - np.sum(squares[self.n_tested :], axis=0) if len(squares) > self.n_tested else 1.0
        return np.asarray(explained / np.maximum(left, _SMALLEST_SHARE))

    def to_t(self, scores: FloatArray) -> FloatArray:
        """F of a partial R2."""
        left = np.maximum(1 - scores, _SMALLEST_SHARE)
        return np.asarray(self.df / self.n_tested * scores / left)
