"""Mixed tissue in simulated curves: what white matter and fluid within the scanner's resolution make of a region."""

from typing import NamedTuple

import numpy as np

from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.slow_tissue import SlowTissue
from morbids.numerics.tracer import Curves, Release, Schedule, simulate_curves


class Mixture(NamedTuple):
    """Parts of a region's signal that come from grey matter, white matter and fluid."""

    grey: float = 1.0
    white: float = 0.0
    fluid: float = 0.0

    def scaled(self, factor: float) -> "Mixture":
        """With so many times the white matter and fluid, and grey matter for the rest."""
        slow = min(factor, 0.9 / max(self.white + self.fluid, 1e-9))
        white, fluid = slow * self.white, slow * self.fluid
        return Mixture(self.grey + self.white + self.fluid - white - fluid, white, fluid)


class Head(NamedTuple):
    """Mixtures that occur in one brain, and that of its reference region."""

    regions: tuple[Mixture, ...]
    reference: Mixture

    def scaled(self, factor: float) -> "Head":
        """With so many times the white matter and fluid everywhere."""
        return Head(tuple(region.scaled(factor) for region in self.regions), self.reference.scaled(factor))


UNMIXED = Head((Mixture(),), Mixture())
# What a scanner of 5 to 6 mm makes of cortex, nuclei and their neighbours, where no segmentation tells.
MIXED = Head(
    (Mixture(0.8, 0.2, 0.0), Mixture(0.6, 0.3, 0.1), Mixture(0.5, 0.25, 0.25), Mixture(0.5, 0.5, 0.0)),
    Mixture(0.75, 0.15, 0.1),
)


class SlowKinetics(NamedTuple):
    """BP_ND and delivery of what grey matter is mixed with: white matter near the reference region, and elsewhere."""

    white: tuple[float, float] = (0.15, 0.5)
    white_elsewhere: tuple[float, float] = (0.15, 0.5)
    fluid: tuple[float, float] = (0.0, 0.35)


SLOW = SlowKinetics()
SEEN = 0.5
"""Part of what white matter elsewhere differs by that is seen where it is measured around a target: not all, since the
neighbourhood is wide and the shares are not quite right."""


class Tissues(NamedTuple):
    """Curves (n_frames, n) of grey matter, and (n_frames,) of the rest.

    Attributes
    ----------
    white, white_elsewhere
        White matter near the reference region, and in targets.
    reference
        The reference region's grey matter.
    """

    grey: FloatArray
    white: FloatArray
    white_elsewhere: FloatArray
    fluid: FloatArray
    reference: FloatArray


def simulate_tissues(
    frames: Frames,
    bp_nd: FloatArray,
    *,
    r1: FloatArray | float = 1.0,
    k2_prime: float,
    k4: float,
    schedule: Schedule,
    change: float = 0.0,
    release: Release | None = None,
    slow: SlowKinetics = SLOW,
) -> Tissues:
    """Simulate every tissue alone; grey matter (n,) releases, the others never do. See `simulate_curves`."""
    n = len(bp_nd)
    others = np.array([*slow, (0.0, 1.0)])
    curves = simulate_curves(
        frames,
        np.append(bp_nd, others[:, 0]),
        r1=np.append(np.broadcast_to(r1, n), others[:, 1]),
        k2_prime=k2_prime,
        k4=k4,
        schedule=schedule,
        change=np.append(np.full(n, change), np.zeros(len(others))),
        release=release,
    ).target
    return Tissues(curves[:, :n], *curves[:, n:].T)


def mix(tissues: Tissues, head: Head) -> Curves:
    """Every grey matter in every mixture of the regions, side by side: all of the first region come first."""

    def blend(mixture: Mixture, grey: FloatArray, white: FloatArray) -> FloatArray:
        rest = mixture.white * white + mixture.fluid * tissues.fluid
        return mixture.grey * grey + rest.reshape(-1, *[1] * (grey.ndim - 1))

    targets = np.hstack([blend(mixture, tissues.grey, tissues.white_elsewhere) for mixture in head.regions])
    return Curves(targets, blend(head.reference, tissues.reference, tissues.white))


def slow_tissue(tissues: Tissues, head: Head) -> SlowTissue:
    """What a segmentation that says `head` takes out of the curves of `mix`, white matter as it is measured there."""
    measured = tissues.white + SEEN * (tissues.white_elsewhere - tissues.white)
    shares = np.repeat(
        [(0.0, white, fluid) for _, white, fluid in head.regions], tissues.grey.shape[1], axis=0
    )
    of_reference = np.array([head.reference.white, 0.0, head.reference.fluid])
    return SlowTissue(np.stack([tissues.white, measured, tissues.fluid], axis=1), shares, of_reference)
