"""How the tracer was given: bolus, infusion, or both, from the sidecar's fields."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from morbids.bids.fields import as_number, as_text, is_given
from morbids.errors import MorbidsError
from morbids.numerics.frames import LONGEST_SCAN_MIN
from morbids.numerics.tracer import Schedule

# To minutes and mL, for the units that InfusionSpeedUnits has in practice.
_ML_PER_MIN = {"mL/h": 1 / 60, "mL/hr": 1 / 60, "mL/min": 1.0, "mL/s": 60.0, "ml/h": 1 / 60, "ml/min": 1.0}


def read_schedule(metadata: Mapping[str, Any], scan_end_min: float, source: Path) -> Schedule:
    """Read bolus and infusion of a scan.

    Parameters
    ----------
    metadata
        The sidecar. An infusion needs ModeOfAdministration, InfusionRadioactivity and InjectedRadioactivity (BIDS
        has both in one unit). Its length comes from InjectionEnd, else from its share of InjectedVolume and
        InfusionSpeed. A field that is `n/a` is not known.
    scan_end_min
        Minutes from injection; an infusion of unknown length is taken to last as long.
    source
        The image, for messages.

    Returns
    -------
    Schedule
        A bolus where the fields name no infusion or do not say how much of the dose it was.

    Raises
    ------
    MorbidsError
        A field of an infusion is text or negative, or the infusion ends before it starts.
    """
    if "infusion" not in str(metadata.get("ModeOfAdministration", "")).lower():
        return Schedule(1.0, scan_end_min)
    infused, injected = (
        _amount(metadata, name, source) for name in ("InfusionRadioactivity", "InjectedRadioactivity")
    )
    if infused is None or injected is None:
        return Schedule(1.0, scan_end_min)
    share = min(infused / injected, 1.0)
    return Schedule(1 - share, _length_min(metadata, share, source) or scan_end_min)


def _length_min(metadata: Mapping[str, Any], share: float, source: Path) -> float | None:
    """Length of the infusion, which holds `share` of the volume; None when no field tells."""
    end_s = _number(metadata, "InjectionEnd", source)
    if end_s is not None:
        start_s = _number(metadata, "InfusionStart", source) or 0.0
        if end_s <= start_s:
            raise MorbidsError(
                f"{source}: InjectionEnd is {end_s:g} s, not after InfusionStart at {start_s:g} s.",
                "Both count from TimeZero in seconds; correct the one that does not.",
            )
        return (end_s - start_s) / 60
    volume, speed = _amount(metadata, "InjectedVolume", source), _amount(metadata, "InfusionSpeed", source)
    factor = _ML_PER_MIN.get(str(metadata.get("InfusionSpeedUnits", "")))
    if volume is None or speed is None or factor is None:
        return None
    length_min = share * volume / (speed * factor)
    if length_min > LONGEST_SCAN_MIN:
        raise MorbidsError(
            f"{source}: InjectedVolume {volume:g} and InfusionSpeed {speed:g} {metadata['InfusionSpeedUnits']} make an "
            f"infusion of {length_min:.3g} min.",
            "Correct the one that is wrong, or InfusionSpeedUnits.",
        )
    return length_min


def _amount(metadata: Mapping[str, Any], name: str, source: Path) -> float | None:
    """A positive number; None where it is 0 or not known."""
    value = _number(metadata, name, source)
    if value is not None and value < 0:
        raise MorbidsError(f"{source}: {name} is {value:g}.", "It must not be negative.")
    return value or None


def _number(metadata: Mapping[str, Any], name: str, source: Path) -> float | None:
    if not is_given(metadata, name):
        return None
    value = as_number(metadata[name])
    if value is None:
        raise MorbidsError(
            f"{source}: {name} is {as_text(metadata[name])}.",
            "It must be a number, or n/a where it is not known.",
        )
    return value
