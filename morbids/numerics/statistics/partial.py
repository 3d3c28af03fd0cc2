"""Voxels that not every map knows: each is tested by the maps that do, so that its degrees of freedom are its own.

Voxels known to the same maps are one part with a design of its own. Signs are flipped for all maps alike; an order of
all maps moves those of a part as it has them one after the other. Maxima are of z: t means another p in each part.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.statistics.coverage import Pattern, find_patterns
from morbids.numerics.statistics.designs import Design, fit_design, keep_rows
from morbids.numerics.statistics.f_test import quick_z_of_f
from morbids.numerics.statistics.linear_model import cached_blocks, quick_z


class PartModel(Protocol):
    """A test of maps that know all voxels."""

    @property
    def rows(self) -> FloatArray:
        """(n_rows, n_maps) what is rearranged instead of the maps."""

    def score(self, rows: FloatArray, block: Any) -> FloatArray:
        """(n, n_block) scores of (n, n_rows, n_maps) rearranged rows."""

    def to_t(self, scores: FloatArray) -> FloatArray:
        """Statistic of each score."""


class _Part(NamedTuple):
    """A pattern with its model; `df` is infinite where its statistic is z already, `n_tested` is 0 for t."""

    pattern: Pattern
    model: PartModel
    df: float
    n_tested: int

    def to_z(self, statistic: FloatArray) -> FloatArray:
        """Normal deviates of its statistic."""
        if np.isinf(self.df):
            return statistic
        if self.n_tested:
            # An F that is small by chance is no finding on the other side.
            return np.asarray(np.maximum(quick_z_of_f(statistic, self.n_tested, self.df), 0))
        return quick_z(statistic, self.df)


@dataclass(frozen=True)
class PartialModel:
    """Z of voxels that different maps know.

    Attributes
    ----------
    rows
        (1, n_maps): ones, which become the signs, or the numbers of the maps, which become their order.
    parts
        Voxels that can be tested.
    part_of, place_of
        (n_voxels,) number of each voxel's part, -1 where it cannot be tested, and its place there.
    signs
        Whether signs are flipped.
    """

    rows: FloatArray
    parts: tuple[_Part, ...]
    part_of: IntArray
    place_of: IntArray
    signs: bool

    @property
    def n_voxels(self) -> int:
        """Voxels of a map."""
        return len(self.part_of)

    def blocks(self) -> Iterator[IntArray]:
        """Voxels of one part that fit the cache."""
        for part in self.parts:
            voxels = part.pattern.voxels
            yield from (voxels[block] for block in cached_blocks(len(voxels)))

    def score(self, rows: FloatArray, block: IntArray) -> FloatArray:
        """Z of the maps that know the block."""
        part = self.parts[self.part_of[block[0]]]
        known = part.pattern.known
        if self.signs:
            moved = part.model.rows * rows[:, :, known]
        else:
            moved = np.moveaxis(part.model.rows[:, _order_within(rows[:, 0], known)], 0, 1)
        start = int(self.place_of[block[0]])
        z: FloatArray = part.to_z(part.model.to_t(part.model.score(moved, slice(start, start + len(block)))))
        return z

    def to_t(self, scores: FloatArray) -> FloatArray:
        """Scores are z."""
        return scores


def prepare_partial(
    maps: FloatArray, design: Design, prepare: Callable[[FloatArray, Design], PartModel]
) -> PartialModel:
    """Prepare the test of every part.

    Parameters
    ----------
    prepare
        Of maps that know all voxels, for a design of their own.
    """
    n_maps, n_voxels = maps.shape
    parts: list[_Part] = []
    part_of, place_of = np.full(n_voxels, -1), np.zeros(n_voxels, dtype=np.int64)
    for pattern in find_patterns(maps):
        own = keep_rows(design, pattern.known)._replace(voxelwise=False)
        values = np.asarray(maps[np.ix_(pattern.known, pattern.voxels)])
        try:
            fit_design(values[:, :1], own)
        except MorbidsError:
            continue
        df = np.inf if own.second_group is not None else float(own.matrix.shape[0] - own.matrix.shape[1])
        part_of[pattern.voxels] = len(parts)
        place_of[pattern.voxels] = np.arange(len(pattern.voxels))
        parts.append(_Part(pattern, prepare(values, own), df, own.n_tested))
    signs = design.exchange == "signs"
    rows = np.ones((1, n_maps)) if signs else np.arange(n_maps, dtype=float)[None, :]
    return PartialModel(rows, tuple(parts), part_of, place_of, signs)


def _order_within(orders: FloatArray, known: BoolArray) -> IntArray:
    """(n, n_known) orders of the known maps among themselves, of (n, n_maps) orders of all."""
    order = orders.astype(np.int64)
    rank = np.cumsum(known) - 1
    return np.asarray(rank[order[known[order]]].reshape(len(order), int(known.sum())))
