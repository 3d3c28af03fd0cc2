"""What is known of a tracer before its scan: reference region, model, k2', t* and bounds, from a data file."""

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from morbids.numerics.kinetics.estimates import FitBounds
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.srtm import BasisGrid

# How sidecars write the nuclide before, after or within a name: [11C]x, C-11 x, 11C-x, x_18F, S-[18F]x.
_MASSES = {"C": 11, "F": 18, "N": 13, "O": 15, "Cu": 64, "Ga": 68, "Br": 76, "Zr": 89, "I": 124}
_NUCLIDE = re.compile(
    r"(?<![a-z0-9])(?:"
    + "|".join(f"{mass}-?{element}|{element}-?{mass}" for element, mass in _MASSES.items())
    + r")(?![a-z0-9])",
    re.IGNORECASE,
)
# Nothing between nuclide and name: 11Craclopride, carfentanil11C.
_JOINED = re.compile(r"^(?:(11c|c11)|(18f|f18))(?=[a-z])|(?<=[a-z0-9])(?:(11c|c11)|(18f|f18))$")
# Salts and forms that do not change what is measured.
_SALT = re.compile(
    r"(?<=[a-z0-9])[\s_.,-]*\(?(hcl|hbr|hydrochloride|hydrobromide|tartrate|mesylate|citrate|sulfate|acetate)\)?\s*$",
    re.IGNORECASE,
)
_HANDED = re.compile(r"^\s*\(?(?:[rsld]|\+|-|±|\+/-)\)?-\s*(?=\w{3})", re.IGNORECASE)
# How alike a name must be to be proposed.
ALIKE = 0.75


@dataclass(frozen=True)
class TracerPreset:
    """Defaults of one tracer; every number's origin is in `source`.

    Attributes
    ----------
    name
        The tracer, without nuclide.
    reference
        Name of the reference region's preset.
    model, model_within_scan
        As in `MODELS`; the second where one scan holds a baseline and one challenge, None where it is the first too.
    t_star_min
        First minute of regression; 0 for models that take the whole scan.
    k2_prime, k2_prime_spread
        Efflux from the reference region per minute, None where it is to be estimated from the scan; and the standard
        deviation of what papers report, None where only one does: without it the number is taken as it is.
    grid
        Efflux rates that SRTM and SRTM2 search.
    bounds
        Believable parameters.
    source
        Papers.
    nuclides
        With which the tracer is made, such as C11.
    """

    name: str
    reference: str
    model: ModelName
    t_star_min: float
    k2_prime: float | None
    grid: BasisGrid
    bounds: FitBounds
    source: str
    nuclides: tuple[str, ...] = ()
    k2_prime_spread: float | None = None
    model_within_scan: ModelName | None = None


@dataclass(frozen=True)
class NoReference:
    """A tracer that no region of the brain is free of.

    Attributes
    ----------
    name, reason, source, nuclides
        Why, by which papers, and with what it is made.
    unmetabolised
        All radioactivity in plasma is the tracer: no parent fraction is needed.
    trapped
        Tissue does not let it go within a scan: it has an uptake rate and no distribution volume.
    """

    name: str
    reason: str
    source: str
    nuclides: tuple[str, ...]
    unmetabolised: bool = False
    trapped: bool = False


def find_preset(tracer: str) -> TracerPreset | None:
    """Preset of a tracer by its name as sidecars write it, whatever its nuclide, salt, case and punctuation."""
    found = _find(tracer)
    return found if isinstance(found, TracerPreset) else None


def find_no_reference(tracer: str) -> NoReference | None:
    """Why a tracer has no reference region; None where it has one, or is not known."""
    found = _find(tracer)
    return found if isinstance(found, NoReference) else None


def nearest_name(tracer: str) -> str:
    """The known tracer whose name is nearest to an unknown one; empty where none is near."""
    known = load_tracers()
    near = difflib.get_close_matches(_plain(tracer), known, 1, ALIKE)
    return known[near[0]].name if near else ""


def nuclide_in_name(tracer: str) -> str:
    """Nuclide that a name tells, such as C11 for `[11C]raclopride`; empty where it tells none."""
    match = _NUCLIDE.search(tracer) or _JOINED.search(tracer.lower())
    if match is None:
        return ""
    letters = "".join(filter(str.isalpha, match[0])).capitalize()
    return f"{letters}{_MASSES[letters]}"


def nuclide_concern(tracer: str, nuclide: str) -> str:
    """Sentence where a scan's nuclide (such as F18) contradicts the tracer's name; empty where it does not."""
    named = nuclide_in_name(tracer)
    if named and nuclide and named != nuclide:
        return (
            f"TracerName is '{tracer}', but TracerRadionuclide is {nuclide}: decay may be corrected wrongly."
        )
    known = _find(tracer)
    if known is not None and nuclide and known.nuclides and nuclide not in known.nuclides:
        made = " or ".join(known.nuclides)
        return (
            f"{known.name} is made with {made}, but TracerRadionuclide is {nuclide}: the tracer may be another, or "
            "decay corrected wrongly."
        )
    return ""


def load_presets() -> Mapping[str, TracerPreset]:
    """All presets, under each of their names in plain form (lower case, letters and digits only)."""
    return {name: tracer for name, tracer in load_tracers().items() if isinstance(tracer, TracerPreset)}


@cache
def load_tracers() -> Mapping[str, TracerPreset | NoReference]:
    """All tracers that the data file knows, under each of their names in plain form."""
    text = files("morbids").joinpath("data", "tracers.json").read_text(encoding="utf-8")
    tracers: dict[str, TracerPreset | NoReference] = {}
    for name, entry in json.loads(text).items():
        tracer = _read_tracer(name, entry)
        tracers |= {_plain(spelling): tracer for spelling in entry["names"]}
    return tracers


def _read_tracer(name: str, entry: Mapping[str, Any]) -> TracerPreset | NoReference:
    """One entry of the data file."""
    nuclides = tuple(entry["nuclides"])
    if "no_reference" in entry:
        flags = {key: entry.get(key, False) for key in ("unmetabolised", "trapped")}
        return NoReference(name, entry["no_reference"], entry["source"], nuclides, **flags)
    lowest, highest = entry["k2a_range_per_min"]
    return TracerPreset(
        name=name,
        reference=entry["reference"],
        model=entry["model"],
        t_star_min=entry["t_star_min"],
        k2_prime=entry["k2_prime_per_min"],
        grid=BasisGrid(lowest, highest),
        bounds={parameter: (low, high) for parameter, (low, high) in entry["bounds"].items()},
        source=entry["source"],
        nuclides=nuclides,
        k2_prime_spread=entry.get("k2_prime_spread_per_min"),
        model_within_scan=entry.get("model_within_scan"),
    )


def _find(tracer: str) -> TracerPreset | NoReference | None:
    return load_tracers().get(_plain(tracer))


def _plain(name: str) -> str:
    """A name without nuclide, salt and handedness, in lower case letters and digits."""
    bare = re.sub(r"\[\s*\]|\(\s*\)", "", _NUCLIDE.sub("", name))
    bare = _HANDED.sub("", _SALT.sub("", bare.strip(" -_")))
    return _JOINED.sub("", re.sub(r"[^a-z0-9]", "", bare.lower()))
