"""Files of deformations: the points go where ITK's own file sends them, in fewer and always the same bytes."""

import time
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from nitransforms.io.itk import ITKCompositeH5

from morbids.imaging.composites import write_composite


@pytest.fixture
def transform() -> sitk.CompositeTransform:
    """A smooth deformation of up to 8 mm on a grid of 4 mm, after an affine."""
    axes = np.meshgrid(*[np.linspace(0, np.pi, 40)] * 3, indexing="ij")
    bump = 8 * np.prod([np.sin(axis) for axis in axes], axis=0)
    image = sitk.GetImageFromArray(np.stack([bump, -bump, 0.5 * bump], axis=-1), isVector=True)
    image.SetSpacing([4.0, 4.0, 4.0])
    image.SetOrigin([-80.0, -80.0, -80.0])
    affine = sitk.AffineTransform(3)
    affine.Scale([1.05, 0.97, 1.02])
    affine.SetTranslation([3.0, -7.0, 11.0])
    return sitk.CompositeTransform([sitk.DisplacementFieldTransform(image), affine])


def test_points_go_where_the_transform_sends_them(transform: sitk.CompositeTransform, tmp_path: Path) -> None:
    there = sitk.ReadTransform(str(write_composite(transform, tmp_path / "xfm.h5")))
    points = np.random.default_rng(3).uniform(-70, 70, (50, 3)).tolist()
    expected = [transform.TransformPoint(point) for point in points]
    assert np.abs(np.subtract(expected, points)).max() > 10
    np.testing.assert_allclose([there.TransformPoint(point) for point in points], expected, atol=5e-5)


def test_the_same_transform_makes_the_same_bytes(transform: sitk.CompositeTransform, tmp_path: Path) -> None:
    first = write_composite(transform, tmp_path / "a.h5").read_bytes()
    time.sleep(1.1)  # HDF5 keeps whole seconds
    assert write_composite(transform, tmp_path / "b.h5").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5", "b.h5"] or len(
        list(tmp_path.iterdir())
    ) == 2
    sitk.WriteTransform(transform, str(tmp_path / "itk.h5"))
    assert len(first) < 0.5 * (tmp_path / "itk.h5").stat().st_size


def test_nitransforms_reads_both_parts(transform: sitk.CompositeTransform, tmp_path: Path) -> None:
    parts = ITKCompositeH5.from_filename(write_composite(transform, tmp_path / "xfm.h5"))
    assert len(parts) == 2
    field = next(np.asanyarray(part.dataobj).squeeze() for part in parts if hasattr(part, "dataobj"))
    assert np.abs(field).max() == pytest.approx(8, abs=0.1)
