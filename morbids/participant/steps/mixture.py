"""White matter and fluid in a scan's regions: their curves and shares, and what a fit is told of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from morbids.imaging.tissue_shares import find_slow_tissues
from morbids.numerics.frames import TimeAxis
from morbids.numerics.kinetics.mixture import Head, Mixture
from morbids.numerics.kinetics.slow_tissue import SlowTissue
from morbids.participant.steps.curves import (
    SLOW_TISSUES,
    CurveTable,
    read_curves,
    read_shares,
    save_curves,
)


class MixedTissue(NamedTuple):
    """Parts of white matter and fluid in every voxel, their curves, and what is to be said of them."""

    shares: Path
    curves: Path
    notes: tuple[str, ...]


def mix_tissue(
    pet: Path,
    mask: Path,
    gm: Path,
    wm: Path,
    csf: Path,
    t1w_to_pet: Path,
    fwhm_mm: Sequence[float],
    axis: TimeAxis,
    out_dir: Path,
) -> MixedTissue:
    """Find what the scanner mixes into every voxel, and the curves of white matter and fluid."""
    found = find_slow_tissues(pet, mask, (gm, wm, csf), (t1w_to_pet,), fwhm_mm, out_dir)
    saved = save_curves(CurveTable(SLOW_TISSUES, found.curves), axis, out_dir)
    return MixedTissue(found.shares, saved.curves, found.notes)


def read_slow(
    slow_curves: Path | None, shares: Path | None, reference_shares: Path | None
) -> SlowTissue | None:
    """What a fit of regions takes out; None where mixed tissue is not accounted for."""
    if slow_curves is None or shares is None or reference_shares is None:
        return None
    return SlowTissue(read_curves(slow_curves).curves, read_shares(shares), read_shares(reference_shares)[0])


def told_head(slow: SlowTissue) -> Head:
    """Mixtures of regions and reference, for simulations."""

    def mixture(white: float, fluid: float) -> Mixture:
        return Mixture(1 - white - fluid, white, fluid)

    limited = slow.limited()
    regions = tuple(mixture(*share) for share in limited.share.tolist())
    return Head(regions, mixture(*limited.of_reference.tolist()))
