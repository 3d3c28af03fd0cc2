"""Truths of the benchmark `release`: people, kinetics, tissue and scanner, made without the package's own simulator.

Kinetics are two tissues (free and bound) behind a plasma curve of Feng's form, solved by the implicit midpoint rule
for every class of tissue; a small head of folded cortex, white matter, fluid and nuclei is blurred in the Fourier
domain, so that what a region shows is a weighted sum of the curves of its surroundings. Nothing of the truth is
imported from `morbids`; `weigh_white` hands the image to the package's own measurement of white matter.
"""

from collections.abc import Mapping
from functools import cache
from typing import Literal, NamedTuple

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.slow_tissue import tissues_alone
from morbids.numerics.white_matter import SD_MM, fit_white_matter

Shape = Literal["none", "step", "ramp", "pulse"]

DURATION = np.array([0.5] * 4 + [1.0] * 3 + [2.5] * 2 + [5.0] * 8 + [10.0] * 4)
FRAMES = Frames(np.cumsum(DURATION) - DURATION, DURATION)
STEP_MIN = 1 / 30
ONSET_MIN, END_MIN, PULSE_END_MIN = 45.0, 90.0, 65.0
# Feng 1993, Nucl Med Biol 20:765: shape of a plasma curve after a bolus; amplitudes, then rates per minute.
FENG = (851.1, 21.88, 20.81, 4.134, 0.1191, 0.0104)
# Classes of tissue: BP_ND of carfentanil (METHODS of the project: means of a public map; focal truth is higher), and
# delivery. The reference region is cortex without binding.
TISSUES: Mapping[str, tuple[float, float]] = {
    "reference": (0.0, 1.0),
    "frontal": (1.4, 1.0),
    "temporal": (1.2, 0.95),
    "parietal": (1.0, 1.0),
    "insula": (1.7, 1.05),
    "cingulate": (1.7, 1.05),
    "putamen": (1.9, 1.1),
    "striatum": (2.6, 1.1),
    "amygdala": (1.7, 0.9),
    "thalamus": (1.8, 1.15),
    "midline": (2.9, 1.1),
    "grey": (1.5, 0.9),
    "white": (0.2, 0.55),
    "fluid": (0.0, 0.4),
}
GREY = tuple(name for name in TISSUES if name not in ("white", "fluid"))
# White matter is told apart by the grey matter that it is nearest to, so that its binding can follow it.
WHITE = tuple(f"white of {name}" for name in GREY)
NAMES = (*GREY, "fluid", *WHITE)
# Where a contrast is claimed, and spheres (centre, mm) that stand for small nuclei in any tissue.
SPHERES: Mapping[str, tuple[float, float, float]] = {
    "striatum": (10.0, 18.0, -6.0),
    "amygdala": (22.0, 4.0, -20.0),
    "midline": (0.0, -6.0, 6.0),
    "grey": (0.0, -24.0, -12.0),
}
RADIUS_MM, FWHM_MM, VOXEL_MM = 4.0, 5.5, 1.5
# Places, evenly through the white matter, that tell its kinds.
N_PLACES = 200
# Voxels of a tissue with more of it than this part of the others count as pure.
PUREST = 0.75
N_GRID = (72, 88, 72)
WHITE_YET = len(NAMES)


class Mixing(NamedTuple):
    """What a scanner mixes into each region.

    Attributes
    ----------
    regions
        (n_grey, n_tissues) weights in each grey tissue, measured within it, but nuclei in spheres; those of air are
        missing.
    parts
        (n_classes, n_tissues) the same for every tissue within itself, white matter as one: what a correction for
        partial volume measures.
    pure
        (3, n_tissues) the same for grey matter, white matter and fluid where each is purest.
    """

    regions: FloatArray
    parts: FloatArray
    pure: FloatArray


def by_class(weights: FloatArray) -> FloatArray:
    """Weights (n, n_tissues) as those of grey matter, white matter and fluid (n, 3)."""
    white = weights[:, [NAMES.index(name) for name in WHITE]].sum(axis=1)
    fluid = weights[:, NAMES.index("fluid")]
    return np.stack([weights.sum(axis=1) - white - fluid, white, fluid], axis=1)


def white_as_one(weights: FloatArray) -> FloatArray:
    """Weights (n, n_tissues) as those of grey tissues, fluid and white matter (n, n_classes)."""
    n_others = len(GREY) + 1
    return np.column_stack([weights[:, :n_others], weights[:, n_others:].sum(axis=1)])


def response(time_min: FloatArray, shape: Shape) -> FloatArray:
    """Part of the whole effect at each time."""
    if shape == "none":
        return np.zeros_like(time_min)
    if shape == "ramp":
        return np.asarray(np.clip((time_min - ONSET_MIN) / (END_MIN - ONSET_MIN), 0.0, 1.0))
    end_min = PULSE_END_MIN if shape == "pulse" else np.inf
    during: FloatArray = np.where((time_min >= ONSET_MIN) & (time_min < end_min), 1.0, 0.0)
    return during


