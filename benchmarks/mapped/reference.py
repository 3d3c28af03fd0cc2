"""Another judge of the same studies, from numpy and scipy: Holm over region tests, max-T with Holm over contrasts.

Both share the level of the page equally, so that a page makes any false claim as rarely as the program's own.
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from morbids.numerics.arrays import BoolArray, FloatArray

N_REARRANGEMENTS = 1999


class Contrast(NamedTuple):
    """Maps (18, n_voxels) as tested, values of regions (18, n_regions), and the trait whose slope it is, if any."""

    name: str
    maps: FloatArray
    regions: FloatArray
    trait: FloatArray | None = None


class Reference(NamedTuple):
    """What is found: (contrast, number of the region), and contrasts whose map passes."""

    regions: frozenset[tuple[str, int]]
    maps: frozenset[str]


def judge_by_reference(contrasts: list[Contrast], alpha: float, seed: int) -> Reference:
    """Judge all contrasts of a study."""
    p_regions = np.stack([_region_p(one) for one in contrasts])
    p_maps = np.array([_map_p(one, np.random.default_rng([seed, 9])) for one in contrasts])
    regions = np.argwhere(_pass_holm(p_regions, alpha / 2))
    maps = np.flatnonzero(_pass_holm(p_maps, alpha / 2))
    return Reference(
        frozenset((contrasts[int(row)].name, int(region)) for row, region in regions),
        frozenset(contrasts[int(row)].name for row in maps),
    )


def _region_p(one: Contrast) -> FloatArray:
    if one.trait is None:
        return np.asarray(stats.ttest_1samp(one.regions, 0).pvalue)
    return np.array([stats.linregress(one.trait, values).pvalue for values in one.regions.T])


def _map_p(one: Contrast, rng: np.random.Generator) -> float:
    """Corrected p of the largest |t|: signs of the mean, orders of the trait."""
    if one.trait is None:
        moved = np.vstack(
            [np.ones(len(one.maps)), rng.choice([-1.0, 1.0], (N_REARRANGEMENTS, len(one.maps)))]
        )
        data, df = one.maps, len(one.maps) - 1
    else:
        centred = one.trait - one.trait.mean()
        moved = np.vstack([centred, [rng.permutation(centred) for _ in range(N_REARRANGEMENTS)]])
        data, df = one.maps - one.maps.mean(axis=0), len(one.maps) - 2
    moved = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    largest = np.abs(moved @ (data / np.linalg.norm(data, axis=0))).max(axis=1)
    t = largest * np.sqrt(df / (1 - largest**2))
    return float((t >= t[0] - 1e-9).mean())


def _pass_holm(p: FloatArray, alpha: float) -> BoolArray:
    """Step down from the smallest p until one fails."""
    order = np.argsort(p, axis=None)
    limits = alpha / np.arange(p.size, 0, -1)
    passing = np.zeros(p.size, dtype=bool)
    passing[order] = np.logical_and.accumulate(p.ravel()[order] <= limits)
    return passing.reshape(p.shape)
