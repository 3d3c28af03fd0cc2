"""Correction for partial volume in a scan's graph: parts, corrected curves, corrected frames."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from morbids.imaging.partial_volume import Parts, correct_image, correct_regions, draw_parts
from morbids.numerics.frames import TimeAxis
from morbids.participant.steps.curves import CurveTable, save_curves, way_to_pet


class CorrectedCurves(NamedTuple):
    """A table of corrected curves, and the condition number of the transfer matrix."""

    curves: Path
    condition: float


class CorrectedFrames(NamedTuple):
    """Frames corrected voxel by voxel; named like those of the step before, whose place they take."""

    corrected_pet: Path


def draw_atlas_parts(
    atlas_dseg: Path,
    table: Path,
    space: str,
    petref: Path,
    template_to_t1w: Path,
    t1w_to_pet: Path,
    tissue: Path,
    out_dir: Path,
) -> Parts:
    """Draw the parts of the brain: the regions of an atlas, and the rest of each tissue."""
    way = way_to_pet(space, template_to_t1w, t1w_to_pet)
    return draw_parts(atlas_dseg, table, way, petref, tissue, (t1w_to_pet,), out_dir)


def correct_curves(
    pet: Path,
    dseg: Path,
    regions: Path,
    parts: Path,
    table: Path,
    fwhm_mm: Sequence[float],
    axis: TimeAxis,
    out_dir: Path,
) -> CorrectedCurves:
    """Correct the curves of all regions of a label image."""
    found = correct_regions(pet, dseg, regions, Parts(parts, table), fwhm_mm)
    curves = CurveTable(found.names, found.curves)
    saved = save_curves(curves, axis, out_dir)
    return CorrectedCurves(saved.curves, found.condition)


def correct_frames(
    pet: Path,
    dseg: Path,
    regions: Path,
    parts: Path,
    table: Path,
    reference: Path,
    fwhm_mm: Sequence[float],
    out_dir: Path,
) -> CorrectedFrames:
    """Correct every voxel of every frame; those of the reference region as one part."""
    out = out_dir / "pet.nii.gz"
    return CorrectedFrames(correct_image(pet, dseg, regions, Parts(parts, table), fwhm_mm, out, reference))
