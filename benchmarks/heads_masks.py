"""Brain masks of real heads and of damaged copies: whether good ones pass and bad ones are flagged.

A mask is bad below a Dice of 0.9 with all labels (brain, ventricles and fluid up to the skull). Each head takes its
kinds of damage from the list, so that ten heads take all; each is measured without its skull too.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import ndimage

from benchmarks.heads_case import Head, dice
from morbids.imaging.brain import BrainExtraction, BrainQuality, extract_brain
from morbids.imaging.brightness import brightness_level
from morbids.imaging.head_mask import dilate_mm, signed_distance_mm
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.normalization import LEAST_CORRELATION
from morbids.imaging.transforms import rigid_matrix
from morbids.numerics.arrays import BoolArray, FloatArray

BAD_DICE = 0.90
QUALITY = BrainQuality._fields
TURN = 10
"""Every so many heads the kinds of damage begin anew."""
INTACT = "none"
STRIPPED = "stripped"


class Copy(NamedTuple):
    """A head: intensities, where its brain is, affine (4, 4) from voxels to RAS mm."""

    values: FloatArray
    brain: BoolArray
    affine: FloatArray


def turn(copy: Copy) -> Copy:
    """Nod by 35 degrees, turn by 20, as a header says."""
    matrix = rigid_matrix(np.array([10.0, -15.0, 5.0, np.deg2rad(35), 0.0, np.deg2rad(20)]))
    return copy._replace(affine=matrix @ copy.affine)


def tilt(copy: Copy) -> Copy:
    """Nod by 8 degrees and lean a little, as a header says: slices that were laid along the brain."""
    matrix = rigid_matrix(np.array([1.0, -1.0, 1.0, *np.deg2rad([8.0, 3.0, -4.0])]))
    return copy._replace(affine=matrix @ copy.affine)


def add_noise(copy: Copy) -> Copy:
    """Rician noise of a seventh of the brain's median."""
    rng = np.random.default_rng(0)
    sd = np.median(copy.values[copy.brain]) / 7
    real, imaginary = rng.normal(0, sd, (2, *copy.values.shape))
    return copy._replace(values=np.hypot(copy.values + real, imaginary).astype(np.float32))


def shade(copy: Copy) -> Copy:
    """Coil sensitivity that falls to a fourth from bottom to top and a half from front to back."""
    x = np.linspace(0, 1, copy.values.shape[2])
    y = np.linspace(0, 1, copy.values.shape[1])[:, None]
    return copy._replace(values=(copy.values * 4.0**-x * 2.0**-y).astype(np.float32))


def rescale_voxels(copy: Copy, voxel_mm: float) -> Copy:
    """Average onto other voxels."""
    zoom = float(np.linalg.norm(copy.affine[:3, 0])) / voxel_mm
    blurred = ndimage.gaussian_filter(copy.values, max(0.0, 0.4 * (1 / zoom - 1)))
    values = ndimage.zoom(blurred, zoom, order=1, grid_mode=True, mode="nearest")
    brain = ndimage.zoom(copy.brain.astype(np.float32), zoom, order=1, grid_mode=True, mode="nearest") > 0.5
    step = np.array(copy.values.shape) / values.shape
    affine = copy.affine @ np.vstack([np.column_stack([np.diag(step), (step - 1) / 2]), [0, 0, 0, 1]])
    return Copy(values, brain, affine)


def deface(copy: Copy) -> Copy:
    """Zero what lies in front of and below the brain's centre, more than 5 mm from the brain."""
    centre = np.argwhere(copy.brain).mean(axis=0)
    _, y, z = np.indices(copy.values.shape)
    forward = copy.affine[1, 1] * (y - centre[1]) - copy.affine[2, 2] * (z - centre[2]) > 40
    near = dilate_mm(copy.brain, 5.0, np.abs(np.diag(copy.affine)[:3]))
    return copy._replace(values=np.where(forward & ~near, 0, copy.values).astype(np.float32))


