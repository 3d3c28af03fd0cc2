"""Level and power of the largest statistic of two groups: which design holds when sizes and variances differ.

Each study draws smooth Gaussian noise, with a standard deviation of its own in the first group, the same in all voxels
or another in each half of them, tests the difference of the groups on both tails jointly, and asks whether any voxel
comes out at .05; then again with an effect in a tenth of the voxels, of which it counts the share that come out.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.group.comparison import write_design
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.designs import Design, fit_design, two_sample
from morbids.numerics.statistics.multiple import false_discovery_rate
from morbids.numerics.statistics.permutation import Measurement, corrected_p, find_null_maxima
from morbids.numerics.statistics.plan import plan_design
from morbids.numerics.statistics.rearranged import observed_t, prepare_model
from morbids.numerics.statistics.unequal import measure_ratio

ALPHA = 0.05
N_PERMUTATIONS = 199
SHAPE = (10, 10, 10)
SIGMA_VOXELS = 1.2
EFFECT_SE = 4.5


class Groups(NamedTuple):
    """Sizes of two groups, and the standard deviation of the first in each half of the voxels; the second's is 1."""

    n_first: int
    n_second: int
    sd_first: tuple[float, float]

    @property
    def key(self) -> str:
        """Part of the figures' keys."""
        return (
            f"{self.n_first}_{self.n_second}_sd{'to'.join(f'{sd:g}' for sd in dict.fromkeys(self.sd_first))}"
        )


SIZES = ((3, 20), (4, 14), (6, 12), (9, 9))
SD_FIRST = ((0.5, 0.5), (1.0, 1.0), (2.0, 2.0), (3.0, 3.0), (0.5, 2.0))
CASES = tuple(Groups(*sizes, sd) for sizes in SIZES for sd in SD_FIRST)


def run(quick: bool) -> dict[str, float]:
    """Repeat every case: 200 studies, or 30.

    Returns
    -------
    dict
        fwe_<test>_<case>, found_<test>_<case>: share of studies with a false positive, and of the voxels with an
        effect that are found. Tests: `one_ratio` (generalised least squares with one ratio of variances, by flips of
        signs), `claims` (the same without studies of which the program claims nothing, as it does), `welch` (Welch's z
        by flips of signs), `orders` (the same by orders: studentized permutation), `pooled` (one variance, by orders),
        and `fdr` (Welch's p, only its level). barred_<case>: share of studies of which nothing is claimed.
        worst_fwe_claims: of all cases. monte_carlo_error: two standard errors.
    """
    n_studies = 30 if quick else 200
    figures: dict[str, float] = {}
    for case in CASES:
        rng = np.random.default_rng(17)
        studies = [_study(case, rng) for _ in range(n_studies)]
        for name in studies[0]:
            figures[f"{name}_{case.key}"] = float(np.mean([study[name] for study in studies]))
    figures["worst_fwe_claims"] = max(figures[f"fwe_claims_{case.key}"] for case in CASES)
    return {**figures, "monte_carlo_error": float(2 * np.sqrt(ALPHA * (1 - ALPHA) / n_studies))}


def _study(case: Groups, rng: np.random.Generator) -> dict[str, float]:
    second = np.arange(case.n_first + case.n_second) >= case.n_first
    unequal = two_sample(second, equal_variances=False)
    pooled = two_sample(second)
    tests = {
        "one_ratio": (unequal, True),
        "welch": (unequal, False),
        "orders": (unequal._replace(exchange="orders"), False),
        "pooled": (pooled, False),
    }
    noise = _draw(case, rng)
    active = np.arange(noise.shape[1]) % 10 == 0
    effect = EFFECT_SE * np.sqrt(_sd_of(case, noise.shape[1]) ** 2 / case.n_first + 1 / case.n_second)
    displaced = noise + np.float32(effect) * (second[:, None] & active)
    found = {f"fwe_{name}": float(_passing(noise, *test).any()) for name, test in tests.items()}
    found |= {
        f"found_{name}": float(_passing(displaced, *test)[active].mean()) for name, test in tests.items()
    }
    welch = false_discovery_rate(fit_design(noise, unequal).p)
    told = write_design(two_sample(second, names=("a", "b"), equal_variances=False), "b")
    spread = measure_ratio(noise, unequal.matrix, second).spread
    barred = bool(told.why_no_claim or told.why_no_brain(spread))
    claims = {name.replace("one_ratio", "claims"): value * (not barred) for name, value in found.items()}
    return claims | found | {"barred": float(barred), "fwe_fdr": float(welch.min() <= ALPHA)}


def _draw(case: Groups, rng: np.random.Generator) -> FloatArray:
    """(n_maps, n_voxels) float32 noise of unit variance, but for the first group's."""
    n_maps = case.n_first + case.n_second
    smooth = ndimage.gaussian_filter(
        rng.standard_normal((n_maps, *SHAPE)), (0, *[SIGMA_VOXELS] * 3), mode="wrap"
    ).reshape(n_maps, -1)
    sd = np.where(np.arange(n_maps)[:, None] < case.n_first, _sd_of(case, smooth.shape[1]), 1.0)
    return np.asarray(smooth / smooth.std() * sd, dtype=np.float32)


def _sd_of(case: Groups, n_voxels: int) -> FloatArray:
    """(n_voxels,) standard deviation of the first group: halves along the first axis."""
    return np.where(np.arange(n_voxels) < n_voxels // 2, *case.sd_first).astype(np.float32)


def _passing(maps: FloatArray, design: Design, one_ratio: bool) -> BoolArray:
    """(n_voxels,) whether each passes the largest statistic of the rearrangements."""
    model = prepare_model(maps, design, one_ratio=one_ratio)
    plan = plan_design(design, N_PERMUTATIONS, seed=1)
    null = find_null_maxima(model, plan, plan.pieces(1)[0], Measurement())
    return np.asarray(corrected_p(observed_t(model), null.maxima["t"]) <= ALPHA)
