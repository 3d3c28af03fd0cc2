"""Point spread of a scan: the user's, else the scanner's with its Gaussian filter, else a sentence."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from morbids.bids.scanners import find_point_spread
from morbids.errors import ExitCode, MorbidsError

PET = Path("sub-01_pet.nii.gz")


def test_what_the_user_gives_wins() -> None:
    metadata = {"ManufacturersModelName": "HRRT"}
    assert find_point_spread((5.0,), metadata, PET) == ((5.0, 5.0, 5.0), "given by the user")
    assert find_point_spread((5.0, 5.5, 6.0), metadata, PET).fwhm_mm == (5.0, 5.5, 6.0)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("ECAT EXACT HR+", (4.3, 4.3, 4.1)),
        ("Siemens HR+", (4.3, 4.3, 4.1)),
        ("HRRT", (2.65, 2.65, 3.0)),
        ("Biograph128_mCT", (4.33, 4.33, 4.25)),
        ("Biograph_mMR", (4.0, 4.0, 4.1)),
        ("Discovery MI DR", (4.15, 4.15, 4.48)),
        ("SIGNA PET/MR", (4.27, 4.27, 5.35)),
    ],
)
def test_models_as_sidecars_write_them(model: str, expected: tuple[float, ...]) -> None:
    found = find_point_spread((), {"ManufacturersModelName": model}, PET)
    assert found.fwhm_mm == pytest.approx(expected)
    assert found.source.startswith(f"{model}: ")


def test_a_gaussian_filter_adds_in_quadrature_and_no_other_does() -> None:
    metadata = {"ManufacturersModelName": "HR+", "ReconFilterType": "Gaussian", "ReconFilterSize": 3.0}
    found = find_point_spread((), metadata, PET)
    assert found.fwhm_mm == pytest.approx((5.243, 5.243, 5.080), abs=1e-3)
    assert found.source.endswith("with a Gaussian filter of 3 mm")
    listed = metadata | {"ReconFilterType": ["Hann", "gaussian"], "ReconFilterSize": [9.0, 3.0]}
    assert find_point_spread((), listed, PET).fwhm_mm == found.fwhm_mm
    hann = metadata | {"ReconFilterType": "Hann"}
    assert find_point_spread((), hann, PET).fwhm_mm == pytest.approx((4.3, 4.3, 4.1))


def test_an_unknown_scanner_asks_for_the_width() -> None:
    for metadata, named in (({}, "without ManufacturersModelName"), ({"ManufacturersModelName": "X1"}, "X1")):
        with pytest.raises(MorbidsError, match=f"scanner '{named}' is not known") as caught:
            find_point_spread((), metadata, PET)
        assert caught.value.exit_code == ExitCode.USAGE
        assert "--psf-fwhm" in caught.value.hint


def test_every_scanner_names_its_source() -> None:
    for entry in json.loads((files("morbids") / "data" / "scanners.json").read_text()):
        assert any(str(year) in entry["source"] for year in range(1990, 2027)), entry["names"]
        assert len(entry["fwhm_mm"]) == 3
