from pathlib import Path
from typing import Any

import pytest

from morbids.bids.administration import read_schedule
from morbids.numerics.tracer import Schedule

SOURCE = Path("sub-01_pet.nii.gz")
INFUSION = {
    "ModeOfAdministration": "bolus-infusion",
    "InjectedRadioactivity": 400.0,
    "InfusionRadioactivity": 100.0,
    "InjectedVolume": 30.0,
    "InfusionSpeed": 20.0,
    "InfusionSpeedUnits": "mL/h",
}


def test_a_bolus_with_infusion_has_its_share_and_length() -> None:
    assert read_schedule(INFUSION, 60.0, SOURCE) == Schedule(0.75, 22.5), "a quarter of 30 mL at 20 mL/h"


def test_the_end_of_the_injection_tells_the_length_best() -> None:
    fields = INFUSION | {"InfusionStart": 60.0, "InjectionEnd": 5460.0}
    assert read_schedule(fields, 60.0, SOURCE) == Schedule(0.75, 90.0)


@pytest.mark.parametrize("missing", ["InjectedVolume", "InfusionSpeed", "InfusionSpeedUnits"])
def test_an_infusion_of_unknown_length_lasts_as_long_as_the_scan(missing: str) -> None:
    fields = {name: value for name, value in INFUSION.items() if name != missing}
    assert read_schedule(fields, 60.0, SOURCE) == Schedule(0.75, 60.0)


@pytest.mark.parametrize(
    "changed",
    [{"ModeOfAdministration": "bolus"}, {"InfusionRadioactivity": None}, {"InjectedRadioactivity": "n/a"}],
)
def test_without_a_known_share_it_is_a_bolus(changed: dict[str, Any]) -> None:
    assert read_schedule(INFUSION | changed, 60.0, SOURCE) == Schedule(1.0, 60.0)
