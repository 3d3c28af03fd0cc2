"""Which rearrangements a permutation test makes, and how they are split into independent pieces."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.statistics.designs import Design, Exchange
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
    """

    n_maps: int
    exchange: Exchange
    two_tailed: bool
    n_rearrangements: int
    exhaustive: bool
    seed: int
    second_group: tuple[int, ...] = ()
    people: People | None = None

    @property
    def smallest_p(self) -> float:
        """The smallest p that this plan can give; two groups of one size have mirrored groupings, which tie."""
        mirrored = self.exhaustive and self.two_tailed and 2 * len(self.second_group) == self.n_maps
        return (2 if mirrored else 1) / (1 + self.n_rearrangements)

    def pieces(self, n_pieces: int) -> tuple[Piece, ...]:
        """Split the plan into at most n_pieces of about equal size."""
        # Number 0 of an exhaustive set is the data as observed.
        first = int(self.exhaustive)
        edges = np.linspace(first, first + self.n_rearrangements, n_pieces + 1).round().astype(int)
        return tuple(Piece(int(a), int(b)) for a, b in pairwise(edges) if b > a)

    def rearrange(self, rows: FloatArray, piece: Piece) -> FloatArray:
        """(n, n_rows, n_maps) rows, rearranged by each rearrangement of a piece."""
        start, stop = piece
        people = self.people or People(range(self.n_maps), self.n_maps)
        if self.exchange == "signs":
            if self.exhaustive:
                signs = exhaustive_signs(start, stop, self.n_maps)
            else:
                signs = random_signs(self.seed, start, stop, people.n_all)[:, people.places]
            return np.asarray(rows * signs[:, None, :])
        if not self.exhaustive:
            # Ranks of the same random numbers: who is first among all is first among some.
            words = random_words(self.seed, start, stop, people.n_all)[:, people.places]
            orders: IntArray = np.argsort(words, axis=1, kind="stable")
        elif self.second_group:
            orders = exhaustive_groupings(start, stop, self.n_maps, self.second_group)
        else:
            orders = exhaustive_permutations(start, stop, self.n_maps)
        return np.moveaxis(rows[:, orders], 0, 1)


def plan_design(
    design: Design, n_asked: int, *, seed: int, two_tailed: bool = True, exhaustive_up_to: int = 0
) -> PermutationPlan:
    """Plan the permutation test of a design: see `plan_permutations`."""
    return plan_permutations(
        len(design.matrix),
        design.exchange,
        n_asked,
        seed=seed,
        two_tailed=two_tailed,
        exhaustive_up_to=exhaustive_up_to,
        second_group=_find_second_group(design),
    )


def plan_jointly(
    design: Design, n_rearrangements: int, people: People, *, seed: int, two_tailed: bool = True
) -> PermutationPlan:
    """Plan random rearrangements that move the same people as those of other tests with this seed.

    They are drawn even where few exist: an exhaustive set of one test has no counterpart in the others.
    """
    n_maps = len(design.matrix)
    return PermutationPlan(
        n_maps, design.exchange, two_tailed, n_rearrangements, exhaustive=False, seed=seed, people=people
    )


def smallest_joint_p(design: Design, n_rearrangements: int, *, two_tailed: bool = True) -> float:
    """Smallest p that `plan_jointly` can be expected to give: chance draws the data as observed, or their mirror."""
    plan = plan_design(design, 1, seed=0, two_tailed=two_tailed, exhaustive_up_to=max(n_rearrangements, 1))
    return max(plan.smallest_p, 1 / (1 + n_rearrangements)) if plan.exhaustive else 1 / (1 + n_rearrangements)


def plan_permutations(
    n_maps: int,
    exchange: Exchange,
    n_asked: int,
    *,
    seed: int,
    two_tailed: bool = True,
    exhaustive_up_to: int = 0,
    second_group: tuple[int, ...] = (),
) -> PermutationPlan:
    """Take all rearrangements when they are at most `n_asked` (or `exhaustive_up_to`), otherwise random ones.

    Opposite sign patterns have opposite maps, so a two-tailed test needs only 2**(n_maps - 1) of them.

    Parameters
    ----------
    second_group
        Positions of one of two groups, if nothing else tells the maps apart: groupings are fewer than orders.

    Raises
    ------
    MorbidsError
        Fewer than one rearrangement is asked for.
    """
    if n_asked < 1:
        raise MorbidsError(f"{n_asked} permutations were asked for.", "Ask for at least 1.")
    if exchange == "signs":
        n_all = 2 ** (n_maps - 1 if two_tailed else n_maps)
    else:
        n_all = math.comb(n_maps, len(second_group)) if second_group else math.factorial(n_maps)
    exhaustive = n_all <= max(n_asked, exhaustive_up_to)
    n_rearrangements = n_all - 1 if exhaustive else n_asked
    return PermutationPlan(n_maps, exchange, two_tailed, n_rearrangements, exhaustive, seed, second_group)


def _find_second_group(design: Design) -> tuple[int, ...]:
    """Positions of one of two kinds of rows, if the design has no more than two."""
    kinds, kind = np.unique(design.matrix, axis=0, return_inverse=True)
    # Of some of the maps, an order that stands for a grouping of all of them is no random one.
    if design.exchange == "signs" or design.voxelwise or len(kinds) != 2:
        return ()
    return tuple(int(position) for position in np.flatnonzero(np.ravel(kind) == 1))
