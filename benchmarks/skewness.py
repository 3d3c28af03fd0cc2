"""Level where errors are skewed: one region, and the largest of many voxels, by three tests of a mean.

A study is as many maps as people, of smooth errors that are skewed at every voxel: smoothing of single skewed voxels
would take most of it out. Tests: Student's t, flips of signs (what the program claims by), and flips of signs of
Johnson's modified t (1978, JASA 73:536), which takes the estimated skewness out of t.
"""

from collections.abc import Mapping

import numpy as np
from scipy import ndimage, stats

from benchmarks.mapped.studies import skew
from morbids.group.claims import TOO_SKEWED
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.exchange import random_signs
from morbids.numerics.statistics.symmetry import mean_skewness

ALPHA = 0.05
PEOPLE, SKEWNESS = (12, 18, 30), (0.0, 0.5, 0.7, 1.0, 2.0)
N_REARRANGEMENTS = 199
SHAPE, SIGMA_VOXELS = (10, 10, 10), 1.2
EFFECT_SE = 4.5
N_REGIONS = 4000


def run(quick: bool) -> dict[str, float]:
    """Repeat every number of people and skewness: 4 000 regions and 200 studies of 1 000 voxels, or a tenth.

    Returns
    -------
    dict
        region_<test>_<n>_skew<skewness>: share of regions without an effect that come out at .05, with tests t, flips
        and johnson. map_<test>_...: share of studies whose largest |t| does; found_<test>_...: share of the voxels with
        an effect that do, of studies that have one in a tenth of the voxels. claimed_...: share of studies without an
        effect of which the program claims anything, by flips where residuals are not too skewed; barred_...: share
        where they are. monte_carlo_error: two standard errors of the share of studies.
    """
    n_studies = 20 if quick else 200
    figures: dict[str, float] = {}
    for n_people in PEOPLE:
        for skewness in SKEWNESS:
            rng = np.random.default_rng([n_people, int(10 * skewness)])
            end = f"{n_people}_skew{skewness:g}"
            n_regions = N_REGIONS // 10 if quick else N_REGIONS
            regions = skew(rng.standard_normal((n_people, n_regions)), skewness)
            figures |= {f"region_{name}_{end}": share for name, share in _regions(regions).items()}
            studies = [_maps(n_people, skewness, rng) for _ in range(n_studies)]
            figures |= {
                f"{name}_{end}": float(np.mean([one[name] for one in studies])) for name in studies[0]
            }
    return figures | {"monte_carlo_error": float(2 * np.sqrt(ALPHA * (1 - ALPHA) / n_studies))}


def _regions(values: FloatArray) -> dict[str, float]:
    """Share of the columns that come out, each as the only test of its study."""
    rejected = {"t": np.asarray(stats.ttest_1samp(values, 0).pvalue) <= ALPHA}
    observed, flipped = _both(values, np.ones((1, len(values)))), _both(values, _signs(len(values)))
    for name, height in observed.items():
        reached = (flipped[name] >= height * (1 - 1e-9)).sum(axis=0)
        rejected[name] = (1 + reached) / (1 + N_REARRANGEMENTS) <= ALPHA
    return {name: float(passes.mean()) for name, passes in rejected.items()}


def _maps(n_people: int, skewness: float, rng: np.random.Generator) -> dict[str, float]:
    """Whether any voxel of noise passes the largest of the rearrangements; the share of displaced voxels that do."""
    white = rng.standard_normal((n_people, *SHAPE))
    smooth = ndimage.gaussian_filter(white, (0, *[SIGMA_VOXELS] * 3), mode="wrap").reshape(n_people, -1)
    noise = skew(smooth / smooth.std(), skewness)
    active = np.arange(noise.shape[1]) % 10 == 0
    barred = abs(mean_skewness(noise, np.ones((n_people, 1)))) > TOO_SKEWED
    found = {"barred": float(barred)}
    for effect in (0.0, EFFECT_SE / np.sqrt(n_people)):
        values = noise + effect * active
        observed, flipped = _both(values, np.ones((1, n_people))), _both(values, _signs(n_people))
        for name, height in observed.items():
            critical = np.sort(flipped[name].max(axis=1))[-int(ALPHA * (1 + N_REARRANGEMENTS))]
            passing = height[0] > critical
            found |= (
                {f"found_{name}": float(passing[active].mean())}
                if effect
                else {f"map_{name}": float(passing.any())}
            )
    found["claimed"] = found["map_flips"] * (not barred)
    return found


def _signs(n_people: int) -> FloatArray:
    return random_signs(1, 0, N_REARRANGEMENTS, n_people)


def _both(values: FloatArray, signs: FloatArray) -> Mapping[str, FloatArray]:
    """(n_signs, n_columns) |t|, and that of Johnson, of flipped values."""
    n = len(values)
    mean, power, cubes = signs @ values / n, (values**2).mean(axis=0), signs @ values**3 / n
    variance = np.maximum(power - mean**2, 1e-12)
    t = mean / np.sqrt(variance / (n - 1))
    skewness = (cubes - 3 * mean * power + 2 * mean**3) / variance**1.5
    return {"flips": np.abs(t), "johnson": np.abs(t + skewness / np.sqrt(n) * (1 / 6 + t**2 / 3))}
