"""Register a brain template to a T1w image: the part that brain extraction and normalization share.

The template (brain only) is the fixed image and the T1w image the moving one, so that the metric can be taken
within the template's brain, wherever the head lies. Greedy's matrices and warps map points of the template to
points of the image.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.imaging.greedy import run_greedy
from morbids.imaging.head_mask import dilate_mm
from morbids.imaging.images import Image, write_image
from morbids.imaging.resampling import average_blocks
from morbids.imaging.transforms import read_greedy, write_greedy
from morbids.numerics.arrays import BoolArray, FloatArray

METRIC_MARGIN_MM = 4.0
"""The metric reaches this far beyond the template's brain, so that the edge of the brain counts."""

FIRM, SOFT = ("3vox", "0.7vox"), ("2vox", "0.5vox")
"""How far greedy smooths each step of a deformation, and all of it: the soft follow wide ventricles if fluid leads."""

SPLINE_MOST = 1.25
"""Times the edge of a cube: finer voxels are interpolated by splines. Straight lines blur, and the mask of an
atrophied head that lay oblique grew by 75 mL. A spline swings over at an edge as far as a voxel is wide: where voxels
are coarser, as far as fluid lies between brain and skull."""
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class Warp(NamedTuple):
    """Deformation after an affine, both ways.

    Attributes
    ----------
    affine
        (4, 4) RAS mm, points of the (deformed) template to points of the image.
    displacement, inverse
        Vector images (LPS mm, as ITK has them) on the template's grid; the inverse undoes the displacement.
    """

    affine: FloatArray
    displacement: sitk.Image
    inverse: sitk.Image

    def template_points_to_image(self) -> sitk.CompositeTransform:
        """Points of the template to points of the image: brings the image into the template."""
        return sitk.CompositeTransform([_itk_affine(self.affine), _itk_field(self.displacement)])

    def image_points_to_template(self) -> sitk.CompositeTransform:
        """Points of the image to points of the template: brings the template into the image."""
        return sitk.CompositeTransform([_itk_field(self.inverse), _itk_affine(np.linalg.inv(self.affine))])


def onto_isotropic_grid(image: Image, spacing_mm: float) -> Image:
    """Average an image onto a grid of cubes along the world's axes that covers its whole field of view.

    Any orientation, obliquity, shear and voxel size becomes a grid that every program reads alike.
    """
    step = np.maximum(np.floor(spacing_mm / image.voxel_mm + 1e-3), 1).astype(int)
    blocks = average_blocks(image._replace(values=np.nan_to_num(image.values)), step)
    shape, block_affine = blocks.values.shape, blocks.affine
    corners = np.array(np.meshgrid(*[(-0.5, length - 0.5) for length in shape])).reshape(3, -1)
    corners_mm = block_affine[:3, :3] @ corners + block_affine[:3, 3:]
    low, high = corners_mm.min(axis=1), corners_mm.max(axis=1)
    n_cubes = np.ceil((high - low) / spacing_mm - 1e-3).astype(int)
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = (low + high) / 2 - (n_cubes - 1) / 2 * spacing_mm
    pull = np.round(np.linalg.inv(block_affine) @ affine, 6)
    order = _spline_order(pull, blocks.voxel_mm, spacing_mm)
    moved = ndimage.affine_transform(blocks.values, pull[:3, :3], pull[:3, 3], tuple(n_cubes), order=order)
    moved = np.clip(moved, blocks.values.min(), blocks.values.max())
    return Image(moved.astype(np.float32), affine, image.header)


def _spline_order(pull: FloatArray, edges_mm: FloatArray, spacing_mm: float) -> Literal[0, 1, 3]:
    """How voxels with edges (3,) are interpolated at the places (4, 4, in voxels) of cubes: not, if they meet."""
    if not (pull % 1).any():
        return 0
    return 3 if edges_mm.max() < SPLINE_MOST * spacing_mm else 1


def centre_mm(mask: BoolArray, affine: FloatArray) -> FloatArray:
    """Centre of a mask in RAS mm."""
    centre: FloatArray = affine[:3, :3] @ np.argwhere(mask).mean(axis=0) + affine[:3, 3]
    return centre


