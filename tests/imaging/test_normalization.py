"""Normalization against an affine that is known, and transforms that other programs read."""

from pathlib import Path

import nibabel as nib
import nitransforms
import numpy as np
import pytest
import SimpleITK as sitk

from morbids.errors import MorbidsError
from morbids.imaging.brain import BrainExtraction
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.normalization import Normalization, _concern, _is_wide, deep_fluid, register_to_template
from morbids.imaging.resampling import resample
from morbids.imaging.template_registration import SOFT, TemplatePair, onto_isotropic_grid
from morbids.imaging.templates import Template
from morbids.numerics.arrays import FloatArray
from tests.imaging.head_phantom import Head

pytestmark = pytest.mark.graph

LPS = np.array([-1.0, -1.0, 1.0])


def brain_points(template: Template, n: int = 400) -> FloatArray:
    """Points (n, 3) in RAS mm within the template's brain."""
    mask = read_image(template.mask)
    voxels = np.argwhere(mask.values > 0)
    chosen = voxels[np.random.default_rng(0).choice(len(voxels), n, replace=False)]
    return np.asarray(nib.affines.apply_affine(mask.affine, chosen))


def move(transform: Path, points: FloatArray) -> FloatArray:
    """Move points (n, 3) in RAS mm by a transform as ITK reads it."""
    itk = sitk.ReadTransform(str(transform))
    moved: FloatArray = np.array([itk.TransformPoint((point * LPS).tolist()) for point in points])
    moved *= LPS
    return moved


def test_points_land_where_the_truth_says(
    turned_head: Head, normalized: Normalization, template: Template
) -> None:
    points = brain_points(template)
    truth = nib.affines.apply_affine(turned_head.to_head, points)
    error_mm = np.linalg.norm(move(normalized.t1w_to_template, points) - truth, axis=1)
    assert error_mm.mean() < 1.5  # voxels of 4 mm
    assert normalized.concern == ""
    assert normalized.correlation > 0.8
    assert normalized.folded_percent == 0


def test_directions_undo_each_other(normalized: Normalization, template: Template) -> None:
    points = brain_points(template)
    there = move(normalized.t1w_to_template, points)
    back = move(normalized.template_to_t1w, there)
    assert np.linalg.norm(back - points, axis=1).mean() < 0.2


def test_files_bring_images_the_way_their_names_say(
    extracted: BrainExtraction, normalized: Normalization, template: Template, tmp_path: Path
) -> None:
    moved = resample(
        extracted.corrected_t1w,
        template.brain,
        [normalized.t1w_to_template],
        "linear",
        tmp_path / "moved.nii.gz",
    )
    expected = read_image(normalized.t1w_in_template)
    np.testing.assert_allclose(read_image(moved).values, expected.values, atol=1)
    np.testing.assert_array_equal(expected.affine, read_image(template.brain).affine)


def test_nitransforms_reads_the_composite(normalized: Normalization, template: Template) -> None:
    points = brain_points(template, 50)
    chain = nitransforms.manip.TransformChain.from_filename(normalized.t1w_to_template, fmt="itk")
    np.testing.assert_allclose(chain.map(points), move(normalized.t1w_to_template, points), atol=0.2)


def test_image_without_anatomy_is_flagged(template: Template, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(1000, 100, (20, 24, 20)).astype(np.float32)
    affine = np.diag([8.0, 8.0, 8.0, 1.0])
    ball = (np.indices(noise.shape) - np.reshape(noise.shape, (3, 1, 1, 1)) / 2) ** 2
    t1w = write_image(noise, affine, tmp_path / "T1w.nii.gz")
    mask = write_image(ball.sum(axis=0) < 64, affine, tmp_path / "mask.nii.gz")
    coarse = [
        write_image(coarser.values, coarser.affine, tmp_path / f"template_{name}.nii.gz")
        for name, path in (("brain", template.brain), ("mask", template.mask))
        for coarser in [onto_isotropic_grid(read_image(path), 4.0)]
    ]
    result = register_to_template(t1w, mask, coarse[0], coarse[1], tmp_path, threads=2)
    assert "correlation" in result.concern


def test_concern_names_what_was_missed() -> None:
    assert _concern(0.9, 0.0) == ""
    assert "correlation is 0.3 (at least" in _concern(0.3, 0.0)
    assert "folds 0.5 percent (at most 0.1 percent" in _concern(0.9, 0.5)
    both = _concern(0.3, 0.5)
    assert "correlation" in both
    assert "folds" in both


def test_empty_mask_is_refused(extracted: BrainExtraction, template: Template, tmp_path: Path) -> None:
    image = read_image(extracted.corrected_t1w)
    mask = write_image(np.zeros(image.values.shape, np.uint8), image.affine, tmp_path / "mask.nii.gz")
    with pytest.raises(MorbidsError, match=r"mask\.nii\.gz is empty"):
        register_to_template(
            extracted.corrected_t1w, mask, template.brain, template.mask, tmp_path, threads=1
        )


def hollow_ball(hollow_mm: float) -> tuple[Image, FloatArray]:
    """A ball of 60 mm, grey outside and white inside, with fluid in its middle; and distances from its centre."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -72
    index = np.stack(np.meshgrid(*[np.arange(37)] * 3, indexing="ij"), axis=-1)
    radius = np.linalg.norm(index * 4.0 - 72, axis=-1)
    values = np.select([radius < hollow_mm, radius < 52, radius < 60], [0.3, 1.0, 0.8], 0.0)
    return Image(values.astype(np.float32), affine, None), radius


def test_deep_fluid_is_dark_and_far_from_the_surface() -> None:
    ball, radius = hollow_ball(20)
    ball.values[(radius > 50) & (radius < 54)] = 0.2
    ball.values[(radius > 30) & (radius < 34)] = 0.525
    fluid = deep_fluid(ball, radius < 60).values
    np.testing.assert_allclose(fluid[radius < 20], 1)
    np.testing.assert_allclose(fluid[(radius > 30) & (radius < 34)], 0.5, atol=1e-6)
    assert not fluid[(radius > 20) & (radius < 30)].any()
    assert not fluid[radius > 46].any()


def test_fluid_leads_the_template_to_the_edge_of_a_wide_ventricle(tmp_path: Path) -> None:
    template, radius = hollow_ball(14)
    head, _ = hollow_ball(34)
    inside = radius < 60
    pair = TemplatePair(template, inside, head, tmp_path, 1)
    pair.add_fluid(deep_fluid(template, inside), deep_fluid(head, inside))
    way = pair.register_deformable(np.eye(4), (60, 40, 5), SOFT).template_points_to_image()
    directions = np.random.default_rng(0).normal(size=(200, 3))
    edge = 14 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    reached = np.linalg.norm([way.TransformPoint(point) for point in edge.tolist()], axis=1)
    np.testing.assert_allclose(reached.mean(), 34, atol=2)


def test_wide_is_what_exceeds_the_template_at_the_size_of_the_brain() -> None:
    larger = np.diag([1.1, 1.0, 1.2, 1.0])
    assert _is_wide(30.0, 120.0, np.eye(4))
    assert not _is_wide(30.0, 100.0, np.eye(4))
    assert not _is_wide(30.0, 120.0, larger)
    assert not _is_wide(0.0, 120.0, np.eye(4))
