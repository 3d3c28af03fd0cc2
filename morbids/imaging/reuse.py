"""Brain masks, tissue and normalizations that other programs made: checked, judged and passed on like own ones."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk

from morbids.errors import MorbidsError
from morbids.imaging.brain import WORKING_MM, judge_brain
from morbids.imaging.head_mask import cut_area_cm2, signed_distance_mm
from morbids.imaging.images import Image, read_image
from morbids.imaging.normalization import Normalization, judge_normalization
from morbids.imaging.resampling import read_transform
from morbids.imaging.stripped import find_lone_brain
from morbids.imaging.template_registration import onto_isotropic_grid
from morbids.imaging.tissue import LABELS, Tissue
from morbids.numerics.arrays import FloatArray

LARGEST_RETURN_ERROR_MM = 2.0
"""Two transforms undo each other when points of the brain come back to within this, on average."""
_SAMPLE_POINTS = 300
_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])


class TakenBrain(NamedTuple):
    """A T1w image and its brain mask; see `BrainExtraction`. How alike it is to the template is not known."""

    corrected_t1w: Path
    mask: Path
    concern: str
    volume_ml: float
    dark_rim: float
    bright_rim: float
    stripped: bool
    notes: str = ""


def take_brain(t1w: Path, mask: Path) -> TakenBrain:
    """Judge a brain mask by its volume and its rim.

    Raises
    ------
    MorbidsError
        The mask is empty, or an image is broken.
    """
    head, brain = read_image(t1w), read_image(mask)
    inside = onto_isotropic_grid(brain._replace(values=(brain.values > 0).astype(np.float32)), WORKING_MM)
    if not (inside.values > 0.5).any():
        raise MorbidsError(f"The brain mask {mask} is empty.", "Leave its dataset out of --derivatives.")
    distance = signed_distance_mm(inside.values > 0.5, inside.affine)
    stripped = find_lone_brain(head, WORKING_MM) is not None
    cut_cm2 = cut_area_cm2(brain.values > 0, head, stripped)
    quality = judge_brain(onto_isotropic_grid(head, WORKING_MM), distance, 1.0, cut_cm2)
    rims = quality.dark_rim, quality.bright_rim
    return TakenBrain(t1w, mask, quality.concern(), quality.volume_ml, *rims, stripped)


def take_tissue(dseg: Path, gm: Path, wm: Path, csf: Path) -> Tissue:
    """Check that labels and probabilities mean the same tissue: old programs counted CSF, GM, WM.

    Raises
    ------
    MorbidsError
        Where a label stands, another tissue is likelier, or it stands nowhere.
    """
    labels = read_image(dseg).values
    probabilities = {"GM": read_image(gm).values, "WM": read_image(wm).values, "CSF": read_image(csf).values}
    for name, value in LABELS.items():
        where = labels == value
        if not where.any():
            raise MorbidsError(
                f"{dseg} has no voxel of value {value} ({name}).", "Leave its dataset out of --derivatives."
            )
        means = {tissue: float(values[where].mean()) for tissue, values in probabilities.items()}
        likeliest = max(means, key=lambda tissue: means[tissue])
        if likeliest != name:
            raise MorbidsError(
                f"{dseg} has the value {value} where {likeliest} is likeliest, and should have it for {name}.",
                "BIDS counts GM 1, WM 2, CSF 3: leave its dataset out of --derivatives, or renumber it.",
            )
    return Tissue(dseg, gm, wm, csf)


def take_normalization(
    t1w: Path,
    t1w_to_template: Path,
    template_to_t1w: Path,
    template_brain: Path,
    template_mask: Path,
    out_dir: Path,
    threads: int,
) -> Normalization:
    """Bring the T1w image to the template with the transforms of another program, and judge the result.

    Parameters
    ----------
    t1w
        The image that the transforms were estimated from.
    t1w_to_template, template_to_t1w
        What ITK reads (.h5 composite or .txt).

    Raises
    ------
    MorbidsError
        A transform cannot be read, or the two do not undo each other.
    """
    ways = read_transform(t1w_to_template), read_transform(template_to_t1w)
    head, brain, inside = read_image(t1w), read_image(template_brain), read_image(template_mask)
    error_mm = _return_error_mm(*ways, inside)
    if not error_mm <= LARGEST_RETURN_ERROR_MM:
        raise MorbidsError(
            f"{t1w_to_template} and {template_to_t1w.name} do not undo each other: points of the brain come back "
            f"{error_mm:.1f} mm away (at most {LARGEST_RETURN_ERROR_MM:g} mm expected).",
            "Leave their dataset out of --derivatives.",
        )
    return judge_normalization(head, ways, brain, inside, out_dir, threads)


def _return_error_mm(there: sitk.Transform, back: sitk.Transform, inside: Image) -> float:
    """Mean distance between points of the template's brain and themselves after the way there and back."""
    voxels = np.argwhere(inside.values > 0)
    chosen = voxels[:: max(1, len(voxels) // _SAMPLE_POINTS)]
    points: FloatArray = (chosen @ inside.affine[:3, :3].T + inside.affine[:3, 3]) * _RAS_TO_LPS
    returned = np.array([back.TransformPoint(there.TransformPoint(point.tolist())) for point in points])
    return float(np.linalg.norm(returned - points, axis=1).mean())
