"""Brain extraction and bias correction of a T1w image.

The head is evened roughly, so that shading hides none of it. A brain-only template is registered to it with the
metric inside the template's brain, and its mask is warped back: shoulders, neck and face never enter, whatever the
field of view. What is left of bias is then estimated by N4 [Tustison 2010, IEEE TMI 29:1310] within that mask, and
the mask ends where tissue does. Of an image whose skull another program took off, the brain is what it shows. The
result is judged by what a person looks at, and a doubtful one carries a sentence.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.imaging.brain_edge import trim_to_tissue
from morbids.imaging.brain_registration import coarsen_template, find_brain, likeness_to
from morbids.imaging.brightness import bound_field, brightness_level, estimate_bias
from morbids.imaging.concerns import all_doubts, too_high, too_low
from morbids.imaging.head_mask import MOST_CUT_CM2, cut_area_cm2
from morbids.imaging.images import Image, read_head, read_image, space_code, write_image
from morbids.imaging.resampling import index_transform, resample_volume
from morbids.imaging.restless_air import BLACK_PERCENTILE, silence_air
from morbids.imaging.stripped import find_lone_brain
from morbids.imaging.template_registration import onto_isotropic_grid
from morbids.imaging.transforms import write_itk
from morbids.imaging.workplace import Workplace
from morbids.numerics.arrays import FloatArray

WORKING_MM = 2.0
LEAST_LIKENESS = 0.5
"""Ten real heads reach 0.573 to 0.75 when right (`benchmarks heads`), 0.589 with the skull of a child, an atrophied one
0.52 to 0.55 when tilted or at 0.7 mm. A template 10 mm or 15 degrees off has 0.16 to 0.27, one that is an eighth too
large or too small 0.28 and 0.37, a mask that follows the scalp 0.36 and 0.52: its rim is bright (9 mm too wide, all ten
heads are beyond `MOST_BRIGHT_RIM`). A good mask after a lobe was removed may be flagged."""
BRAIN_VOLUME_ML = (700, 2100)
LEAST_EXTENT_MM = 40.0
"""Less than a third of a brain's height is not told from none."""
RIM_MM = 4.0
DARK, BRIGHT = 0.25, 1.35
SPIKE_PERCENTILE, SPIKE_TIMES = 99.9, 3.0
"""What is brighter than so many times all but a thousandth of what is not black is no tissue."""
MOST_DARK_RIM = 0.5
"""Fluid is as dark as bone: even the true masks of atrophied brains reach 0.43."""
MOST_BRIGHT_RIM = 0.02
"""At most 0.010 in ten real heads and 0.015 with a child's skull; their true masks grown by 6 mm (Dice 0.88) have
0.013 to 0.028, by 8 mm 0.05 to 0.15."""

STRIPPED = "The T1w image came without a skull: its brain mask is what it shows."
RESTLESS_AIR = (
    "Air in the T1w image is noise as bright as tissue, as in ratio images (MP2RAGE): it was made black."
)


class BrainQuality(NamedTuple):
    """What tells a brain mask from one that failed.

    Attributes
    ----------
    volume_ml
        Volume of the mask inside the field of view.
    likeness
        Correlation of the registered template with the head, within the template's brain.
    dark_rim, bright_rim
        Share of the outermost 4 mm of the mask that is darker than 0.25 (bone, air) or brighter than 1.35 (fat)
        times white matter.
    cut_cm2
        Area over which the mask ends at the edge of the field of view.
    """

    volume_ml: float
    likeness: float
    dark_rim: float
    bright_rim: float
    cut_cm2: float

    def concern(self) -> str:
        """Sentences that flag a doubtful mask, with the thresholds that it missed; empty when none is."""
        doubts = []
        low, high = BRAIN_VOLUME_ML
        if self.likeness < LEAST_LIKENESS:
            alike = too_low(self.likeness, LEAST_LIKENESS)
            doubts.append(f"the head correlates with the template by {alike}")
        if not low <= self.volume_ml <= high:
            doubts.append(f"it has {self.volume_ml:.0f} mL ({low} to {high} mL expected)")
        if self.cut_cm2 > MOST_CUT_CM2:
            cut = too_high(self.cut_cm2, MOST_CUT_CM2, "cm2", digits=0)
            doubts.append(
                f"the field of view cuts the brain over {cut}: what is cut off has no tissue, and regions near the cut "
                "are uncertain"
            )
        if self.dark_rim > MOST_DARK_RIM:
            dark = too_high(self.dark_rim, MOST_DARK_RIM, "%")
            doubts.append(f"of the mask's rim {dark} is as dark as bone, so the mask may include skull")
        if self.bright_rim > MOST_BRIGHT_RIM:
            bright = too_high(self.bright_rim, MOST_BRIGHT_RIM, "%")
            doubts.append(
                f"of the mask's rim {bright} is as bright as fat, so the mask may include scalp or orbit"
            )
        return all_doubts("Brain extraction", doubts)


