"""People of the benchmark `release`: kinetics, noise and scanner of everybody, and what an estimator is given."""

from typing import NamedTuple

import numpy as np

from benchmarks.release_truth import (
    FRAMES,
    FWHM_MM,
    GREY,
    NAMES,
    TISSUES,
    WHITE,
    Shape,
    by_class,
    mix_head,
    tissue_curves,
    weigh_white,
)
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
    white_follows
        How BP_ND of white matter follows that of the grey matter nearest to it: 0 for not at all, 1 in proportion (none
        beside the reference region), -1 the other way round (twice the mean there, little beside what binds most).
    fwhm_mm, assumed_fwhm_mm
        Of the scanner, and what estimators take it for.
    told_share
        How much white matter and fluid the segmentation tells, as a part of what there is.
    reference_noise
        Of the reference region, as a part of its mean.
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
    white_follows: float = 0.0
    fwhm_mm: float = FWHM_MM
    assumed_fwhm_mm: float = 6.0
    told_share: float = 1.0
    reference_noise: float = REFERENCE_NOISE
    seed: int = 0


class Person(NamedTuple):
    """Curves (n_frames, n_regions) to be read, and to tell k2'; the reference's; tissues' where they are, and purest.

    `true_percent` (n_regions,) is the change that a perfect reading of the scanner's image shows, relative to the
    reference region as the scanner shows it; `true_percent_of_grey` the same relative to the reference region's grey
    matter. `slow` (n_regions + 1, 2) are the parts of white matter and fluid, the
    reference's first, and `mixing` (3, 3) those of the classes in the places of `pure`, as a scanner of the assumed
    width would have them: what a segmentation tells. `white` (n_frames, n_regions + 1) is the white matter as it is
    measured around every region, `places` (n_frames, n_places) the same throughout the white matter.
    """

    target: FloatArray
    telling: FloatArray
    reference: FloatArray
    parts: FloatArray
    pure: FloatArray
    true_percent: FloatArray
    true_percent_of_grey: FloatArray
    slow: FloatArray
    mixing: FloatArray
    white: FloatArray
    places: FloatArray


def draw_people(scene: Scene, shape: Shape, n_people: int, *, noisy: bool = True) -> list[Person]:
    """Curves of people; the same people and the same noise whatever happens to them."""
    rng = np.random.default_rng(scene.seed)
    n = len(NAMES)
    k2_prime = scene.mean_k2_prime * (1 + scene.k2_prime_cv * rng.standard_normal(n_people))
    bp_nd, r1 = _draw_tissues(scene, rng, n_people)
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
    unmixed = np.eye(n)
    mixing, parts = (
        (head.regions, head.parts) if scene.mixed else (unmixed[: len(GREY)], unmixed[: len(GREY) + 2])
    )
    volume = (1 + bp_nd) @ mixing.T
    moved = 100 * ((bp_nd * change) @ mixing.T)[:, 1:]

    def measure(weights: FloatArray, levels: FloatArray) -> FloatArray:
        """Curves (n_frames, n_people, n_regions) with noise of these sizes (n_regions,)."""
        curves = tissues @ weights.T
        noise = rng.standard_normal(curves.shape) / np.sqrt(WEIGHT)[:, None, None]
        return np.asarray(curves + noisy * levels * curves.mean(axis=0) * noise)

    def levels(level: float, weights: FloatArray) -> FloatArray:
        """The first region is the large reference."""
        sizes = np.full(len(weights), level)
        sizes[0] = min(scene.reference_noise, level)
        return sizes

    of_region = min(scene.noise, MOST_REGION_NOISE)
    curves, left, right = (
        measure(mixing, levels(level, mixing)) for level in (scene.noise, of_region, of_region)
    )
    telling = np.concatenate([left[:, :, 1:], right[:, :, 1:]], axis=2)
    measured = measure(parts, levels(of_region, parts))
    # Ventricles are smaller than the reference region, grey and white matter larger, but white matter near a region.
    pure = measure(head.pure, np.array([REFERENCE_NOISE, REFERENCE_NOISE, REGION_NOISE]))
    white, places = (
        measure(weights, np.full(len(weights), REGION_NOISE))
        for weights in weigh_white(scene.fwhm_mm, scene.assumed_fwhm_mm)
    )
    slow = scene.told_share * by_class(told.regions)[:, 1:] if scene.mixed else np.zeros((len(GREY), 2))
    return [
        Person(
            curves[:, i, 1:],
            telling[:, i],
            left[:, i, 0],
            measured[:, i],
            pure[:, i],
            moved[i] / (volume[i, 1:] - volume[i, 0]),
            moved[i] / (volume[i, 1:] - 1),
            slow,
            by_class(told.pure),
            white[:, i],
            places[:, i],
        )
        for i in range(n_people)
    ]


def _draw_tissues(scene: Scene, rng: np.random.Generator, n_people: int) -> tuple[FloatArray, FloatArray]:
    """BP_ND and R1 (n_people, n_tissues); all white matter of a person varies alike."""
    usual_bp_nd, usual_r1 = np.array(list({**TISSUES, "white": scene.white, "fluid": scene.fluid}.values())).T
    alike, own = rng.standard_normal((n_people, 1)), rng.standard_normal((n_people, len(TISSUES)))
    bp_nd = usual_bp_nd * np.exp(0.15 * alike + 0.13 * own)
    r1 = usual_r1 * np.exp(0.08 * rng.standard_normal((n_people, len(TISSUES))))
    r1[:, 0] = 1.0
    order = [list(TISSUES).index(name) for name in (*GREY, "fluid", *["white"] * len(WHITE))]
    around = usual_bp_nd[: len(GREY)]
    follows = np.ones(len(order))
    follows[-len(WHITE) :] = np.clip(1 + scene.white_follows * (around / around.mean() - 1), 0, None)
    return bp_nd[:, order] * follows, r1[:, order]


def released() -> list[int]:
    """Places, among the targets, of the regions that release."""
    return [GREY[1:].index(name) for name in RELEASED]
