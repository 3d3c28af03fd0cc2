"""Names written beside what they name, without overlap."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from morbids.numerics.arrays import FloatArray


def spread(positions: FloatArray, gap: float) -> FloatArray:
    """Move `positions` (n,), in any order, apart until neighbours are at least `gap` apart.

    Pools of labels that collide share their mean position (the pool-adjacent-violators algorithm).
    """
    order = np.argsort(positions, kind="stable")
    wanted = positions[order] - gap * np.arange(len(positions))
    pools: list[tuple[float, int]] = []
    for value in wanted:
        pools.append((float(value), 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (last, n_last), (previous, n_previous) = pools.pop(), pools.pop()
            total = n_last + n_previous
            pools.append(((last * n_last + previous * n_previous) / total, total))
    moved = np.repeat([mean for mean, _ in pools], [count for _, count in pools])
    result = np.empty(len(positions))
    result[order] = moved + gap * np.arange(len(positions))
    return result


def choose_evenly(values: FloatArray, count: int) -> list[int]:
    """Positions of at most `count` finite values (n,) that spread evenly from the lowest to the highest rank."""
    order = [int(position) for position in np.argsort(values, kind="stable") if np.isfinite(values[position])]
    if len(order) <= count:
        return sorted(order)
    return [order[round(rank)] for rank in np.linspace(0, len(order) - 1, count)]


def label_line_ends(
    axes: Axes,
    x: float,
    heights: FloatArray,
    names: Sequence[str],
    colours: Sequence[str],
    *,
    gap_share: float = 0.055,
) -> None:
    """Write each curve's name to the right of the axes at the height where the curve ends.

    `gap_share` is the smallest distance of two names as a share of the axes' height.
    """
    low, high = axes.get_ylim()
    finite = np.where(np.isfinite(heights), heights, low)
    places = spread(finite, gap_share * (high - low))
    for name, colour, height, place in zip(names, colours, finite, places, strict=True):
        axes.annotate(
            name,
            (x, float(height)),
            xytext=(1.035, (float(place) - low) / (high - low)),
            textcoords="axes fraction",
            color=colour,
            fontsize=8.5,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 1},
        )
