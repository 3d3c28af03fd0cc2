"""What the claims of a page stand on: each test of a comparison as observed and on the joint rearrangements."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from morbids.bids.tables import write_table
from morbids.group.comparison import WrittenDesign
from morbids.group.regions import Sphere
from morbids.group.steps.permutations import (
    Heights,
    PermutationTest,
    join_maxima,
    measurement_of,
    model_of,
)
from morbids.group.steps.regions import average_sides, mean_in_spheres, read_values, tidy
from morbids.numerics.statistics.methods import METHODS, Inference
from morbids.numerics.statistics.permutation import measure_map
from morbids.numerics.statistics.plan import People, plan_jointly
from morbids.numerics.statistics.rearranged import observed_t
from morbids.numerics.statistics.regions import rearrange_regions

MAP = "map"


class Evidence(NamedTuple):
    """A row for the data as observed and one per rearrangement; what else is to be known of them."""

    table: Path
    facts: dict[str, Any]


class Claiming(NamedTuple):
    """What claims of a comparison stand on.

    Attributes
    ----------
    design, expected
        The test, and the sign that was expected (0 for either).
    tests, primary
        Permutations that were made, and the method that claims: one without permutations leaves no column of the map.
    people
        Who the rows are among those of the page.
    n_permutations, seed
        Joint rearrangements.
    heights
        What is judged of maps.
    """

    design: WrittenDesign
    expected: int
    tests: tuple[PermutationTest, ...]
    primary: Inference
    people: People
    n_permutations: int
    seed: int
    heights: Heights


class Baselines(NamedTuple):
    """Baseline maps, and where their means are taken: what percentages are of; no maps, no means."""

    binding: tuple[Path, ...]
    spheres: tuple[Sphere, ...]


def gather_evidence(
    values: Path,
    maps: Path,
    mask: Path,
    maxima: Sequence[Path],
    claiming: Claiming,
    baselines: Baselines,
    average: bool,
    out_dir: Path,
) -> Evidence:
    """Put the maximum of the map and the p of every region side by side, rearrangement by rearrangement.

    Parameters
    ----------
    values
        Of the regions, in every row.
    maxima
        Pieces of all permutation tests of the comparison.
    average
        Whether left and right are one region.
    """
    design, expected, tests, primary, people, n_permutations, seed, heights = claiming
    directed = design.towards(expected)
    plan = plan_jointly(directed.design, n_permutations, people, seed=seed, two_tailed=not expected)
    table = average_sides(read_values(values)) if average else read_values(values)
    p = rearrange_regions(table.values, directed.design, plan)
    columns = dict(zip(table.names, p.T, strict=True))
    facts: dict[str, Any] = {
        "TwoTailed": not expected,
        "Rearrangements": n_permutations,
        "SmallestPossibleP": plan.smallest_p,
        "Baseline": mean_in_spheres(*baselines, average=average),
    }
    statistic = METHODS[primary].statistic
    if statistic is not None:
        model = model_of(np.load(maps, mmap_mode="r"), mask, directed, heights.variance_fwhm_mm)
        measurement = measurement_of((statistic.name,), mask, design, heights.forming_p)
        observed = measure_map(observed_t(model), measurement, two_tailed=not expected)
        null = join_maxima(maxima, [test for test in tests if test.joint])[statistic.name]
        columns = {MAP: np.concatenate([observed, null])} | columns
        facts["MapStatistic"] = statistic.name
    write_table(tidy(pd.DataFrame(columns)), out_dir / "evidence.tsv")
    return Evidence(out_dir / "evidence.tsv", facts)
