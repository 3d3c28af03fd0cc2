"""White matter and fluid within a region: taken out of its curve before a model is fitted, and added back after it.

A scanner mixes grey matter with white matter and cerebrospinal fluid, which receive and lose tracer slowly. A sum of
unlike tissues obeys no reference tissue model with one k2a; worst where they are in the reference region, whose free
tracer leaves fast. What slow tissue adds to a curve is its share (from the person's own segmentation and the scanner's
resolution) times a curve that the same image shows where white matter is alone (as Mueller-Gaertner 1992, J Cereb
Blood Flow Metab 12:571, takes it out of single frames). The model is fitted to what is left. Distribution
volumes and delivery of tissues add up, so that those of the slow part are then added again: an estimate stays what
a perfect reading of the measured image would be, and nothing is divided by a share.

White matter need not be alike everywhere: that of a target and that of the reference region are sums of two kinds of
it, as they were measured around each (`numerics/white_matter.py`). What is measured there is not quite right: taken out
whole it misleads, left in it hides change, so a part of it is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from morbids.numerics.arrays import FloatArray

# More than this part of a region is never taken out: what is left would be noise.
MOST_SHARE = 0.6
# Part of the white matter, of either kind, and of the fluid that is taken out (docs/kinetics.md says why).
TAKEN = (0.8, 1.0)


@dataclass(frozen=True)
class SlowTissue:
    """What slow tissues add to curves.

    Attributes
    ----------
    curves
        (n_frames, n_tissues) of one kind of white matter or more and, last, of fluid, each alone, in the unit of the
        curves.
    share
        (n_targets, n_tissues) parts of each target; NaN where no segmentation reaches, which counts as none.
    of_reference
        (n_tissues,) the same of the reference region.
    part
        How much of the white matter and of the fluid is taken out.
    """

    curves: FloatArray
    share: FloatArray
    of_reference: FloatArray
    part: tuple[float, float] = TAKEN

    def limited(self) -> "SlowTissue":
        """The same without shares that together exceed `MOST_SHARE`."""

        def limit(share: FloatArray) -> FloatArray:
            known = np.clip(np.nan_to_num(share), 0.0, None)
            total = np.maximum(known.sum(axis=-1, keepdims=True), MOST_SHARE)
            return np.asarray(known * MOST_SHARE / total)

        return replace(self, share=limit(self.share), of_reference=limit(self.of_reference))

    def taken(self) -> "SlowTissue":
        """What is taken out of targets, and of the reference region."""
        limited = self.limited()
        part = self.parts(self.part)
        return replace(limited, share=limited.share * part, of_reference=limited.of_reference * part)

    def parts(self, of_both: tuple[float, float]) -> FloatArray:
        """A part of the white matter and one of the fluid as one of every tissue (n_tissues,)."""
        white, fluid = of_both
        return np.append(np.full(self.curves.shape[1] - 1, white), fluid)

    def repeated(self, times: int) -> "SlowTissue":
        """Of all targets side by side several times."""
        return replace(self, share=np.tile(self.share, (times, 1)))

    def out_of(self, target: FloatArray, start: int = 0) -> FloatArray:
        """Targets (n_frames, n) from number `start` on without their slow tissue."""
        return np.asarray(target - self.curves @ self.share[start : start + target.shape[1]].T)

    def out_of_reference(self, reference: FloatArray) -> FloatArray:
        """The reference curve (n_frames,) without its slow tissue."""
        return np.asarray(reference - self.curves @ self.of_reference)

    def add_back(
        self, values: Mapping[str, FloatArray], alone: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        """Estimates of whole targets, relative to the whole reference region.

        Parameters
        ----------
        values
            Fields of a fit to what is left (n_targets,).
        alone
            The same fields of the slow tissues alone (n_tissues,), with the same reference. One that cannot be fitted
            counts as the reference's.
        """
        found = dict(values)
        volume = 1.0 + np.nan_to_num(alone["bp_nd"], posinf=0.0, neginf=0.0)
        added, whole = self.share @ volume, 1.0 + self.of_reference @ volume
        for name in ("bp_nd", "bp_nd_after"):
            if name in found:
                found[name] = (1.0 + values[name] + added) / whole - 1.0
                found[f"{name}_se"] = values[f"{name}_se"] / whole
        if "dvr" in found:
            found["dvr"], found["dvr_se"] = 1.0 + found["bp_nd"], found["bp_nd_se"]
        if "r1" in found:
            delivered = 1.0 + self.of_reference @ np.nan_to_num(alone["r1"])
            for name in ("r1", "k2"):
                found[name] = (values[name] + self.share @ np.nan_to_num(alone[name])) / delivered
                found[f"{name}_se"] = values[f"{name}_se"] / delivered
        if "change_percent" in found:
            before, after = found["bp_nd"], found["bp_nd_after"]
            found["change_percent"] = 100.0 * (after / before - 1.0)
            # What is known of the change in percent of the rest is known of the same change in percent of all.
            scale = np.abs(values["bp_nd"] / (before * whole))
            found["change_percent_se"] = values["change_percent_se"] * scale
        return found


def without_slow(
    target: FloatArray, reference: FloatArray, slow: SlowTissue | None
) -> tuple[FloatArray, FloatArray]:
    """Targets (n_frames, n_targets) and reference (n_frames,) as they are fitted: less what is taken out of them."""
    if slow is None:
        return target, reference
    taken = slow.taken()
    return taken.out_of(target), taken.out_of_reference(reference)


def by_tissue(share: FloatArray) -> FloatArray:
    """Parts (n_targets, n_tissues) of white matter of several kinds and fluid as (n_targets, 2), of white and fluid."""
    return np.stack([share[..., :-1].sum(axis=-1), share[..., -1]], axis=-1)


def tissues_alone(measured: FloatArray, mixing: FloatArray) -> FloatArray:
    """Curves (n_frames, n) of tissues that are nowhere alone in an image.

    Parameters
    ----------
    measured
        (n_frames, n) mean curves where each tissue is purest.
    mixing
        (n, n) parts of all tissues in these places, a row per place.
    """
    return np.asarray(np.linalg.solve(mixing, measured.T).T)