def lengthen_neck(copy: Copy) -> Copy:
    """Mirror the lowest 50 mm of neck: shoulders of muscle and fat below."""
    n = 25
    values = np.concatenate([copy.values[:, :, n:0:-1], copy.values], axis=2)
    brain = np.concatenate([np.zeros_like(copy.brain[:, :, :n]), copy.brain], axis=2)
    affine = copy.affine.copy()
    affine[:3, 3] -= n * copy.affine[:3, 2]
    return Copy(values, brain, affine)


def cut_top(copy: Copy) -> Copy:
    """Leave the uppermost 30 mm of the brain out of the field of view."""
    top = int(np.flatnonzero(copy.brain.any(axis=(0, 1))).max()) - 15
    return copy._replace(values=copy.values[:, :, :top], brain=copy.brain[:, :, :top])


def cut_bottom(copy: Copy) -> Copy:
    """Begin the field of view in the middle of the cerebellum."""
    bottom = int(np.flatnonzero(copy.brain.any(axis=(0, 1))).min()) + 18
    affine = copy.affine.copy()
    affine[:3, 3] += bottom * copy.affine[:3, 2]
    return Copy(copy.values[:, :, bottom:], copy.brain[:, :, bottom:], affine)


def shrink(copy: Copy) -> Copy:
    """Four fifths of the size, as a header says: the size of a child's brain, with a thinner scalp than any."""
    return copy._replace(affine=copy.affine @ np.diag([0.8, 0.8, 0.8, 1.0]))


def rejuvenate(copy: Copy) -> Copy:
    """Give a head the size and the skull of a child: 0.87 as long, what lies outside the brain 1.7 times thinner."""
    outside = -ndimage.gaussian_filter(signed_distance_mm(copy.brain, copy.affine), 1.0)
    voxel_mm = np.linalg.norm(copy.affine[:3, :3], axis=0)
    further = (1.7 - 1) * np.clip(outside, 0, 40)
    slopes = np.gradient(outside, *voxel_mm)
    index = np.indices(outside.shape)
    source = [axis + further * slope / mm for axis, slope, mm in zip(index, slopes, voxel_mm, strict=True)]
    values = ndimage.map_coordinates(copy.values, source, order=1).astype(np.float32)
    return copy._replace(values=values, affine=np.diag([0.87, 0.87, 0.87, 1.0]) @ copy.affine)


def take_ratio(copy: Copy) -> Copy:
    """Ratio of two images, as MP2RAGE gives it, of 1 mm: no shading, and where there is no signal any value."""
    fine = rescale_voxels(copy, 1.0)
    even = fine.values / brightness_level(Image(fine.values, fine.affine, None))
    even /= np.percentile(even[fine.brain], 75)
    rng = np.random.default_rng(0)
    is_known = rng.uniform(size=even.shape) < np.clip((even - 0.08) / 0.25, 0, 1)
    ratio = np.clip(0.8 * even + rng.normal(0, 0.025, even.shape), 0, 1)
    return fine._replace(values=np.where(is_known, ratio, rng.uniform(size=even.shape)).astype(np.float32))


def strip(copy: Copy, margin_mm: float = 0.0) -> Copy:
    """Take the skull off, as other programs do: as the labels end, tighter or wider."""
    if margin_mm >= 0:
        shown = dilate_mm(copy.brain, margin_mm, np.linalg.norm(copy.affine[:3, :3], axis=0))
    else:
        shown = signed_distance_mm(copy.brain, copy.affine) > -margin_mm
    return copy._replace(values=np.where(shown, copy.values, 0).astype(np.float32))


def score(copy: Copy) -> Copy:
    """Take the skull off, and give standard scores: the brain has negative values, nothing around it."""
    inside = copy.values[copy.brain]
    scores = (copy.values - inside.mean()) / inside.std()
    return copy._replace(values=np.where(copy.brain, scores, 0).astype(np.float32))