class TemplatePair:
    """A template and an image written where greedy reads them, and the registrations between them.

    Parameters
    ----------
    brain, inside
        The template and its brain mask.
    image
        The moving image on a plain grid (see `onto_isotropic_grid`).
    work_dir
        Where files for greedy go.
    threads
        How many threads greedy may use.
    """

    def __init__(self, brain: Image, inside: BoolArray, image: Image, work_dir: Path, threads: int) -> None:
        self.work_dir = work_dir
        self.threads = threads
        self.spacing_mm = float(brain.voxel_mm.mean())
        fixed = write_image(brain.values, brain.affine, work_dir / "template.nii")
        moving = write_image(image.values, image.affine, work_dir / "image.nii")
        region = dilate_mm(inside, METRIC_MARGIN_MM, brain.voxel_mm)
        mask = write_image(region, brain.affine, work_dir / "region.nii")
        self._images = ["-i", str(fixed), str(moving), "-gm", str(mask)]
        self._fluid: list[str] = []

    def add_fluid(self, of_template: Image, of_image: Image) -> None:
        """Let deformations follow fluid too, as much as brightness; both on the grids of the pair."""
        fixed = write_image(of_template.values, of_template.affine, self.work_dir / "template_fluid.nii")
        moving = write_image(of_image.values, of_image.affine, self.work_dir / "image_fluid.nii")
        self._fluid = ["-i", str(fixed), str(moving)]

    def register_affine(self, starts: Sequence[FloatArray], coarsely: bool = False) -> list[FloatArray]:
        """Rigid at 8 mm, then affine, by masked local correlation, from each start: (4, 4) matrices.

        A coarse search ends at 8 mm. After 20 iterations at 4 mm, masks are the same as after 50 and a rigid search
        there (four real heads).
        """
        near = 0 if coarsely else 20
        commands = []
        ends = []
        for number, start in enumerate(starts):
            first = write_greedy(start, self.work_dir / f"start{number}.mat")
            rigid, affine = self.work_dir / f"rigid{number}.mat", self.work_dir / f"affine{number}.mat"
            for dof, iterations, before, after in ((6, 0, first, rigid), (12, near, rigid, affine)):
                search = self._affine_search(100, iterations)
                commands.append(["-a", "-dof", str(dof), *search, "-ia", str(before), "-o", str(after)])
            ends.append(affine)
        run_greedy(commands, self.threads)
        return [read_greedy(end) for end in ends]

    def refine_affine(self, start: FloatArray) -> FloatArray:
        """Improve an affine (4, 4) that is near the best one."""
        first = write_greedy(start, self.work_dir / "start.mat")
        end = self.work_dir / "affine.mat"
        search = self._affine_search(20, 50)
        run_greedy([["-a", "-dof", "12", *search, "-ia", str(first), "-o", str(end)]], self.threads)
        return read_greedy(end)

    def _affine_search(self, far: int, near: int) -> list[str]:
        """Metric and images of an affine search with so many iterations at 8 and at 4 mm."""
        # The metric that weighs patches by the mask: plain NCC shrank brains by 10 to 16 % of their volume and
        # lost heads cut at 120 mm (27 mm off, against 3.6), mutual information lost these and turned heads.
        return ["-m", "WNCC", "4x4x4", "-n", self._levels(far, near, 0), *self._images]

    def register_deformable(
        self, affine: FloatArray, iterations: tuple[int, int, int], smoothing: tuple[str, str] = FIRM
    ) -> Warp:
        """Deform the template after an affine, with stationary velocity fields and local correlation.

        Parameters
        ----------
        affine
            (4, 4), kept as it is.
        iterations
            At four, two and one times the template's voxels when these are 2 mm; on coarser grids the levels that
            are as coarse in mm.
        smoothing
            `FIRM` or `SOFT`.
        """
        first = write_greedy(affine, self.work_dir / "deform_start.mat")
        warp, inverse = self.work_dir / "warp.nii", self.work_dir / "inverse.nii"
        smooth = ["-s", *smoothing, "-sv"]
        metric = ["-m", "NCC", "2x2x2", "-n", self._levels(*iterations)]
        outputs = ["-it", str(first), "-o", str(warp), "-oinv", str(inverse)]
        run_greedy([[*metric, *smooth, *self._images, *self._fluid, *outputs]], self.threads)
        fields = [sitk.ReadImage(str(path), sitk.sitkVectorFloat64) for path in (warp, inverse)]
        return Warp(affine, *fields)

    def _levels(self, *iterations: int) -> str:
        """Iterations per level of the pyramid for levels of 8, 4 and 2 mm (1 mm repeats the last)."""
        kept = list(iterations)
        if self.spacing_mm < 1.5:
            kept.append(iterations[-1])
        elif self.spacing_mm > 3:
            kept = kept[:2]
        return "x".join(str(number) for number in kept)


def _itk_affine(matrix: FloatArray) -> sitk.AffineTransform:
    lps = _RAS_TO_LPS @ matrix @ _RAS_TO_LPS
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(lps[:3, :3].ravel().tolist())
    transform.SetTranslation(lps[:3, 3].tolist())
    return transform


def _itk_field(displacement: sitk.Image) -> sitk.DisplacementFieldTransform:
    # The constructor empties the image that it is given.
    return sitk.DisplacementFieldTransform(sitk.Image(displacement))
