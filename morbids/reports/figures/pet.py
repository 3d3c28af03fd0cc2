"""Pictures of the PET image: how it lies on the T1w, and where the reference region is."""

from pathlib import Path
from typing import Final

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.anatomy import HEAD_MARGIN_MM, OutlineColours, tissue_outlines
from morbids.reports.figures.mosaics import Outline, Overlay, Picture, draw_mosaic, grey_levels
from morbids.reports.figures.slices import (
    Counts,
    brain_mosaic,
    even_cuts,
    lay_out,
    load_volume,
    mask_bounds,
    sample,
)

UPTAKE_COLOURS: Final = colormaps["inferno"]
REFERENCE_COLOUR: Final = "#56F0E4"
LABELS_COLOUR: Final = "#FFFFFF"
# Uptake is black, red and yellow; the pial border is left out, as it would hide the rim of the cortex.
ON_UPTAKE: Final = OutlineColours(brain="#FFFFFF", grey="", white="#56F0E4")


def draw_pet_on_t1w(
    pet: Path, brain_mask: Path, dseg: Path | None, *, label: str = "PET reference", unit: str = "kBq/mL"
) -> Figure:
    """PET image with the T1w's outlines of brain and tissue, on the planes of `anatomy.draw_brain`.

    `pet` lies in the T1w's world space (its grid may differ), so each misfit of outline and uptake is an
    error of registration. With `draw_brain` of the same mask it makes a flicker.
    """
    mask = load_volume(brain_mask)
    mosaic = brain_mosaic(mask, HEAD_MARGIN_MM)
    uptake = sample(mosaic, load_volume(pet))
    overlay = Overlay(uptake, UPTAKE_COLOURS, 0.0, bright_of(uptake), f"{label} ({unit})")
    outlines = tissue_outlines(mosaic, mask, dseg, ON_UPTAKE)
    return draw_mosaic(Picture(mosaic, None, overlay, outlines))


def draw_reference_region(
    pet: Path,
    reference_mask: Path,
    labels_mask: Path,
    brain_mask: Path,
    *,
    name: str,
    t1w: Path | None = None,
    unit: str = "kBq/mL",
) -> Figure:
    """The outlines of the reference region and of the labels that it was cut from; all images share one world space.

    With a T1w the anatomy is drawn instead of the PET image, on the same planes: the two make a flicker.
    """
    brain = load_volume(brain_mask)
    region, labels = load_volume(reference_mask), load_volume(labels_mask)
    focus = mask_bounds(region, 0.0, outer_percent=4.0)
    mosaic = lay_out(mask_bounds(brain), even_cuts(focus, Counts(7, 7, 0)))
    outlines = (
        Outline(sample(mosaic, labels), LABELS_COLOUR, "labels of the atlas", width_pt=0.6),
        Outline(sample(mosaic, region), REFERENCE_COLOUR, f"reference region: {name}", width_pt=1.1),
    )
    underlay, overlay = None, None
    if t1w is not None:
        underlay = grey_levels(sample(mosaic, load_volume(t1w)), np.nan_to_num(sample(mosaic, brain)))
    else:
        uptake = sample(mosaic, load_volume(pet))
        overlay = Overlay(uptake, UPTAKE_COLOURS, 0.0, bright_of(uptake), f"PET reference ({unit})")
    return draw_mosaic(Picture(mosaic, underlay, overlay, outlines))


def bright_of(canvas: FloatArray) -> float:
    """Upper end of a colour scale: the 99.8th percentile, so that one hot voxel does not darken the rest."""
    finite = canvas[np.isfinite(canvas)]
    return max(float(np.percentile(finite, 99.8)), 1e-12) if finite.size else 1.0
