"""Frames before and after realignment: what the pictures show of a head that moves in one frame."""

from pathlib import Path

import numpy as np
import pytest

from morbids.imaging.images import write_image
from morbids.participant.steps.frames import picture_frames
from morbids.reports.figures.frames import carpet_of, draw_frames
from morbids.reports.figures.slices import Volume
from tests.participant.steps.known_scan import FRAMES, make_plan
from tests.participant.steps.test_figures import AFFINE, SHAPE, write_ball

pytestmark = pytest.mark.graph


def test_slices_and_carpet_are_drawn_of_a_scan(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(1, 2, (*SHAPE, FRAMES.n_frames)).astype(np.float32)
    pet = write_image(values, AFFINE, tmp_path / "pet.nii.gz")
    realigned = write_image(values, AFFINE, tmp_path / "realigned.nii.gz")
    mask = write_ball(tmp_path / "mask.nii.gz", 4)
    pictures = picture_frames(pet, realigned, mask, make_plan(), tmp_path).pictures
    assert set(pictures) == {"frames", "carpet"}
    assert all(path.stat().st_size > 1000 for path in pictures.values())


def test_a_carpet_shows_a_moved_frame_and_no_binding_in_still_ones() -> None:
    rng = np.random.default_rng(1)
    uptake, course = rng.uniform(1, 3, (50, 1)), np.linspace(1, 2, 10)
    still = uptake * course
    np.testing.assert_allclose(carpet_of(still, np.ones(10)), 0, atol=1e-9)
    moved = still.copy()
    moved[:, 6] = rng.permutation(moved[:, 6])
    carpet = carpet_of(moved, np.ones(10))
    assert np.abs(carpet[:, 6]).mean() > 10 * np.abs(np.delete(carpet, 6, axis=1)).mean() / 3
    assert (np.diff(moved[np.argsort(moved[:, -2:].mean(axis=1)), -1]) >= 0).all()


def test_each_frame_of_the_strip_stands_under_its_name(tmp_path: Path) -> None:
    ball = np.zeros(SHAPE, np.float32)
    ball[3:9, 3:11, 3:9] = 1
    mask = Volume(ball, AFFINE)
    frames = [Volume(ball * scale, AFFINE) for scale in (1.0, 50.0)]
    figure = draw_frames(frames, frames, mask, ["2 min", "60 min"])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("2 min") == texts.count("60 min") == 2
    assert [text.get_text() for text in figure.axes[1].get_legend().texts] == ["brain in the PET reference"]  # type: ignore[union-attr]
