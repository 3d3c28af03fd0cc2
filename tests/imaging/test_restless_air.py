"""Noise around a head that is as bright as the head, as ratio images have it."""

from pathlib import Path

import numpy as np
import pytest

from morbids.imaging.brain import RESTLESS_AIR, extract_brain
from morbids.imaging.head_mask import mask_head
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.restless_air import silence_air
from morbids.imaging.templates import Template
from morbids.numerics.arrays import BoolArray, FloatArray
from tests.imaging.head_phantom import Head, dice

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def ball_in_air(air: FloatArray) -> tuple[FloatArray, BoolArray]:
    """A ball with a dark, as restless core, cut below by the field of view, in air of the given values."""
    radius_mm = np.linalg.norm(
        np.indices(air.shape) * 2.0 - np.array([60, 60, 30])[:, None, None, None], axis=0
    )
    noise = np.random.default_rng(1).normal(0, 100, air.shape)
    return np.where((radius_mm < 40) & (radius_mm > 12), 3000 + noise, air), radius_mm < 40


def test_air_of_any_value_becomes_black_and_the_inside_stays() -> None:
    values, inside = ball_in_air(np.random.default_rng(0).uniform(0, 4095, (60, 60, 60)))
    silent = silence_air(Image(values, AFFINE, None))
    assert silent is not None
    assert (silent.values[inside] == values[inside]).mean() > 0.97
    core = (
        np.linalg.norm(np.indices(values.shape) * 2.0 - np.array([60, 60, 30])[:, None, None, None], axis=0)
        < 12
    )
    np.testing.assert_array_equal(silent.values[core], values[core])
    assert (silent.values[~inside] < 50).mean() > 0.97


def test_air_may_be_around_zero() -> None:
    """As of images from -0.5 to 0.5, with nothing known in a part of them."""
    values, inside = ball_in_air(np.random.default_rng(0).uniform(0, 4095, (60, 60, 60)))
    values = values / 4095 - 0.5
    values[:, :, -4:] = np.nan
    silent = silence_air(Image(values, AFFINE, None))
    assert silent is not None
    assert np.median(silent.values[~inside]) == pytest.approx(-0.5, abs=0.02)


@pytest.mark.parametrize("sd", [0.0, 150.0, 750.0])
def test_usual_noise_is_left_alone(sd: float) -> None:
    """Up to a fourth of tissue."""
    parts = np.random.default_rng(0).normal(0, sd, (2, 60, 60, 60))
    values, _ = ball_in_air(np.hypot(*parts))
    assert silence_air(Image(values, AFFINE, None)) is None


@pytest.mark.graph
def test_brain_is_found_in_restless_air_and_beside_spikes(
    turned_head: Head, template: Template, tmp_path: Path
) -> None:
    head = read_image(turned_head.t1w)
    rng = np.random.default_rng(0)
    any_value = rng.uniform(0, np.percentile(head.values, 99), head.values.shape)
    values = np.where(mask_head(head.values, head.voxel_mm), head.values, any_value)
    where = np.argwhere(turned_head.brain)
    values[tuple(where[100])], values[tuple(where[-100])], values[1, 1, 1] = 1e7, -1e6, 1e8
    t1w = write_image(values, head.affine, tmp_path / "T1w.nii.gz")
    found = extract_brain(t1w, template.brain, template.mask, tmp_path / "out", threads=2)
    assert found.notes == RESTLESS_AIR
    assert found.concern == ""
    assert dice(read_image(found.mask).values > 0, turned_head.brain) > 0.96
    assert read_image(found.corrected_t1w).values.max() < 10_000
