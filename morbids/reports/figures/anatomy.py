"""Pictures of the T1w image: what was taken for brain and tissue, and how it lies in the template."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.mosaics import Outline, Picture, draw_mosaic, grey_levels
from morbids.reports.figures.slices import Mosaic, Volume, brain_mosaic, load_volume, sample

GREY_MATTER, WHITE_MATTER = 1, 2
HEAD_MARGIN_MM: Final = 10.0


class OutlineColours(NamedTuple):
    """Colours of the outlines; "" leaves one out."""

    brain: str = "#E69F00"
    grey: str = "#F0E442"
    white: str = "#56B4E9"


ON_GREY: Final = OutlineColours()


def tissue_outlines(
    mosaic: Mosaic, brain_mask: Volume, dseg: Path | None, colours: OutlineColours = ON_GREY
) -> tuple[Outline, ...]:
    """Outlines of the brain mask and, with a segmentation, of the pial and the white-matter border."""
    outlines = [Outline(sample(mosaic, brain_mask), colours.brain, "brain mask", width_pt=1.0)]
    if dseg is not None:
        labels = load_volume(dseg)
        tissue = {"white matter": (WHITE_MATTER,), "grey matter": (GREY_MATTER, WHITE_MATTER)}
        for (name, members), colour in zip(tissue.items(), (colours.white, colours.grey), strict=True):
            if colour:
                inside = labels._replace(values=np.isin(labels.values, members).astype(np.float32))
                outlines.insert(0, Outline(sample(mosaic, inside), colour, name, width_pt=0.5))
    return tuple(outlines)


def draw_brain(t1w: Path, brain_mask: Path, dseg: Path | None) -> Figure:
    """T1w with the outlines of the brain mask and of grey and white matter (`dseg`: GM 1, WM 2, CSF 3)."""
    mask = load_volume(brain_mask)
    mosaic = brain_mosaic(mask, HEAD_MARGIN_MM)
    underlay = _greys(mosaic, load_volume(t1w), mask)
    return draw_mosaic(Picture(mosaic, underlay, outlines=tissue_outlines(mosaic, mask, dseg)))


def draw_in_template(image: Path, template_mask: Path, name: str) -> Figure:
    """`image` (in template space) with the template's brain outline, on planes set by the template alone.

    Drawn once for the participant's T1w and once for the template, the two make a flicker.
    """
    mask = load_volume(template_mask)
    mosaic = brain_mosaic(mask)
    outline = Outline(sample(mosaic, mask), ON_GREY.brain, "template's brain", width_pt=1.0)
    underlay = _greys(mosaic, load_volume(image), mask)
    return draw_mosaic(Picture(mosaic, underlay, outlines=(outline,), title=name))


def _greys(mosaic: Mosaic, image: Volume, mask: Volume) -> FloatArray:
    return grey_levels(sample(mosaic, image), np.nan_to_num(sample(mosaic, mask)))
