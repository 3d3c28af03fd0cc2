"""Maps of one scan or one group as slices over anatomy."""

from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.mosaics import Outline, Overlay, Picture, draw_mosaic, grey_levels
from morbids.reports.figures.slices import Mosaic, brain_mosaic, load_volume, sample
from morbids.reports.figures.style import INK

SEQUENTIAL: Final = "inferno"
# Red is up for activation (positive), blue for deactivation, white in the middle.
DIVERGING: Final = "RdBu_r"


class Backcloth(NamedTuple):
    """What a map lies on: an anatomical image and its brain mask, in the map's world space."""

    anatomy: Path
    mask: Path


class _Canvas(NamedTuple):
    mosaic: Mosaic
    underlay: FloatArray
    inside: FloatArray


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
    canvas = _prepare(backcloth)
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
    canvas = _prepare(backcloth)
    shown = np.where(canvas.inside > 0.5, sample(canvas.mosaic, load_volume(values)), np.nan)
    end = extreme if extreme is not None else _extreme(shown)
    opacity = np.clip(2 * np.abs(np.nan_to_num(shown)) / end, 0, 1) ** 1.5
    overlay = _signed(shown, end, label, opacity)
    return draw_mosaic(Picture(canvas.mosaic, canvas.underlay, overlay, backdrop="paper"))


def draw_statistic_map(
    statistic: Path,
    backcloth: Backcloth,
    *,
    threshold: float,
    name: str,
    colours: Path | None = None,
    label: str = "",
) -> Figure:
    """A group map without a cliff at the threshold: what passes is outlined, what does not fades out.

    Parameters
    ----------
    statistic
        t, z or pseudo-t; its absolute value sets the opacity, full from `threshold` on.
    backcloth
        Template and mask.
    threshold
        Of the statistic's absolute value, positive; infinite when nothing can pass.
    name
        How the key states the threshold, such as "|t| > 5.2 (max-T, p < .05)".
    colours, label
        Another map for the colours (the effect), with its quantity and unit; the statistic when not given.
    """
    canvas = _prepare(backcloth)
    inside = canvas.inside > 0.5
    height = np.where(inside, np.abs(sample(canvas.mosaic, load_volume(statistic))), np.nan)
    shown = np.where(inside, sample(canvas.mosaic, load_volume(colours or statistic)), np.nan)
    full = threshold if np.isfinite(threshold) else max(_extreme(height), 1e-12)
    opacity = np.clip(np.nan_to_num(height) / full, 0, 1) ** 2
    overlay = _signed(shown, _extreme(shown), label, opacity)
    outline = Outline(height, INK, name, level=threshold, width_pt=0.9)
    return draw_mosaic(Picture(canvas.mosaic, canvas.underlay, overlay, (outline,), backdrop="paper"))


def _prepare(backcloth: Backcloth) -> _Canvas:
    """Anatomy without what lies outside the brain, pale enough for colours to stand out."""
    mask = load_volume(backcloth.mask)
    mosaic = brain_mosaic(mask)
    inside = np.nan_to_num(sample(mosaic, mask))
    greys = grey_levels(sample(mosaic, load_volume(backcloth.anatomy)), inside)
    underlay = np.where(inside > 0.5, 0.3 + 0.65 * greys, np.nan)
    return _Canvas(mosaic, underlay, inside)


def _signed(canvas: FloatArray, extreme: float, label: str, opacity: FloatArray) -> Overlay:
    return Overlay(
        canvas, DIVERGING, -extreme, extreme, label, opacity, low_name="deactivation", high_name="activation"
    )


def _extreme(canvas: FloatArray) -> float:
    finite = np.abs(canvas[np.isfinite(canvas)])
    return max(float(np.percentile(finite, 99.5)), 1e-12) if finite.size else 1.0
