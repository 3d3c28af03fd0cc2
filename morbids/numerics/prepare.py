"""Compile every loop before it is needed: `python -m morbids.numerics.prepare`, as an image does while it is built.

Loops are called as runs call them, with arrays of a few voxels: what is compiled depends on types alone.
"""

import numpy as np

from morbids.numerics.cubic_spline import resample_cubic
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.impulses import fit_impulses
from morbids.numerics.kinetics.multilinear import fit_mrtm1
from morbids.numerics.kinetics.plasma import PlasmaInput
from morbids.numerics.kinetics.step import fit_step_change2
from morbids.numerics.linear_interpolation import interpolate_known
from morbids.numerics.rigid_sums import N_PARAMETERS, sum_rigid
from morbids.numerics.statistics.clusters import find_clusters, largest_clusters, make_lattice
from morbids.numerics.statistics.tfce import enhance
from morbids.numerics.tissue_mixture import TissueMixture, tissue_posteriors
from morbids.numerics.tracer import simulate_curves

SIDE = 4


def prepare_loops() -> None:
    """Compile all loops, or find them compiled."""
    _prepare_images()
    _prepare_kinetics()
    _prepare_statistics()


def _prepare_images() -> None:
    volume = np.random.default_rng(0).normal(size=(SIDE, SIDE, SIDE)).astype(np.float32)
    resample_cubic(volume, np.eye(4), volume.shape)
    interpolate_known(volume[..., None], np.ones((1, 3)), 0.5)
    points = np.ones((2, 3), dtype=np.float32)
    sum_rigid(volume, np.eye(4), points, points[:, 0], np.ones((2, N_PARAMETERS), dtype=np.float32))
    mixture = TissueMixture(np.array([-1.0, 0.0, 1.0]), np.ones(3), np.full(5, 0.2), (0.0, 1.0))
    tissue_posteriors(volume, volume > -1, mixture, np.ones(3))


def _prepare_kinetics() -> None:
    frames = Frames(np.arange(0.0, 60.0, 5.0), np.full(12, 5.0))
    reference = np.exp(-frames.mid_min / 30)
    target = (reference * (1 + frames.mid_min / 60))[:, None]
    simulate_curves(frames, np.ones(1))
    fit_mrtm1(target, reference, frames)
    fit_step_change2(target, reference, frames, k2_prime=0.1, onset_min=30.0)
    time_min = np.arange(0.0, 61.0)
    plasma = PlasmaInput(time_min, np.exp(-time_min / 10), np.exp(-time_min / 20))
    fit_impulses(target, plasma, frames, 1, None, {})


def _prepare_statistics() -> None:
    values = np.random.default_rng(0).normal(size=SIDE**3)
    lattice = make_lattice(np.ones((SIDE, SIDE, SIDE), dtype=bool))
    enhance(values, lattice)
    find_clusters(values, lattice, 1.0)
    largest_clusters(values, lattice, 1.0, both_tails=True)


if __name__ == "__main__":
    prepare_loops()
