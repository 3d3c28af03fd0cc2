"""From maps of binding to activity: every voxel's curve as a few temporal components times coefficient maps."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from morbids.numerics.arrays import FloatArray
from morbids.numerics.tracer import Release, simulate_curves
from morbids.simulation.anatomy import Head
from morbids.simulation.settings import CHALLENGE_MIN, StudySettings

WHITE_BINDING, WHITE_DELIVERY = 0.35, 0.55
"""BP_ND and R1 of white matter, as parts of those of the grey matter around it.

Its blood flow is 0.4 of that of grey matter (22 and 55 mL/min per 100 mL; Leenders 1990, Brain 113:27), and slower
blood loses more of its tracer: delivery differs less than flow does.
"""
CSF_UPTAKE, SOFT_UPTAKE = 0.35, 0.35
"""Curves of CSF (with the vessels and meninges in it) and of tissue outside the brain, as parts of the reference."""

_BP_NODES = np.expm1(np.linspace(0.0, np.log(8.0), 36))
_CHANGE_NODES = np.linspace(-0.6, 0.6, 9)
_R1_NODES = np.linspace(0.4, 1.4, 21)
_COMPONENTS = 8


class Tissue(NamedTuple):
    """Shares of a voxel and its kinetic parameters, all on one grid."""

    binding: FloatArray
    white: FloatArray
    csf: FloatArray
    soft: FloatArray
    bp_nd: FloatArray
    r1: FloatArray


class CurveTable(NamedTuple):
    """Curves of all parameter values, compressed.

    Attributes
    ----------
    components
        (n_frames, n_components) temporal components.
    weights
        (n_bp, n_change, n_r1, n_components) of the components at each node of the table.
    reference
        (n_frames,) curve of a voxel without binding and with delivery 1.
    """

    components: FloatArray
    weights: FloatArray
    reference: FloatArray


def tabulate_curves(settings: StudySettings) -> CurveTable:
    """Simulate a grid of BP_ND, change and R1, and keep the leading components of all curves.

    Eight components of curves of equal size, and linear interpolation between so many nodes, give every curve to 0.1 %
    (root mean square; 0.2 % where nothing binds, which a reference region must not miss by more). A voxel then costs
    eight numbers instead of one differential equation, and the point spread acts on eight maps instead of every frame.
    """
    nodes = np.stack(np.meshgrid(_BP_NODES, _CHANGE_NODES, _R1_NODES, indexing="ij"), axis=-1)
    bp_nd, change, r1 = nodes.reshape(-1, 3).T
    last_min = float(settings.frames.end_min[-1])
    curves = simulate_curves(
        settings.frames,
        bp_nd,
        r1=r1,
        k2_prime=settings.k2_prime,
        k4=settings.k4,
        schedule=settings.schedule,
        change=change,
        release=Release(CHALLENGE_MIN[0], last_min + 1.0),
        kinetics=settings.kinetics,
    )
    equal = curves.target / np.linalg.norm(curves.target, axis=0)
    components = np.linalg.svd(equal, full_matrices=False)[0][:, :_COMPONENTS]
    weights = (components.T @ curves.target).T
    return CurveTable(components, weights.reshape(*nodes.shape[:3], -1), curves.reference)


def activity_maps(table: CurveTable, tissue: Tissue, change: FloatArray) -> FloatArray:
    """Coefficient maps (n_components, x, y, z): table.components @ maps gives every voxel's curve.

    Parameters
    ----------
    change
        Part by which BP_ND changes during the challenge, on the tissue's grid; -0.1 is 10 % lower.
    """
    reference = _interpolate(table, np.zeros(1), np.zeros(1), np.ones(1))[:, 0]
    rest = CSF_UPTAKE * tissue.csf + SOFT_UPTAKE * tissue.soft
    maps: FloatArray = (reference[:, None, None, None] * rest).astype(np.float32)
    for share, binding, delivery in (
        (tissue.binding, 1.0, 1.0),
        (tissue.white, WHITE_BINDING, WHITE_DELIVERY),
    ):
        where = share > 0
        own = _interpolate(table, binding * tissue.bp_nd[where], change[where], delivery * tissue.r1[where])
        for component, weights in zip(maps, own, strict=True):
            component[where] += weights * share[where]
    return maps


def distribution_volume(tissue: Tissue, change: FloatArray) -> FloatArray:
    """V_T of every voxel relative to non-displaceable tissue: what an ideal model reads as BP_ND + 1."""
    bp_nd = tissue.bp_nd * (1 + change)
    grey, white = tissue.binding * (1 + bp_nd), tissue.white * (1 + WHITE_BINDING * bp_nd)
    volume: FloatArray = grey + white + CSF_UPTAKE * tissue.csf + SOFT_UPTAKE * tissue.soft
    return volume.astype(np.float32)


def head_tissue(head: Head, bp_nd: FloatArray, r1: FloatArray) -> Tissue:
    """Tissue in template space."""
    return Tissue(head.grey + head.stem, head.white, head.csf, head.soft, bp_nd, r1)


def _interpolate(table: CurveTable, bp_nd: FloatArray, change: FloatArray, r1: FloatArray) -> FloatArray:
    """(n_components, n_voxels) by linear interpolation between the nodes; outside, the outermost node."""
    axes = (_BP_NODES, _CHANGE_NODES, _R1_NODES)
    index = np.stack(
        [np.interp(v, a, np.arange(len(a))) for v, a in zip((bp_nd, change, r1), axes, strict=True)]
    )
    return np.stack(
        [
            ndimage.map_coordinates(table.weights[..., i], index, order=1, mode="nearest")
            for i in range(table.weights.shape[-1])
        ]
    )
