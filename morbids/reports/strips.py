"""Small pictures of one number in all scans, in which each point leads to the page of its scan."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from morbids.reports.numbers import format_quantity

WIDTH: Final = 300
_EDGE: Final = 12
# Points nearer to each other than this, in pixels, are stacked.
_NEAR: Final = 7.0
_LEVELS: Final = (0, -8, 8, -16, 16)
_MIDDLE: Final = 24


class StripPoint(NamedTuple):
    """A scan: its label, its value, its page, and whether it lies far from the others."""

    label: str
    value: float
    page: Path | None
    far: bool


@dataclass(frozen=True)
class Strip:
    """One measure of all scans that have it."""

    name: str
    points: tuple[StripPoint, ...]


@dataclass(frozen=True)
class Strips:
    """Measures side by side."""

    strips: tuple[Strip, ...]


class PlacedPoint(NamedTuple):
    """Where a point is drawn (px), and what a pointer over it reads."""

    x: float
    y: float
    words: str
    point: StripPoint


def place_points(strip: Strip) -> tuple[PlacedPoint, ...]:
    """From left (lowest) to right (highest); neighbours that would cover each other are stacked."""
    ordered = sorted((point for point in strip.points if np.isfinite(point.value)), key=lambda one: one.value)
    places = _places([point.value for point in ordered])
    placed: list[PlacedPoint] = []
    level = 0
    for point, x in zip(ordered, places, strict=True):
        level = level + 1 if placed and x - placed[-1].x < _NEAR else 0
        y = _MIDDLE + _LEVELS[level % len(_LEVELS)]
        placed.append(PlacedPoint(round(x, 1), y, f"{point.label}: {format_quantity(point.value)}", point))
    return tuple(placed)


def ends_of(strip: Strip) -> tuple[str, str]:
    """Lowest and highest value as text."""
    values = [point.value for point in strip.points if np.isfinite(point.value)]
    return format_quantity(min(values)), format_quantity(max(values))


def _places(values: Sequence[float]) -> list[float]:
    if not values:
        return []
    low, high = min(values), max(values)
    reach = (high - low) or 1.0
    return [_EDGE + (WIDTH - 2 * _EDGE) * (value - low) / reach for value in values]
