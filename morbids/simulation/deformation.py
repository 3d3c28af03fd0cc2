"""The shape of a subject: a random affine and a smooth diffeomorphism between the scanner and the template."""

from typing import NamedTuple, Protocol

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.imaging.transforms import rigid_matrix
from morbids.numerics.arrays import FloatArray
from morbids.simulation.grids import Grid, make_grid
from morbids.simulation.template import HIGH_MM, LOW_MM

LATTICE_MM = 4.0
"""Spacing of the displacement field; its features are many times larger."""
BRAIN_CENTRE_MM = np.array([0.0, -18.0, 8.0])

TYPICAL_SIZE = 0.95
"""Length of a person's brain over the template's: its 1900 mL within the dura are those of the largest adults, and
1630 mL are common."""

_VELOCITY = ((48.0, 3.4), (24.0, 0.8))
"""(full width at half maximum in mm, standard deviation per axis in mm) of the velocity's components."""
_SQUARINGS = 6


class Ways(Protocol):
    """Both directions between a person's T1w space and the template, whoever knows them.

    Attributes
    ----------
    template_to_t1w, t1w_to_template
        ITK transforms that bring images from the first space to the second.
    lattice
        Coarse grid in template space on which smooth fields of this person are drawn.
    """

    @property
    def template_to_t1w(self) -> sitk.Transform:
        """From T1w points to template points."""
        ...

    @property
    def t1w_to_template(self) -> sitk.Transform:
        """From template points to T1w points."""
        ...

    @property
    def lattice(self) -> Grid:
        """Where smooth fields are drawn."""
        ...


class Shape(NamedTuple):
    """Both directions between a subject's T1w space and the template.

    Attributes
    ----------
    affine
        (4, 4) RAS mm, points of T1w space to points of the template before the nonlinear part.
    to_template_mm, from_template_mm
        Displacements (x, y, z, 3) in RAS mm on `lattice`, each the inverse of the other.
    lattice
        Their grid, in template space.
    """

    affine: FloatArray
    to_template_mm: FloatArray
    from_template_mm: FloatArray
    lattice: Grid

    @property
    def template_to_t1w(self) -> sitk.Transform:
        """Brings images of the template into T1w space: its points go from T1w to template."""
        return sitk.CompositeTransform(
            [_field_transform(self.to_template_mm, self.lattice), _itk(self.affine)]
        )

    @property
    def t1w_to_template(self) -> sitk.Transform:
        """Brings images of T1w space into the template: its points go from template to T1w."""
        field = _field_transform(self.from_template_mm, self.lattice)
        return sitk.CompositeTransform([_itk(np.linalg.inv(self.affine)), field])


def random_shape(rng: np.random.Generator) -> Shape:
    """Draw size, position and a diffeomorphism whose displacement is about 5 mm on average.

    The field integrates a stationary velocity by scaling and squaring [Arsigny 2006, MICCAI], so its inverse is
    the integral of the negative velocity.
    """
    lattice = make_grid(LOW_MM, HIGH_MM, LATTICE_MM)
    parts = [_smooth_vectors(rng, lattice, fwhm_mm, sd_mm) for fwhm_mm, sd_mm in _VELOCITY]
    velocity: FloatArray = np.sum(parts, axis=0)
    return Shape(_random_affine(rng), _integrate(velocity), _integrate(-velocity), lattice)


def smooth_field(rng: np.random.Generator, lattice: Grid, fwhm_mm: float) -> FloatArray:
    """Draw a smooth random field on a lattice: mean 0 and standard deviation 1 in expectation."""
    sigma = fwhm_mm / 2.355 / lattice.voxel_mm[0]
    margin = int(np.ceil(3 * sigma))
    white = rng.standard_normal([length + 2 * margin for length in lattice.shape], dtype=np.float32)
    # White noise filtered by a Gaussian keeps 1 / (2 sqrt(pi) sigma) of its variance per axis.
    field = ndimage.gaussian_filter(white, sigma) * (2 * np.sqrt(np.pi) * sigma) ** 1.5
    inner: FloatArray = field[margin:-margin, margin:-margin, margin:-margin]
    return inner


def _random_affine(rng: np.random.Generator) -> FloatArray:
    """Points of T1w space to template points: position in the scanner, then size and a little shear."""
    shift = rng.normal(0, [3.0, 4.0, 4.0])
    angles = np.deg2rad(np.clip(rng.normal(0, [4.0, 2.5, 2.5]), -9, 9))
    stretch = np.diag(1 / (TYPICAL_SIZE * rng.normal(1.0, 0.03, 3).clip(0.92, 1.08)))
    stretch[np.triu_indices(3, 1)] = rng.normal(0, 0.01, 3)
    size = np.eye(4)
    size[:3, :3] = stretch
    size[:3, 3] = BRAIN_CENTRE_MM - stretch @ BRAIN_CENTRE_MM
    return size @ rigid_matrix(np.concatenate([shift, angles]), BRAIN_CENTRE_MM)


def _smooth_vectors(rng: np.random.Generator, lattice: Grid, fwhm_mm: float, sd_mm: float) -> FloatArray:
    return np.stack([sd_mm * smooth_field(rng, lattice, fwhm_mm) for _ in range(3)], axis=-1)


def _integrate(velocity: FloatArray) -> FloatArray:
    """Exponential of a velocity field (mm on the lattice)."""
    field: FloatArray = velocity / 2**_SQUARINGS
    index = np.stack(np.meshgrid(*(np.arange(n) for n in field.shape[:3]), indexing="ij"))
    for _ in range(_SQUARINGS):
        moved = index + np.moveaxis(field, -1, 0) / LATTICE_MM
        field = field + np.stack(
            [ndimage.map_coordinates(field[..., axis], moved, order=1, mode="nearest") for axis in range(3)],
            -1,
        )
    return field


def _field_transform(displacement_mm: FloatArray, lattice: Grid) -> sitk.Transform:
    """ITK displacement field of RAS displacements; the lattice keeps its RAS axes by its direction matrix."""
    lps = displacement_mm * np.array([-1.0, -1.0, 1.0])
    image = sitk.GetImageFromArray(
        np.ascontiguousarray(lps.transpose(2, 1, 0, 3), dtype=np.float64), isVector=True
    )
    image.SetSpacing(lattice.voxel_mm.tolist())
    image.SetOrigin((lattice.affine[:3, 3] * [-1, -1, 1]).tolist())
    image.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
    transform: sitk.Transform = sitk.DisplacementFieldTransform(image)
    return transform


def _itk(matrix: FloatArray) -> sitk.Transform:
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    lps = flip @ matrix @ flip
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    return transform
