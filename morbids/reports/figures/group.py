"""Figures of a group: effects by region, participants' values, correlations, influence, design."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import stats

from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.regions import RegionTests
from morbids.reports.figures.style import (
    ACTIVATION,
    DEACTIVATION,
    FAINT,
    FLAGGED,
    FULL_WIDTH_IN,
    HALF_WIDTH_IN,
    INK,
    MUTED,
    PALETTE,
    new_figure,
    styled,
)
from morbids.reports.numbers import format_number, format_p

JITTER_SEED: Final = 0
# Names of more columns of a design than this would run into each other.
_MOST_UPRIGHT: Final = 8


@styled()
def draw_forest(
    tests: RegionTests,
    regions: Sequence[str],
    directions: tuple[str, str],
    corrected: FloatArray,
    *,
    label: str,
    alpha: float = 0.05,
    confidence_percent: int = 95,
) -> Figure:
    """Effects by region with their intervals; filled marks have a corrected p (n_regions,) of at most `alpha`.

    `directions` say what the right (positive) and the left side mean, `label` is the quantity with its unit;
    Hedges' g and the corrected p stand at the right.
    """
    n_regions = len(regions)
    figure = new_figure(FULL_WIDTH_IN, 1.4 + 0.34 * max(n_regions, 3))
    axes = figure.add_subplot()
    axes.axvline(0, color=MUTED, linewidth=1.0)
    for row in range(n_regions):
        effect = tests.effect[row]
        if not np.isfinite(effect):
            axes.text(0, row, "  not testable", color=MUTED, fontsize=8, va="center")
            continue
        colour = ACTIVATION if effect > 0 else DEACTIVATION
        axes.plot([tests.ci_low[row], tests.ci_high[row]], [row, row], color=colour, linewidth=1.8)
        filling = colour if corrected[row] <= alpha else "white"
        axes.plot(effect, row, "o", color=colour, mfc=filling, markersize=7, mew=1.6)
        note = f"g {format_number(float(tests.hedges_g[row]))}   p(page) {format_p(float(corrected[row]))}"
        axes.text(
            1.015, row, note, transform=axes.get_yaxis_transform(), fontsize=8, color=MUTED, va="center"
        )
    _centre_on_zero(axes)
    axes.set_yticks(range(n_regions), labels=list(regions))
    axes.set_ylim(n_regions - 0.4, -0.6)
    axes.grid(visible=True, axis="x")
    axes.set_xlabel(f"{label}, mean and {confidence_percent} % confidence interval")
    right, left = directions
    for words, column, side, colour in (
        (f"← {left}", 0.0, "left", DEACTIVATION),
        (f"{right} →", 1.0, "right", ACTIVATION),
    ):
        axes.text(
            column, 1.01, words, transform=axes.transAxes, color=colour, fontsize=8.5, va="bottom", ha=side
        )
    return figure


def _centre_on_zero(axes: Axes) -> None:
    reach = max(abs(end) for end in axes.get_xlim())
    axes.set_xlim(-reach, reach)


@styled()
def draw_strip(values: FloatArray, conditions: Sequence[str], *, label: str, joined: bool) -> Figure:
    """Every participant's value (n_participants, n_conditions), with mean and 95 % confidence interval.

    `joined` draws a line through the values of one participant (conditions of one region); otherwise the columns
    are different quantities, such as regions. NaN values are left out.
    """
    figure = new_figure(FULL_WIDTH_IN if len(conditions) > 3 else HALF_WIDTH_IN, 4.0)
    strip_on(figure.add_subplot(), values, conditions, label=label, joined=joined)
    return figure


def strip_on(axes: Axes, values: FloatArray, conditions: Sequence[str], *, label: str, joined: bool) -> None:
    """Draw what `draw_strip` draws on axes."""
    n_rows, n_columns = values.shape
    spread = np.random.default_rng(JITTER_SEED).uniform(-0.07, 0.07, n_rows)
    columns = np.arange(n_columns)
    if joined:
        axes.plot(columns[:, None] + spread, values.T, color=FAINT, linewidth=0.9, zorder=1)
    for column in columns:
        colour = PALETTE[column % len(PALETTE)] if joined else PALETTE[0]
        axes.plot(column + spread, values[:, column], "o", color=colour, markersize=5, alpha=0.6, mew=0)
        present = values[np.isfinite(values[:, column]), column]
        if len(present) > 1:
            half = float(stats.t.ppf(0.975, len(present) - 1)) * stats.sem(present)
            axes.errorbar(
                column + 0.2, present.mean(), yerr=half, fmt="D", color=INK, markersize=6, capsize=3
            )
    if values[np.isfinite(values)].min(initial=0.0) < 0:
        axes.axhline(0, color=MUTED, linewidth=1.0)
    axes.set_xticks(columns, labels=list(conditions))
    if n_columns > 6:
        axes.tick_params(axis="x", rotation=30)
        for text in axes.get_xticklabels():
            text.set_horizontalalignment("right")
    axes.set_xlim(-0.5, n_columns - 0.4)
    axes.set_ylabel(label)


@styled()
def draw_correlation(
    trait: FloatArray,
    effect: FloatArray,
    names: Sequence[str],
    *,
    trait_label: str,
    effect_label: str,
    note: str,
) -> Figure:
    """Effect against trait (n,) with regression line and its 95 % confidence band.

    `note` states the statistic; a circular correlation says so there. The two participants farthest from the line
    are named. Rows that are not finite are left out.
    """
    figure = new_figure(HALF_WIDTH_IN, 3.9)
    words = Scatter(names, trait_label, effect_label, note)
    correlation_on(figure.add_subplot(), trait, effect, words)
    return figure


class Scatter(NamedTuple):
    """Words of a correlation: who each point is, both axes, and the note above."""

    names: Sequence[str]
    trait_label: str
    effect_label: str
    note: str


def correlation_on(axes: Axes, trait: FloatArray, effect: FloatArray, words: Scatter) -> None:
    """Draw what `draw_correlation` draws on axes."""
    kept = np.isfinite(trait) & np.isfinite(effect)
    x, y = trait[kept], effect[kept]
    labels = [name for name, keep in zip(words.names, kept, strict=True) if keep]
    if len(x) > 2 and np.ptp(x) > 0:
        residuals = _draw_regression(axes, x, y)
        for index in np.argsort(-np.abs(residuals))[:2]:
            axes.annotate(
                labels[index],
                (x[index], y[index]),
                xytext=(6, 4),
                textcoords="offset points",
                fontsize=8,
                color=MUTED,
            )
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.plot(x, y, "o", color=PALETTE[0], markersize=6.5, mec="white", mew=0.8)
    axes.grid(visible=True, axis="both")
    axes.set_xlabel(words.trait_label)
    axes.set_ylabel(words.effect_label)
    axes.set_title(words.note, fontsize=9, fontweight="normal", color=INK)


def _draw_regression(axes: Axes, x: FloatArray, y: FloatArray) -> FloatArray:
    """Draw line and confidence band; return the residuals (n,)."""
    fit = stats.linregress(x, y)
    grid = np.linspace(x.min(), x.max(), 100)
    line = fit.intercept + fit.slope * grid
    residuals = y - (fit.intercept + fit.slope * x)
    scatter = np.sqrt(np.sum(residuals**2) / (len(x) - 2))
    distance = (grid - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    band = float(stats.t.ppf(0.975, len(x) - 2)) * scatter * np.sqrt(1 / len(x) + distance)
    axes.fill_between(grid, line - band, line + band, color=PALETTE[5], alpha=0.22, linewidth=0)
    axes.plot(grid, line, color=PALETTE[0])
    return np.asarray(residuals)


@styled()
def draw_influence(
    distance: FloatArray, influence: FloatArray, names: Sequence[str], *, limit: float, influence_label: str
) -> Figure:
    """Distance of each map from the group (n,) with the `limit` above which it is flagged, and its influence (n,).

    Rows are sorted by distance; flagged ones have the warning colour.
    """
    order = np.argsort(-np.nan_to_num(distance))
    flagged = distance[order] > limit
    figure = new_figure(FULL_WIDTH_IN, 1.3 + 0.24 * max(len(names), 4))
    panels = figure.subplots(1, 2, sharey=True)
    rows = np.arange(len(names))
    colours = np.where(flagged, FLAGGED, PALETTE[5])
    panels[0].barh(rows, distance[order], color=colours, height=0.7)
    panels[0].axvline(limit, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
    panels[0].set_xlabel("distance from the group (robust SD)")
    panels[1].barh(rows, influence[order], color=colours, height=0.7)
    panels[1].axvline(0, color=MUTED, linewidth=0.8)
    panels[1].set_xlabel(influence_label)
    panels[0].set_yticks(rows, labels=[names[index] for index in order])
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    for axes in panels:
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
    return figure


@styled()
def draw_design(
    matrix: FloatArray, rows: Sequence[str], columns: Sequence[str], contrast: FloatArray
) -> Figure:
    """Design matrix (n_rows, n_columns), each column scaled by its largest absolute value, above the contrast.

    `contrast` is (n_columns,), or (n_tested, n_columns) of several that F tests at once.
    """
    n_rows, n_columns = matrix.shape
    weights = np.atleast_2d(contrast)
    figure = new_figure(min(FULL_WIDTH_IN, 2.6 + 0.9 * n_columns), 1.6 + 0.2 * n_rows + 0.3 * len(weights))
    upper, lower = figure.subplots(2, 1, height_ratios=(max(n_rows, 3), 0.6 + len(weights)), sharex=True)
    scaled = matrix / np.maximum(np.abs(matrix).max(axis=0), 1e-12)
    upper.imshow(scaled, cmap="RdBu_r", vmin=-1.8, vmax=1.8, aspect="auto", interpolation="nearest")
    upper.set_yticks(range(n_rows), labels=list(rows), fontsize=7)
    upper.grid(visible=False)
    upper.tick_params(axis="x", labelbottom=False, labeltop=True, length=0)
    upper.set_xticks(range(n_columns), labels=list(columns), rotation=90 if n_columns > _MOST_UPRIGHT else 0)
    lower.imshow(weights, cmap="RdBu_r", vmin=-1.8, vmax=1.8, aspect="auto", interpolation="nearest")
    for (row, column), weight in np.ndenumerate(weights):
        if weight or len(weights) == 1:
            lower.text(column, row, f"{weight:g}".replace("-", "−"), ha="center", va="center", fontsize=8.5)
    names = ["contrast"] if contrast.ndim == 1 else [f"contrast {row + 1}" for row in range(len(weights))]
    lower.set_yticks(range(len(weights)), labels=names)
    lower.grid(visible=False)
    lower.tick_params(axis="x", labelbottom=False, length=0)
    return figure
