"""The point spread of a scan: what the user measured, else that of the scanner and the filter in the sidecar."""

import json
import math
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from morbids.bids.fields import as_number, as_text
from morbids.errors import ExitCode, MorbidsError


class PointSpread(NamedTuple):
    """Width of the point spread along the scanner's axes, and where it is from.

    Attributes
    ----------
    fwhm_mm
        (3,) full width at half maximum: in the plane twice, along the axis.
    source
        For sidecars.
    """

    fwhm_mm: tuple[float, float, float]
    source: str


def find_point_spread(given_mm: tuple[float, ...], metadata: Mapping[str, Any], pet: Path) -> PointSpread:
    """Return the given width (one number or three), else the width of the scanner with its filter.

    A Gaussian filter after reconstruction (`ReconFilterType`, `ReconFilterSize`) adds in quadrature. Other
    filters are not Gaussian, and are left out.

    Raises
    ------
    MorbidsError
        Nothing is given, and the scanner is not in the table.
    """
    if given_mm:
        x, y, z = given_mm if len(given_mm) == 3 else given_mm * 3
        return PointSpread((x, y, z), "given by the user")
    named = metadata.get("ManufacturersModelName", "")
    model = named if isinstance(named, str) else as_text(named)
    entry = _find_scanner(model)
    if entry is None:
        raise MorbidsError(
            f"{pet}: the resolution of the scanner '{model or 'without ManufacturersModelName'}' is not known.",
            "Give its point spread with --psf-fwhm MM, from a phantom with the same reconstruction and filter.",
            ExitCode.USAGE,
        )
    filter_mm = _gaussian_filter_mm(metadata)
    x, y, z = (math.hypot(width, filter_mm) for width in entry["fwhm_mm"])
    with_filter = f", with a Gaussian filter of {filter_mm:g} mm" if filter_mm else ""
    return PointSpread((x, y, z), f"{model}: {entry['source']}{with_filter}")


def _find_scanner(model: str) -> dict[str, Any] | None:
    """Return the entry with the longest name that the model's name holds."""
    entries: list[dict[str, Any]] = json.loads((files("morbids") / "data" / "scanners.json").read_text())
    wanted = _plain(model)
    fitting = [
        (len(name), entry) for entry in entries for name in map(_plain, entry["names"]) if name in wanted
    ]
    return max(fitting, key=lambda found: found[0])[1] if fitting else None


def _gaussian_filter_mm(metadata: Mapping[str, Any]) -> float:
    """Width of the filter after reconstruction; 0 where there is none, or another kind."""
    kind, size = metadata.get("ReconFilterType", ""), metadata.get("ReconFilterSize", 0)
    kinds, sizes = (value if isinstance(value, list) else [value] for value in (kind, size))
    widths = [
        number
        for name, width in zip(kinds, sizes, strict=False)
        if "gauss" in str(name).lower() and (number := as_number(width)) is not None
    ]
    return math.hypot(*widths)


def _plain(name: str) -> str:
    """Letters, digits and the plus sign, which tells HR+ from HR."""
    return re.sub(r"[^a-z0-9+]", "", name.lower())
