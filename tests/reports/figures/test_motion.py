"""Head motion: the lines and bars are the estimates."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from morbids.numerics.frames import Frames
from morbids.reports.figures.motion import MotionTrace, draw_motion
from morbids.reports.figures.style import FLAGGED
from tests.reports.figures.marks import named_line, texts, xs, ys

FRAMES = Frames(np.array([0.0, 1, 2, 5, 10, 20]), np.array([1.0, 1, 3, 5, 10, 10]))
SPANS = [("baseline", 2.0, 10.0), ("rejection", 10.0, 30.0)]


def motion_trace() -> MotionTrace:
    rng = np.random.default_rng(1)
    return MotionTrace(
        rng.normal(0, 1, (6, 3)),
        rng.normal(0, 1, (6, 3)),
        np.array([np.nan, 0.2, 0.4, 3.5, 0.1, 0.2]),
        np.arange(6) < 2,
        np.arange(6) == 3,
    )


def test_motion_shows_the_parameters_over_minutes() -> None:
    trace = motion_trace()
    figure = draw_motion(FRAMES, trace, SPANS)
    translations, rotations, displacement = figure.axes
    np.testing.assert_allclose(ys(named_line(translations, "back–front")), trace.translations_mm[:, 1])
    np.testing.assert_allclose(xs(named_line(rotations, "turn (z)")), FRAMES.mid_min)
    assert "baseline" in texts(translations)
    heights = [bar.get_height() for bar in displacement.patches[:6]]  # type: ignore[attr-defined]
    np.testing.assert_allclose(heights, [0, 0.2, 0.4, 3.5, 0.1, 0.2])
    assert [to_hex(bar.get_facecolor()).upper() == FLAGGED for bar in displacement.patches[:6]] == [
        False, False, False, True, False, False,
    ]  # fmt: skip


def test_motion_without_any_estimate_is_still_drawn() -> None:
    nothing = np.full((6, 3), np.nan)
    trace = MotionTrace(nothing, nothing, nothing[:, 0], np.ones(6, bool), np.zeros(6, bool))
    assert draw_motion(FRAMES, trace).axes[0].get_ylim() == pytest.approx((-0.575, 0.575))
