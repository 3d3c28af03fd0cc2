"""Simulated heads move as people do: within what attenuation bears, but for a few."""

import numpy as np

from morbids.imaging.motion_windows import MOST_WITHIN_MM, measure_windows
from morbids.simulation.motion import draw_motion, mean_poses, pose_matrix
from morbids.simulation.settings import protocol_frames


def test_three_percent_of_heads_move_further_within_a_window_than_attenuation_bears() -> None:
    frames = protocol_frames()
    points = 80 * np.vstack([np.eye(3), -np.eye(3)])
    windows = {"before": frames.mid_min < 45, "after": frames.mid_min > 45}
    windows["before"] = windows["before"] & (frames.mid_min > 10)
    duration, runs = frames.end_min - frames.start_min, np.zeros(len(frames.mid_min), dtype=int)
    within = []
    for seed in range(200):
        poses = mean_poses(
            draw_motion(np.random.default_rng(seed), float(frames.end_min[-1]), amount=1.0), frames
        )
        positions = np.stack(
            [points @ pose[:3, :3].T + pose[:3, 3] for pose in (pose_matrix(one) for one in poses)]
        )
        within.append(measure_windows(positions, duration, windows, (), runs).within_mm)
    share = float(np.mean(np.array(within, dtype=float) > MOST_WITHIN_MM))
    assert 0.01 < share < 0.06
    assert 2 < float(np.median(np.array(within, dtype=float))) < 3