def plasma(time_min: FloatArray, bolus_fraction: float) -> FloatArray:
    """Plasma curve (n_times,) of a bolus, the rest of the dose infused evenly until the end of the scan."""
    a1, a2, a3, l1, l2, l3 = FENG
    bolus = (a1 * time_min - a2 - a3) * np.exp(-l1 * time_min)
    bolus += a2 * np.exp(-l2 * time_min) + a3 * np.exp(-l3 * time_min)
    steps = np.diff(time_min) * (bolus[1:] + bolus[:-1]) / 2
    infused = np.append(0.0, np.cumsum(steps)) / END_MIN
    return np.asarray(bolus_fraction * bolus + (1 - bolus_fraction) * infused)


def tissue_curves(
    bp_nd: FloatArray,
    r1: FloatArray,
    k2_prime: FloatArray,
    k4: FloatArray,
    change: FloatArray,
    *,
    shape: Shape = "none",
    bolus_fraction: float = 0.5,
) -> FloatArray:
    """Frame means (n_frames, n_curves) of tissues, each with its own rates and part by which its BP_ND changes."""
    time = np.arange(0.0, END_MIN + STEP_MIN / 2, STEP_MIN)
    supply = plasma(time, bolus_fraction)
    middle = response((time[1:] + time[:-1]) / 2, shape)
    k2, h = k2_prime * r1, STEP_MIN / 2
    free, bound = np.zeros_like(k2), np.zeros_like(k2)
    total = np.zeros((len(time), len(k2)))
    for i, effect in enumerate(middle):
        k3 = k4 * bp_nd * (1 + effect * change)
        # (1 - h A) new = (1 + h A) old + inflow, for A = [[-k2 - k3, k4], [k3, -k4]].
        inflow = h * k2 * (supply[i] + supply[i + 1])
        right_free = free * (1 - h * (k2 + k3)) + h * k4 * bound + inflow
        right_bound = bound * (1 - h * k4) + h * k3 * free
        a, d = 1 + h * (k2 + k3), 1 + h * k4
        determinant = a * d - h * h * k3 * k4
        free = (right_free * d + h * k4 * right_bound) / determinant
        bound = (right_bound * a + h * k3 * right_free) / determinant
        total[i + 1] = free + bound
    running = np.vstack([np.zeros(len(k2)), np.cumsum((total[1:] + total[:-1]) / 2 * STEP_MIN, axis=0)])
    edges = np.rint(np.append(FRAMES.start_min, FRAMES.end_min[-1]) / STEP_MIN).astype(int)
    return np.asarray(np.diff(running[edges], axis=0) / DURATION[:, None])


@cache
def mix_head(fwhm_mm: float = FWHM_MM) -> Mixing:
    """Average the head as the scanner sees it over the regions."""
    labels, blurred = draw_head(), blur_head(fwhm_mm)
    white = labels > NAMES.index("fluid")
    fluid = labels == NAMES.index("fluid")

    def average(*places: BoolArray) -> FloatArray:
        return np.stack([blurred[inside].mean(axis=0) for inside in places])

    def purest(own: BoolArray) -> BoolArray:
        share = blurred[..., np.unique(labels[own])].sum(axis=-1)
        return np.asarray(own & (share > np.quantile(share[own], PUREST)))

    grey = [labels == k for k in range(len(GREY))]
    pure = average(*map(purest, ((labels >= 0) & ~white & ~fluid, white, fluid)))
    return Mixing(average(*_places(labels, blurred)), average(*grey, fluid, white), pure)


def _places(labels: IntArray, blurred: FloatArray) -> list[BoolArray]:
    """Voxels of every region."""
    where = [_sphere(SPHERES[n]) if n in SPHERES else labels == NAMES.index(n) for n in GREY]
    # A reference region is eroded, so that it holds what is least mixed.
    where[0] &= blurred[..., 0] > np.median(blurred[..., 0][where[0]])
    return where


@cache
def blur_head(fwhm_mm: float) -> FloatArray:
    """Blur every tissue of the head with the scanner: (x, y, z, n_tissues) weights."""
    labels = draw_head()
    frequency = np.meshgrid(*[np.fft.fftfreq(n, VOXEL_MM) for n in N_GRID], indexing="ij")
    sd = fwhm_mm / np.sqrt(8 * np.log(2))
    transfer = np.exp(-2 * (np.pi * sd) ** 2 * sum(f**2 for f in frequency))
    return np.stack(
        [np.fft.ifftn(np.fft.fftn(labels == k) * transfer).real for k in range(len(NAMES))], axis=-1
    ).astype(np.float32)


