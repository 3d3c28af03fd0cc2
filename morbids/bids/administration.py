"""How the tracer was given: bolus, infusion, or both, from the sidecar's fields."""

from collections.abc import Mapping
from typing import Any

from morbids.numerics.tracer import Schedule

# To minutes and mL, for the units that InfusionSpeedUnits has in practice.
_ML_PER_MIN = {"mL/h": 1 / 60, "mL/hr": 1 / 60, "mL/min": 1.0, "mL/s": 60.0, "ml/h": 1 / 60, "ml/min": 1.0}


def read_schedule(metadata: Mapping[str, Any], scan_end_min: float) -> Schedule:
    """Read bolus and infusion of a scan.

    Parameters
    ----------
    metadata
        The sidecar. An infusion needs ModeOfAdministration, InfusionRadioactivity and InjectedRadioactivity (BIDS
        has both in one unit). Its length comes from InjectionEnd, else from its share of InjectedVolume and
        InfusionSpeed.
    scan_end_min
        Minutes from injection; an infusion of unknown length is taken to last as long.

    Returns
    -------
    Schedule
        A bolus where the fields name no infusion or do not say how much of the dose it was.
    """
    infused, injected = (
        _positive(metadata, name) for name in ("InfusionRadioactivity", "InjectedRadioactivity")
    )
    infusing = "infusion" in str(metadata.get("ModeOfAdministration", "")).lower()
    if not infusing or infused is None or injected is None:
        return Schedule(1.0, scan_end_min)
    share = min(infused / injected, 1.0)
    return Schedule(1 - share, _length_min(metadata, share) or scan_end_min)


def _length_min(metadata: Mapping[str, Any], share: float) -> float | None:
    """Length of the infusion, which holds `share` of the volume; None when no field tells."""
    end_s = _positive(metadata, "InjectionEnd")
    if end_s is not None:
        return (end_s - float(metadata.get("InfusionStart") or 0)) / 60
    volume, speed = _positive(metadata, "InjectedVolume"), _positive(metadata, "InfusionSpeed")
    factor = _ML_PER_MIN.get(str(metadata.get("InfusionSpeedUnits", "")))
    if volume is None or speed is None or factor is None:
        return None
    return share * volume / (speed * factor)


def _positive(metadata: Mapping[str, Any], name: str) -> float | None:
    value = metadata.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return float(value)
