"""Which of the built-in effects come out at which correction, in 18 simulated participants.

The maps are not made of simulated scans, which takes hours, but of what such scans lead to: for each participant
and task a difference map = BP_ND x release in spheres of the simulator's size, blurred by the scanner, plus noise
that is smooth and whose mean in a sphere of 9 mm has a standard deviation of 12 % of BP_ND over participants
(METHODS: 10 to 15 %); both smoothed by 6 mm as the group level does. The people, their traits and their releases
are those of the simulator. Voxels of 3 mm.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
from scipy import ndimage

from morbids.imaging.images import read_image
from morbids.imaging.smoothing import FWHM_PER_SD, smooth_volume
from morbids.imaging.templates import find_template
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.statistics.clusters import Lattice, find_clusters, make_lattice
from morbids.numerics.statistics.designs import Design, fit_design, one_sample, regression
from morbids.numerics.statistics.multiple import false_discovery_rate
from morbids.numerics.statistics.permutation import (
    MaximumOf,
    Measurement,
    cluster_threshold,
    corrected_p,
    find_null_maxima,
)
from morbids.numerics.statistics.plan import plan_design
from morbids.numerics.statistics.random_field import estimate_smoothness, find_unit_residuals, peak_p
from morbids.numerics.statistics.rearranged import prepare_model
from morbids.numerics.statistics.regions import compare_design
from morbids.numerics.statistics.tfce import enhance
from morbids.simulation.cohort import Participant, draw_cohort
from morbids.simulation.effects import RELEASES, Effect, Task, built_in_effects
from morbids.simulation.regions import region_centres, release_radius_mm

N_PARTICIPANTS = 18
ALPHA = 0.05
VOXEL_MM = 3.0
SCANNER_FWHM_MM, NOISE_FWHM_MM, SMOOTHING_FWHM_MM = 5.5, 5.5, 6.0
SD_IN_SPHERE, SPHERE_RADIUS_MM = 0.12, 4.5
A_PRIORI_RADIUS_MM = 4.0
# Local BP_ND (METHODS 9); elsewhere in the brain the background's.
BP_ND = {
    "VentralStriatum": 2.5,
    "Amygdala": 1.56,
    "MidlineThalamus": 2.9,
    "PAG": 1.2,
    "sgACC": 1.47,
    "pgACC": 1.7,
    "AnteriorInsula": 1.6,
}
BACKGROUND_BP_ND = 1.2
METHODS = (
    *("max_t", "tfce", "cluster_extent", "cluster_mass", "random_field", "fdr"),
    *("small_volume", "region_uncorrected", "region_holm"),
)
STATISTICS: tuple[MaximumOf, ...] = get_args(MaximumOf)


class Brain(NamedTuple):
    """The voxels of the study: mask, their places in mm (n_voxels, 3), and their neighbours."""

    mask: BoolArray
    places_mm: FloatArray
    lattice: Lattice


def run(quick: bool) -> dict[str, float]:
    """Test every built-in effect, and print which methods find it.

    Returns
    -------
    dict
        effects_<method>: effects found with the right sign at .05. effects_significant_of_built_in: those found by
        a correction that holds the error of the whole family of places that it searches: any of the brain, or the
        a-priori regions (Holm).
    """
    brain = _read_brain()
    people = draw_cohort(N_PARTICIPANTS, seed=1, null=False)
    maps = {task: _draw_maps(people, task, brain) for task in get_args(Task)}
    effects = built_in_effects()
    corrected = _Corrections(brain, 99 if quick else 999)
    found = np.array([_find(effect, maps[effect.task], people, corrected) for effect in effects])
    width = max(len(effect.name) for effect in effects)
    print(f"{'':{width}}  {'  '.join(METHODS)}")
    for effect, row in zip(effects, found, strict=True):
        marks = "  ".join(
            f"{'yes' if one else '.':^{len(name)}}" for name, one in zip(METHODS, row, strict=True)
        )
        print(f"{effect.name:{width}}  {marks}")
    family_wise = [
        METHODS.index(name) for name in METHODS if name not in ("fdr", "small_volume", "region_uncorrected")
    ]
    return {
        "effects_built_in": float(len(effects)),
        "effects_significant_of_built_in": float(found[:, family_wise].any(axis=1).sum()),
        **{f"effects_{name}": float(count) for name, count in zip(METHODS, found.sum(axis=0), strict=True)},
    }


def _read_brain() -> Brain:
    """Template's brain in voxels of 3 mm."""
    with tempfile.TemporaryDirectory() as folder:
        image = read_image(find_template("MNI152NLin2009cAsym", 2, Path(folder)).mask)
    ratio = VOXEL_MM / image.voxel_mm
    mask = ndimage.affine_transform(
        image.values,
        np.diag(ratio),
        output_shape=tuple((np.array(image.values.shape) / ratio).astype(int)),
        order=1,
    )
    inside = mask > 0.5
    places = (np.argwhere(inside) * ratio) @ image.affine[:3, :3].T + image.affine[:3, 3]
    return Brain(inside, places, make_lattice(inside))


def _draw_maps(people: tuple[Participant, ...], task: Task, brain: Brain) -> FloatArray:
    """(18, n_voxels) difference maps of one task."""
    rng = np.random.default_rng([7, len(task)])
    noise = _noise_scale(brain, rng)
    maps = []
    for person in people:
        volume = np.zeros(brain.mask.shape)
        for release in RELEASES:
            if release.task == task:
                change = person.binding * _bp_nd(release.region) * person.releases[task, release.region]
                inside = _near(release.region, release_radius_mm(release.region), brain)
                volume[brain.mask] += np.where(inside, change, 0)
        volume = ndimage.gaussian_filter(volume, SCANNER_FWHM_MM / FWHM_PER_SD / VOXEL_MM)
        volume += person.binding * BACKGROUND_BP_ND * noise * _draw_noise(brain.mask.shape, rng)
        volume[~brain.mask] = np.nan
        maps.append(smooth_volume(volume, SMOOTHING_FWHM_MM, np.full(3, VOXEL_MM))[brain.mask])
    return np.stack(maps)


