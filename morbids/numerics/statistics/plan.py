"""Which rearrangements a permutation test makes, and how they are split into independent pieces."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.designs import Design, Exchange, rows_of_participants
from morbids.numerics.statistics.exchange import (
    exhaustive_groupings,
    exhaustive_permutations,
    exhaustive_signs,
    random_signs,
    random_words,
)


class Piece(NamedTuple):
    """Rearrangements start to stop - 1 of a plan: what one job computes."""

    start: int
    stop: int


class People(NamedTuple):
    """Number of each map's participant among all those of several tests, from 0, and how many these are."""

    places: Sequence[int]
    n_all: int


@dataclass(frozen=True)
class PermutationPlan:
    """All rearrangements of a test; make one with `plan_permutations`.

    Attributes
    ----------
    n_maps, exchange, two_tailed
        Of the test. A two-tailed test takes the larger of both tails, jointly.
    n_rearrangements
        How many, the data as observed not counted.
    exhaustive
        All there are: p is exact and the seed does not matter.
    seed
        Of the random ones.
    second_group
        Positions of the maps of the second group, when the groups are all that the test depends on.
    people
        Which of the people of several tests each map is of, so that rearrangement k of a seed moves the same people
        in all of these tests; None for a test of its own.
    blocks
        Number of each map's participant where a participant has several, which move together: see `Design`.
    tie_share
        Share of all rearrangements that repeat the statistic of the data, whatever these are.
    """

    n_maps: int
    exchange: Exchange
    two_tailed: bool
    n_rearrangements: int
    exhaustive: bool
    seed: int
    second_group: tuple[int, ...] = ()
    people: People | None = None
    blocks: tuple[int, ...] = ()
    tie_share: float = 0.0

    @property
    def smallest_p(self) -> float:
        """The smallest p that this plan can be expected to give."""
        return max(self.tie_share, 1 / (1 + self.n_rearrangements))

    def pieces(self, n_pieces: int) -> tuple[Piece, ...]:
        """Split the plan into at most n_pieces of about equal size."""
        # Number 0 of an exhaustive set is the data as observed.
        first = int(self.exhaustive)
        edges = np.linspace(first, first + self.n_rearrangements, n_pieces + 1).round().astype(int)
        return tuple(Piece(int(a), int(b)) for a, b in pairwise(edges) if b > a)

    def rearrange(self, rows: FloatArray, piece: Piece) -> FloatArray:
        """(n, n_rows, n_maps) rows, rearranged by each rearrangement of a piece."""
        if self.exchange == "signs":
            return np.asarray(rows * self._signs(piece)[:, None, :])
        return np.moveaxis(rows[:, self._orders(piece)], 0, 1)

    @property
    def movers(self) -> People:
        """Who each map is of, alone or among the people of several tests."""
        places = self.blocks or range(self.n_maps)
        return self.people or People(places, len(set(places)))

    def _signs(self, piece: Piece) -> FloatArray:
        people = self.movers
        if self.exhaustive:
            return exhaustive_signs(*piece, people.n_all)[:, people.places]
        return random_signs(self.seed, *piece, people.n_all)[:, people.places]

    def _orders(self, piece: Piece) -> IntArray:
        people = self.movers
        if not self.exhaustive:
            # Ranks of the same random numbers: who is first among all is first among some. Maps of one participant
            # have one number, and stay together in their order.
            words = random_words(self.seed, *piece, people.n_all)[:, people.places]
            return np.asarray(np.argsort(words, axis=1, kind="stable"))
        if self.second_group:
            return exhaustive_groupings(*piece, self.n_maps, self.second_group)
        orders = exhaustive_permutations(*piece, people.n_all)
        n_each = self.n_maps // people.n_all
        return np.asarray((orders[:, :, None] * n_each + np.arange(n_each)).reshape(len(orders), self.n_maps))


