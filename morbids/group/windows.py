"""The two windows that a map is the difference of: their names, maps and tables beside it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from morbids.bids.names import output_path, parse_difference_label, scan_entities
from morbids.bids.rows import MapRow
from morbids.imaging.atlases import SPHERES
from morbids.settings import PartialVolume


def window_names(row: MapRow, role: Literal["Baseline", "Challenge"]) -> tuple[str, ...]:
    """Name of a window, from the sidecar, else from the map's name, as it may be written; empty for no difference."""
    told = row.metadata.get(role)
    if isinstance(told, Mapping) and "name" in told:
        return (str(told["name"]),)
    difference = parse_difference_label(row.description)
    if difference is None:
        return ()
    if role == "Baseline":
        return (difference.baseline,)
    # The label of a difference begins its challenge with a capital letter, whatever it was.
    challenge = difference.challenge
    return (challenge[:1].lower() + challenge[1:], challenge)


def contrast_of(row: MapRow) -> str:
    """Name of a difference in its scan's calibration table."""
    told = row.metadata.get("Baseline"), row.metadata.get("Challenge")
    return " minus ".join(window["name"] if isinstance(window, dict) else "" for window in told)


def window_map(row: MapRow, role: Literal["Baseline", "Challenge"]) -> Path | None:
    """Map of one of the two windows that a row is a difference of; None where the row is none."""
    paths = [
        row.path.with_name(row.path.name.replace(f"desc-{row.description}", f"desc-{window}"))
        for window in window_names(row, role)
    ]
    return next((path for path in paths if path.exists()), paths[0] if paths else None)


def region_table(
    row: MapRow, role: Literal["Baseline", "Challenge"], dataset: Path, partial_volume: PartialVolume
) -> Path | None:
    """Table of the a-priori regions in one of the two windows; None where there is none."""
    if "model" not in row.entities:
        return None
    named = {"seg": SPHERES, "model": row.entities["model"]}
    named |= {} if partial_volume == "none" else {"pvc": partial_volume.upper()}
    paths = [
        output_path(dataset, scan_entities(row.entities), "kinpar", named | {"desc": window})
        for window in window_names(row, role)
    ]
    return next((path for path in paths if path.exists()), None)
