"""Shares of tissue at the scanner's resolution: of a phantom with known curves, and of one whose fluid is not told."""

from pathlib import Path

import numpy as np
import pytest

from morbids.imaging.images import read_image
from morbids.imaging.tissue_shares import SlowTissues, find_slow_tissues
from tests.imaging.tissue_phantom import CURVES, FWHM_MM, N, Phantom, write_phantom


def scan(folder: Path, fluid_radius: float, binding_below: float = 0.0) -> tuple[SlowTissues, Phantom]:
    """What is found of a phantom."""
    own = write_phantom(folder, fluid_radius, binding_below=binding_below)
    found = find_slow_tissues(own.pet, own.mask, own.reference, own.tissues, (), (FWHM_MM,) * 3, folder)
    return found, own


def test_curves_and_shares_of_a_phantom_are_found(tmp_path: Path) -> None:
    found, own = scan(tmp_path, fluid_radius=4.0)
    np.testing.assert_allclose(found.curves, CURVES[:, 1:], rtol=0.02)
    measured = read_image(found.shares).values
    inside = own.maps.sum(axis=-1) > 0.5
    assert measured.shape == (N, N, N, 2)
    assert np.abs(measured[inside] - own.shares[inside][:, 1:]).mean() < 0.01
    assert found.notes == ()


def test_white_matter_is_that_of_the_reference_region_where_it_binds_more_below(tmp_path: Path) -> None:
    """What the scanner mixes into the reference region lies above the purest around it, which reads 8 % more."""
    found, own = scan(tmp_path, fluid_radius=0.0, binding_below=0.1)
    region = read_image(own.reference).values > 0.5
    shares = own.shares[region]
    frames = read_image(own.pet).values[region]
    within = (frames - shares[:, [0]] * CURVES[:, 0]).mean(axis=0) / shares[:, 1].mean()
    np.testing.assert_allclose(found.curves[0, 0], within[0], rtol=0.02)
    assert 1 < found.curves[1, 0] / within[1] < 1.06


def test_fluid_that_is_nowhere_pure_is_left_and_told(tmp_path: Path) -> None:
    found, _ = scan(tmp_path, fluid_radius=0.9)
    np.testing.assert_allclose(found.curves[:, 0], CURVES[:, 1], rtol=0.02)
    assert (found.curves[:, 1] == 0).all()
    assert read_image(found.shares).values[..., 1].max() == 0
    assert found.notes == (
        "The curve of fluid cannot be told at the scanner's resolution: it is left in the curves of regions.",
    )
    assert read_image(found.shares).values[..., 0].max() == pytest.approx(1, abs=0.05)
