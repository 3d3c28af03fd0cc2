"""Statistics of rearranged maps as matrix products: prepare the maps once, then score any rearrangement.

Rearranging the residuals of the null model (Freedman & Lane 1983; Winkler 2014, NeuroImage 92:381) and
fitting again is the same as rearranging the regressors, a few rows of n_maps numbers. With residuals y of
length 1, regressor x and null model N,

    r = x'Py / sqrt(1 - |N'Py|^2),    t = sqrt(df) r / sqrt(1 - r^2),

for each rearrangement P. Constants need no row when orders change: every order keeps the mean at 0.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.designs import Design, split_by_contrast
from morbids.numerics.statistics.f_test import FModel
from morbids.numerics.statistics.linear_model import MapsInBlocks, voxel_blocks
from morbids.numerics.statistics.partial import PartialModel, prepare_partial
from morbids.numerics.statistics.pseudo_t import VarianceSmoother
from morbids.numerics.statistics.unequal import SMALLEST_SHARE, UnequalModel, prepare_unequal

# Residuals below this share of the data's power are rounding (the same rule as in the linear model).
_ROUNDING = 1e-12


class RearrangedModel(Protocol):
    """A test that can be repeated on rearranged maps."""

    @property
    def rows(self) -> FloatArray:
        """(n_rows, n_maps) what is rearranged instead of the maps."""

    @property
    def n_voxels(self) -> int:
        """Voxels of a map; those that cannot be tested score 0."""

    def blocks(self) -> Iterator[Any]:
        """Voxels that can be scored together, one block after the other: a slice, or their places."""

    def score(self, rows: FloatArray, block: Any) -> FloatArray:
        """(n, n_block) scores of (n, n_rows, n_maps) rearranged rows, rising with t."""

    def to_t(self, scores: FloatArray) -> FloatArray:
        """The statistic that belongs to each score: t, pseudo-t, or z where degrees of freedom differ."""


class _Residuals(NamedTuple):
    """(n_maps, n_voxels) residuals of length 1 (0 where nothing can be tested), and their lengths before."""

    data: FloatArray
    length: FloatArray


@dataclass(frozen=True)
class StudentModel(MapsInBlocks):
    """Student's t of one contrast; score = partial correlation."""

    rows: FloatArray
    data: FloatArray
    length: FloatArray
    df: float

    def project(self, rows: FloatArray, block: slice) -> tuple[FloatArray, FloatArray | float]:
        """X'Py and the share 1 - |N'Py|^2 that the null model leaves, each (n, n_block)."""
        data = self.data[:, block]
        interest = rows[:, 0].astype(data.dtype) @ data
        left: FloatArray | float = 1.0
        for row in range(1, rows.shape[1]):
            left = left - (rows[:, row].astype(data.dtype) @ data) ** 2
        return interest, left if isinstance(left, float) else np.maximum(left, SMALLEST_SHARE)

    def score(self, rows: FloatArray, block: slice) -> FloatArray:
        """Partial correlation of the regressor with each voxel."""
        interest, left = self.project(rows, block)
        return np.asarray(interest if isinstance(left, float) else interest / np.sqrt(left))

    def to_t(self, scores: FloatArray) -> FloatArray:
        """T of a partial correlation."""
        return np.asarray(np.sqrt(self.df) * scores / np.sqrt(np.maximum(1 - scores**2, SMALLEST_SHARE)))


@dataclass(frozen=True)
class PseudoModel:
    """Pseudo-t: the residual variance is smoothed over the mask before it divides (Nichols & Holmes 2002)."""

    student: StudentModel
    smoother: VarianceSmoother

    @property
    def rows(self) -> FloatArray:
        """Those of Student's t."""
        return self.student.rows

    @property
    def n_voxels(self) -> int:
        """Voxels of a map."""
        return self.student.n_voxels

    def blocks(self) -> Iterator[slice]:
        """The whole map at once: smoothing needs it."""
        yield slice(0, self.n_voxels)

    def score(self, rows: FloatArray, block: slice) -> FloatArray:
        """Pseudo-t of whole maps."""
        interest, left = self.student.project(rows, block)
        power = self.student.length**2
        variance = self.smoother.smooth((left - interest**2) * power / self.student.df)
        tested = self.student.length > 0
        return np.divide(
            interest * self.student.length, np.sqrt(variance), out=np.zeros_like(variance), where=tested
        )

    def to_t(self, scores: FloatArray) -> FloatArray:
        """Scores are pseudo-t."""
        return scores


