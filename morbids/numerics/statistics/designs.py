"""Design matrices of the usual group questions, with contrast and what may be exchanged under the null."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.coverage import find_patterns
from morbids.numerics.statistics.f_test import fit_f
from morbids.numerics.statistics.linear_model import (
    LinearFit,
    check_design,
    fit_linear_model,
    portions,
)
from morbids.numerics.statistics.unequal import check_groups, fit_unequal_variances

Exchange = Literal["signs", "orders"]

FEWEST_MAPS = 3
INTERCEPT = "intercept"


class Design(NamedTuple):
    """One question to a set of maps.

    Attributes
    ----------
    matrix
        (n_maps, n_columns).
    columns
        Names of the columns.
    contrast
        (n_columns,) weights, tested by t; or (n_tested, n_columns) of several contrasts at once, tested by F.
    exchange
        What leaves the null distribution as it is: flipping signs (errors symmetric about 0) or changing
        the order of the maps (errors exchangeable).
    second_group
        (n_maps,) of a comparison with unequal variances, otherwise None.
    voxelwise
        Whether each voxel is tested by the maps that know it, or by all maps or not at all.
    blocks
        Number of the participant of each map, from 0 and in their order, where a participant has several: these maps
        move together. Empty where each map is a participant of its own.
    """

    matrix: FloatArray
    columns: tuple[str, ...]
    contrast: FloatArray
    exchange: Exchange
    second_group: BoolArray | None = None
    voxelwise: bool = False
    blocks: tuple[int, ...] = ()

    @property
    def n_tested(self) -> int:
        """Contrasts that F tests at once; 0 for a question of t."""
        return len(self.contrast) if self.contrast.ndim == 2 else 0

    @property
    def n_movable(self) -> int:
        """Maps or participants that can be rearranged."""
        return len(set(self.blocks)) or len(self.matrix)


def one_sample(n_maps: int, covariates: Mapping[str, FloatArray] | None = None) -> Design:
    """Mean of the maps (e.g. paired differences) against 0, at the mean of each covariate.

    Raises
    ------
    MorbidsError
        Fewer than three maps, or a covariate that is constant, incomplete or repeats others.
    """
    return make_design({INTERCEPT: np.ones(n_maps), **_demean(covariates)}, {INTERCEPT: 1.0})


def two_sample(
    second_group: BoolArray,
    covariates: Mapping[str, FloatArray] | None = None,
    *,
    names: tuple[str, str] = ("first", "second"),
    equal_variances: bool = True,
) -> Design:
    """Mean of the second group minus mean of the first.

    Raises
    ------
    MorbidsError
        A group is empty, or as in `one_sample`.
    """
    second = np.asarray(second_group, dtype=bool)
    sizes = (int((~second).sum()), int(second.sum()))
    if min(sizes) == 0:
        raise MorbidsError(
            f"The groups {names[0]!r} and {names[1]!r} have {sizes[0]} and {sizes[1]} maps.",
            "Name a column that tells two groups apart.",
        )
    columns = {names[0]: (~second).astype(float), names[1]: second.astype(float), **_demean(covariates)}
    design = make_design(columns, {names[0]: -1.0, names[1]: 1.0})
    return design if equal_variances else part_variances(design, second)


def part_variances(design: Design, second_group: BoolArray) -> Design:
    """Give each of two groups a variance of its own.

    Signs are then flipped instead of changing orders: an order exchanges errors of one variance with those of another,
    and the null distribution that it makes is that of neither (`python -m benchmarks two_groups`). Signs need errors
    that are symmetric about 0.

    Raises
    ------
    MorbidsError
        A group has too few maps for a variance of its own.
    """
    check_groups(design.matrix, second_group)
    return design._replace(second_group=np.asarray(second_group, dtype=bool), exchange="signs")


def regression(trait: FloatArray, name: str, covariates: Mapping[str, FloatArray] | None = None) -> Design:
    """Slope of the maps on a trait, beyond the covariates.

    Raises
    ------
    MorbidsError
        The trait is constant or incomplete, or as in `one_sample`.
    """
    columns = {INTERCEPT: np.ones(len(trait)), **_demean({name: trait}), **_demean(covariates)}
    return make_design(columns, {name: 1.0})


def make_design(
    columns: Mapping[str, FloatArray],
    weights: Mapping[str, float] | Sequence[Mapping[str, float]],
    blocks: Sequence[int] = (),
) -> Design:
    """Put named columns together and choose what to exchange.

    Parameters
    ----------
    columns
        (n_maps,) each, used as they are.
    weights
        Of the contrast; columns that are not named weigh 0. A sequence of them is tested at once by F.
    blocks
        Number of each map's participant, in order, where these have several (as many each).

    Raises
    ------
    MorbidsError
        Fewer than three maps, an unknown column in the contrast, values that are not finite, or a design
        that cannot be estimated.
    """
    rows = [weights] if isinstance(weights, Mapping) else list(weights)
    unknown = [name for row in rows for name in row if name not in columns]
    if unknown:
        raise MorbidsError(
            f"The contrast names {unknown[0]!r}, which is no column of the design.",
            f"The columns are {', '.join(columns)}.",
        )
    matrix = np.column_stack([np.asarray(column, dtype=float) for column in columns.values()])
    n_movable = len(set(blocks)) or len(matrix)
    if n_movable < FEWEST_MAPS:
        what = "participants" if blocks else "maps"
        raise MorbidsError(
            f"A group test needs at least {FEWEST_MAPS} {what} and was given {n_movable}.",
            "Include more participants.",
        )
    for name, column in zip(columns, matrix.T, strict=True):
        if not np.all(np.isfinite(column)):
            raise MorbidsError(
                f"The column {name!r} has {np.sum(~np.isfinite(column))} missing values.",
                "Leave those rows out or fill in the values.",
            )
    contrast = np.array([[float(row.get(name, 0.0)) for name in columns] for row in rows])
    contrast = contrast[0] if isinstance(weights, Mapping) else contrast
    check_design(matrix, contrast, tuple(columns))
    exchange = choose_exchange(matrix, contrast, blocks)
    return Design(matrix, tuple(columns), contrast, exchange, blocks=tuple(blocks))


def choose_exchange(matrix: FloatArray, contrast: FloatArray, blocks: Sequence[int] = ()) -> Exchange:
    """Orders when the model under the null still fits a mean, signs when the mean is what is tested.

    Of participants with several maps, signs when the design says the same of each of them: orders would change nothing.
    """
    if blocks:
        return "signs" if len(np.unique(rows_of_participants(matrix, blocks), axis=0)) == 1 else "orders"
    _, null_model = split_by_contrast(matrix, contrast)
    ones = np.ones(len(matrix))
    left = ones - null_model @ (null_model.T @ ones)
    return "orders" if np.linalg.norm(left) < 1e-6 * np.sqrt(len(matrix)) else "signs"


def split_by_contrast(matrix: FloatArray, contrast: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Regressor of interest and the model under the null, which spans what the contrast leaves free.

    Returns
    -------
    tuple
        (n_maps,) regressor of unit length, orthogonal to the null model, whose slope has the contrast's t, or
        (n_maps, n_tested) orthonormal regressors of several contrasts; (n_maps, n_columns - 1 or n_tested) orthonormal
        null model.
    """
    weights = np.asarray(contrast, dtype=float)
    rows = np.atleast_2d(weights)
    right = np.linalg.svd(rows)[2]
    null_model = np.linalg.qr(matrix @ right[len(rows) :].T)[0]
    interest = matrix @ weights.T
    interest = interest - null_model @ (null_model.T @ interest)
    if weights.ndim == 2:
        return np.linalg.qr(interest)[0], null_model
    return interest / np.linalg.norm(interest), null_model