def wound(copy: Copy) -> Copy:
    """Lesion as dark as fluid, 35 mm around a point of the cortex at one side."""
    where = np.argwhere(copy.brain)
    centre = np.array([where[:, 0].max() - 6, *where[:, 1:].mean(axis=0)])
    voxel_mm = np.linalg.norm(copy.affine[:3, :3], axis=0)
    offset_mm = (np.moveaxis(np.indices(copy.values.shape), 0, -1) - centre) * voxel_mm
    lesion = (np.linalg.norm(offset_mm, axis=-1) < 35) & copy.brain
    fluid = np.percentile(copy.values[copy.brain], 2)
    noise = np.random.default_rng(0).uniform(0.7, 1.3, copy.values.shape)
    return copy._replace(values=np.where(lesion, fluid * noise, copy.values).astype(np.float32))


def invert(copy: Copy) -> Copy:
    """Contrast of a T2w image."""
    top = np.percentile(copy.values[copy.brain], 95)
    body = ndimage.gaussian_filter(copy.values, 1) > 0.15 * top
    return copy._replace(
        values=np.where(body, np.clip(1.3 * top - copy.values, 0, None), 0).astype(np.float32)
    )


DAMAGES: Mapping[str, Callable[[Copy], Copy]] = MappingProxyType(
    {
        "turned": turn,
        "noise": add_noise,
        "bias": shade,
        "1 mm": lambda copy: rescale_voxels(copy, 1.0),
        "3 mm": lambda copy: rescale_voxels(copy, 3.0),
        "4 mm": lambda copy: rescale_voxels(copy, 4.0),
        "defaced": deface,
        "long neck": lengthen_neck,
        "cut top": cut_top,
        "cut bottom": cut_bottom,
        "0.8 x size": shrink,
        "inverted": invert,
        "child": rejuvenate,
        "lesion": wound,
        "stripped tight": lambda copy: strip(copy, -2.0),
        "stripped wide": lambda copy: strip(copy, 4.0),
        "tilted": tilt,
        "stripped scores": score,
        "child defaced": lambda copy: rejuvenate(deface(copy)),
        "ratio": take_ratio,
    }
)


def measure(head: Head) -> list[dict[str, object]]:
    """Row of the head as it is, one without its skull, and one for each damage done to it."""
    whole = Copy(read_image(head.t1w).values, head.labels.values > 0, head.labels.affine)
    rows = [_row(INTACT, head.brain, whole) | {"correlation": head.normalization.correlation}]
    damages = {STRIPPED: strip} | {kind: DAMAGES[kind] for kind in list(DAMAGES)[head.number :: TURN]}
    for kind, damage in damages.items():
        copy = damage(whole)
        folder = head.work / kind.replace(" ", "_")
        t1w = write_image(copy.values, copy.affine, folder / "T1w.nii.gz", code=1)
        found = extract_brain(t1w, head.template.brain, head.template.mask, folder / "brain", 1)
        rows.append(_row(kind, found, copy))
    return rows


def summarise(table: pd.DataFrame) -> dict[str, float]:
    """Figures; doubts are told anew from what was measured."""
    rows = table[table["damage"].notna()]
    flagged = np.array([bool(BrainQuality(*row).concern()) for row in rows[list(QUALITY)].to_numpy(float)])
    intact = (rows["damage"] == INTACT).to_numpy()
    bad = (rows["dice"] < BAD_DICE).to_numpy()
    correlation = rows.loc[intact, "correlation"].to_numpy(float)
    return {
        "mask_dice_min": float(rows["dice"][intact].min()),
        "mask_dice_mean": float(rows["dice"][intact].mean()),
        "mask_false_flags": float(flagged[intact].sum()),
        "stripped_dice_min": float(rows.loc[rows["damage"] == STRIPPED, "dice"].min()),
        "mask_damaged": float((~intact).sum()),
        "mask_damaged_bad": float((bad & ~intact).sum()),
        "mask_missed": float((bad & ~flagged).sum()),
        "mask_damaged_false_flags": float((flagged & ~bad & ~intact).sum()),
        "template_false_flags": float((correlation < LEAST_CORRELATION).sum()),
    }


def _row(damage: str, found: BrainExtraction, copy: Copy) -> dict[str, object]:
    """What was found beside what is true."""
    overlap = dice(read_image(found.mask).values > 0, copy.brain)
    return {"damage": damage, "dice": overlap} | {name: getattr(found, name) for name in QUALITY}
