"""Tracers as data: names as sidecars spell them, and values that a model can use."""

import re

import pytest

from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.presets import (
    find_no_reference,
    find_preset,
    load_presets,
    load_tracers,
    nearest_name,
    nuclide_concern,
    nuclide_in_name,
)


@pytest.mark.parametrize(
    "name",
    [
        "carfentanil",
        "[11C]carfentanil",
        "[11C]Carfentanil",
        "C-11 carfentanil",
        "11C-CFN",
        "carfentanil_11C",
        "[11C]Carfentanil HCl",
        "11Ccarfentanil",
        "Carfentanyl (citrate)",
    ],
)
def test_spellings_of_carfentanil(name: str) -> None:
    preset = find_preset(name)
    assert preset is not None
    assert preset.name == "carfentanil"
    assert (preset.reference, preset.model, preset.k2_prime) == ("occipital", "LoganRef", 0.1237)
    assert preset.t_star_min == 10.0


@pytest.mark.parametrize(
    ("name", "tracer"),
    [
        ("[18F]Fallypride", "fallypride"),
        ("FLB 457", "FLB457"),
        ("[11C]-(+)-PHNO", "PHNO"),
        ("DASB", "DASB"),
        ("FE-PE2I", "FE-PE2I"),
        ("[18F]FE-PE2I", "FE-PE2I"),
        ("[11C]PE2I", "PE2I"),
        ("S-[11C]raclopride tartrate", "raclopride"),
        ("(S)-[18F]fallypride", "fallypride"),
        ("AV-45", "florbetapir"),
    ],
)
def test_spellings_of_others(name: str, tracer: str) -> None:
    preset = find_preset(name)
    assert preset is not None
    assert preset.name == tracer


@pytest.mark.parametrize("name", ["unobtainium", "", "[11C]"])
def test_unknown_tracers_have_none(name: str) -> None:
    assert find_preset(name) is None


def test_every_preset_can_be_used_and_has_a_source() -> None:
    for preset in load_presets().values():
        assert preset.model in MODELS
        assert len(preset.source) > 20
        assert preset.grid.lowest < preset.grid.highest
        assert preset.bounds["BPND"][0] < 0 < preset.bounds["BPND"][1]


@pytest.mark.parametrize(
    ("name", "tracer"),
    [
        ("[18F]FDG", "FDG"),
        ("L-[1-11C]leucine", "leucine"),
        ("PS13", "PS13"),
        ("[11C]MC1", "MC1"),
        ("(R)-[11C]PK11195", "PK11195"),
        ("[15O]H2O", "water"),
    ],
)
def test_tracers_without_a_reference_region_have_a_reason(name: str, tracer: str) -> None:
    found = find_no_reference(name)
    assert found is not None
    assert found.name == tracer
    assert len(found.reason) > 20
    assert re.search(r"\d{4}", found.source)
    assert find_preset(name) is None


def test_a_tracer_with_a_preset_or_none_has_no_such_reason() -> None:
    assert find_no_reference("raclopride") is None
    assert find_no_reference("unobtainium") is None


def test_a_name_that_is_nearly_known_is_proposed() -> None:
    assert nearest_name("carfentanile") == "carfentanil"
    assert nearest_name("racloprde") == "raclopride"
    assert nearest_name("unobtainium") == ""


@pytest.mark.parametrize(
    ("name", "nuclide"),
    [
        ("[11C]raclopride", "C11"),
        ("raclopride-C11", "C11"),
        ("F-18 FDG", "F18"),
        ("S-[18F]fallypride", "F18"),
        ("[64Cu]DOTATATE", "Cu64"),
        ("FLB 457", ""),
        ("AV-45", ""),
        ("PBR28", ""),
    ],
)
def test_the_nuclide_in_a_name(name: str, nuclide: str) -> None:
    assert nuclide_in_name(name) == nuclide


@pytest.mark.parametrize(
    ("name", "nuclide", "sentence"),
    [
        ("[11C]carfentanil", "F18", "TracerName is '\\[11C\\]carfentanil', but TracerRadionuclide is F18"),
        ("carfentanil", "F18", "carfentanil is made with C11, but TracerRadionuclide is F18"),
        ("FDG", "C11", "FDG is made with F18"),
        ("carfentanil", "C11", "^$"),
        ("[11C]carfentanil", "", "^$"),
        ("[18F]unobtainium", "F18", "^$"),
    ],
)
def test_a_nuclide_that_contradicts_the_name_is_a_concern(name: str, nuclide: str, sentence: str) -> None:
    assert re.search(sentence, nuclide_concern(name, nuclide))


def test_every_tracer_has_nuclides_and_a_source() -> None:
    for tracer in load_tracers().values():
        assert tracer.nuclides
        assert len(tracer.source) > 20
