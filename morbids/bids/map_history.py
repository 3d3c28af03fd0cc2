"""How a map came about, as its sidecar tells: what must agree between maps that are compared."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from morbids.bids.sidecars import FITTED_TOGETHER

# Versions of this program whose maps differ from those of the versions before.
RESULTS_CHANGED_IN: tuple[str, ...] = ("0.1.0", "0.2.0")
# Windows whose spans differ by less at both ends take frames of the same minutes.
SAME_SPAN_MIN = 1.0
# Fields that hold a window, and what people call it.
WINDOW_ROLES: Mapping[str, str] = MappingProxyType(
    {"Baseline": "baseline", "Challenge": "challenge", "Window": "window"}
)
# Plain fields of which maps have one value.
_FIELDS = (
    *("ModelName", "ReferenceRegion", "TracerName", "Units", "Weights", "SmoothingFWHM"),
    "PartialVolumeCorrection",
)
# Models that are fitted without white matter and fluid where the scanner's resolution is known.
_FITTED_APART = ("StepChange2",)
# Sources of a parameter whose value is the same in every scan; others say how each scan finds its own.
_FIXED_SOURCES = ("given by the user", "preset of")
_UNCORRECTED = ("none", "no", "nac", "n/a", "not corrected", "uncorrected", "false")


class Span(NamedTuple):
    """Minutes from injection: of the frames that a window takes where frames are known, else of the window itself."""

    start_min: float
    end_min: float
    n_frames: int | None


def span_of(metadata: Mapping[str, Any], role: str) -> Span | None:
    """Read one of the windows of a map; None where its sidecar has none."""
    window = metadata.get(role)
    if not isinstance(window, Mapping) or not {"start_min", "end_min"} <= set(window):
        return None
    start_min, end_min = float(window["start_min"]), float(window["end_min"])
    starts, durations = metadata.get("FrameTimesStart"), metadata.get("FrameDuration")
    if not isinstance(starts, list) or not isinstance(durations, list) or len(starts) != len(durations):
        return Span(start_min, end_min, None)
    begins = (np.array(starts, dtype=float) - float(metadata.get("InjectionStart", 0))) / 60
    lasts = np.array(durations, dtype=float) / 60
    taken = (begins + lasts / 2 >= start_min) & (begins + lasts / 2 <= end_min)
    if not taken.any():
        return Span(start_min, end_min, None)
    return Span(float(begins[taken][0]), float((begins + lasts)[taken][-1]), int(taken.sum()))


def agree_on_spans(spans: Sequence[Span | None]) -> list[str | None]:
    """One text for spans that take the same minutes (events set their windows a few seconds apart); None stays None."""
    kinds: list[Span] = []
    found: list[str | None] = []
    for span in spans:
        if span is None:
            found.append(None)
            continue
        kind = next((one for one in kinds if _same(one, span)), span)
        if kind is span:
            kinds.append(span)
        frames = f" ({kind.n_frames} frames)" if kind.n_frames is not None else ""
        found.append(f"a window of {kind.start_min:.1f} to {kind.end_min:.1f} min{frames}")
    return found


def _same(one: Span, other: Span) -> bool:
    near = max(abs(one.start_min - other.start_min), abs(one.end_min - other.end_min)) <= SAME_SPAN_MIN
    return near and one.n_frames == other.n_frames


def smoothed_mm(entities: Mapping[str, str], metadata: Mapping[str, Any]) -> float | None:
    """Width by which a map was smoothed, in mm: of its sidecar, else of a part of its name such as `sm6`."""
    told = metadata.get("SmoothingFWHM")
    if isinstance(told, int | float):
        return float(told)
    named = re.search(
        r"(?<![a-z])(?:sm|fwhm)0*(\d+)", " ".join([entities.get("desc", ""), entities.get("proc", "")])
    )
    return float(named[1]) if named else None


def _field(name: str) -> Callable[[Mapping[str, Any]], str | None]:
    return lambda metadata: f"{name} {metadata[name]}" if name in metadata else None


def _parameter(label: str, words: str) -> Callable[[Mapping[str, Any]], str | None]:
    """Value of an input of the model where it is fixed, else the rule by which each scan finds its own."""

    def read(metadata: Mapping[str, Any]) -> str | None:
        value, source = fixed_input(metadata, label), source_of(metadata, label)
        if value is not None:
            return f"{words} {value:g}"
        return f"{words} {source}" if source and not source.startswith(_FIXED_SOURCES) else None

    return read


def source_of(metadata: Mapping[str, Any], label: str) -> str:
    """Where an input of the model is from, in words; empty where the sidecar does not tell."""
    return str(metadata.get(f"{label}Source", ""))


def fixed_input(metadata: Mapping[str, Any], label: str) -> float | None:
    """Value of an input of the model that does not depend on the scan; None of one that each scan finds."""
    source = source_of(metadata, label)
    inputs = dict(zip(metadata.get("InputValuesLabels", ()), metadata.get("InputValues", ()), strict=False))
    if label not in inputs or (source and not source.startswith(_FIXED_SOURCES)):
        return None
    return float(inputs[label])


def told_attenuation(metadata: Mapping[str, Any]) -> str | None:
    """Whether attenuation was corrected, in words; None where the sidecar does not tell."""
    told = metadata.get("AttenuationCorrection")
    if told is None:
        return None
    return f"{'no ' if str(told).strip().lower() in _UNCORRECTED else ''}correction for attenuation"


def told_mixture(metadata: Mapping[str, Any]) -> str | None:
    """Whether white matter and fluid were fitted apart, in words; None of maps of other programs and models."""
    if metadata.get("SoftwareName") != "morbids" or metadata.get("ModelName") not in _FITTED_APART:
        return None
    return str(metadata.get("MixedTissue", FITTED_TOGETHER))


def _version(metadata: Mapping[str, Any]) -> str | None:
    """Newest version at or before the map's in which results changed; other programs' numbers say nothing."""
    if metadata.get("SoftwareName") != "morbids" or "SoftwareVersion" not in metadata:
        return None
    own = _numbers(str(metadata["SoftwareVersion"]))
    reached = [version for version in RESULTS_CHANGED_IN if _numbers(version) <= own]
    return (
        f"results of version {reached[-1]}"
        if reached
        else f"results from before version {RESULTS_CHANGED_IN[0]}"
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


# Each reads one thing of a sidecar that maps must share, in words; None where the sidecar does not tell.
TRAITS_OF_A_MAP: tuple[Callable[[Mapping[str, Any]], str | None], ...] = (
    *(_field(name) for name in _FIELDS),
    told_mixture,
    _parameter("k2prime", "k2'"),
    _parameter("tstar", "t*"),
    told_attenuation,
    _version,
)
