"""Figures of the group level show the numbers of the statistics."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from morbids.numerics.statistics.designs import one_sample
from morbids.numerics.statistics.regions import compare_design
from morbids.reports.figures.group import (
    draw_correlation,
    draw_design,
    draw_forest,
    draw_influence,
    draw_strip,
)
from morbids.reports.figures.style import ACTIVATION, DEACTIVATION, FLAGGED
from tests.reports.figures.marks import xs, ys

RNG = np.random.default_rng(5)
VALUES = np.array([0.3, -0.25, 0.01]) + RNG.normal(0, 0.1, (16, 3))
REGIONS = ["striatum", "thalamus", "insula"]
DIRECTIONS = ("rises", "falls")


def test_the_forest_shows_effects_with_intervals_and_fills_what_passes() -> None:
    tests = compare_design(VALUES, one_sample(len(VALUES)))
    axes = draw_forest(tests, REGIONS, DIRECTIONS, tests.p_holm, label="Δ").axes[0]
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose([xs(mark)[0] for mark in marks], tests.effect)
    assert [to_hex(str(mark.get_color())).upper() for mark in marks[:2]] == [ACTIVATION, DEACTIVATION]
    assert [mark.get_markerfacecolor() == "white" for mark in marks] == [False, False, True]
    intervals = [line for line in axes.lines if line.get_marker() == "None"][1:]
    np.testing.assert_allclose(xs(intervals[0]), [tests.ci_low[0], tests.ci_high[0]])
    low, high = axes.get_xlim()
    assert low == -high
    assert any(text.get_text().endswith("p(page) <\u202f.001") for text in axes.texts)
    assert {"← falls", "rises →"} <= {text.get_text() for text in axes.texts}
    assert axes.get_xlabel() == "Δ, mean and 95 % confidence interval"


def test_a_region_without_values_is_named_as_not_testable() -> None:
    values = VALUES.copy()
    values[:, 1] = np.nan
    tests = compare_design(values, one_sample(len(values)))
    axes = draw_forest(tests, REGIONS, DIRECTIONS, tests.p_holm, label="Δ").axes[0]
    assert "  not testable" in {text.get_text() for text in axes.texts}
    assert len([line for line in axes.lines if line.get_marker() == "o"]) == 2


def test_strips_show_everyone_and_the_mean() -> None:
    values = VALUES.copy()
    values[0, 0] = np.nan
    axes = draw_strip(values, REGIONS, label="Δ", joined=False).axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(ys(dots[1]), values[:, 1])
    diamonds = [ys(line)[0] for line in axes.lines if line.get_marker() == "D"]
    np.testing.assert_allclose(diamonds, np.nanmean(values, axis=0))


def test_joined_strips_draw_a_line_per_participant() -> None:
    axes = draw_strip(VALUES[:, :2], ["baseline", "rejection"], label="BP", joined=True).axes[0]
    lines = [line for line in axes.lines if line.get_marker() == "None" and len(xs(line)) == 2]
    assert sum(np.allclose(ys(line), VALUES[3, :2]) for line in lines) == 1


def test_the_regression_line_is_that_of_least_squares_and_outliers_are_named() -> None:
    trait = np.arange(16.0)
    effect = 0.2 * trait + RNG.normal(0, 0.1, 16)
    effect[4] += 3
    trait[9] = np.nan
    names = [f"sub-{index:02d}" for index in range(16)]
    axes = draw_correlation(trait, effect, names, trait_label="t", effect_label="e", note="r = .9").axes[0]
    kept = np.isfinite(trait)
    slope, intercept = np.polyfit(trait[kept], effect[kept], 1)
    line = next(line for line in axes.lines if len(xs(line)) == 100)
    np.testing.assert_allclose(ys(line), intercept + slope * xs(line))
    assert "sub-04" in {text.get_text() for text in axes.texts}
    assert axes.get_title(loc="left") == "r = .9"


def test_a_constant_trait_is_drawn_without_a_line() -> None:
    axes = draw_correlation(
        np.ones(5), np.arange(5.0), list("abcde"), trait_label="t", effect_label="e", note=""
    ).axes[0]
    assert not any(len(xs(line)) == 100 for line in axes.lines)


def test_influence_is_sorted_and_the_far_ones_flagged() -> None:
    distance = np.array([0.5, 4.0, 1.0])
    influence = np.array([0.1, -0.8, 0.3])
    left, right = draw_influence(distance, influence, ["a", "b", "c"], limit=3.0, influence_label="Δt").axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["b", "c", "a"]
    widths = np.array([bar.get_width() for bar in right.patches])  # type: ignore[attr-defined]
    np.testing.assert_allclose(widths, np.array([-0.8, 0.3, 0.1]))
    assert [to_hex(bar.get_facecolor()).upper() == FLAGGED for bar in left.patches] == [True, False, False]


def test_the_design_scales_columns_and_states_the_contrast() -> None:
    matrix = np.column_stack([np.ones(4), [-30.0, -10.0, 10.0, 30.0]])
    figure = draw_design(matrix, list("abcd"), ["mean", "resiliency"], np.array([0.0, -1.0]))
    upper, lower = figure.axes[:2]
    shown = np.asarray(upper.images[0].get_array())
    np.testing.assert_allclose(shown[:, 1], [-1, -1 / 3, 1 / 3, 1])
    assert [text.get_text() for text in lower.texts] == ["0", "−1"]
    assert [label.get_text() for label in upper.get_xticklabels()] == ["mean", "resiliency"]
    assert shown[:, 0] == pytest.approx(1)