class BrainExtraction(NamedTuple):
    """A bias-corrected T1w image and its brain mask, on the grid of the input.

    Attributes
    ----------
    corrected_t1w
        Whole head, divided by the bias field; the median of white-matter-like intensities is 1000.
    mask
        Brain mask.
    concern
        Empty, or the sentence that says why the mask is doubtful.
    volume_ml, likeness, dark_rim, bright_rim, cut_cm2
        What was judged, see `BrainQuality`.
    template_affine
        ITK text file with the affine that brings the T1w image to the template.
    stripped
        The image came without a skull, and its mask is what it shows.
    notes
        Empty, or sentences that say so, and of noise around the head that was taken out.
    """

    corrected_t1w: Path
    mask: Path
    concern: str
    volume_ml: float
    likeness: float
    dark_rim: float
    bright_rim: float
    cut_cm2: float
    template_affine: Path
    stripped: bool
    notes: str


def extract_brain(
    t1w: Path, template_brain: Path, template_mask: Path, out_dir: Path, threads: int
) -> BrainExtraction:
    """Extract the brain from a T1w image of any orientation and voxel size.

    Parameters
    ----------
    t1w
        3D image of a head.
    template_brain, template_mask
        Brain-only template and its mask (2 mm is enough).
    out_dir
        Where the corrected image and mask are written.

    Raises
    ------
    MorbidsError
        The image is broken (see `read_head`), empty or a thin slab, or shows no brain.
    """
    head = read_head(t1w)
    _check_head(t1w, head)
    silent = silence_air(head)
    head = head if silent is None else silent
    alone = find_lone_brain(head, WORKING_MM)
    head = _without_spikes(_from_black(head) if alone is None else alone.image)
    coarse = onto_isotropic_grid(head, WORKING_MM)
    target = coarsen_template(read_image(template_brain), read_image(template_mask), WORKING_MM)
    level = brightness_level(coarse)
    even = coarse._replace(values=coarse.values / level)
    inside = None if alone is None else alone.inside
    distance, to_image, affine = find_brain(even, target, Workplace(out_dir, threads), inside)
    if not (distance > 0).any():
        raise MorbidsError(f"No brain was found in {t1w}.", "Look at the image: is it a T1w image of a head?")
    field = bound_field(np.log(level) + estimate_bias(even, distance > 0, threads), distance > 0)
    even = coarse._replace(values=coarse.values / np.exp(field))
    distance = trim_to_tissue(distance, even)
    # Judged without the bias, which hides the brain from a correlation though not from the registration.
    likeness = likeness_to(to_image, even, target)
    mask = _onto(head, coarse, distance) > 0
    quality = judge_brain(even, distance, likeness, cut_area_cm2(mask, head, alone is not None))
    corrected = head.values / np.exp(_onto(head, coarse, field))
    corrected *= 1000 / np.percentile(corrected[mask], 75)
    code = space_code(head.header)
    return BrainExtraction(
        write_image(corrected.astype(np.float32), head.affine, out_dir / "corrected_T1w.nii.gz", code=code),
        write_image(mask, head.affine, out_dir / "brain_mask.nii.gz", code=code),
        quality.concern(),
        *quality,
        write_itk(affine, out_dir / "from-T1w_to-template_affine.txt"),
        alone is not None,
        " ".join([STRIPPED] * (alone is not None) + [RESTLESS_AIR] * (silent is not None)),
    )


def _check_head(t1w: Path, head: Image) -> None:
    """Refuse an image in which no brain can be."""
    if not np.nanmax(head.values) > np.nanmin(head.values):
        raise MorbidsError(f"{t1w} is empty: all voxels are {head.values.flat[0]:g}.", "Look at the image.")
    thinnest_mm = float((head.voxel_mm * head.values.shape).min())
    if thinnest_mm < LEAST_EXTENT_MM:
        raise MorbidsError(
            f"{t1w} shows no more than {thinnest_mm:.0f} mm along one axis.",
            "Give a T1w image of a whole head: this is a slice, a slab or a localizer.",
        )


def _from_black(image: Image) -> Image:
    """Image whose darkest voxels are 0: some scanners and exports lift everything."""
    return image._replace(
        values=np.nan_to_num(image.values - np.nanpercentile(image.values, BLACK_PERCENTILE))
    )


def _without_spikes(image: Image) -> Image:
    """Image without values that conversions leave in single voxels: one of them outweighs a brain."""
    bright = image.values[image.values > 0]
    most = SPIKE_TIMES * np.percentile(bright, SPIKE_PERCENTILE) if bright.size else 0.0
    return image._replace(values=np.clip(image.values, 0, most))


def _onto(head: Image, coarse: Image, values: FloatArray) -> FloatArray:
    """Interpolate values on the working grid at the voxels of the head."""
    pull = index_transform([], head.affine, coarse.affine)
    return resample_volume(values, head.values.shape, pull, "linear")


def judge_brain(corrected: Image, distance: FloatArray, likeness: float, cut_cm2: float) -> BrainQuality:
    """Judge a mask, given as signed distance (mm, positive inside), by volume, likeness, rim and what is cut off."""
    inside = distance > 0
    rim = corrected.values[inside & (distance <= RIM_MM)]
    white = np.percentile(corrected.values[inside], 75)
    return BrainQuality(
        volume_ml=float(inside.sum() * corrected.voxel_ml),
        likeness=likeness,
        dark_rim=float((rim < DARK * white).mean()),
        bright_rim=float((rim > BRIGHT * white).mean()),
        cut_cm2=cut_cm2,
    )
