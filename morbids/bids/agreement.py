"""Which maps belong together: one grid, and sidecars that agree."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import nibabel as nib
import numpy as np

from morbids.bids.rows import DroppedMap, MapRow
from morbids.errors import MorbidsError
from morbids.numerics.arrays import FloatArray

Key = TypeVar("Key", bound=Hashable)

# Maps differ in kind when one of these fields of their sidecars differs.
AGREEING_FIELDS = ("ModelName", "ReferenceRegion", "TracerName", "Units")
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
        voxel = np.sqrt(np.square(self.affine[:3, :3]).sum(axis=0))
        origin = " ".join(f"{value:.1f}" for value in self.affine[:3, 3])
        return (
            f"{'x'.join(map(str, self.shape))} voxels of {'x'.join(f'{v:.2f}' for v in voxel)} mm at {origin}"
        )


def keep_comparable(rows: list[MapRow]) -> Agreement:
    """Keep the rows that have the grid, model, reference, tracer and unit of most rows.

    Raises
    ------
    MorbidsError
        There are several grids, models ... and none is shared by more than half of the rows.
    """
    kept, dropped = _keep_one_grid(rows)
    for name in AGREEING_FIELDS:
        kept, others = _keep_agreeing(kept, name)
        dropped = dropped + others
    return Agreement(kept, dropped)


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


def _keep_agreeing(rows: list[MapRow], name: str) -> Agreement:
    """Keep rows whose sidecars agree in a field; a row without the field agrees with all."""
    values = [str(row.metadata[name]) if name in row.metadata else None for row in rows]
    return _keep_majority(rows, values, lambda value: f"{name} {value}")


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
