"""Correction for partial volume: known activity, blurred on another grid than the correction's, comes back."""

from typing import NamedTuple

import numpy as np
import pytest
from scipy import ndimage

from morbids.numerics.arrays import FloatArray, IntArray
from morbids.numerics.partial_volume import (
    FWHM_PER_SD,
    Geometry,
    correct_means,
    correct_voxels,
    majority_parts,
    measure_parts,
    point_spread_sd,
    transfer_matrix,
)

PET_MM = 3.0
SHAPE = (24, 24, 22)
FWHM_MM = 6.0
# Brain, a nucleus, a thin sheet of cortex, two halves of another nucleus, surroundings.
ACTIVITY = np.array([[4.0, 2.0], [10.0, 5.0], [7.0, 9.0], [12.0, 3.0], [2.0, 6.0], [1.0, 1.0]])
BRAIN, NUCLEUS, CORTEX, LEFT, RIGHT, AROUND = range(6)


class Phantom(NamedTuple):
    geometry: Geometry
    frames: FloatArray


def draw(mm: float) -> IntArray:
    """Parts on a grid of voxels of `mm`."""
    axes = [(np.arange(round(n * PET_MM / mm)) + 0.5) * mm for n in SHAPE]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    radius = np.sqrt((x - 36) ** 2 + (y - 36) ** 2 + (z - 33) ** 2)
    parts = np.where(radius < 27, BRAIN, AROUND)
    parts[(radius < 27) & (radius >= 22.5)] = CORTEX
    parts[(x - 27) ** 2 + (y - 36) ** 2 + (z - 33) ** 2 < 6**2] = NUCLEUS
    box = (np.abs(y - 42) < 6) & (np.abs(z - 30) < 6)
    parts[box & (x >= 39) & (x < 45)] = LEFT
    parts[box & (x >= 45) & (x < 51)] = RIGHT
    return parts.astype(np.int32)


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    """Blurred at 0.75 mm; corrected with parts drawn at 1 mm."""
    fine_mm, split = 0.75, 4
    truth = ACTIVITY[draw(fine_mm)].astype(np.float32)
    sd = point_spread_sd(np.full(3, FWHM_MM), np.full(3, PET_MM), (split, split, split))
    blurred = [ndimage.gaussian_filter(truth[..., frame], sd, mode="nearest") for frame in range(2)]
    cut = [b.reshape(SHAPE[0], split, SHAPE[1], split, SHAPE[2], split).mean(axis=(1, 3, 5)) for b in blurred]
    return Phantom(make_geometry(FWHM_MM), np.stack(cut, axis=-1))


def make_geometry(fwhm_mm: float) -> Geometry:
    parts, split = draw(1.0), (3, 3, 3)
    sd = point_spread_sd(np.full(3, fwhm_mm), np.full(3, PET_MM), split)
    return Geometry(parts, majority_parts(parts, split, len(ACTIVITY)), split, sd, len(ACTIVITY))


def errors(corrected: FloatArray) -> FloatArray:
    return np.asarray(np.abs(corrected / ACTIVITY - 1))


def test_the_transfer_matrix_gives_the_activity_of_every_part(phantom: Phantom) -> None:
    means = measure_parts(phantom.frames, phantom.geometry)
    assert errors(means)[NUCLEUS].max() > 0.15, "without correction small parts are far off"
    transfer = transfer_matrix(phantom.geometry)
    np.testing.assert_allclose(transfer.matrix.sum(axis=1), 1, atol=1e-3)
    assert transfer.condition < 10
    assert errors(correct_means(transfer, means)).max() < 0.01


def test_voxels_are_restored(phantom: Phantom) -> None:
    geometry, inside = phantom.geometry, np.arange(len(ACTIVITY)) != AROUND
    activity = correct_means(transfer_matrix(geometry), measure_parts(phantom.frames, geometry))
    corrected = correct_voxels(phantom.frames, geometry, activity, inside)
    assert errors(measure_parts(corrected, geometry))[inside].max() < 0.01
    around = geometry.measured == AROUND
    np.testing.assert_allclose(corrected[around], phantom.frames[around], rtol=1e-6)


def test_a_wrong_width_leaves_a_known_error(phantom: Phantom) -> None:
    """What docs/regions.md says: one millimetre too much over-corrects the smallest part, too little under-corrects."""
    means = measure_parts(phantom.frames, phantom.geometry)
    found = [
        correct_means(transfer_matrix(make_geometry(FWHM_MM + wrong)), means)[NUCLEUS, 0] / 10 - 1
        for wrong in (-1.0, 1.0)
    ]
    assert -0.12 < found[0] < -0.04
    assert 0.04 < found[1] < 0.14


def test_parts_that_are_absent_are_not_solved_and_disturb_nothing(phantom: Phantom) -> None:
    geometry = phantom.geometry._replace(n_parts=len(ACTIVITY) + 1)
    corrected = correct_means(transfer_matrix(geometry), measure_parts(phantom.frames, geometry))
    assert np.isnan(corrected[-1]).all()
    assert errors(corrected[:-1]).max() < 0.01


def test_unknown_and_negative_voxels_stay_harmless(phantom: Phantom) -> None:
    frames = phantom.frames.copy()
    frames[12, 12, 11, 0] = np.nan
    geometry = phantom.geometry
    activity = correct_means(transfer_matrix(geometry), measure_parts(frames, geometry))
    assert errors(activity).max() < 0.02
    activity[LEFT] = -1.0
    corrected = correct_voxels(frames, geometry, activity, np.ones(len(ACTIVITY), dtype=bool))
    left = geometry.measured == LEFT
    np.testing.assert_allclose(corrected[left], frames[left], rtol=1e-6)
    assert np.isfinite(corrected).sum() == frames.size - 1


def test_widths_are_counted_in_fine_voxels() -> None:
    sd = point_spread_sd(np.array([6.0, 6.0, 5.0]), np.array([2.0, 2.0, 4.0]), (2, 2, 3))
    np.testing.assert_allclose(np.square(sd) - 1 / 12, np.square(np.array([6.0, 6.0, 3.75]) / FWHM_PER_SD))
