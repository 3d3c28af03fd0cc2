"""The figure of a paper for one place: the map there, every participant before and after, and a trait."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.group import Scatter, correlation_on, strip_on
from morbids.reports.figures.mosaics import Overlay, Picture, mosaic_on
from morbids.reports.figures.style import new_figure, styled

SIZE_IN: Final = (10.0, 3.6)


class Strip(NamedTuple):
    """Values (n_participants, n_conditions) that are joined for each participant, and what they are called."""

    values: FloatArray
    conditions: Sequence[str]
    label: str


class Trait(NamedTuple):
    """Trait and effect (n_participants,) of each participant, and the words of the plot."""

    trait: FloatArray
    effect: FloatArray
    words: Scatter


@styled()
def draw_place(
    picture: Picture,
    strip: Strip | None,
    trait: Trait | None,
    *,
    title: str,
    size_in: tuple[float, float] = SIZE_IN,
) -> Figure:
    """Panels side by side: slices through the place with their colour bar, joined values, trait scatter.

    Parameters
    ----------
    picture
        Of `maps.paint_place`.
    strip, trait
        None leaves the panel out.
    """
    others = [panel for panel in (strip, trait) if panel is not None]
    widths = [max(size_in[0] - 3.0 * len(others), 2.0), *(3.0 for _ in others)]
    figure = new_figure(*size_in)
    axes = figure.subplots(1, 1 + len(others), width_ratios=widths, squeeze=False)[0]
    mosaic_on(axes[0], picture)
    axes[0].set_aspect("equal", anchor="C")
    figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
    if picture.overlay is not None:
        _bar_under(figure, axes[0], picture.overlay)
    remaining = iter(axes[1:])
    if strip is not None:
        strip_on(next(remaining), strip.values, strip.conditions, label=strip.label, joined=True)
    if trait is not None:
        correlation_on(next(remaining), trait.trait, trait.effect, trait.words)
    return figure


def _bar_under(figure: Figure, axes: Axes, overlay: Overlay) -> None:
    mappable = ScalarMappable(Normalize(overlay.low, overlay.high), overlay.colours)
    bar = figure.colorbar(mappable, ax=axes, orientation="horizontal", fraction=0.05, pad=0.03, aspect=40)
    bar.outline.set_visible(False)
    bar.set_label(f"{overlay.label}   (← {overlay.low_name}   {overlay.high_name} →)")
    for mark in overlay.marks:
        bar.ax.axvline(mark, color="black", linewidth=1.4)
