"""Which effects a page would claim, by their size: whole studies through everything from planning to the claims.

18 people, two tasks, three traits; release in eight places, in the directions that are published of such a study;
noise of the change in proportion to the binding of its place, with a standard deviation of 12 % in a sphere of 9 mm.
The same five seeds serve every size.
"""

import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.claims import SETTINGS, contrast_names, judge_study
from benchmarks.mapped.studies import BINDING, CHANGED, TASKS, Recipe, draw_study, voxels_of
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.multiple import holm

SIZES = (0.05, 0.075, 0.1, 0.15)
N_SEEDS = 5
ALPHA = 0.05
# Half of what the simulator releases by default, and studies of regions alone, which are quick.
HALF_SIZE, N_STUDIES_OF_SIDES = 0.075, 60
A_PRIORI_RADIUS_MM = 4.0


def run(quick: bool) -> dict[str, float]:
    """Judge studies of each size.

    Returns
    -------
    dict
        regions_claimed_<percent>, maps_claimed_<percent>: share of the eight changed places, and of the two changed
        maps, that the page claims. bilateral_over_one_sided: share found of bilateral regions, averaged and Holm over
        seven, over the share found of their sides, Holm over ten, at half size.
    """
    figures: dict[str, float] = {}
    places = {(contrast_names()[task], region) for task in TASKS for region in CHANGED[task]}
    print(f"{'release':>8}  regions claimed  maps claimed")
    for size in SIZES:
        regions, maps = [], []
        for seed in range(1 if quick else N_SEEDS):
            with tempfile.TemporaryDirectory() as folder:
                outcome, _ = judge_study(Recipe(release=size), SETTINGS, seed, Path(folder))
            regions.append(len(outcome.regions & places) / len(places))
            maps.append(len(outcome.maps & {name for name, _ in places}) / len(TASKS))
        print(f"{100 * size:>6g} %  {np.mean(regions):>15.2f}  {np.mean(maps):>12.2f}")
        figures[f"regions_claimed_{100 * size:g}"] = float(np.mean(regions))
        figures[f"maps_claimed_{100 * size:g}"] = float(np.mean(maps))
    return figures | {"bilateral_over_one_sided": compare_sides(10 if quick else N_STUDIES_OF_SIDES)}


def compare_sides(n_studies: int) -> float:
    """How much more often bilateral regions are found as one than each side is."""
    found = np.zeros(2)
    for seed in range(n_studies):
        drawn = draw_study(Recipe(release=HALF_SIZE), seed)
        for task, (early, late) in drawn.windows.items():
            sides = {region: _values(early - late, region) for region in BINDING}
            averaged = np.stack([values.mean(axis=1) for values in sides.values()], axis=1)
            both = _pass_holm(averaged)
            one_sided = _pass_holm(np.concatenate(list(sides.values()), axis=1))
            widths = [values.shape[1] for values in sides.values()]
            starts = np.cumsum([0, *widths])
            for place, region in enumerate(sides):
                if widths[place] == 2 and region in CHANGED[task]:
                    found += both[place], one_sided[starts[place] : starts[place + 1]].mean()
    return float(found[0] / max(found[1], 1))


def _values(maps: FloatArray, region: str) -> FloatArray:
    """(n_maps, n_sides) mean of each side of a region."""
    return np.stack(
        [maps[:, inside].mean(axis=1) for inside in voxels_of(region, A_PRIORI_RADIUS_MM)], axis=1
    )


def _pass_holm(values: FloatArray) -> BoolArray:
    return np.asarray(holm(np.asarray(stats.ttest_1samp(values, 0).pvalue)) <= ALPHA)
