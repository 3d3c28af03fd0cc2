import numpy as np

from morbids.numerics.frames import Frames, TimeAxis


def test_a_time_axis_gives_its_frames_back_and_can_be_compared() -> None:
    frames = Frames(np.array([0.0, 0.5, 1.5]), np.array([0.5, 1.0, 2.0]))
    axis = TimeAxis.of(frames, 30.0)
    np.testing.assert_array_equal(axis.frames.mid_min, frames.mid_min)
    assert axis == TimeAxis.of(axis.frames, 30.0)
    assert axis != TimeAxis.of(frames, 31.0)
    assert hash(axis) == hash(TimeAxis.of(frames, 30.0))
