"""Regional curves and fits."""

import numpy as np

from morbids.numerics.frames import Frames
from morbids.reports.figures.curves import draw_curves, draw_fits
from morbids.reports.figures.style import INK
from tests.reports.figures.marks import named_line, texts, ys

FRAMES = Frames(np.array([0.0, 1, 2, 5, 10, 20]), np.array([1.0, 1, 3, 5, 10, 10]))
SPANS = [("baseline", 2.0, 10.0), ("rejection", 10.0, 30.0)]


def test_the_reference_curve_is_black_and_others_stay_in_the_background() -> None:
    curves = np.random.default_rng(0).uniform(1, 9, (6, 12))
    names = [f"region {index}" for index in range(12)]
    reference = np.linspace(5, 1, 6)
    figure = draw_curves(
        FRAMES,
        curves,
        names,
        reference,
        spans=SPANS,
        highlighted=["region 7", "absent"],
        reference_name="occipital",
    )
    axes = figure.axes[0]
    assert named_line(axes, "occipital").get_color() == INK
    np.testing.assert_allclose(ys(named_line(axes, "occipital")), reference)
    np.testing.assert_allclose(ys(named_line(axes, "region 7")), curves[:, 7])
    assert "grey: 11 other regions" in texts(axes)
    assert {"occipital", "region 7", "baseline"} <= texts(axes)
    assert axes.get_ylim()[0] == 0


def test_residuals_are_measured_minus_fitted_and_balanced() -> None:
    measured = np.random.default_rng(0).uniform(5, 9, (6, 2))
    fitted = measured - np.array([0.5, -0.25])
    upper, lower = draw_fits(FRAMES, measured, fitted, ["a", "b"]).axes
    np.testing.assert_allclose(ys(lower.lines[0]), 0.5)
    np.testing.assert_allclose(ys(lower.lines[1]), -0.25)
    np.testing.assert_allclose(ys(named_line(upper, "b")), fitted[:, 1])
    low, high = lower.get_ylim()
    assert low == -high