def prepare_model(
    maps: FloatArray, design: Design, smoother: VarianceSmoother | None = None
) -> StudentModel | FModel | UnequalModel | PseudoModel | PartialModel:
    """Take the null model out of the maps and scale what is left to length 1.

    The copy has the precision of the maps: float32 maps are tested in float32, half the memory and twice the
    speed, with about six digits of t.

    Parameters
    ----------
    maps
        (n_maps, n_voxels), possibly memory-mapped.
    smoother
        Makes it a pseudo-t; not used for unequal variances, whose statistic has two of them, for F, nor voxel by voxel.
    """
    if design.voxelwise:
        return prepare_partial(maps, design, prepare_model)
    interest, null_model = split_by_contrast(design.matrix, design.contrast)
    if design.second_group is not None:
        data = _take_out(maps, null_model).data
        return prepare_unequal(data, design.matrix, design.contrast, design.second_group)
    residuals = _take_out(maps, null_model, interest)
    moving = _what_moves(null_model, design)
    df = float(design.matrix.shape[0] - design.matrix.shape[1])
    rows = np.vstack([interest.T, moving.T])
    if design.n_tested:
        return FModel(rows, residuals.data, design.n_tested, df)
    student = StudentModel(rows, residuals.data, residuals.length, df)
    return PseudoModel(student, smoother) if smoother is not None else student


def observed_t(model: RearrangedModel) -> FloatArray:
    """(n_voxels,) statistic of the maps as they are; 0 where nothing can be tested."""
    return np.asarray(make_t_maps(model, model.rows[None])[0])


def make_t_maps(model: RearrangedModel, rows: FloatArray) -> FloatArray:
    """(n, n_voxels) statistic maps of (n, n_rows, n_maps) rearranged rows."""
    maps = np.zeros((len(rows), model.n_voxels))
    for block in model.blocks():
        maps[:, block] = model.to_t(model.score(rows, block))
    return maps


def largest_t(model: RearrangedModel, rows: FloatArray, *, two_tailed: bool) -> FloatArray:
    """(n,) largest t, or |t|, of each rearrangement, without keeping its map."""
    largest = np.full(len(rows), -np.inf)
    for block in model.blocks():
        scores = model.score(rows, block)
        np.maximum(largest, scores.max(axis=1), out=largest)
        if two_tailed:
            np.maximum(largest, -scores.min(axis=1), out=largest)
    return model.to_t(largest)


def _take_out(maps: FloatArray, null_model: FloatArray, interest: FloatArray | None = None) -> _Residuals:
    precision = np.float32 if maps.dtype == np.float32 else np.float64
    data, length = np.empty(maps.shape, dtype=precision), np.empty(maps.shape[1])
    for columns in voxel_blocks(maps):
        block = np.asarray(maps[:, columns], dtype=float)
        with np.errstate(invalid="ignore", divide="ignore"):
            residuals = block - null_model @ (null_model.T @ block)
            squares = np.einsum("ij,ij->j", residuals, residuals)
            explained = (
                0.0 if interest is None else np.square(np.atleast_2d(interest.T) @ residuals).sum(axis=0)
            )
            noise = squares - explained
            tested = np.isfinite(squares) & (noise > _ROUNDING * np.einsum("ij,ij->j", block, block))
            length[columns] = np.where(tested, np.sqrt(squares), 0)
            data[:, columns] = np.where(tested, residuals / np.sqrt(squares), 0)
    return _Residuals(data, length)


def _what_moves(null_model: FloatArray, design: Design) -> FloatArray:
    """Orthonormal basis of what of the null model's span has products with rearranged residuals that are not 0.

    Orders keep the mean of all residuals at 0; what moves together keeps its own.
    """
    if design.exchange == "signs" and not design.blocks:
        return null_model
    together = np.array(design.blocks or [0] * len(null_model))
    means = (together == np.unique(together)[:, None]).astype(float)
    means = means / means.sum(axis=1, keepdims=True)
    left, singular, _ = np.linalg.svd(null_model - (means @ null_model)[together], full_matrices=False)
    return np.asarray(left[:, singular > 1e-8])
