"""Brains without a skull: told from heads, and taken as they are."""

from pathlib import Path

import numpy as np
import pytest

from morbids.imaging.brain import STRIPPED, extract_brain
from morbids.imaging.head_mask import cut_area_cm2, dilate_mm, mask_head
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.stripped import find_lone_brain
from morbids.imaging.templates import Template
from tests.imaging.head_phantom import GRID_MM, Head, dice


def test_brain_alone_is_what_the_image_shows(turned_head: Head) -> None:
    alone = find_lone_brain(_stripped(turned_head), GRID_MM)
    assert alone is not None
    volume_ml = turned_head.brain.sum() * GRID_MM**3 / 1000
    assert alone.inside.sum() * GRID_MM**3 / 1000 == pytest.approx(volume_ml, rel=0.05)


def test_image_of_standard_scores_is_lifted(turned_head: Head) -> None:
    """Mean 0 within the brain, and 0 around it: fluid is the darkest again."""
    brain = _stripped(turned_head)
    inside = brain.values[turned_head.brain]
    scores = np.where(turned_head.brain, (brain.values - inside.mean()) / inside.std(), 0)
    alone = find_lone_brain(brain._replace(values=scores), GRID_MM)
    assert alone is not None
    assert alone.image.values.min() == 0
    assert np.corrcoef(alone.image.values[turned_head.brain], inside)[0, 1] > 0.999
    assert (alone.image.values[~turned_head.brain] == 0).all()


def test_head_without_noise_around_it_is_a_head(turned_head: Head) -> None:
    """Also one as small as a brain."""
    head = read_image(turned_head.t1w)
    shown = np.where(mask_head(head.values, head.voxel_mm), head.values, 0)
    for scale in (1.0, 0.75):
        affine = np.diag([scale, scale, scale, 1.0]) @ head.affine
        assert find_lone_brain(Image(shown, affine, None), GRID_MM) is None


def test_thin_skull_in_what_is_left_of_noise_is_a_head() -> None:
    """A child's, with the air further out set to 0; the same brain without it is alone."""
    radius = np.linalg.norm(np.indices((80, 80, 80)) * 2.0 - 79, axis=0)
    rng = np.random.default_rng(0)
    halo = np.abs(rng.normal(3, 1, radius.shape)) * (radius < 76)
    depths = [radius < 50, radius < 57, radius < 60, radius < 64, radius < 68]
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    for shells, is_alone in (([100, 70, 25, 15, 90], False), ([100, 70, 25, 3, 3], True)):
        values = np.select(depths, [float(shell) for shell in shells], 0.0) + halo
        found = find_lone_brain(Image(values.astype(np.float32), affine, None), 2.0)
        assert (found is not None) == is_alone


@pytest.mark.graph
def test_mask_of_a_stripped_brain(turned_head: Head, template: Template, tmp_path: Path) -> None:
    """Stripped with a margin, as some programs do."""
    brain = _stripped(turned_head, 4.0)
    t1w = write_image(brain.values, brain.affine, tmp_path / "T1w.nii.gz")
    found = extract_brain(t1w, template.brain, template.mask, tmp_path / "out", threads=2)
    assert found.stripped
    assert found.notes == STRIPPED
    assert found.concern == ""
    assert dice(read_image(found.mask).values > 0, turned_head.brain) > 0.95


def test_round_ends_of_a_cropped_brain_are_no_cut() -> None:
    radius = np.linalg.norm(np.indices((70, 70, 70)) * 2.0 - 69, axis=0)
    ball = Image((radius < 70).astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0]), None)
    assert cut_area_cm2(radius < 70, ball) > 10
    assert cut_area_cm2(radius < 70, ball, alone=True) < 1
    half = ball._replace(values=ball.values[:, :, 30:])
    assert cut_area_cm2((radius < 70)[:, :, 30:], half, alone=True) == pytest.approx(145, rel=0.05)


def _stripped(head: Head, margin_mm: float = 0.0) -> Image:
    image = read_image(head.t1w)
    near = dilate_mm(head.brain, margin_mm, image.voxel_mm)
    return image._replace(values=np.where(near, image.values, 0))
