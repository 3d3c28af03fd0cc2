"""Statistics of rearranged maps as matrix products: prepare the maps once, then score any rearrangement.

Rearranging the residuals of the null model (Freedman & Lane 1983; Winkler 2014, NeuroImage 92:381) and
fitting again is the same as rearranging the regressors, a few rows of n_maps numbers. With residuals y of
length 1, regressor x and null model N,

    r = x'Py / sqrt(1 - |N'Py|^2),    t = sqrt(df) r / sqrt(1 - r^2),

for each rearrangement P. Constants need no row when orders change: every order keeps the mean at 0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.designs import Design, split_by_contrast
from morbids.numerics.statistics.f_test import FModel
from morbids.numerics.statistics.linear_model import MapsInBlocks, portions, quick_z, read_blocks
from morbids.numerics.statistics.partial import prepare_partial
from morbids.numerics.statistics.pseudo_t import VarianceSmoother
from morbids.numerics.statistics.unequal import SMALLEST_SHARE, UnequalModel, prepare_unequal, weigh_maps

# Residuals below this share of the data's power are rounding (the same rule as in the linear model).
_ROUNDING = 1e-12


class Portion(Protocol):
    """Prepared voxels of the maps, all of them or some."""

    @property
    def rows(self) -> FloatArray:
        """(n_rows, n_maps) what is rearranged instead of the maps."""

    @property
    def n_voxels(self) -> int:
        """How many; those that cannot be tested score 0."""

    def blocks(self) -> Iterator[Any]:
        """Voxels that can be scored together, one block after the other: a slice, or their places."""

    def score(self, rows: FloatArray, block: Any) -> FloatArray:
        """(n, n_block) scores of (n, n_rows, n_maps) rearranged rows, rising with t."""

    def to_t(self, scores: FloatArray) -> FloatArray:
        """The statistic that belongs to each score: t, pseudo-t, or z where degrees of freedom differ."""


AnyPortion = TypeVar("AnyPortion", bound=Portion)


class RearrangedModel(Protocol):
    """A test that can be repeated on rearranged maps."""

    @property
    def rows(self) -> FloatArray:
        """(n_rows, n_maps) what is rearranged instead of the maps."""

    @property
    def n_voxels(self) -> int:
        """Voxels of a map."""

    @property
    def is_whole(self) -> bool:
        """Whether all voxels stay prepared; otherwise portions are prepared whenever they are asked for."""

    def portions(self) -> Iterator[tuple[slice, Portion]]:
        """Every voxel once, in portions with their places."""


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
class WeighedModel(StudentModel):
    """Z of t by generalised least squares: maps and design are weighed before they come here."""

    def to_t(self, scores: FloatArray) -> FloatArray:
        """Normal deviate with the tail area of t, as where each voxel has degrees of freedom of its own."""
        return quick_z(super().to_t(scores), self.df)


class PortionedModel(Generic[AnyPortion]):
    """Voxels that are tested each on its own: few maps are prepared once, many in portions that memory can hold.

    Attributes
    ----------
    rows, n_voxels, is_whole
        See `RearrangedModel`.
    """

    def __init__(self, maps: FloatArray, prepare: Callable[[FloatArray], AnyPortion]) -> None:
        self._maps, self._prepare = maps, prepare
        self._places = portions(maps)
        self.is_whole = len(self._places) == 1
        self._first = prepare(maps if self.is_whole else maps[:, :1])
        self.rows, self.n_voxels = self._first.rows, int(maps.shape[1])

    def portions(self) -> Iterator[tuple[slice, AnyPortion]]:
        """Every voxel once, in portions with their places."""
        for place in self._places:
            yield place, self._first if self.is_whole else self._prepare(self._maps[:, place])


@dataclass(frozen=True)
class PseudoModel:
    """Pseudo-t: the residual variance is smoothed over the mask before it divides (Nichols & Holmes 2002)."""

    students: PortionedModel[StudentModel]
    smoother: VarianceSmoother
    df: float

    @property
    def rows(self) -> FloatArray:
        """Those of Student's t."""
        return self.students.rows

    @property
    def n_voxels(self) -> int:
        """Voxels of a map."""
        return self.students.n_voxels

    @property
    def is_whole(self) -> bool:
        """Whether all voxels stay prepared."""
        return self.students.is_whole

    def portions(self) -> Iterator[tuple[slice, "PseudoModel"]]:
        """The whole map at once: smoothing needs it."""
        yield slice(0, self.n_voxels), self

    def blocks(self) -> Iterator[slice]:
        """The whole map at once."""
        yield slice(0, self.n_voxels)

    def score(self, rows: FloatArray, block: slice) -> FloatArray:
        """Pseudo-t of whole maps."""
        effect, variance = np.empty((2, len(rows), self.n_voxels))
        tested = np.empty(self.n_voxels, dtype=bool)
        for place, student in self.students.portions():
            interest, left = student.project(rows, slice(None))
            effect[:, place] = interest * student.length
            variance[:, place] = (left - interest**2) * (student.length**2 / self.df)
            tested[place] = student.length > 0
        noise = np.sqrt(self.smoother.smooth(variance))
        pseudo_t = np.divide(effect, noise, out=np.zeros_like(effect), where=tested)
        return np.asarray(pseudo_t[:, block])

    def to_t(self, scores: FloatArray) -> FloatArray:
        """Scores are pseudo-t."""
        return scores


