"""Maps of one scan or one group as slices over anatomy."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.mosaics import Outline, Overlay, Picture, draw_mosaic, grey_levels
from morbids.reports.figures.slices import (
    DEFAULT_COUNTS,
    Counts,
    Cut,
    Mosaic,
    Orientation,
    brain_mosaic,
    lay_out,
    load_volume,
    mask_bounds,
    sample,
)
from morbids.reports.figures.style import INK

SEQUENTIAL: Final = colormaps["inferno"]
# Red for activation (positive), blue for deactivation, white in the middle; without the darkest ends, on which
# outlines would not be seen.
DIVERGING: Final = ListedColormap(colormaps["RdBu_r"](np.linspace(0.07, 0.93, 256)), "activation")


DIRECTIONS: Final = ("activation", "deactivation")
"""What baseline minus challenge means where it is positive, and where it is negative."""
FADING: Final = 2.0


class _Canvas(NamedTuple):
    mosaic: Mosaic
    underlay: FloatArray
    inside: FloatArray


@dataclass(frozen=True)
class Backcloth:
    """What a map lies on: an anatomical image and its brain mask, in the map's world space; and how many slices."""

    anatomy: Path
    mask: Path
    counts: Counts = DEFAULT_COUNTS

    @cached_property
    def canvas(self) -> _Canvas:
        """Slices through the whole brain, prepared once for all maps of a scan."""
        return _prepare(self, brain_mosaic(load_volume(self.mask), counts=self.counts))


def draw_parametric_map(
    values: Path, backcloth: Backcloth, *, label: str, highest: float | None = None
) -> Figure:
    """A map that starts at zero (BP_ND, R1, SUVR): opaque colours inside the brain mask.

    Parameters
    ----------
    values
        The map; NaN is transparent and shows anatomy.
    backcloth
        Anatomy and mask in the same space.
    label
        Quantity and unit for the colour bar.
    highest
        Upper end of the colours; the 99.5th percentile when not given.
    """
    canvas = backcloth.canvas
    shown = np.where(canvas.inside > 0.5, sample(canvas.mosaic, load_volume(values)), np.nan)
    finite = shown[np.isfinite(shown)]
    top = highest if highest is not None else float(np.percentile(finite, 99.5)) if finite.size else 1.0
    overlay = Overlay(shown, SEQUENTIAL, 0.0, max(top, 1e-12), label)
    return draw_mosaic(Picture(canvas.mosaic, canvas.underlay, overlay, backdrop="paper"))


def draw_difference_map(
    values: Path, backcloth: Backcloth, *, label: str, extreme: float | None = None
) -> Figure:
    """Baseline minus challenge: colours centred on 0, activation red, deactivation blue.

    Small differences fade into the anatomy: opacity grows up to half of `extreme` (the 99th percentile of the
    absolute values when not given), so the eye lands on what is large.
    """
    canvas = backcloth.canvas
    shown = np.where(canvas.inside > 0.5, sample(canvas.mosaic, load_volume(values)), np.nan)
    end = extreme if extreme is not None else _extreme(shown)
    opacity = np.clip(2 * np.abs(np.nan_to_num(shown)) / end, 0, 1) ** 1.5
    overlay = _signed(shown, end, label, opacity)
    return draw_mosaic(Picture(canvas.mosaic, canvas.underlay, overlay, backdrop="paper"))


class Emphasis(NamedTuple):
    """What a group map stresses.

    Attributes
    ----------
    outlined
        Image of what is outlined: above 0.5.
    name
        How the key states it, such as "claimed: |t| ≥ 5.2".
    opaque_from
        Height from which colours are full; a strict threshold with few maps must not hide what is just below it.
    directions
        What positive and negative values mean.
    threshold
        Height that is marked on the statistic's colour bar; None for none.
    """

    outlined: Path
    name: str
    opaque_from: float
    directions: tuple[str, str] = DIRECTIONS
    threshold: float | None = None


def draw_statistic_map(
    statistic: Path,
    backcloth: Backcloth,
    emphasis: Emphasis,
    *,
    colours: Path | None = None,
    label: str = "",
    extreme: float | None = None,
) -> Figure:
    """A group map without a cliff at a threshold: what is claimed is outlined, what is weak fades out.

    Parameters
    ----------
    statistic
        t, z or pseudo-t; its absolute value sets the opacity.
    backcloth
        Template and mask.
    emphasis
        What is outlined, and what is opaque.
    colours, label
        Another map for the colours (the effect), with its quantity and unit; the statistic when not given.
    extreme
        End of the symmetric colours; the 99.5th percentile when not given.
    """
    shades = Shades(colours or statistic, label, extreme)
    return draw_mosaic(_paint_statistic(backcloth.canvas, statistic, shades, emphasis))


