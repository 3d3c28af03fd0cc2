"""Family-wise error from the null distribution of a map's maximum, found by rearranging the maps."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.clusters import Lattice
from morbids.numerics.statistics.exchange import permutation_p
from morbids.numerics.statistics.methods import STATISTICS, MapStatistic, MaximumOf
from morbids.numerics.statistics.plan import PermutationPlan, Piece
from morbids.numerics.statistics.rearranged import RearrangedModel, largest_t, make_t_maps

# Rearrangements at once: many rows make a matrix product efficient, but whole maps must stay few.
_BATCH_WITHOUT_MAPS = 256
_BATCH_OF_MAPS = 16
# Of maps that are prepared anew for each batch.
_BATCH_OF_PORTIONED_MAPS = 128
# A null value this little below the observed one is a tie: float32 maps carry about seven digits.
_TIE = 1e-5


@dataclass(frozen=True)
class Measurement:
    """What is measured on the map of each rearrangement.

    Attributes
    ----------
    statistics
        Whose maximum over the map is noted.
    lattice
        Of the voxels of the model; needed for everything but t.
    threshold_t
        Forms the clusters (see `cluster_threshold`).
    observed
        (n_voxels,) statistic of the data: count at each voxel how many rearrangements reach it, for
        uncorrected p without a distribution.
    """

    statistics: tuple[MaximumOf, ...] = ("t",)
    lattice: Lattice | None = None
    threshold_t: float | None = None
    observed: FloatArray | None = None

    def __post_init__(self) -> None:
        if self.lattice is None and any(one.needs_neighbours for one in self.measured):
            raise MorbidsError(
                "TFCE and clusters need to know which voxels are neighbours.", "Give a lattice."
            )
        if self.threshold_t is None and any(one.forms_clusters for one in self.measured):
            raise MorbidsError("Clusters need a threshold that forms them.", "Give a cluster-forming p.")

    @property
    def measured(self) -> tuple[MapStatistic, ...]:
        """The statistics."""
        return tuple(STATISTICS[name] for name in self.statistics)

    @property
    def needs_maps(self) -> bool:
        """Whether the largest t alone is not enough."""
        return any(one.needs_neighbours for one in self.measured) or self.observed is not None


class NullMaxima(NamedTuple):
    """What a piece found.

    Attributes
    ----------
    piece
        Which rearrangements.
    maxima
        For each statistic the (stop - start,) maxima over the map, of both tails jointly if two-tailed.
    n_at_least
        (n_voxels,) rearrangements that reach the observed statistic; empty when not asked for.
    """

    piece: Piece
    maxima: dict[MaximumOf, FloatArray]
    n_at_least: IntArray


def cluster_threshold(p: float, df: float, *, two_tailed: bool = True, n_tested: int = 0) -> float:
    """Find the t that forms clusters; a two-tailed p counts both tails (.001 with 17 df: 3.97).

    Infinite degrees of freedom give the z. Where F tests `n_tested` contrasts, it is the F (or z) of the upper tail.

    Raises
    ------
    MorbidsError
        p does not lie between 0 and .5.
    """
    if not 0 < p < 0.5:
        raise MorbidsError(f"The cluster-forming p is {p:g}.", "Give one between 0 and 0.5, e.g. 0.001.")
    if n_tested and np.isfinite(df):
        return float(special.fdtri(n_tested, df, 1 - p))
    tail = p / 2 if two_tailed and not n_tested else p
    return -float(special.ndtri(tail) if np.isinf(df) else special.stdtrit(df, tail))


def find_null_maxima(
    model: RearrangedModel,
    plan: PermutationPlan,
    piece: Piece,
    measurement: Measurement,
    *,
    threads: int = 1,
) -> NullMaxima:
    """Rearrange the maps and note the maxima; any split of a plan gives the same numbers.

    Parameters
    ----------
    threads
        For TFCE and clusters; matrix products use the threads of the linear algebra library.
    """
    if not measurement.needs_maps:
        largest = _find_largest(model, plan, piece)
        maxima: dict[MaximumOf, FloatArray] = dict.fromkeys(measurement.statistics, largest)
        return NullMaxima(piece, maxima, np.zeros(0, dtype=np.int64))
    n_at_least = np.zeros(0 if measurement.observed is None else model.n_voxels, dtype=np.int64)
    size = _BATCH_OF_MAPS if model.is_whole else _BATCH_OF_PORTIONED_MAPS
    found: list[list[float]] = []
    with ThreadPoolExecutor(threads) as pool:
        for batch in _batches(piece, size):
            t_maps = make_t_maps(model, plan.rearrange(model.rows, batch))
            found += pool.map(lambda t: measure_map(t, measurement, two_tailed=plan.two_tailed), t_maps)
            if measurement.observed is not None:
                n_at_least += _count_at_least(measurement.observed, t_maps, two_tailed=plan.two_tailed)
    columns = np.array(found).T
    return NullMaxima(piece, dict(zip(measurement.statistics, columns, strict=True)), n_at_least)


def _find_largest(model: RearrangedModel, plan: PermutationPlan, piece: Piece) -> FloatArray:
    """(n,) largest t of each rearrangement; each portion of the maps is prepared once for all of them."""
    largest = np.full(piece.stop - piece.start, -np.inf)
    for _, portion in model.portions():
        for batch in _batches(piece, _BATCH_WITHOUT_MAPS):
            own = largest[batch.start - piece.start : batch.stop - piece.start]
            rows = plan.rearrange(model.rows, batch)
            np.maximum(own, largest_t(portion, rows, two_tailed=plan.two_tailed), out=own)
    return largest


def _batches(piece: Piece, size: int) -> Iterator[Piece]:
    return (Piece(start, min(start + size, piece.stop)) for start in range(piece.start, piece.stop, size))


def measure_map(t_map: FloatArray, measurement: Measurement, *, two_tailed: bool) -> list[float]:
    """Maximum of each statistic over one map, in the order of the measurement."""
    found: dict[MaximumOf, float] = {}
    forming = np.nan if measurement.threshold_t is None else measurement.threshold_t
    for one in measurement.measured:
        if one.name not in found:
            found |= one.find_maxima(t_map, measurement.lattice, forming, two_tailed=two_tailed)
    return [found[name] for name in measurement.statistics]


def join_pieces(pieces: Sequence[NullMaxima], plan: PermutationPlan) -> NullMaxima:
    """Put the pieces of a plan together, in any order.

    Raises
    ------
    MorbidsError
        A piece is missing or comes twice.
    """
    ordered = sorted(pieces, key=lambda part: part.piece)
    (whole,) = plan.pieces(1)
    expected = whole.start
    for part in ordered:
        if part.piece.start != expected:
            raise MorbidsError(
                f"Permutations {expected} to {part.piece.start} do not join: a piece is missing or repeated.",
                "Run the missing piece again.",
            )
        expected = part.piece.stop
    if expected != whole.stop:
        raise MorbidsError(
            f"Permutations {expected} to {whole.stop} are missing.", "Run the missing piece again."
        )
    maxima = {name: np.concatenate([part.maxima[name] for part in ordered]) for name in ordered[0].maxima}
    return NullMaxima(whole, maxima, np.sum([part.n_at_least for part in ordered], axis=0))


def corrected_p(
    observed: FloatArray | IntArray, null_maxima: FloatArray, *, two_tailed: bool = True
) -> FloatArray:
    """Family-wise corrected p of each observed value: how often chance's maximum is at least as large.

    Parameters
    ----------
    observed
        Any shape; its absolute value counts if two-tailed. NaN stays NaN.
    null_maxima
        (n_rearrangements,).
    """
    values = np.abs(observed) if two_tailed else np.asarray(observed, dtype=float)
    ordered = np.sort(null_maxima)
    n_at_least = len(ordered) - np.searchsorted(ordered, _lower(values), side="left")
    return np.where(np.isnan(values), np.nan, permutation_p(np.asarray(n_at_least), len(ordered)))


def critical_value(null_maxima: FloatArray, alpha: float) -> float:
    """Smallest observed value with corrected p at most alpha; infinite when no value can reach it."""
    n_allowed = int(np.floor(alpha * (1 + len(null_maxima)) + 1e-9)) - 1
    if n_allowed < 0:
        return float("inf")
    ordered = np.sort(null_maxima)[::-1]
    return float(np.nextafter(ordered[n_allowed], np.inf) / (1 - _TIE)) if n_allowed < len(ordered) else 0.0


def _lower(values: FloatArray) -> FloatArray:
    """Values moved down by the width of a tie."""
    return np.asarray(values - _TIE * np.abs(values))


def _count_at_least(observed: FloatArray, t_maps: FloatArray, *, two_tailed: bool) -> IntArray:
    values, maps = (np.abs(observed), np.abs(t_maps)) if two_tailed else (observed, t_maps)
    return np.asarray((maps >= _lower(values)).sum(axis=0))
