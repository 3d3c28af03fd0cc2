"""All claims about regions in one picture: effects with intervals, over what the protocol alone reads."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.style import (
    ACTIVATION,
    DEACTIVATION,
    FAINT,
    FULL_WIDTH_IN,
    MUTED,
    new_figure,
    styled,
)


class ClaimedEffect(NamedTuple):
    """Effect of a region with its 95 % interval, whether it is claimed, and what the protocol alone reads there.

    `null` is None where that is not known; `page` is the interval that holds for all tests of the page at once.
    Everything is in the unit of the panel.
    """

    label: str
    effect: float
    ci_low: float
    ci_high: float
    claimed: bool
    null: tuple[float, float] | None
    page: tuple[float, float]


class Panel(NamedTuple):
    """One question: its title, what positive and negative mean, and its regions."""

    title: str
    directions: tuple[str, str]
    effects: Sequence[ClaimedEffect]


@styled()
def draw_claims(panels: Sequence[Panel], *, label: str) -> Figure:
    """Panels side by side with one symmetric axis; filled marks are claimed, hollow ones are not.

    `label` is the quantity with its unit.
    """
    names = list(dict.fromkeys(effect.label for panel in panels for effect in panel.effects))
    figure = new_figure(FULL_WIDTH_IN, 1.1 + 0.27 * max(len(names), 3))
    reach = 1.08 * _reach(panels)
    for axes, panel in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
    ):
        axes.axvline(0, color=MUTED, linewidth=1.0)
        for effect in panel.effects:
            _draw_effect(axes, names.index(effect.label), effect)
        axes.set_xlim(-reach, reach)
        axes.grid(visible=True, axis="x")
        axes.set_xlabel(f"← {panel.directions[1]}    {panel.directions[0]} →", fontsize=8.5)
        axes.set_title(panel.title, fontsize=9.5)
        axes.set_yticks(range(len(names)), labels=names)
        axes.set_ylim(len(names) - 0.4, -0.6)
    figure.supxlabel(
        f"{label}: mean, 95 % interval (thin: of all tests); filled: claimed; grey: the protocol alone",
        fontsize=8.5,
        color=MUTED,
    )
    return figure


def _draw_effect(axes: Axes, row: int, effect: ClaimedEffect) -> None:
    if effect.null is not None:
        low, high = effect.null
        axes.barh(row, high - low, left=low, height=0.62, color=FAINT, alpha=0.55)
    if not np.isfinite(effect.effect):
        axes.text(0, row, " not testable", color=MUTED, fontsize=8, va="center")
        return
    colour = ACTIVATION if effect.effect > 0 else DEACTIVATION
    if np.all(np.isfinite(effect.page)):
        axes.plot(effect.page, [row, row], color=colour, linewidth=0.7)
    axes.plot([effect.ci_low, effect.ci_high], [row, row], color=colour, linewidth=1.8)
    axes.plot(
        effect.effect, row, "o", color=colour, mfc=colour if effect.claimed else "white", mew=1.5, ms=6.5
    )


def _reach(panels: Sequence[Panel]) -> float:
    ends: FloatArray = np.array(
        [
            end
            for panel in panels
            for effect in panel.effects
            for end in (effect.ci_low, effect.ci_high, *effect.page, *(effect.null or ()))
        ],
        dtype=float,
    )
    known = np.abs(ends[np.isfinite(ends)])
    return float(known.max(initial=0.0)) or 1.0
