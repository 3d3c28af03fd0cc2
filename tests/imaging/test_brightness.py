"""Shading that is known."""

import numpy as np

from morbids.imaging.brightness import brightness_level, estimate_bias
from morbids.imaging.images import Image
from tests.imaging.head_phantom import draw_spheres


def test_bias_field_of_a_known_image_is_recovered() -> None:
    shape = (24, 24, 24)
    ramp = 0.3 * np.linspace(-1, 1, 24)[:, None, None] * np.ones(shape)
    tissue = np.where(np.indices(shape).sum(axis=0) % 7 < 3, 60.0, 100.0)
    noise = np.random.default_rng(0).normal(0, 1, shape)
    mask = np.zeros(shape, dtype=bool)
    mask[2:-2, 2:-2, 2:-2] = True
    values = (tissue * np.exp(ramp) + noise).astype(np.float32)
    field = estimate_bias(Image(values, np.diag([4.0, 4.0, 4.0, 1.0]), None), mask, threads=1)
    assert np.abs((field - ramp)[mask] - np.median((field - ramp)[mask])).max() < 0.06


def test_head_whose_brightness_falls_to_an_eighth_becomes_even() -> None:
    head, radius = draw_spheres()
    x, _, z = np.indices(radius.shape) / np.reshape(radius.shape, (3, 1, 1, 1))
    shaded = head._replace(values=(head.values * 4.0**-z * 2.0**-x).astype(np.float32))
    even = shaded.values / brightness_level(shaded)
    raw, evened = (values[radius < 60] for values in (shaded.values, even))
    assert np.percentile(raw, 95) > 2 * np.percentile(raw, 5)
    assert np.percentile(evened, 95) < 1.5 * np.percentile(evened, 5)


def test_level_of_an_even_image_is_its_brightness() -> None:
    values = np.full((20, 20, 20), 70, np.float32)
    level = brightness_level(Image(values, np.diag([4.0, 4.0, 4.0, 1.0]), None))
    np.testing.assert_allclose(level, 70, rtol=1e-4)