def prepare_model(
    maps: FloatArray, design: Design, smoother: VarianceSmoother | None = None, *, one_ratio: bool = False
) -> RearrangedModel:
    """Take the null model out of the maps and scale what is left to length 1.

    The copy has the precision of the maps: float32 maps are tested in float32, half the memory and twice the
    speed, with about six digits of t.

    Parameters
    ----------
    maps
        (n_maps, n_voxels), possibly memory-mapped.
    smoother
        Makes it a pseudo-t; not used for unequal variances, whose statistic has two of them, for F, nor voxel by voxel.
    one_ratio
        Of two groups of unequal variance: whether the maps have so many voxels that one ratio of variances is known and
        serves all of them, or each voxel has its own (Welch).
    """
    second = design.second_group
    if second is not None and not design.voxelwise:
        weights = weigh_maps(maps, design.matrix, second)
        if one_ratio:
            return PortionedModel(maps, lambda own: _prepare_weighed(own, design, weights))
        return PortionedModel(maps, lambda own: _prepare_unequal(own, design, second, weights))
    if smoother is None or design.voxelwise or design.n_tested:
        return PortionedModel(maps, lambda own: _prepare(own, design))
    students = PortionedModel(maps, lambda own: _prepare_student(own, design))
    return PseudoModel(students, smoother, _residual_df(design))


def _prepare(maps: FloatArray, design: Design) -> Portion:
    """Prepare voxels that one copy can hold."""
    if design.voxelwise:
        return prepare_partial(maps, design, _prepare)
    if design.second_group is not None:
        weights = weigh_maps(maps, design.matrix, design.second_group)
        return _prepare_unequal(maps, design, design.second_group, weights)
    if not design.n_tested:
        return _prepare_student(maps, design)
    interest, null_model = split_by_contrast(design.matrix, design.contrast)
    residuals = _take_out(maps, null_model, interest)
    rows = np.vstack([interest.T, _what_moves(null_model, design).T])
    return FModel(rows, residuals.data, design.n_tested, _residual_df(design))


def _prepare_unequal(
    maps: FloatArray, design: Design, second_group: BoolArray, weights: FloatArray
) -> UnequalModel:
    _, null_model = split_by_contrast(design.matrix, design.contrast)
    data = _take_out(maps, null_model, weights=weights).data
    return prepare_unequal(data, design.matrix, design.contrast, second_group)


def _prepare_weighed(maps: FloatArray, design: Design, weights: FloatArray) -> WeighedModel:
    """Student's t of weighed maps and design: flipped signs are the same before and after."""
    root = np.sqrt(weights)[:, None]
    weighed = np.asarray(maps) * root.astype(maps.dtype)
    student = _prepare_student(weighed, design._replace(matrix=design.matrix * root))
    return WeighedModel(student.rows, student.data, student.length, student.df)


def _prepare_student(maps: FloatArray, design: Design) -> StudentModel:
    interest, null_model = split_by_contrast(design.matrix, design.contrast)
    residuals = _take_out(maps, null_model, interest)
    rows = np.vstack([interest, _what_moves(null_model, design).T])
    return StudentModel(rows, residuals.data, residuals.length, _residual_df(design))


def _residual_df(design: Design) -> float:
    return float(design.matrix.shape[0] - design.matrix.shape[1])


def observed_t(model: RearrangedModel) -> FloatArray:
    """(n_voxels,) statistic of the maps as they are; 0 where nothing can be tested."""
    return np.asarray(make_t_maps(model, model.rows[None])[0])


def make_t_maps(model: RearrangedModel, rows: FloatArray) -> FloatArray:
    """(n, n_voxels) statistic maps of (n, n_rows, n_maps) rearranged rows."""
    maps = np.zeros((len(rows), model.n_voxels))
    for place, portion in model.portions():
        own = maps[:, place]
        for block in portion.blocks():
            own[:, block] = portion.to_t(portion.score(rows, block))
    return maps


def largest_t(portion: Portion, rows: FloatArray, *, two_tailed: bool) -> FloatArray:
    """(n,) largest t, or |t|, of each rearrangement, without keeping its map."""
    largest = np.full(len(rows), -np.inf)
    for block in portion.blocks():
        scores = portion.score(rows, block)
        np.maximum(largest, scores.max(axis=1), out=largest)
        if two_tailed:
            np.maximum(largest, -scores.min(axis=1), out=largest)
    return portion.to_t(largest)


def _take_out(
    maps: FloatArray,
    null_model: FloatArray,
    interest: FloatArray | None = None,
    weights: FloatArray | None = None,
) -> _Residuals:
    """Residuals of the null model, by least squares with the (n_maps,) weights of its maps if they differ."""
    estimate = null_model.T
    if weights is not None:
        estimate = np.linalg.solve(null_model.T @ (weights[:, None] * null_model), null_model.T * weights)
    precision = np.float32 if maps.dtype == np.float32 else np.float64
    data, length = np.empty(maps.shape, dtype=precision), np.empty(maps.shape[1])
    for columns, block in read_blocks(maps):
        with np.errstate(invalid="ignore", divide="ignore"):
            residuals = block - null_model @ (estimate @ block)
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
