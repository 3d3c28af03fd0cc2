"""A scan of known kinetics, as tables of curves and as images of a few voxels."""

from pathlib import Path

import numpy as np

from morbids.bids.windows import Window, pair_windows
from morbids.imaging.images import write_image
from morbids.imaging.reference import find_reference_rule
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import Frames, TimeAxis
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.tracer import Curves, Release, simulate_curves
from morbids.participant.kinetic_plan import KineticPlan, SettledPlan
from morbids.participant.steps.curves import CurveTable, write_curves
from morbids.simulation.settings import CARBON_11_HALF_LIFE_MIN, protocol_frames

FRAMES = protocol_frames()
K2_PRIME = 0.1237
BP_ND = np.array([0.5, 1.0, 2.0, 3.0])
NAMES = ("low", "middle", "high", "highest")
# One tissue: its curves obey the equations of the models to be tested, so that estimates are exact.
BASELINE, CHALLENGE = Window("baseline", 10, 40), Window("rejection", 45, 90)
INJECTION_S = 30.0
AXIS = TimeAxis.of(FRAMES, INJECTION_S)


def make_plan(
    model: ModelName = "LoganRef",
    windows: tuple[Window, ...] = (BASELINE, CHALLENGE),
    k2_prime_per_min: float | None = K2_PRIME,
) -> KineticPlan:
    return KineticPlan(
        model=model,
        reference=find_reference_rule("occipital"),
        k2_prime_per_min=k2_prime_per_min,
        k2_prime_source="given by the user",
        t_star_min=10.0,
        windows=windows,
        pairs=pair_windows(windows),
        axis=AXIS,
        half_life_min=CARBON_11_HALF_LIFE_MIN,
    )


def settled(
    model: ModelName = "LoganRef",
    windows: tuple[Window, ...] = (BASELINE, CHALLENGE),
    k2_prime: float = K2_PRIME,
) -> SettledPlan:
    """The plan once k2' and t* are known."""
    return make_plan(model, windows).settle(k2_prime, 10.0)


def known_curves(change: float = 0.0, frames: Frames = FRAMES) -> Curves:
    """Curves of regions with `BP_ND`, which changes by a part of itself at 40 min."""
    release = Release(40.0, 90.0, "step") if change else None
    return simulate_curves(
        frames,
        BP_ND,
        r1=np.array([0.9, 1.0, 1.1, 1.2]),
        k2_prime=K2_PRIME,
        kinetics="one_tissue",
        change=change,
        release=release,
    )


def write_tables(folder: Path, curves: Curves, axis: TimeAxis = AXIS) -> tuple[Path, Path]:
    """Tables of the regions and of the reference region."""
    paths = folder / "regions.tsv", folder / "reference.tsv"
    write_curves(paths[0], CurveTable(NAMES, curves.target), axis)
    write_curves(paths[1], CurveTable(("occipital",), curves.reference[:, None]), axis)
    return paths


def write_voxels(folder: Path, target: FloatArray) -> tuple[Path, Path]:
    """An image whose voxels (2, 2, 1) are the targets, with empty ones around, and the mask of these voxels."""
    volume = np.zeros((4, 4, 3, len(target)))
    volume[1:3, 1:3, 1] = target.T.reshape(2, 2, -1)
    mask = np.zeros((4, 4, 3), dtype=bool)
    mask[1:3, 1:3, 1] = True
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    return (
        write_image(volume, affine, folder / "pet.nii.gz"),
        write_image(mask, affine, folder / "mask.nii.gz"),
    )
