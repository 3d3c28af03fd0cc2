"""Brain extraction on heads whose brain is known, and masks that must not pass for good."""

import re
from pathlib import Path

import numpy as np
import pytest

from morbids.errors import MorbidsError
from morbids.imaging import brain
from morbids.imaging.brain import (
    BrainExtraction,
    BrainQuality,
    extract_brain,
    judge_brain,
)
from morbids.imaging.head_mask import signed_distance_mm
from morbids.imaging.images import Image, read_image, write_image
from morbids.imaging.templates import Template
from morbids.imaging.transforms import read_itk
from tests.imaging.head_phantom import Head, dice

pytestmark = pytest.mark.graph

GOOD = BrainQuality(volume_ml=1500, likeness=0.9, dark_rim=0.02, bright_rim=0.001, cut_cm2=0)


def test_brain_of_a_turned_head_is_found(turned_head: Head, extracted: BrainExtraction) -> None:
    mask = read_image(extracted.mask)
    np.testing.assert_allclose(mask.affine, turned_head.affine, atol=1e-4)
    assert dice(mask.values > 0, turned_head.brain) > 0.96
    assert extracted.concern == ""
    assert extracted.volume_ml == pytest.approx(turned_head.brain.sum() * 0.064, rel=0.07)


def test_affine_of_the_template_goes_with_the_brain(turned_head: Head, extracted: BrainExtraction) -> None:
    """Corners of the brain, 80 mm from its centre; registration to the template begins here."""
    corners = np.array([[x, y, z, 1.0] for x in (-60, 60) for y in (-90, 60) for z in (-40, 70)])
    affine = read_itk(extracted.template_affine)[0]
    assert np.linalg.norm((corners @ (affine - turned_head.to_head).T)[:, :3], axis=1).max() < 8


def test_bias_is_taken_out(turned_head: Head, extracted: BrainExtraction) -> None:
    """The phantom is 40 % brighter in front than behind; what remains after correction is a few percent."""
    corrected = read_image(extracted.corrected_t1w).values
    raw = read_image(turned_head.t1w).values
    slopes = []
    for values in (raw, corrected):
        bright = turned_head.brain & (values > np.percentile(values[turned_head.brain], 60))
        y = np.nonzero(bright)[1]
        slopes.append(np.polyfit(y, values[bright] / values[bright].mean(), 1)[0] * np.ptp(y))
    assert slopes[0] > 0.1
    assert abs(slopes[1]) < 0.03
    assert np.percentile(corrected[read_image(extracted.mask).values > 0], 75) == pytest.approx(
        1000, rel=0.01
    )


@pytest.mark.parametrize(
    ("quality", "sentence"),
    [
        (GOOD, "^$"),
        (GOOD._replace(likeness=0.3), r"correlates with the template by 0\.3 \(at least"),
        (GOOD._replace(volume_ml=2400), "2400 mL"),
        (GOOD._replace(cut_cm2=40), r"field of view cuts the brain over 40 cm2 \(at most"),
        (GOOD._replace(dark_rim=0.6), r"rim 60% \(at most 50% expected\) is as dark as bone"),
        (GOOD._replace(bright_rim=0.3), r"rim 30% \(at most 2% expected\) is as bright as fat"),
        (GOOD._replace(likeness=0.3, bright_rim=0.3), "by 0.3 .* as bright as fat"),
    ],
)
def test_each_way_to_fail_has_its_sentence(quality: BrainQuality, sentence: str) -> None:
    assert re.search(sentence, quality.concern())


def test_mask_that_reaches_the_scalp_is_flagged(turned_head: Head) -> None:
    """A child's head: the volume is plausible, the rim is not."""
    head = read_image(turned_head.t1w)
    distance = signed_distance_mm(turned_head.brain, head.affine)
    image = Image(head.values, head.affine, None)
    assert judge_brain(image, distance, 0.9, 0.0).concern() == ""
    small = head.affine * np.array([[0.75], [0.75], [0.75], [1]])
    to_the_scalp = judge_brain(Image(head.values, small, None), distance + 10, 0.9, 0.0)
    assert 700 < to_the_scalp.volume_ml < 2100
    assert "rim" in to_the_scalp.concern()


def test_image_without_a_head_is_flagged(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a coarser grid: ten starts of a search that finds nothing take a minute at 2 mm."""
    monkeypatch.setattr(brain, "WORKING_MM", 4.0)
    blob = np.random.default_rng(0).normal(100, 10, (20, 24, 20)).astype(np.float32)
    blob[:2] = blob[-2:] = 0
    t1w = write_image(blob, np.diag([8.0, 8.0, 8.0, 1.0]), tmp_path / "T1w.nii.gz")
    result = extract_brain(t1w, template.brain, template.mask, tmp_path, threads=2)
    assert "correlates with the template" in result.concern


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros((8, 8, 8), np.float32), "is empty: all voxels are 0"),
        (
            np.eye(60, dtype=np.float32)[:, :, None],
            r"shows no more than \d mm along one axis\. Give a T1w image",
        ),
        (np.ones((8, 8, 8, 3), np.float32), "has 3 volumes"),
    ],
)
def test_image_that_is_no_head_is_refused(
    values: np.ndarray, sentence: str, template: Template, tmp_path: Path
) -> None:
    t1w = write_image(values, np.diag([4.0, 4.0, 4.0, 1.0]), tmp_path / "T1w.nii.gz")
    with pytest.raises(MorbidsError, match=sentence):
        extract_brain(t1w, template.brain, template.mask, tmp_path, threads=1)
