"""Whose maps stand behind a contrast, condition by condition: what the page shows of every participant at a voxel."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from morbids.bids.names import parse_name
from morbids.group.comparison import Comparison
from morbids.group.plan import GroupPlan
from morbids.group.rows import RowKind
from morbids.group.steps.maps import ConditionMaps
from morbids.group.windows import window_map


class Everyone(NamedTuple):
    """Maps of each condition, a row per label, and what they hold; contrasts of one `name` share them."""

    name: str
    conditions: Mapping[str, tuple[Path, ...]]
    labels: tuple[str, ...]
    quantity: str

    @property
    def maps(self) -> ConditionMaps:
        """All of them, as steps take them."""
        paths = tuple(path for paths in self.conditions.values() for path in paths)
        return ConditionMaps(tuple(self.conditions), paths, self.labels)


def find_everyone(comparison: Comparison, plan: GroupPlan) -> Everyone | None:
    """Baseline and challenge of each row; of a comparison of two maps these two; None where rows have more terms."""
    added, removed = comparison.maps.added, comparison.maps.removed
    n_rows = len(comparison.labels)
    if len(added) != n_rows or len(removed) not in (0, n_rows):
        return None
    if removed:
        names = _tell_apart(added[0], removed[0])
        conditions = dict(zip(names, (added, removed), strict=True))
        # A difference of changes is of maps that hold changes; one in percent is of maps that hold no percentages.
        quantity = _of_window(comparison) if comparison.maps.percent_of else comparison.quantity
        return Everyone(comparison.name, conditions, comparison.labels, quantity)
    kind = next((one for one in plan.group.kinds if any(row.path == added[0] for row in one.rows)), None)
    name = kind.name if kind is not None else comparison.name
    windows = _windows(kind, added) if kind is not None else {}
    if not windows:
        return Everyone(name, {comparison.quantity: added}, comparison.labels, comparison.quantity)
    return Everyone(name, windows, comparison.labels, _of_window(comparison))


def _of_window(comparison: Comparison) -> str:
    return comparison.quantity.removeprefix("change of ").removesuffix(" (%)")


def _windows(kind: RowKind, maps: tuple[Path, ...]) -> dict[str, tuple[Path, ...]]:
    """Maps of baseline and challenge, in the order of the difference maps; none unless all are there."""
    rows = {row.path: row for row in kind.rows}
    found: dict[str, tuple[Path, ...]] = {}
    for role in ("Baseline", "Challenge"):
        paths = [window_map(rows[path], role) for path in maps]
        there = tuple(path for path in paths if path is not None and path.exists())
        if len(there) < len(maps):
            return {}
        found[parse_name(there[0]).entities.get("desc", role)] = there
    return found


def _tell_apart(first: Path, second: Path) -> tuple[str, str]:
    """What the names of two maps of one participant differ in first."""
    one, other = parse_name(first).entities, parse_name(second).entities
    differing = [key for key in one if key in other and one[key] != other[key]]
    return (one[differing[0]], other[differing[0]]) if differing else ("first", "second")