class Shades(NamedTuple):
    """What the colours of a group map show, and where they end (the 99.5th percentile for None)."""

    image: Path
    label: str
    extreme: float | None


def _paint_statistic(canvas: _Canvas, statistic: Path, shades: Shades, emphasis: Emphasis) -> Picture:
    inside = canvas.inside > 0.5
    height = np.where(inside, np.abs(sample(canvas.mosaic, load_volume(statistic))), np.nan)
    shown = np.where(inside, sample(canvas.mosaic, load_volume(shades.image)), np.nan)
    opacity = np.clip(np.nan_to_num(height) / emphasis.opaque_from, 0, 1) ** FADING
    extreme = _extreme(shown) if shades.extreme is None else shades.extreme
    overlay = _signed(shown, extreme, shades.label, opacity, emphasis.directions)
    if emphasis.threshold is not None and shades.image == statistic:
        overlay = overlay._replace(marks=(-emphasis.threshold, emphasis.threshold))
    outlined = np.nan_to_num(sample(canvas.mosaic, load_volume(emphasis.outlined)))
    outline = Outline(outlined, INK, emphasis.name, level=0.5, width_pt=1.2)
    return Picture(canvas.mosaic, canvas.underlay, overlay, (outline,), backdrop="paper")


class Peak(NamedTuple):
    """A place to show: what it is called, and its coordinates (x, y, z) in mm of the map's space."""

    name: str
    x_mm: float
    y_mm: float
    z_mm: float


def draw_peaks(
    statistic: Path,
    backcloth: Backcloth,
    peaks: Sequence[Peak],
    emphasis: Emphasis,
    *,
    label: str,
    extreme: float | None = None,
) -> Figure:
    """Three planes through each peak (the first eight), two peaks to a row.

    Parameters
    ----------
    statistic
        Coloured and outlined as in `draw_statistic_map`.
    backcloth
        Template and mask.
    peaks
        At least one.
    emphasis, label, extreme
        As in `draw_statistic_map`.
    """
    mask = load_volume(backcloth.mask)
    cuts = [(Cut("axial", z, peak), Cut("coronal", y), Cut("sagittal", x)) for peak, x, y, z in peaks[:8]]
    rows = [[cut for trio in cuts[first : first + 2] for cut in trio] for first in range(0, len(cuts), 2)]
    canvas = _prepare(backcloth, lay_out(mask_bounds(mask, 2.0), rows, gap_mm=7.0, justified=False))
    return draw_mosaic(_paint_statistic(canvas, statistic, Shades(statistic, label, extreme), emphasis))


def paint_place(
    statistic: Path,
    backcloth: Backcloth,
    place: Peak,
    emphasis: Emphasis,
    shades: Shades,
    views: Sequence[Orientation],
) -> Picture:
    """Planes through one place, side by side, faded by the statistic."""
    position = {"axial": place.z_mm, "coronal": place.y_mm, "sagittal": place.x_mm}
    cuts = [Cut(view, position[view]) for view in views]
    mosaic = lay_out(mask_bounds(load_volume(backcloth.mask), 2.0), [cuts], gap_mm=4.0, justified=False)
    return _paint_statistic(_prepare(backcloth, mosaic), statistic, shades, emphasis)


def _prepare(backcloth: Backcloth, mosaic: Mosaic) -> _Canvas:
    """Anatomy without what lies outside the brain, pale enough for colours to stand out."""
    inside = np.nan_to_num(sample(mosaic, load_volume(backcloth.mask)))
    greys = grey_levels(sample(mosaic, load_volume(backcloth.anatomy)), inside)
    underlay = np.where(inside > 0.5, 0.3 + 0.65 * greys, np.nan)
    return _Canvas(mosaic, underlay, inside)


def _signed(
    canvas: FloatArray,
    extreme: float,
    label: str,
    opacity: FloatArray,
    directions: tuple[str, str] = DIRECTIONS,
) -> Overlay:
    high, low = directions
    return Overlay(canvas, DIVERGING, -extreme, extreme, label, opacity, low_name=low, high_name=high)


def _extreme(canvas: FloatArray) -> float:
    finite = np.abs(canvas[np.isfinite(canvas)])
    return max(float(np.percentile(finite, 99.5)), 1e-12) if finite.size else 1.0
