"""Sign flips and permutations of maps, by number: a number gives the same rearrangement in any piece."""

import itertools
import math
from collections.abc import Sequence

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray, IntArray

_WORDS_OF_A_COUNTER = 4
_BITS_OF_A_WORD = 64


def random_words(seed: int, start: int, stop: int, n_words: int) -> IntArray:
    """(stop - start, n_words) random 64-bit words; row k depends on the seed and on start + k only.

    Philox is a function of a counter (Salmon 2011, SC'11), so a piece starts at its own place without
    drawing what comes before.
    """
    counters = -(-n_words // _WORDS_OF_A_COUNTER)
    generator = np.random.Philox(key=seed).advance(start * counters)
    drawn = generator.random_raw((stop - start) * counters * _WORDS_OF_A_COUNTER)
    return np.asarray(drawn).reshape(stop - start, -1)[:, :n_words]


def random_signs(seed: int, start: int, stop: int, n_maps: int) -> FloatArray:
    """(stop - start, n_maps) random +1 and -1."""
    words = random_words(seed, start, stop, -(-n_maps // _BITS_OF_A_WORD))
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1)[:, :n_maps]
    return 1.0 - 2.0 * bits


def exhaustive_signs(start: int, stop: int, n_maps: int) -> FloatArray:
    """(stop - start, n_maps) sign patterns numbered by their bits; 0 is the identity.

    Patterns k and 2**n_maps - 1 - k are opposites, so the first half holds everything about a two-tailed
    statistic.
    """
    places = np.arange(n_maps - 1, -1, -1, dtype=np.int64)
    return 1.0 - 2.0 * ((np.arange(start, stop, dtype=np.int64)[:, None] >> places) & 1)


def random_permutations(seed: int, start: int, stop: int, n_maps: int) -> IntArray:
    """(stop - start, n_maps) random orders of the maps."""
    return np.argsort(random_words(seed, start, stop, n_maps), axis=1, kind="stable")


def exhaustive_permutations(start: int, stop: int, n_maps: int) -> IntArray:
    """(stop - start, n_maps) orders in lexicographic sequence; 0 is the identity.

    Raises
    ------
    MorbidsError
        The numbers reach beyond n_maps!.
    """
    if stop > math.factorial(n_maps):
        raise MorbidsError(f"{n_maps} maps have {math.factorial(n_maps)} orders, not {stop}.")
    orders = itertools.islice(itertools.permutations(range(n_maps)), start, stop)
    return np.array(list(orders), dtype=np.int64).reshape(stop - start, n_maps)


def exhaustive_groupings(start: int, stop: int, n_maps: int, second: Sequence[int]) -> IntArray:
    """(stop - start, n_maps) one order for each way to form two groups of the given sizes; 0 is the identity.

    Orders within a group change nothing that depends on the groups only.

    Parameters
    ----------
    second
        Positions of the maps of the second group.

    Raises
    ------
    MorbidsError
        The numbers reach beyond the number of ways.
    """
    n_ways = math.comb(n_maps, len(second))
    if stop > n_ways:
        raise MorbidsError(f"{n_maps} maps form {n_ways} pairs of groups, not {stop}.")
    # Counted from the second group, the first combination is the grouping as it is.
    first = np.setdiff1d(np.arange(n_maps), second)
    places = np.concatenate([np.asarray(second, dtype=np.int64), first])
    orders = np.empty((stop - start, n_maps), dtype=np.int64)
    ways = itertools.islice(itertools.combinations(range(n_maps), len(second)), start, stop)
    for order, way in zip(orders, ways, strict=True):
        taken = places[list(way)]
        order[taken] = second
        order[np.setdiff1d(np.arange(n_maps), taken)] = first
    return orders


def permutation_p(n_at_least: IntArray | int, n_rearrangements: int) -> FloatArray:
    """(1 + b) / (1 + m): the data as observed are a rearrangement too (Phipson & Smyth 2010, SAGMB 9:39).

    m counts the others; an exhaustive set without its identity gives the exact p.
    """
    return np.asarray((1 + np.asarray(n_at_least)) / (1 + n_rearrangements))