def keep_rows(design: Design, rows: BoolArray) -> Design:
    """Take the design of some of its maps: the same question to fewer; columns of participants who left go too."""
    second = None if design.second_group is None else design.second_group[rows]
    kept = design._replace(matrix=design.matrix[rows], second_group=second)
    if not design.blocks:
        return kept
    there = np.any(kept.matrix, axis=0) | np.any(np.atleast_2d(design.contrast), axis=0)
    return kept._replace(
        matrix=kept.matrix[:, there],
        columns=tuple(name for name, known in zip(design.columns, there, strict=True) if known),
        contrast=design.contrast[..., there],
        blocks=tuple(np.unique(np.array(design.blocks)[rows], return_inverse=True)[1].tolist()),
    )


def rows_of_participants(matrix: FloatArray, blocks: Sequence[int]) -> FloatArray:
    """(n_participants, n) what a design says of each participant, but for the columns that single them out."""
    numbers = np.array(blocks)
    shared = [len(np.unique(numbers[column != 0])) > 1 for column in matrix.T]
    return np.asarray(matrix[:, shared].reshape(len(np.unique(numbers)), -1))


def whole_participants(design: Design, rows: BoolArray) -> BoolArray:
    """Rows without those of participants who lack one: what moves together must be complete."""
    if not design.blocks:
        return rows
    blocks = np.array(design.blocks)
    return ~np.isin(blocks, blocks[~rows])