def plan_design(
    design: Design, n_asked: int, *, seed: int, two_tailed: bool = True, exhaustive_up_to: int = 0
) -> PermutationPlan:
    """Plan the permutation test of a design: see `plan_permutations`."""
    plan = plan_permutations(
        len(design.matrix),
        design.exchange,
        n_asked,
        seed=seed,
        two_tailed=two_tailed,
        exhaustive_up_to=exhaustive_up_to,
        second_group=_find_second_group(design),
        blocks=design.blocks,
    )
    return replace(plan, tie_share=share_of_ties(design, two_tailed=two_tailed))


def plan_jointly(
    design: Design, n_rearrangements: int, people: People, *, seed: int, two_tailed: bool = True
) -> PermutationPlan:
    """Plan random rearrangements that move the same people as those of other tests with this seed.

    They are drawn even where few exist: an exhaustive set of one test has no counterpart in the others.
    """
    return PermutationPlan(
        len(design.matrix),
        design.exchange,
        two_tailed,
        n_rearrangements,
        exhaustive=False,
        seed=seed,
        people=people,
        blocks=design.blocks,
        tie_share=share_of_ties(design, two_tailed=two_tailed),
    )


def share_of_ties(design: Design, *, two_tailed: bool = True) -> float:
    """Share of all rearrangements that repeat the statistic of the data, whatever these are.

    Opposite signs give the same |t|, and the same F. Orders within a group change nothing; nor, for |t| of two groups
    and for F of all groups, does giving the labels of one group to another of its size.
    """
    n = design.n_movable
    if design.exchange == "signs":
        return (2.0 if two_tailed or design.n_tested else 1.0) / float(2**n)
    rows = rows_of_participants(design.matrix, design.blocks) if design.blocks else design.matrix
    sizes = np.unique(rows, axis=0, return_counts=True)[1].tolist()
    same = math.prod(math.factorial(size) for size in sizes)
    labels_only = len(sizes) > 1 and max(design.n_tested, 1) % (len(sizes) - 1) == 0
    if labels_only and (two_tailed or design.n_tested):
        same *= math.prod(math.factorial(sizes.count(size)) for size in set(sizes))
    return float(same / math.factorial(n))


def plan_permutations(
    n_maps: int,
    exchange: Exchange,
    n_asked: int,
    *,
    seed: int,
    two_tailed: bool = True,
    exhaustive_up_to: int = 0,
    second_group: tuple[int, ...] = (),
    blocks: tuple[int, ...] = (),
) -> PermutationPlan:
    """Take all rearrangements when they are at most `n_asked` (or `exhaustive_up_to`), otherwise random ones.

    Opposite sign patterns have opposite maps, so a two-tailed test needs only 2**(n_maps - 1) of them.

    Parameters
    ----------
    second_group
        Positions of one of two groups, if nothing else tells the maps apart: groupings are fewer than orders.
    blocks
        Number of each map's participant where these have several: see `Design`.

    Raises
    ------
    MorbidsError
        Fewer than one rearrangement is asked for.
    """
    if n_asked < 1:
        raise MorbidsError(f"{n_asked} permutations were asked for.", "Ask for at least 1.")
    n_movable = len(set(blocks)) or n_maps
    if exchange == "signs":
        n_all = 2 ** (n_movable - 1 if two_tailed else n_movable)
    else:
        n_all = math.comb(n_maps, len(second_group)) if second_group else math.factorial(n_movable)
    exhaustive = n_all <= max(n_asked, exhaustive_up_to)
    n_rearrangements = n_all - 1 if exhaustive else n_asked
    return PermutationPlan(
        n_maps, exchange, two_tailed, n_rearrangements, exhaustive, seed, second_group, blocks=blocks
    )


def _find_second_group(design: Design) -> tuple[int, ...]:
    """Positions of one of two kinds of rows, if the design has no more than two."""
    kinds, kind = np.unique(design.matrix, axis=0, return_inverse=True)
    # Of some of the maps, an order that stands for a grouping of all of them is no random one.
    if design.exchange == "signs" or design.voxelwise or design.blocks or len(kinds) != 2:
        return ()
    return tuple(int(position) for position in np.flatnonzero(np.ravel(kind) == 1))
