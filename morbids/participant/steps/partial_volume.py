"""Correction for partial volume in a scan's graph: parts, corrected curves, corrected frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from morbids.engine.inputs import StepInputs
from morbids.imaging.partial_volume import Parts, correct_image, correct_regions, draw_parts
from morbids.numerics.frames import TimeAxis
from morbids.participant.steps.curves import CurveTable, save_curves
from morbids.participant.steps.inputs import AtlasFiles, WayToPet


@dataclass(frozen=True)
class BrainParts(StepInputs):
    """Regions in PET space with the table of their names, and the parts of the brain with theirs."""

    dseg: Path
    regions: Path
    parts: Path
    table: Path

    @property
    def drawn(self) -> Parts:
        """The parts with their table."""
        return Parts(self.parts, self.table)


class CorrectedCurves(NamedTuple):
    """A table of corrected curves, and the condition number of the transfer matrix."""

    curves: Path
    condition: float


class CorrectedFrames(NamedTuple):
    """Frames corrected voxel by voxel; named like those of the step before, whose place they take."""

    corrected_pet: Path


def draw_atlas_parts(atlas: AtlasFiles, way: WayToPet, tissue: Path, out_dir: Path) -> Parts:
    """Draw the parts of the brain: the regions of an atlas, and the rest of each tissue."""
    return draw_parts(
        atlas.atlas_dseg, atlas.table, way.chain, way.petref, tissue, (way.t1w_to_pet,), out_dir
    )


def correct_curves(
    pet: Path,
    brain: BrainParts,
    fwhm_mm: Sequence[float],
    axis: TimeAxis,
    out_dir: Path,
) -> CorrectedCurves:
    """Correct the curves of all regions of a label image."""
    found = correct_regions(pet, brain.dseg, brain.regions, brain.drawn, fwhm_mm)
    curves = CurveTable(found.names, found.curves)
    saved = save_curves(curves, axis, out_dir)
    return CorrectedCurves(saved.curves, found.condition)


def correct_frames(
    pet: Path,
    brain: BrainParts,
    reference: Path,
    fwhm_mm: Sequence[float],
    out_dir: Path,
) -> CorrectedFrames:
    """Correct every voxel of every frame; those of the reference region as one part."""
    out = out_dir / "pet.nii.gz"
    corrected = correct_image(pet, brain.dseg, brain.regions, brain.drawn, fwhm_mm, out, reference)
    return CorrectedFrames(corrected)