def variance_inflation(matrix: FloatArray, contrast: FloatArray) -> float:
    """How many times larger the other columns make the variance of the contrast; 1 where they do not touch it.

    Of the tested regressor's spread around its mean, 1 / inflation is left by the other columns. A regressor that is
    constant, as in a test of the mean, is compared with itself.
    """
    if contrast.ndim == 2:
        return max(variance_inflation(matrix, row) for row in contrast)
    interest, _ = split_by_contrast(matrix, contrast)
    raw = matrix @ np.asarray(contrast, dtype=float)
    spread = raw - raw.mean()
    spread = spread if np.linalg.norm(spread) > 1e-8 * np.linalg.norm(raw) else raw
    return float((spread @ spread) / (interest @ raw) ** 2)


def fit_design(maps: FloatArray, design: Design) -> LinearFit:
    """Fit a design to (n_maps, n_voxels) maps, by F for several contrasts, by Welch's test where variances differ."""
    if design.voxelwise:
        return _fit_known(maps, design)
    if design.n_tested:
        return fit_f(maps, design.matrix, design.contrast, design.columns)
    if design.second_group is not None:
        return fit_unequal_variances(maps, design.matrix, design.contrast, design.second_group)
    return fit_linear_model(maps, design.matrix, design.contrast, column_names=design.columns)


def _fit_known(maps: FloatArray, design: Design) -> LinearFit:
    """Fit each voxel on the maps that know it; NaN where they cannot estimate the design."""
    found = np.full((len(LinearFit._fields), maps.shape[1]), np.nan)
    of_portions = (
        (voxels + portion.start, known)
        for portion in portions(maps)
        for voxels, known in find_patterns(maps[:, portion])
    )
    for voxels, known in of_portions:
        try:
            own = keep_rows(design, known)._replace(voxelwise=False)
            found[:, voxels] = np.stack(fit_design(np.asarray(maps[np.ix_(known, voxels)]), own))
        except MorbidsError:
            # Too few maps know these voxels: they stay NaN.
            continue
    return LinearFit(*found)


def _demean(columns: Mapping[str, FloatArray] | None) -> dict[str, FloatArray]:
    """Columns without their means; missing values stay for `make_design` to name."""
    demeaned = {}
    for name, column in (columns or {}).items():
        values = np.asarray(column, dtype=float)
        if len(values) and np.all(values == values[0]):
            raise MorbidsError(
                f"The column {name!r} has the value {values[0]:g} in every row.",
                "Drop it: a constant explains nothing.",
            )
        known = values[np.isfinite(values)]
        demeaned[name] = values - (known.mean() if len(known) else 0.0)
    return demeaned