@cache
def weigh_white(fwhm_mm: float, assumed_fwhm_mm: float) -> tuple[FloatArray, FloatArray]:
    """White matter as the package measures it around a place, from what a segmentation and the assumed scanner tell.

    All that it does is linear, so that the weights of the tissues in a measurement say what it measures.

    Returns
    -------
    tuple
        Weights of the tissues (n, n_tissues) in the white matter of every region, the reference's first, and in places
        throughout the white matter.
    """
    labels, blurred = draw_head(), blur_head(fwhm_mm)
    inside = labels >= 0
    told = np.zeros((*labels.shape, 3))
    told[inside] = by_class(blur_head(assumed_fwhm_mm)[inside])
    fluid = tissues_alone(mix_head(fwhm_mm).pure.T, by_class(mix_head(assumed_fwhm_mm).pure))[:, 2]
    found = np.zeros((*labels.shape, len(NAMES)))
    grey, white = told[..., 0], told[..., 1]
    sd_voxels = np.full(3, SD_MM / VOXEL_MM)
    found[inside] = fit_white_matter(blurred - told[..., [2]] * fluid, grey, white, inside, sd_voxels)
    regions = [
        np.average(found[place], axis=0, weights=white[place].clip(0)) for place in _places(labels, blurred)
    ]
    places = found[inside & (told.argmax(axis=-1) == 1)]
    return np.stack(regions), places[:: len(places) // N_PLACES]


def draw_head() -> IntArray:
    """Tissue of every voxel, -1 for air: a folded sheet of cortex around white matter, nuclei beside ventricles."""
    labels = _draw_tissues()
    white = labels == WHITE_YET
    grey = (labels >= 0) & (labels < len(GREY))
    nearest = ndimage.distance_transform_edt(~grey, return_distances=False, return_indices=True)
    return np.where(white, NAMES.index(WHITE[0]) + labels[tuple(nearest)], labels)


def _draw_tissues() -> IntArray:
    """The same with white matter as one."""
    x, y, z = _grid()
    depth = 46.0 * (1 - np.sqrt((x / 46) ** 2 + (y / 58) ** 2 + (z / 46) ** 2))
    folds = np.sin(2 * np.pi * x / 17) * np.sin(2 * np.pi * y / 19) + np.sin(2 * np.pi * z / 15 + x / 9)
    below = depth - 6.0 - 3.0 * folds
    labels = np.where(depth < 0, -1, WHITE_YET)
    labels[(depth >= 0) & (below < -2.2)] = NAMES.index("fluid")
    cortex = np.abs(below) <= 2.2
    where = {
        "frontal": y >= 0,
        "temporal": (y < 0) & (z < 0),
        "parietal": (y < 0) & (z >= 0),
        "reference": y < -30,
    }
    for name, place in where.items():
        labels[cortex & place] = NAMES.index(name)
    side = np.abs(x)
    _fill(labels, "insula", (np.abs(side - 30) < 1.6) & (np.abs(y - 8) < 12) & (np.abs(z) < 10))
    _fill(labels, "fluid", (np.abs(side - 33) < 1.4) & (np.abs(y - 8) < 12) & (np.abs(z) < 10))
    _fill(labels, "cingulate", (side > 1) & (side < 4) & (np.abs(y - 30) < 14) & (np.abs(z - 6) < 12))
    _fill(labels, "putamen", _ellipsoid((21, 6, 2), (5, 13, 8)))
    _fill(labels, "striatum", _ellipsoid(SPHERES["striatum"], (5, 5, 4)))
    _fill(labels, "amygdala", _ellipsoid(SPHERES["amygdala"], (6, 7, 6)))
    _fill(labels, "thalamus", _ellipsoid((9, -8, 6), (8, 12, 8)))
    _fill(labels, "midline", _ellipsoid((0, -8, 6), (4, 9, 6)))
    _fill(labels, "fluid", (side < 1.6) & (np.abs(y + 8) < 16) & (np.abs(z - 6) > 3) & (np.abs(z - 6) < 14))
    _fill(labels, "fluid", _ellipsoid((8, 10, 14), (4, 16, 4)))
    _fill(labels, "grey", _ellipsoid(SPHERES["grey"], (4.5, 4, 8)))
    _fill(labels, "fluid", _ellipsoid(SPHERES["grey"], (1.2, 1.2, 10)))
    return np.asarray(labels)


def _fill(labels: IntArray, name: str, inside: BoolArray) -> None:
    labels[inside & (labels >= 0)] = NAMES.index(name)


def _grid() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Distance of every voxel from the middle, mm."""
    x, y, z = np.meshgrid(*[(np.arange(n) - (n - 1) / 2) * VOXEL_MM for n in N_GRID], indexing="ij")
    return x, y, z


def _ellipsoid(centre: tuple[float, float, float], radii: tuple[float, float, float]) -> BoolArray:
    """Voxels in an ellipsoid (mm) on either side of the midline."""
    x, y, z = _grid()
    offsets = (np.abs(x) - centre[0], y - centre[1], z - centre[2])
    return np.asarray(sum((o / r) ** 2 for o, r in zip(offsets, radii, strict=True)) <= 1)


def _sphere(centre: tuple[float, float, float]) -> BoolArray:
    return _ellipsoid(centre, (RADIUS_MM,) * 3)
