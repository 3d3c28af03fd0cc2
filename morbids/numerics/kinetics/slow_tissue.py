"""White matter and fluid within a region: taken out of its curve before a model is fitted, and added back after it.

A scanner mixes grey matter with white matter and cerebrospinal fluid, which receive and lose tracer slowly. A sum of
unlike tissues obeys no reference tissue model with one k2a; worst where they are in the reference region, whose free
tracer leaves fast. What slow tissue adds to a curve is its share (from the person's own segmentation and the scanner's
resolution) times a curve that the same image shows where white matter is alone (as Mueller-Gaertner 1992, J Cereb
Blood Flow Metab 12:571, takes it out of single frames). The model is fitted to what is left. Distribution
volumes and delivery of tissues add up, so that those of the slow part are then added again: an estimate stays what
a perfect reading of the measured image would be, and nothing is divided by a share.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from morbids.numerics.arrays import FloatArray

# More than this part of a region is never taken out: what is left would be noise.
MOST_SHARE = 0.6


@dataclass(frozen=True)
class SlowTissue:
    """What slow tissues add to curves.

    Attributes
    ----------
    curves
        (n_frames, n_tissues) of each alone, in the unit of the curves.
    share
        (n_targets, n_tissues) parts of each target; NaN where no segmentation reaches, which counts as none.
    of_reference
        (n_tissues,) the same of the reference region.
    """

    curves: FloatArray
    share: FloatArray
    of_reference: FloatArray

    def limited(self) -> "SlowTissue":
        """The same without shares that together exceed `MOST_SHARE`."""

        def limit(share: FloatArray) -> FloatArray:
            known = np.clip(np.nan_to_num(share), 0.0, None)
            total = np.maximum(known.sum(axis=-1, keepdims=True), MOST_SHARE)
            return np.asarray(known * MOST_SHARE / total)

        return SlowTissue(self.curves, limit(self.share), limit(self.of_reference))

    def repeated(self, times: int) -> "SlowTissue":
        """Of all targets side by side several times."""
        return SlowTissue(self.curves, np.tile(self.share, (times, 1)), self.of_reference)

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
