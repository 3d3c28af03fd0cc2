from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from morbids.simulation.deformation import LATTICE_MM, random_shape, smooth_field
from morbids.simulation.grids import make_grid

pytestmark = pytest.mark.graph

RNG_SEED = 11


def test_both_directions_undo_each_other() -> None:
    shape = random_shape(np.random.default_rng(RNG_SEED))
    points = np.random.default_rng(0).uniform((-60, -90, -50), (60, 60, 70), (200, 3))
    there, back = shape.template_to_t1w, shape.t1w_to_template
    returned = np.array([back.TransformPoint(there.TransformPoint(point)) for point in points])
    assert np.linalg.norm(returned - points, axis=1).max() < 0.2


def test_displacement_is_large_but_never_folds() -> None:
    for seed in range(2):
        field = random_shape(np.random.default_rng(seed)).to_template_mm
        gradient = np.stack(
            [
                np.stack([np.gradient(field[..., i], LATTICE_MM, axis=axis) for axis in range(3)], axis=-1)
                for i in range(3)
            ],
            axis=-2,
        )
        determinant = np.linalg.det(gradient + np.eye(3))
        assert determinant.min() > 0.3
        assert 3 < np.linalg.norm(field, axis=-1).mean() < 9


def test_transform_survives_its_file(tmp_path: Path) -> None:
    transform = random_shape(np.random.default_rng(RNG_SEED)).t1w_to_template
    sitk.WriteTransform(transform, str(tmp_path / "xfm.h5"))
    again = sitk.ReadTransform(str(tmp_path / "xfm.h5"))
    point = (12.0, -30.0, 21.0)
    np.testing.assert_allclose(again.TransformPoint(point), transform.TransformPoint(point), atol=1e-6)


def test_smooth_field_has_unit_variance() -> None:
    grid = make_grid((0, 0, 0), (400, 400, 400), 8.0)
    field = smooth_field(np.random.default_rng(1), grid, 30.0)
    assert field.shape == grid.shape
    assert abs(field.std() - 1) < 0.1
    assert abs(field.mean()) < 0.15
