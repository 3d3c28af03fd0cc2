"""Half-lives, and the ways in which sidecars spell radionuclides and units of radioactivity."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from morbids.bids.fields import as_number, as_text, is_given
from morbids.errors import MorbidsError

# Seconds. C-11, F-18 and O-15 as in METHODS; the others from the evaluated nuclear data (NUBASE2020).
HALF_LIFE_S: Mapping[str, float] = MappingProxyType(
    {
        "C11": 1221.8,
        "F18": 6586.2,
        "O15": 122.2,
        "N13": 597.9,
        "Br76": 58320.0,
        "Cu64": 45724.0,
        "Ga68": 4062.6,
        "I124": 360806.0,
        "Rb82": 75.45,
        "Zr89": 282276.0,
    }
)
# kBq/mL in one unit of the image; keys are lower case without separators.
_KBQ_ML_PER_UNIT: Mapping[str, float] = MappingProxyType(
    {
        "bqml": 1e-3,
        "bqcc": 1e-3,
        "bqcm3": 1e-3,
        "kbqml": 1.0,
        "kbqcc": 1.0,
        "mbqml": 1e3,
        "nciml": 0.037,
        "ucicc": 37.0,
    }
)
# From rubidium-82 (76 s) to iodine-124 (4 days) and zirconium-89, with room.
SHORTEST_HALF_LIFE_S, LONGEST_HALF_LIFE_S = 30.0, 30 * 24 * 3600.0
# Further from the table than this the field is not a better value but another unit or nuclide.
_GROSS_DISAGREEMENT = 2.0


def half_life_s(metadata: Mapping[str, Any], source: Path) -> float:
    """Half-life in seconds: the sidecar's RadionuclideHalfLife, else the table's for TracerRadionuclide.

    Raises
    ------
    MorbidsError
        Neither field serves, or both are given and disagree by more than a factor of two.
    """
    nuclide = nuclide_name(metadata.get("TracerRadionuclide"))
    stated = metadata.get("RadionuclideHalfLife") if is_given(metadata, "RadionuclideHalfLife") else None
    known = HALF_LIFE_S.get(nuclide)
    if stated is None:
        if known is not None:
            return known
        raise MorbidsError(
            f"{source}: the half-life is unknown: RadionuclideHalfLife is missing and TracerRadionuclide is "
            f"{as_text(metadata.get('TracerRadionuclide', 'missing'))}.",
            f"Give RadionuclideHalfLife in seconds, or a TracerRadionuclide of {', '.join(HALF_LIFE_S)}.",
        )
    number = as_number(stated)
    if number is None or number <= 0:
        raise MorbidsError(
            f"{source}: RadionuclideHalfLife is {as_text(stated)}.",
            "It must be a positive number of seconds.",
        )
    if known is not None and not 1 / _GROSS_DISAGREEMENT < number / known < _GROSS_DISAGREEMENT:
        raise MorbidsError(
            f"{source}: RadionuclideHalfLife is {stated} s, but {nuclide} has a half-life of {known} s.",
            "Correct RadionuclideHalfLife (seconds, not minutes) or TracerRadionuclide.",
        )
    if not SHORTEST_HALF_LIFE_S <= number <= LONGEST_HALF_LIFE_S:
        raise MorbidsError(
            f"{source}: RadionuclideHalfLife is {number:g} s, which no tracer of PET has.",
            "It counts in seconds, not in minutes or hours.",
        )
    return number


def nuclide_name(spelling: object) -> str:
    """Radionuclide as `C11`, from `[11C]`, `C-11`, `11C`, `carbon-11`; empty when it cannot be read."""
    text = str(spelling or "").lower()
    mass = re.search(r"\d+", text)
    letters = re.search(r"[a-z]+", text)
    if not mass or not letters:
        return ""
    words = {"carbon": "c", "fluorine": "f", "fluor": "f", "oxygen": "o", "nitrogen": "n", "gallium": "ga"}
    element = words.get(letters.group(), letters.group())
    return f"{element.capitalize()}{mass.group()}"


def kbq_ml_per_unit(metadata: Mapping[str, Any]) -> tuple[float | None, str]:
    """KBq/mL in one unit of the image, and a note.

    Returns
    -------
    factor, note
        Factor is None when `Units` is absent or not a unit of radioactivity concentration: ratio models do
        not need it, SUV does. The note is the sentence for the report, else empty.
    """
    units = metadata.get("Units")
    if not units:
        return None, "The sidecar has no Units: ratios are unaffected, SUV cannot be computed."
    spelled = re.sub(r"[^a-z0-9]", "", str(units).lower().replace("µ", "u").replace("^-1", ""))
    factor = _KBQ_ML_PER_UNIT.get(spelled)
    if factor is None:
        return None, f"Units is {as_text(units)}, not a known unit of radioactivity: SUV cannot be computed."
    return factor, ""
