"""Which maps belong together: one grid, and sidecars that tell of one way of making them."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import nibabel as nib
import numpy as np

from morbids.bids.map_history import TRAITS_OF_A_MAP, WINDOW_ROLES, agree_on_spans, span_of
from morbids.bids.rows import DroppedMap, MapRow
from morbids.errors import MorbidsError
from morbids.numerics.affines import voxel_edges_mm
from morbids.numerics.arrays import FloatArray

Key = TypeVar("Key", bound=Hashable)

# Affines that differ by less (mm, or mm per voxel) are one grid written with other rounding.
_GRID_TOLERANCE = 1e-3


class Agreement(NamedTuple):
    """Rows that can be compared with each other, and those that cannot be compared with them."""

    kept: list[MapRow]
    dropped: list[DroppedMap]


class _Grid(NamedTuple):
    shape: tuple[int, ...]
    affine: FloatArray

    def equals(self, other: "_Grid") -> bool:
        return self.shape == other.shape and np.allclose(self.affine, other.affine, atol=_GRID_TOLERANCE)

    def __str__(self) -> str:
        voxel = voxel_edges_mm(self.affine)
        origin = " ".join(f"{value:.1f}" for value in self.affine[:3, 3])
        return (
            f"{'x'.join(map(str, self.shape))} voxels of {'x'.join(f'{v:.2f}' for v in voxel)} mm at {origin}"
        )


def keep_comparable(rows: list[MapRow]) -> Agreement:
    """Keep the rows that have the grid, model, reference, windows ... of most rows.

    Windows are compared among maps of one description: two tasks may differ in them, two people not.

    Raises
    ------
    MorbidsError
        There are several grids, models ... and none is shared by more than half of the rows.
    """
    kept, dropped = _keep_one_grid(rows)
    for read in TRAITS_OF_A_MAP:
        kept, others = _keep_majority(kept, [read(row.metadata) for row in kept], str)
        dropped = dropped + others
    for description in dict.fromkeys((row.description, row.scan_type) for row in kept):
        own = [row for row in kept if (row.description, row.scan_type) == description]
        for role in WINDOW_ROLES:
            own, others = _keep_majority(
                own, agree_on_spans([span_of(row.metadata, role) for row in own]), str
            )
            dropped = dropped + others
    gone = {one.path for one in dropped}
    return Agreement([row for row in kept if row.path not in gone], dropped)


def _read_grid(path: Path) -> _Grid:
    image: Any = nib.load(path)
    return _Grid(tuple(int(size) for size in image.shape[:3]), image.affine)


def _keep_one_grid(rows: list[MapRow]) -> Agreement:
    grids = [_read_grid(row.path) for row in rows]
    kinds: list[_Grid] = []
    for grid in grids:
        if not any(grid.equals(kind) for kind in kinds):
            kinds.append(grid)
    numbers = [next(n for n, kind in enumerate(kinds) if grid.equals(kind)) for grid in grids]
    return _keep_majority(rows, numbers, lambda number: f"the grid {kinds[number]}")


def _keep_majority(rows: list[MapRow], values: Sequence[Key | None], name: Callable[[Any], str]) -> Agreement:
    """Keep the rows with the value that more than half of them share; None agrees with all.

    Raises
    ------
    MorbidsError
        There are several values and none is shared by more than half.
    """
    counts = Counter(value for value in values if value is not None)
    if len(counts) < 2:
        return Agreement(rows, [])
    (common, most), *_ = counts.most_common()
    if 2 * most <= counts.total():
        listed = ", ".join(f"{name(value)} ({count} maps)" for value, count in counts.most_common())
        raise MorbidsError(
            f"The maps cannot be compared with each other: {listed}.",
            "Select the ones that belong together (participants, sessions, tasks, --model), or run the "
            "participant level again with one set of options.",
        )
    kept = [row for row, value in zip(rows, values, strict=True) if value in (common, None)]
    dropped = [
        DroppedMap(row.label, row.path, f"has {name(value)}; the other maps have {name(common)}")
        for row, value in zip(rows, values, strict=True)
        if value not in (common, None)
    ]
    return Agreement(kept, dropped)
