"""Two groups whose variances may differ, with or without covariates: one fit, and its rearrangements.

The effect is that of least squares. Its variance is the sum over the groups of the group's own residual variance times
the squared weights of its maps; the degrees of freedom are Satterthwaite's (1946, Biometrics Bulletin 2:110). Without
covariates this is Welch's test (1947, Biometrika 34:28).

These degrees of freedom differ from voxel to voxel: where the variance of a small group comes out small by chance, t is
large and means little. Maxima of a few voxels are therefore taken of z, the normal deviate of t at the voxel's own
degrees of freedom. Many voxels tell the ratio of the two variances together: maxima over a brain are of z of t by
generalised least squares, with this one ratio and a variance of all maps of the voxel, which has many more degrees of
freedom (`rearranged.WeighedModel`). Where the ratio differs between voxels t is too large in some of them, and so it
is when signs are flipped.

What is rearranged are residuals of the null model, and a residual keeps the variance of its error only where the model
took little of it. The null model is therefore fitted by generalised least squares with one ratio of variances for all
voxels: of a small group that varies more than the other, the common mean is then mostly the other's. Where the ratio
differs much between voxels that does not hold, and small groups lose their level (`Ratio.spread`).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.linear_model import (
    LinearFit,
    MapsInBlocks,
    check_design,
    quick_z,
    read_blocks,
    residual_variance,
    summarise_fit,
)

# People that a group needs for claims: of fewer the level does not hold (`python -m benchmarks two_groups`).
FEWEST_IN_GROUP = 4
# The same where the ratio of the two variances differs between voxels, and from which spread of it.
FEWEST_IF_RATIO_VARIES, VARIED_SPREAD = 9, 0.35
# Keeps t finite where a rearrangement leaves no residual.
SMALLEST_SHARE = 1e-12


class _Groups(NamedTuple):
    """What both the fit and its rearrangements need of a design.

    Attributes
    ----------
    basis
        (n_maps, k) orthonormal columns that span the design.
    weights
        (k,) of the coordinates in the effect.
    members
        (2, n_maps) of the first and of the second group.
    df
        (2,) residual degrees of freedom: maps of a group minus what the design takes from them.
    squares
        (2,) sum of the squared weights of the group's maps.
    """

    basis: FloatArray
    weights: FloatArray
    members: BoolArray
    df: FloatArray
    squares: FloatArray


def can_estimate_both(matrix: FloatArray, second_group: BoolArray) -> bool:
    """Whether a design of full rank leaves each group two maps and a degree of freedom for its variance."""
    members = np.stack([~second_group, second_group])
    return bool(
        members.sum(axis=1).min() >= 2 and _degrees(np.linalg.qr(matrix)[0], members).min() >= 1 - 1e-9
    )


def _degrees(basis: FloatArray, members: BoolArray) -> FloatArray:
    """(2,) maps of each group minus their leverages.

    What covariates take from a group need not be whole; under one degree nothing is known of its variance.
    """
    leverage = np.einsum("ij,ij->i", basis, basis)
    return np.array([float(np.sum(1 - leverage[rows])) for rows in members])


def smaller_group(second_group: BoolArray) -> int:
    """Maps of the smaller of two groups."""
    return int(min(np.sum(second_group), np.sum(~np.asarray(second_group, dtype=bool))))


def check_groups(matrix: FloatArray, second_group: BoolArray) -> None:
    """Refuse two groups that cannot have a variance each.

    Raises
    ------
    MorbidsError
        A group has fewer than two maps, or the design leaves it less than a degree of freedom.
    """
    second = np.asarray(second_group, dtype=bool)
    sizes = int((~second).sum()), int(second.sum())
    if can_estimate_both(matrix, second):
        return
    df = _degrees(np.linalg.qr(np.asarray(matrix, dtype=float))[0], np.stack([~second, second]))
    raise MorbidsError(
        f"The groups have {sizes[0]} and {sizes[1]} maps, of which the design leaves {df[0]:.1f} and {df[1]:.1f} "
        "degrees of freedom; a variance needs two maps and one degree in each.",
        "Merge groups, drop covariates, or compare them with equal variances.",
    )


def _split(matrix: FloatArray, contrast: FloatArray, second_group: BoolArray) -> _Groups:
    check_groups(matrix, second_group)
    second = np.asarray(second_group, dtype=bool)
    members = np.stack([~second, second])
    basis, triangle = np.linalg.qr(np.asarray(matrix, dtype=float))
    weights = np.linalg.solve(triangle.T, np.asarray(contrast, dtype=float))
    df = _degrees(basis, members)
    squares = np.array([float(np.sum((basis[rows] @ weights) ** 2)) for rows in members])
    return _Groups(basis, weights, members, df, squares)


class Ratio(NamedTuple):
    """Ratio of the standard deviations of two groups.

    Attributes
    ----------
    first_over_second
        Geometric mean over the voxels.
    spread
        Standard deviation of its logarithm over the voxels, beyond that of estimates from so few maps.
    """

    first_over_second: float
    spread: float


def measure_ratio(maps: FloatArray, matrix: FloatArray, second_group: BoolArray) -> Ratio:
    """Compare the residual variances of both groups; a ratio of 1 where no voxel tells.

    The logarithm of a residual variance with k degrees of freedom is low by log(k / 2) - digamma(k / 2) in the mean and
    has the variance trigamma(k / 2), whatever the variance itself.
    """
    groups = _split(matrix, np.ones(matrix.shape[1]), second_group)
    total, squares, n_voxels = 0.0, 0.0, 0
    for _, block in read_blocks(maps):
        with np.errstate(invalid="ignore", divide="ignore"):
            residuals = block - groups.basis @ (groups.basis.T @ block)
            first, second = (
                residual_variance(block[rows], residuals[rows], df)
                for rows, df in zip(groups.members, groups.df, strict=True)
            )
            ratios = np.log(first / second)
        known = np.isfinite(ratios)
        total += float(ratios[known].sum())
        squares += float(np.square(ratios[known]).sum())
        n_voxels += int(known.sum())
    if not n_voxels:
        return Ratio(1.0, 0.0)
    mean = total / n_voxels
    low = special.digamma(groups.df / 2) - np.log(groups.df / 2)
    beyond = squares / n_voxels - mean**2 - float(special.polygamma(1, groups.df / 2).sum())
    # Of variances; standard deviations have half of their logarithms.
    return Ratio(float(np.exp((mean - (low[0] - low[1])) / 2)), float(np.sqrt(max(beyond, 0.0))) / 2)


def weigh_maps(maps: FloatArray, matrix: FloatArray, second_group: BoolArray) -> FloatArray:
    """(n_maps,) weights of generalised least squares: one over the variance of each group, that of the second 1."""
    ratio = measure_ratio(maps, matrix, second_group).first_over_second
    return np.where(second_group, 1.0, ratio**-2)


def fit_unequal_variances(
    maps: FloatArray, matrix: FloatArray, contrast: FloatArray, second_group: BoolArray
) -> LinearFit:
    """Test a contrast of two groups with a variance each.

    Hedges' g divides by the root mean square of the two standard deviations.

    Parameters
    ----------
    maps
        (n_maps, n_voxels).
    matrix, contrast
        (n_maps, n_columns) design with a column for each group, and (n_columns,) weights.
    second_group
        (n_maps,) true for the second group.

    Raises
    ------
    MorbidsError
        A group has fewer than two maps or no degree of freedom, the design cannot be estimated, or the numbers of rows
        differ.
    """
    if len(maps) != len(matrix) or len(maps) != len(second_group):
        raise MorbidsError(
            f"There are {len(maps)} maps but {len(matrix)} rows in the design.", "Give one row for each map."
        )
    check_design(matrix, contrast, [str(column + 1) for column in range(matrix.shape[1])])
    groups = _split(matrix, contrast, second_group)
    effect, variances = np.empty(maps.shape[1]), np.empty((2, maps.shape[1]))
    for columns, block in read_blocks(maps):
        with np.errstate(invalid="ignore"):
            coordinates = groups.basis.T @ block
            residuals = block - groups.basis @ coordinates
        effect[columns] = groups.weights @ coordinates
        for group, rows in enumerate(groups.members):
            variances[group, columns] = residual_variance(block[rows], residuals[rows], groups.df[group])
    shares = variances * groups.squares[:, None]
    variance = shares.sum(axis=0)
    df = variance**2 / (shares**2 / groups.df[:, None]).sum(axis=0)
    return summarise_fit(np.where(np.isnan(variance), np.nan, effect), variance, df, variances.mean(axis=0))


@dataclass(frozen=True)
class UnequalModel(MapsInBlocks):
    """Z of two groups with a variance each; the design is what is rearranged.

    Attributes
    ----------
    rows
        (1 + 2 k, n_maps): the second group; then each column of the orthonormal design within the first group, and
        within the second.
    data
        (n_maps, n_voxels) residuals of the null model of length 1, 0 where nothing can be tested.
    weights, df, squares
        As in the fit.
    overlap
        (k, k) products of the design's columns over the second group.
    """

    rows: FloatArray
    data: FloatArray
    weights: FloatArray
    df: FloatArray
    squares: FloatArray
    overlap: FloatArray

    def score(self, rows: FloatArray, block: slice) -> FloatArray:
        """Z from sums over the groups: the residuals themselves are never made."""
        data = self.data[:, block]
        k = len(self.weights)
        moved = rows.astype(data.dtype)
        first, second = (self._project(moved[:, start : start + k], data) for start in (1, 1 + k))
        both = first + second
        in_second = np.tensordot(self.overlap.astype(data.dtype), both, axes=(1, 0))
        power = (data**2).sum(axis=0)
        square_second = np.abs(moved[:, 0]) @ data**2
        residual_second = square_second + np.sum(both * (in_second - 2 * second), axis=0)
        residual_first = power - square_second + np.sum(both * (both - in_second - 2 * first), axis=0)
        shares = [
            np.maximum(residual, SMALLEST_SHARE) * (squares / df)
            for residual, squares, df in zip(
                (residual_first, residual_second), self.squares, self.df, strict=True
            )
        ]
        variance = shares[0] + shares[1]
        df = variance**2 / (shares[0] ** 2 / self.df[0] + shares[1] ** 2 / self.df[1])
        effect = np.tensordot(self.weights.astype(data.dtype), both, axes=(0, 0))
        return quick_z(effect / np.sqrt(variance), df)

    def _project(self, rows: FloatArray, data: FloatArray) -> FloatArray:
        """(k, n, n_block) sums of the data, weighted by each of k rows."""
        return np.stack([rows[:, column] @ data for column in range(rows.shape[1])])

    def to_t(self, scores: FloatArray) -> FloatArray:
        """Scores are z, which has no t of fixed degrees of freedom."""
        return scores


def prepare_unequal(
    data: FloatArray, matrix: FloatArray, contrast: FloatArray, second_group: BoolArray
) -> UnequalModel:
    """Prepare the test of (n_maps, n_voxels) residuals of the null model, each of length 1."""
    groups = _split(matrix, contrast, second_group)
    inside = [(groups.basis * rows[:, None]).T for rows in groups.members]
    rows = np.vstack([groups.members[1][None, :].astype(float), *inside])
    overlap = inside[1] @ groups.basis
    return UnequalModel(rows, data, groups.weights, groups.df, groups.squares, overlap)
