"""One participant: a head (the average one in a shape of their own), its T1w image, and their own binding."""

from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import BoolArray, FloatArray, IntArray
from morbids.simulation.activity import Tissue, head_tissue
from morbids.simulation.anatomy import Head, build_head
from morbids.simulation.cohort import Participant
from morbids.simulation.deformation import BRAIN_CENTRE_MM, Ways, random_shape, smooth_field
from morbids.simulation.grids import Grid, centred_grid, pull, voxel_centres
from morbids.simulation.regions import BindingMaps, build_binding_maps
from morbids.simulation.template import TemplateBrain, load_template_brain

REGIONAL_CV, REGIONAL_FWHM_MM = 0.10, 35.0
R1_CV = 0.04
WHITE_SIGNAL = 620.0
T1W_NOISE = 0.025
"""Standard deviation per channel, as part of the white matter signal."""
BIAS_SD, BIAS_FWHM_MM = 0.12, 110.0

_T1W_FIELD_MM = (192.0, 240.0, 240.0)
_T1W_CENTRE_MM = np.array([0.0, -12.0, -10.0])


class Phantom(NamedTuple):
    """What all participants share: template, average head, average binding."""

    template: TemplateBrain
    head: Head
    binding: BindingMaps


class Subject(NamedTuple):
    """A participant's body.

    Attributes
    ----------
    shape
        Transforms between T1w space and template.
    tissue
        Shares and kinetic parameters at rest in T1w space, on `grid`.
    binding_factor
        Factor on the average BP_ND, (x, y, z) on the shape's lattice in template space.
    place
        (4, 4) RAS mm, points of the usual place of a head in the scanner to points of T1w space.
    """

    participant: Participant
    shape: Ways
    grid: Grid
    tissue: Tissue
    binding_factor: FloatArray
    place: FloatArray


class Imaged(NamedTuple):
    """A T1w image and what is true of it, all (x, y, z) on one grid; tissue is grey 1, white 2, fluid 3."""

    t1w: FloatArray | IntArray
    grid: Grid
    brain: BoolArray
    tissue: IntArray


def build_phantom(occipital_binding: float = 0.0, voxel_mm: float = 1.0) -> Phantom:
    """Read the template and complete it."""
    template = load_template_brain(voxel_mm)
    return Phantom(template, build_head(template), build_binding_maps(template, occipital_binding))


def make_subject(rng: np.random.Generator, participant: Participant, phantom: Phantom, grid: Grid) -> Subject:
    """Draw shape and regional binding, and bring tissue to `grid` in T1w space."""
    shape = random_shape(rng)
    average = head_tissue(phantom.head, phantom.binding.bp_nd, phantom.binding.r1)
    warp = [shape.template_to_t1w]
    brought = Tissue(*(pull(values, phantom.head.grid, grid, warp) for values in average))
    return bind_own(rng, participant, shape, grid, brought)


def bind_own(
    rng: np.random.Generator,
    participant: Participant,
    shape: Ways,
    grid: Grid,
    average: Tissue,
    place: FloatArray | None = None,
) -> Subject:
    """Draw how a participant's binding and delivery differ from the average's, which is given in their T1w space."""
    regional = 1 + REGIONAL_CV * smooth_field(rng, shape.lattice, REGIONAL_FWHM_MM)
    factor = (participant.binding * regional).clip(0.4, 2.2).astype(np.float32)
    delivery = (1 + R1_CV * smooth_field(rng, shape.lattice, REGIONAL_FWHM_MM)).clip(0.8, 1.2)
    warp = [shape.template_to_t1w]
    own = average._replace(
        bp_nd=average.bp_nd * pull(factor, shape.lattice, grid, warp),
        r1=average.r1 * pull(delivery, shape.lattice, grid, warp),
    )
    return Subject(participant, shape, grid, own, factor, np.eye(4) if place is None else place)


def image_head(rng: np.random.Generator, head: Head, shape: Ways, grid: Grid) -> Imaged:
    """Image a head in a shape of its own, and say what is true on the same voxels."""
    warp = [shape.template_to_t1w]
    shares = [pull(values, head.grid, grid, warp) for values in (head.grey, head.white + head.stem, head.csf)]
    brain = pull(head.brain.astype(np.float32), head.grid, grid, warp) > 0.5
    tissue = np.where(brain, 1 + np.argmax(shares, axis=0), 0).astype(np.uint8)
    return Imaged(make_t1w(rng, head, shape, grid), grid, brain, tissue)


def t1w_grid(voxel_mm: float) -> Grid:
    """Return the grid of the T1w image: 192 x 240 x 240 mm from vertex to neck."""
    nx, ny, nz = (round(extent / voxel_mm) for extent in _T1W_FIELD_MM)
    return centred_grid((nx, ny, nz), (voxel_mm, voxel_mm, voxel_mm), _T1W_CENTRE_MM)


def make_t1w(rng: np.random.Generator, head: Head, shape: Ways, grid: Grid) -> IntArray:
    """T1w image with a smooth receive bias and Rician noise, (x, y, z) int16."""
    signal = pull(head.t1w, head.grid, grid, [shape.template_to_t1w])
    bias = pull(_coil_bias(rng, shape.lattice), shape.lattice, grid, [])
    # Outside the lattice (far corners of air) the bias is unknown and does not matter.
    signal *= np.where(bias > 0, bias, 1.0)
    real = signal + T1W_NOISE * rng.standard_normal(grid.shape, dtype=np.float32)
    imaginary = T1W_NOISE * rng.standard_normal(grid.shape, dtype=np.float32)
    image: IntArray = np.round(WHITE_SIGNAL * np.hypot(real, imaginary)).astype(np.int16)
    return image


def _coil_bias(rng: np.random.Generator, lattice: Grid) -> FloatArray:
    """Brighter towards the coil at the back and the top, with a smooth random part."""
    x, y, z = voxel_centres(lattice)
    cx, cy, cz = BRAIN_CENTRE_MM
    trend = 0.0006 * (cy - y) + 0.0005 * (z - cz) + 0.0004 * (x - cx)
    bias: FloatArray = np.exp(BIAS_SD * smooth_field(rng, lattice, BIAS_FWHM_MM) + trend).astype(np.float32)
    return bias
