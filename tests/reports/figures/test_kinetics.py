"""Logan plots, estimates and their sensitivity."""

import numpy as np

from morbids.reports.figures.kinetics import (
    LoganLines,
    draw_logan,
    draw_regional_estimates,
    draw_sensitivity,
)
from tests.reports.figures.marks import named_line, texts, xs, ys


def logan_lines() -> LoganLines:
    x = np.linspace(2, 40, 6)[:, None] * np.array([1.0, 1.5])
    points = np.array([[0, 0, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1]], dtype=bool)
    slopes = np.array([[2.0, 3.0], [1.5, np.nan]])
    return LoganLines(x, 2.0 * x - 3.0, slopes, np.full((2, 2), -3.0), points)


def test_logan_lines_have_the_fitted_slopes_and_span_their_own_points() -> None:
    figure = draw_logan(logan_lines(), ["striatum", "PAG"], ["baseline", "rejection"], np.arange(6) > 1)
    striatum, pag = figure.axes
    fitted = [line for line in striatum.lines if len(xs(line)) == 2 and line.get_marker() == "None"]
    slopes = [np.diff(ys(line))[0] / np.diff(xs(line))[0] for line in fitted]
    np.testing.assert_allclose(slopes, [2.0, 1.5])
    x = logan_lines().x_min[:, 0]
    start, end = xs(fitted[0])
    assert x[1] < start < x[2]
    assert x[4] < end < x[5]
    assert {"baseline: DVR 2.00", "rejection: DVR 1.50"} <= texts(striatum)
    assert "rejection: not identifiable" in texts(pag)
    before = named_line(striatum, "before t*")
    assert len(xs(before)) == 2
    assert striatum.get_title(loc="left") == "striatum"


def test_estimates_that_failed_are_named_not_drawn_as_zero() -> None:
    values = np.array([[2.0, 1.8], [np.nan, np.nan], [0.5, 0.4]])
    figure = draw_regional_estimates(values, values * 0.1, ["a", "b", "c"], ["base", "task"], label="BP")
    axes = figure.axes[0]
    assert texts(axes) == {" not identifiable"}
    marks = [container.lines[0] for container in axes.containers]  # type: ignore[attr-defined]
    np.testing.assert_allclose(xs(marks[0]), values[:, 0])
    first_error = axes.containers[1].lines[2][0].get_segments()[2]  # type: ignore[attr-defined]
    np.testing.assert_allclose(first_error[:, 0], [0.36, 0.44])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first region stands at the top


def test_the_value_used_is_marked() -> None:
    assumed = np.linspace(0.05, 0.2, 10)
    figure = draw_sensitivity(assumed, 2 + assumed[:, None], ["a"], 0.1237, assumed_label="k2'")
    assert "used: 0.1237" in texts(figure.axes[0])
    np.testing.assert_allclose(xs(figure.axes[0].lines[1]), 0.1237)


def test_many_regions_stand_in_columns_and_a_wild_fit_is_a_number_at_the_edge() -> None:
    values = np.linspace(0.5, 2.0, 120)[:, None].repeat(2, axis=1)
    values[7, 1] = 57.0
    figure = draw_regional_estimates(
        values, values * 0.05, [f"region {index}" for index in range(120)], ["base", "task"], label="BP"
    )
    assert [len(axes.get_yticks()) for axes in figure.axes] == [40, 40, 40]
    assert figure.axes[0].get_xlim() == figure.axes[2].get_xlim()
    assert figure.axes[0].get_xlim()[1] < 4
    assert "57 → " in texts(figure.axes[0])
    assert figure.get_size_inches()[1] < 12


def test_estimates_that_all_failed_are_still_a_figure() -> None:
    nothing = np.full((2, 1), np.nan)
    assert texts(draw_regional_estimates(nothing, nothing, ["a", "b"], ["base"], label="BP").axes[0]) == {
        " not identifiable"
    }
