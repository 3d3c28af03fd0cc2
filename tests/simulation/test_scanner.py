import numpy as np
import pytest

from morbids.imaging.transforms import invert
from morbids.numerics.frames import Frames
from morbids.simulation.grids import centred_grid, make_grid, voxel_centres
from morbids.simulation.motion import draw_motion, frame_poses, mean_poses, pose_matrix
from morbids.simulation.scanner import acquire_frames, add_noise, blur, pet_grid
from morbids.simulation.settings import CARBON_11_HALF_LIFE_MIN, protocol_frames

pytestmark = pytest.mark.graph


def test_full_size_is_the_scanner_of_the_study() -> None:
    grid = pet_grid(2.25)
    assert grid.shape == (128, 128, 63)
    np.testing.assert_allclose(grid.voxel_mm, [2.25, 2.25, 2.43])
    assert protocol_frames().n_frames == 21
    assert protocol_frames().end_min[-1] == 90


def test_blur_has_the_width_of_scanner_and_voxel() -> None:
    fine, coarse = (
        make_grid((-30, -30, -30), (30, 30, 30), 1.0),
        centred_grid((8, 8, 8), (4.0,) * 3, np.zeros(3)),
    )
    impulse = np.zeros(fine.shape)
    impulse[30, 30, 30] = 1
    seen = blur(impulse, fine, 5.5, coarse)
    x, _, _ = voxel_centres(fine)
    variance = float((seen * x**2).sum() / seen.sum())
    assert variance == pytest.approx((5.5 / 2.3548) ** 2 + 16 / 12, rel=0.03)


def test_noise_grows_with_decay_and_falls_with_duration() -> None:
    grid = centred_grid((40, 40, 20), (4.0,) * 3, np.zeros(3))
    frames = Frames(np.array([0.0, 20.0, 80.0]), np.array([1.0, 5.0, 10.0]))
    pet = np.full((*grid.shape, 3), 100.0, np.float32)
    noise = add_noise(np.random.default_rng(5), pet.copy(), grid, frames, 0.1) - pet
    measured = noise.std(axis=(0, 1, 2))
    decay = np.log(2) / CARBON_11_HALF_LIFE_MIN
    expected = 10 * np.sqrt(np.exp(decay * frames.mid_min) / frames.duration_min)
    np.testing.assert_allclose(measured, expected, rtol=0.08)
    # Neighbours of a reconstructed image are correlated, distant voxels are not.
    near = np.corrcoef(noise[:-1, ..., 0].ravel(), noise[1:, ..., 0].ravel())[0, 1]
    far = np.corrcoef(noise[:-6, ..., 0].ravel(), noise[6:, ..., 0].ravel())[0, 1]
    assert near > 0.3
    assert abs(far) < 0.05


def test_frames_show_the_head_where_it_moved() -> None:
    grid = make_grid((-40, -40, -40), (40, 40, 40), 2.0)
    x, y, z = voxel_centres(grid)
    blob = np.exp(-((x - 10) ** 2 + (y + 5) ** 2 + (z - 3) ** 2) / 100).astype(np.float32)
    pose = np.array([4.0, -3.0, 2.0, 0.05, -0.02, 0.04])
    frames = acquire_frames(
        np.ones((2, 1)), blob[None], (grid, grid), np.eye(4), [np.zeros((1, 6)), pose[None]]
    )
    centres = [
        np.array([float((f * a).sum() / f.sum()) for a in (x, y, z)]) for f in np.moveaxis(frames, -1, 0)
    ]
    expected = (pose_matrix(pose) @ [*centres[0], 1.0])[:3]
    np.testing.assert_allclose(centres[1], expected, atol=0.1)
    np.testing.assert_allclose((invert(pose_matrix(pose)) @ [*centres[1], 1])[:3], centres[0], atol=0.1)


def test_motion_scales_and_can_be_absent() -> None:
    frames = protocol_frames()
    still = draw_motion(np.random.default_rng(2), 90.0, 0.0)
    moving = draw_motion(np.random.default_rng(2), 90.0, 1.0)
    twice = draw_motion(np.random.default_rng(2), 90.0, 2.0)
    assert not still.parameters.any()
    np.testing.assert_allclose(twice.parameters, 2 * moving.parameters)
    assert [len(poses) for poses in frame_poses(still, frames)] == [1] * 21
    mean = np.stack([poses.mean(axis=0) for poses in frame_poses(moving, frames)])
    assert np.abs(mean - mean_poses(moving, frames))[:, :3].max() < 0.3
    assert 0.2 < np.abs(mean[:, :3]).max() < 8