def _draw_noise(shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    return ndimage.gaussian_filter(rng.standard_normal(shape), NOISE_FWHM_MM / FWHM_PER_SD / VOXEL_MM)


def _noise_scale(brain: Brain, rng: np.random.Generator) -> float:
    """Factor that gives the mean of unsmoothed noise in a sphere its standard deviation."""
    reach = int(np.ceil(SPHERE_RADIUS_MM / VOXEL_MM))
    offsets = np.indices((2 * reach + 1,) * 3) - reach
    sphere = (np.square(offsets * VOXEL_MM).sum(axis=0) <= SPHERE_RADIUS_MM**2).astype(float)
    means = ndimage.convolve(_draw_noise(brain.mask.shape, rng), sphere / sphere.sum())
    return float(SD_IN_SPHERE / means[brain.mask].std())


def _bp_nd(region: str) -> float:
    return BP_ND[region.removesuffix("_L").removesuffix("_R")]


def _near(region: str, radius_mm: float, brain: Brain) -> BoolArray:
    """(n_voxels,) voxels within a radius of a region's centres."""
    distances = [np.linalg.norm(brain.places_mm - centre, axis=1) for centre in region_centres(region)]
    return np.asarray(np.min(distances, axis=0) <= radius_mm)


class _Corrections:
    """Corrected p of each test of the brain, made once: several effects are sought in one map."""

    def __init__(self, brain: Brain, n_permutations: int) -> None:
        self.brain, self.n_permutations = brain, n_permutations
        self._made: dict[tuple[Task, str], list[FloatArray]] = {}

    def of(self, effect: Effect, maps: FloatArray, design: Design) -> list[FloatArray]:
        """(n_voxels,) p by each method."""
        question = (effect.task, effect.trait)
        if question not in self._made:
            self._made[question] = _corrected(maps, design, self.brain, self.n_permutations)
        return self._made[question]


def _find(
    effect: Effect, maps: FloatArray, people: tuple[Participant, ...], corrections: _Corrections
) -> list[bool]:
    """Whether each method finds an effect with its sign, within the reach of the release."""
    brain = corrections.brain
    design = one_sample(len(people))
    if effect.kind == "correlation":
        scores = np.array([person.scores[effect.trait] for person in people], dtype=float)
        design = regression(scores, effect.trait)
    t = np.nan_to_num(fit_design(maps, design).t)
    there = _near(effect.region, release_radius_mm(effect.region), brain) & (np.sign(t) == effect.sign)
    return [
        *(bool((p[there] <= ALPHA).any()) for p in corrections.of(effect, maps, design)),
        _search_volume(effect, maps, design, brain),
        *_test_regions(effect, maps, design, brain),
    ]


def _corrected(maps: FloatArray, design: Design, brain: Brain, n_permutations: int) -> list[FloatArray]:
    """(n_voxels,) p of max-T, TFCE, cluster extent and mass, random fields, and FDR."""
    fit = fit_design(maps, design)
    t, df = np.nan_to_num(fit.t), float(fit.df[0])
    threshold = cluster_threshold(0.001, df)
    model = prepare_model(maps, design)
    plan = plan_design(design, n_permutations, seed=1)
    measurement = Measurement(STATISTICS, brain.lattice, threshold)
    null = find_null_maxima(model, plan, plan.pieces(1)[0], measurement, threads=2).maxima
    clusters = find_clusters(t, brain.lattice, threshold)
    smoothness = estimate_smoothness(find_unit_residuals(maps, design.matrix), brain.mask, df)
    extent = np.concatenate([[1.0], corrected_p(clusters.extent, null["cluster_extent"])])
    mass = np.concatenate([[1.0], corrected_p(clusters.mass, null["cluster_mass"])])
    return [
        corrected_p(t, null["t"]),
        corrected_p(enhance(t, brain.lattice), null["tfce"]),
        extent[clusters.labels],
        mass[clusters.labels],
        peak_p(t, smoothness.resels, df),
        false_discovery_rate(fit.p),
    ]


def _search_volume(effect: Effect, maps: FloatArray, design: Design, brain: Brain) -> bool:
    """Permutation of the largest |t| within the a-priori spheres of the region."""
    own = maps[:, _near(effect.region, A_PRIORI_RADIUS_MM, brain)]
    t = fit_design(own, design).t
    plan = plan_design(design, 4999, seed=1, exhaustive_up_to=2**17)
    null = find_null_maxima(prepare_model(own, design), plan, plan.pieces(1)[0], Measurement()).maxima["t"]
    return bool(((corrected_p(t, null) <= ALPHA) & (np.sign(t) == effect.sign)).any())


def _test_regions(effect: Effect, maps: FloatArray, design: Design, brain: Brain) -> tuple[bool, bool]:
    """A-priori spheres: uncorrected p of the effect's own, and Holm over all."""
    base = effect.region.removesuffix("_L").removesuffix("_R")
    names = [effect.region if name == base else name for name in BP_ND]
    means = [maps[:, _near(name, A_PRIORI_RADIUS_MM, brain)].mean(axis=1) for name in names]
    tests = compare_design(np.stack(means, axis=1).astype(float), design)
    own = names.index(effect.region)
    right = bool(np.sign(tests.effect[own]) == effect.sign)
    return right and bool(tests.p[own] <= ALPHA), right and bool(tests.p_holm[own] <= ALPHA)
