"""What is known of a tracer before its scan: reference region, model, k2', t* and bounds, from a data file."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import FitBounds
from morbids.numerics.kinetics.srtm import BasisGrid

# How sidecars write the nuclide before or after a name: [11C]x, C-11 x, 11C-x, x_18F.
_NUCLIDE = re.compile(r"^(11c|c11|18f|f18)|(11c|c11|18f|f18)$")


@dataclass(frozen=True)
class TracerPreset:
    """Defaults of one tracer; every number's origin is in `source`.

    Attributes
    ----------
    name
        The tracer, without nuclide.
    reference
        Name of the reference region's preset.
    model
        As in `MODELS`.
    t_star_min
        First minute of regression; 0 for models that take the whole scan.
    k2_prime
        Efflux from the reference region per minute; None where it is to be estimated from the scan.
    grid
        Efflux rates that SRTM and SRTM2 search.
    bounds
        Believable parameters.
    source
        Papers.
    """

    name: str
    reference: str
    model: ModelName
    t_star_min: float
    k2_prime: float | None
    grid: BasisGrid
    bounds: FitBounds
    source: str


def find_preset(tracer: str) -> TracerPreset | None:
    """Preset of a tracer by its name as sidecars write it, whatever its nuclide, case and punctuation."""
    return load_presets().get(_plain(tracer))


@cache
def load_presets() -> Mapping[str, TracerPreset]:
    """All presets, under each of their names in plain form (lower case, letters and digits only)."""
    text = files("morbids").joinpath("data", "tracers.json").read_text(encoding="utf-8")
    presets: dict[str, TracerPreset] = {}
    for name, entry in json.loads(text).items():
        lowest, highest = entry["k2a_range_per_min"]
        preset = TracerPreset(
            name=name,
            reference=entry["reference"],
            model=entry["model"],
            t_star_min=entry["t_star_min"],
            k2_prime=entry["k2_prime_per_min"],
            grid=BasisGrid(lowest, highest),
            bounds={parameter: (low, high) for parameter, (low, high) in entry["bounds"].items()},
            source=entry["source"],
        )
        presets |= {_plain(spelling): preset for spelling in entry["names"]}
    return presets


def _plain(name: str) -> str:
    return _NUCLIDE.sub("", re.sub(r"[^a-z0-9]", "", name.lower()))
