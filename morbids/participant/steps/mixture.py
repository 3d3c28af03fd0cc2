"""White matter and fluid in a scan's regions: their curves and shares, and what a fit is told of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from morbids.bids.sidecars import describe_mixed_tissue
from morbids.engine.inputs import StepInputs
from morbids.imaging.images import FrameFilter, read_masked_frames
from morbids.imaging.tissue_shares import find_slow_tissues
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import TimeAxis
from morbids.numerics.kinetics.mixture import Head, Mixture
from morbids.numerics.kinetics.slow_tissue import SlowTissue, by_tissue
from morbids.participant.steps.curves import (
    SLOW_TISSUES,
    CurveTable,
    read_curves,
    read_shares,
    save_curves,
)
from morbids.participant.steps.inputs import TissueFiles


class MixedTissue(NamedTuple):
    """Parts of white matter and fluid in every voxel, their curves, what is to be said of them, and which are told."""

    shares: Path
    curves: Path
    notes: tuple[str, ...]
    fitted_apart: str


def mix_tissue(
    pet: Path,
    mask: Path,
    tissue: TissueFiles,
    t1w_to_pet: Path,
    fwhm_mm: Sequence[float],
    axis: TimeAxis,
    out_dir: Path,
) -> MixedTissue:
    """Find what the scanner mixes into every voxel, and the curves of white matter and fluid."""
    classes = tissue.gm, tissue.wm, tissue.csf
    found = find_slow_tissues(pet, mask, classes, (t1w_to_pet,), fwhm_mm, out_dir)
    saved = save_curves(CurveTable(SLOW_TISSUES, found.curves), axis, out_dir)
    white, _, fluid = (bool(curve.any()) for curve in found.curves.T)
    return MixedTissue(found.shares, saved.curves, found.notes, describe_mixed_tissue(white, fluid))


@dataclass(frozen=True)
class SlowFiles(StepInputs):
    """White matter and fluid of what is fitted; all None where mixed tissue is not accounted for.

    Attributes
    ----------
    slow_curves
        Table of the curves of both alone.
    shares, reference_shares
        Parts of both: a table of the regions that are fitted, or an image where voxels are; and of the reference.
    """

    slow_curves: Path | None = None
    shares: Path | None = None
    reference_shares: Path | None = None

    def of_regions(self) -> SlowTissue | None:
        """What a fit of regions takes out."""
        return None if self.shares is None else self._read(read_shares(self.shares))

    def of_voxels(self, mask: Path, smooth: FrameFilter) -> SlowTissue | None:
        """What a fit of the voxels of a mask takes out, smoothed like the frames."""
        if self.shares is None:
            return None
        return self._read(read_masked_frames(self.shares, mask, smooth).curves.T)

    def _read(self, shares: FloatArray) -> SlowTissue | None:
        if self.slow_curves is None or self.reference_shares is None:
            return None
        of_reference = read_shares(self.reference_shares)[0]
        return SlowTissue(read_curves(self.slow_curves).curves, shares, of_reference)


UNMIXED = SlowFiles()
"""Nothing is known of mixed tissue, or it is not accounted for."""


def told_head(slow: SlowTissue) -> Head:
    """Mixtures of regions and reference, for simulations."""

    def mixture(white: float, fluid: float) -> Mixture:
        return Mixture(1 - white - fluid, white, fluid)

    limited = slow.limited()
    regions = tuple(mixture(*share) for share in by_tissue(limited.share).tolist())
    return Head(regions, mixture(*by_tissue(limited.of_reference).tolist()))
