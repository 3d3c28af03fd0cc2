"""People of the benchmark `release`: kinetics, noise and scanner of everybody, and what an estimator is given."""

from typing import NamedTuple

import numpy as np

from benchmarks.release_truth import FRAMES, FWHM_MM, NAMES, TISSUES, Shape, mix_head, tissue_curves
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.weights import inverse_variance

WEIGHT = inverse_variance(FRAMES, half_life_min=20.364)
CHANGE, REFERENCE_NOISE, REGION_NOISE = -0.1, 0.005, 0.01
# k2' comes from regions, left and right, also where a voxel is read.
MOST_REGION_NOISE = 0.03
RELEASED = ("striatum", "amygdala", "midline", "grey")


class Scene(NamedTuple):
    """One cell of the grid of truths.

    Attributes
    ----------
    white, fluid
        BP_ND and R1.
    fwhm_mm, assumed_fwhm_mm
        Of the scanner, and what estimators take it for.
    seed
        Of the people.
    """

    k4: float = 0.3
    mixed: bool = True
    bolus_fraction: float = 0.5
    k2_prime_cv: float = 0.1
    noise: float = REGION_NOISE
    mean_k2_prime: float = 0.12
    white: tuple[float, float] = TISSUES["white"]
    fluid: tuple[float, float] = TISSUES["fluid"]
    fwhm_mm: float = FWHM_MM
    assumed_fwhm_mm: float = 6.0
    seed: int = 0


class Person(NamedTuple):
    """Curves (n_frames, n_regions) to be read, and to tell k2'; the reference's; tissues' where they are, and purest.

    `true_percent` (n_regions,) is the change that a perfect reading of the scanner's image shows, relative to the
    reference region as the scanner shows it. `slow` (n_regions + 1, 2) are the parts of white matter and fluid, the
    reference's first, and `mixing` (3, 3) those of the classes where each is purest, as a scanner of the assumed width
    would have them: what a segmentation tells.
    """

    target: FloatArray
    telling: FloatArray
    reference: FloatArray
    parts: FloatArray
    pure: FloatArray
    true_percent: FloatArray
    slow: FloatArray
    mixing: FloatArray


def draw_people(scene: Scene, shape: Shape, n_people: int, *, noisy: bool = True) -> list[Person]:
    """Curves of people; the same people and the same noise whatever happens to them."""
    rng = np.random.default_rng(scene.seed)
    n = len(NAMES)
    usual = {**TISSUES, "white": scene.white, "fluid": scene.fluid}
    usual_bp_nd, usual_r1 = np.array(list(usual.values())).T
    k2_prime = scene.mean_k2_prime * (1 + scene.k2_prime_cv * rng.standard_normal(n_people))
    alike, own = rng.standard_normal((n_people, 1)), rng.standard_normal((n_people, n))
    bp_nd = usual_bp_nd * np.exp(0.15 * alike + 0.13 * own)
    r1 = usual_r1 * np.exp(0.08 * rng.standard_normal((n_people, n)))
    r1[:, 0] = 1.0
    change = np.zeros(n)
    if shape != "none":
        change[[NAMES.index(name) for name in RELEASED]] = CHANGE
    tissues = tissue_curves(
        bp_nd.ravel(),
        r1.ravel(),
        np.repeat(k2_prime, n),
        np.full(n_people * n, scene.k4),
        np.tile(change, n_people),
        shape=shape,
        bolus_fraction=scene.bolus_fraction,
    ).reshape(-1, n_people, n)
    head, told = mix_head(scene.fwhm_mm), mix_head(scene.assumed_fwhm_mm)
    unmixed = np.eye(n)[[NAMES.index(name) for name in head.names]]
    mixing, parts = (head.regions, head.parts) if scene.mixed else (unmixed, np.eye(n))
    volume = (1 + bp_nd) @ mixing.T
    moved = 100 * ((bp_nd * change) @ mixing.T)[:, 1:] / (volume[:, 1:] - volume[:, :1])

    def measure(weights: FloatArray, levels: FloatArray) -> FloatArray:
        """Curves (n_frames, n_people, n_regions) with noise of these sizes (n_regions,)."""
        curves = tissues @ weights.T
        noise = rng.standard_normal(curves.shape) / np.sqrt(WEIGHT)[:, None, None]
        return np.asarray(curves + noisy * levels * curves.mean(axis=0) * noise)

    def levels(level: float, weights: FloatArray) -> FloatArray:
        """The first region is the large reference."""
        sizes = np.full(len(weights), level)
        sizes[0] = min(REFERENCE_NOISE, level)
        return sizes

    of_region = min(scene.noise, MOST_REGION_NOISE)
    curves, left, right = (
        measure(mixing, levels(level, mixing)) for level in (scene.noise, of_region, of_region)
    )
    telling = np.concatenate([left[:, :, 1:], right[:, :, 1:]], axis=2)
    measured = measure(parts, levels(of_region, parts))
    # Ventricles are smaller than the reference region, grey and white matter larger.
    pure = measure(head.pure, np.array([REFERENCE_NOISE, REFERENCE_NOISE, REGION_NOISE]))
    slow = told.by_class(told.regions)[:, 1:] if scene.mixed else np.zeros((len(head.names), 2))
    return [
        Person(
            curves[:, i, 1:],
            telling[:, i],
            left[:, i, 0],
            measured[:, i],
            pure[:, i],
            moved[i],
            slow,
            told.by_class(told.pure),
        )
        for i in range(n_people)
    ]


def released() -> list[int]:
    """Places, among the targets, of the regions that release."""
    targets = mix_head().names[1:]
    return [targets.index(name) for name in RELEASED]
