"""Tissues of a head whose tissues are known."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.imaging.brain import BrainExtraction
from morbids.imaging.images import read_image, write_image
from morbids.imaging.normalization import Normalization
from morbids.imaging.tissue import Tissue, _classify, _every_few_mm, _shading, segment_tissue
from morbids.numerics.arrays import FloatArray
from tests.imaging.head_phantom import Head

pytestmark = pytest.mark.graph

# Places in MNI152 whose tissue no anatomist doubts, mm.
WHITE = [(-26, -20, 34), (26, -20, 34), (-18, 30, 18), (0, 24, 6)]
DEEP_GREY = [(-10, -18, 8), (10, -18, 8), (-27, 4, 0), (27, 4, 0), (-13, 12, 10)]
FLUID = [(-22, -40, 12), (24, -38, 14)]


@pytest.fixture(scope="session")
def tissue(
    extracted: BrainExtraction, normalized: Normalization, tmp_path_factory: pytest.TempPathFactory
) -> Tissue:
    out = tmp_path_factory.mktemp("tissue")
    return segment_tissue(extracted.corrected_t1w, extracted.mask, out, normalized.template_to_t1w)


def at(image: Path, head: Head, places: list[tuple[int, int, int]]) -> FloatArray:
    """Values (n,) of an image of a head at places of the template."""
    voxels = nib.affines.apply_affine(np.linalg.inv(head.affine) @ head.to_head, places)
    values: FloatArray = read_image(image).values[tuple(np.round(voxels).astype(int).T)]
    return values


def test_fractions_sum_to_one_in_the_brain_only(tissue: Tissue, extracted: BrainExtraction) -> None:
    total = sum(read_image(path).values for path in (tissue.gm, tissue.wm, tissue.csf))
    inside = read_image(extracted.mask).values > 0
    np.testing.assert_allclose(total, inside, atol=1e-5)
    np.testing.assert_array_equal(read_image(tissue.dseg).values > 0, inside)


def test_tissues_lie_where_anatomy_has_them(tissue: Tissue, turned_head: Head) -> None:
    """Deep grey matter, bright as it is, is grey; labels are those of BIDS."""
    assert at(tissue.wm, turned_head, WHITE).mean() > 0.8
    assert at(tissue.gm, turned_head, DEEP_GREY).mean() > 0.8
    assert (at(tissue.dseg, turned_head, DEEP_GREY) == 1).all()
    assert (at(tissue.dseg, turned_head, WHITE) == 2).all()
    assert (at(tissue.dseg, turned_head, FLUID) == 3).any()


def test_shares_of_the_tissues_are_those_of_a_brain(tissue: Tissue, extracted: BrainExtraction) -> None:
    n_voxels = (read_image(extracted.mask).values > 0).sum()
    gm, wm, csf = (read_image(path).values.sum() / n_voxels for path in (tissue.gm, tissue.wm, tissue.csf))
    assert 0.35 < gm < 0.6
    assert 0.25 < wm < 0.5
    assert 0.05 < csf < 0.3


def test_doubtful_tissues_are_flagged(
    tissue: Tissue, extracted: BrainExtraction, normalized: Normalization, tmp_path: Path
) -> None:
    """An infant's grey and white matter look alike; an inverted image has its white matter where nobody has."""
    assert tissue.concern == ""
    image = read_image(extracted.corrected_t1w)
    alike = np.where(image.values > 600, 800 + 0.1 * (image.values - 800), image.values)
    inverted = np.clip(1500 - image.values, 0, None)
    sentences = []
    for name, values in (("alike", alike), ("inverted", inverted)):
        t1w = write_image(values, image.affine, tmp_path / f"{name}.nii.gz")
        found = segment_tissue(t1w, extracted.mask, tmp_path / name, normalized.template_to_t1w)
        sentences.append(found.concern)
    assert "as in an infant" in sentences[0]
    assert "where people have it" in sentences[1]


def test_shading_that_bias_correction_left_is_taken_out() -> None:
    """Grey and white layers a quarter apart, shaded by nearly a third."""
    shape, voxel_mm = (48, 48, 48), np.full(3, 2.0)
    layers = np.indices(shape).sum(axis=0) // 3 % 4
    true = np.array([0, 1, 2, 1])[layers]
    noise = np.random.default_rng(0).normal(0, 20, shape)
    shading = np.exp(np.linspace(-0.15, 0.15, shape[0]))[:, None, None]
    values = (np.array([250.0, 750.0, 1000.0])[true] * shading + noise).astype(np.float32)
    inside = np.ones(shape, dtype=bool)
    _, fractions = _classify(values, inside, None, voxel_mm)
    assert (fractions.argmax(axis=-1) == true).mean() > 0.97
    left = _shading(values, inside, (true == 2)[_every_few_mm(voxel_mm)], 1000.0, voxel_mm)
    expected = np.linspace(-0.15, 0.15, shape[0])[10:38]
    np.testing.assert_allclose(left[10:38].mean(axis=(1, 2)), expected, atol=0.02)


def test_mask_without_contrast_is_refused(extracted: BrainExtraction, tmp_path: Path) -> None:
    image = read_image(extracted.corrected_t1w)
    flat = write_image(np.ones(image.values.shape, np.float32), image.affine, tmp_path / "flat.nii.gz")
    with pytest.raises(MorbidsError, match="has no contrast within"):
        segment_tissue(flat, extracted.mask, tmp_path)


def test_mask_on_another_grid_is_refused(extracted: BrainExtraction, tmp_path: Path) -> None:
    mask = write_image(np.ones((4, 4, 4), np.uint8), np.eye(4), tmp_path / "mask.nii.gz")
    with pytest.raises(MorbidsError, match=r"has the shape \(4, 4, 4\)"):
        segment_tissue(extracted.corrected_t1w, mask, tmp_path)
