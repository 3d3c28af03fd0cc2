"""Tracers as data: names as sidecars spell them, and values that a model can use."""

import pytest

from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.presets import find_preset, load_presets


@pytest.mark.parametrize(
    "name",
    ["carfentanil", "[11C]carfentanil", "[11C]Carfentanil", "C-11 carfentanil", "11C-CFN", "carfentanil_11C"],
)
def test_spellings_of_carfentanil(name: str) -> None:
    preset = find_preset(name)
    assert preset is not None
    assert preset.name == "carfentanil"
    assert (preset.reference, preset.model, preset.k2_prime) == ("occipital", "LoganRef", 0.1237)
    assert preset.t_star_min == 10.0


@pytest.mark.parametrize(
    ("name", "tracer"),
    [("[18F]Fallypride", "fallypride"), ("FLB 457", "FLB457"), ("[11C]-(+)-PHNO", "PHNO"), ("DASB", "DASB")],
)
def test_spellings_of_others(name: str, tracer: str) -> None:
    preset = find_preset(name)
    assert preset is not None
    assert preset.name == tracer


@pytest.mark.parametrize("name", ["water", "", "[11C]"])
def test_unknown_tracers_have_none(name: str) -> None:
    assert find_preset(name) is None


def test_every_preset_can_be_used_and_has_a_source() -> None:
    for preset in load_presets().values():
        assert preset.model in MODELS
        assert len(preset.source) > 20
        assert preset.grid.lowest < preset.grid.highest
        assert preset.bounds["BPND"][0] < 0 < preset.bounds["BPND"][1]
