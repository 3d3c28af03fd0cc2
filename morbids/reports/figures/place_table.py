"""The figure of one place from the table of its values and the maps of its contrast."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from morbids.numerics.arrays import FloatArray
from morbids.reports.figures.group import Scatter
from morbids.reports.figures.maps import Backcloth, Emphasis, Peak, Shades, paint_place
from morbids.reports.figures.places import SIZE_IN, Strip, Trait, draw_place
from morbids.reports.figures.slices import Orientation

# Columns that tell the place; then the scan, a column per condition, and perhaps the trait.
PLACE_COLUMNS: Final = ("place", "label", "kind", "x_mm", "y_mm", "z_mm")
SCAN: Final = "scan"
TRAIT: Final = "trait"
VIEWS: Final[tuple[Orientation, ...]] = ("axial", "coronal", "sagittal")


class PlaceMaps(NamedTuple):
    """Images: the statistic, what the page claims, and the template with its mask."""

    statistic: Path
    outlined: Path
    brain: Path
    mask: Path


class PlaceLook(NamedTuple):
    """How the figure of a place is drawn.

    Attributes
    ----------
    statistic_name, rule
        What the statistic is called, and what the outline means.
    opaque_from
        Height from which colours are full.
    threshold
        Height that is marked on the colour bar; None for none.
    extreme
        End of the colours; None for the 99.5th percentile.
    directions
        What positive and negative mean.
    quantity
        What the conditions hold, with its unit.
    trait
        Label of the trait; empty for none.
    """

    statistic_name: str
    rule: str
    opaque_from: float
    threshold: float | None
    extreme: float | None
    directions: tuple[str, str]
    quantity: str
    trait: str = ""
    views: tuple[Orientation, ...] = VIEWS
    size_in: tuple[float, float] = SIZE_IN


def conditions_of(table: pd.DataFrame) -> list[str]:
    """Columns that hold everyone's values."""
    return [name for name in table.columns if name not in (*PLACE_COLUMNS, SCAN, TRAIT)]


def draw_from_table(own: pd.DataFrame, maps: PlaceMaps, look: PlaceLook) -> Figure:
    """Draw one place.

    Parameters
    ----------
    own
        Rows of the place: `PLACE_COLUMNS`, `scan`, a column per condition, and perhaps `trait`.
    """
    first = own.iloc[0]
    place = Peak(str(first["label"]), float(first["x_mm"]), float(first["y_mm"]), float(first["z_mm"]))
    emphasis = Emphasis(maps.outlined, look.rule, look.opaque_from, look.directions, look.threshold)
    shades = Shades(maps.statistic, look.statistic_name, look.extreme)
    picture = paint_place(
        maps.statistic, Backcloth(maps.brain, maps.mask), place, emphasis, shades, look.views
    )
    conditions = conditions_of(own)
    values = own[conditions].to_numpy(dtype=float)
    trait = _trait(own, values, conditions, look) if TRAIT in own and look.trait else None
    strip = Strip(values, conditions, look.quantity)
    return draw_place(picture, strip, trait, title=place.name, size_in=look.size_in)


def _trait(own: pd.DataFrame, values: FloatArray, conditions: Sequence[str], look: PlaceLook) -> Trait:
    """What changed against the trait, as it was measured; of a cluster that is circular, and says so."""
    effect = values[:, 0] - values[:, -1] if values.shape[1] > 1 else values[:, 0]
    known = own[TRAIT].to_numpy(dtype=float)
    both = np.isfinite(effect) & np.isfinite(known)
    r = float(np.corrcoef(known[both], effect[both])[0, 1]) if both.sum() > 2 else float("nan")
    circular = "circular: " if own.iloc[0]["kind"] == "cluster" else ""
    label = f"{conditions[0]} − {conditions[-1]}" if len(conditions) > 1 else conditions[0]
    note = f"{circular}r = {r:.2f}, n = {int(both.sum())}, not adjusted".replace("-", "−")
    return Trait(known, effect, Scatter(list(own[SCAN]), look.trait, f"{look.quantity}: {label}", note))
