"""Results of other programs are checked, and judged by the rules for own ones."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from morbids.errors import MorbidsError
from morbids.imaging.brain import BrainExtraction
from morbids.imaging.images import read_image, write_image
from morbids.imaging.normalization import Normalization
from morbids.imaging.reuse import take_brain, take_normalization, take_tissue
from morbids.imaging.templates import Template
from morbids.numerics.arrays import FloatArray

pytestmark = pytest.mark.graph


def test_a_brain_mask_is_judged_like_an_own_one(extracted: BrainExtraction) -> None:
    taken = take_brain(extracted.corrected_t1w, extracted.mask)
    assert (taken.corrected_t1w, taken.mask, taken.concern) == (extracted.corrected_t1w, extracted.mask, "")
    assert taken.volume_ml == pytest.approx(extracted.volume_ml, rel=0.03)


def test_a_mask_of_the_wrong_size_is_flagged_and_an_empty_one_refused(
    extracted: BrainExtraction, tmp_path: Path
) -> None:
    mask = read_image(extracted.mask)
    half = mask.values > 0
    half[: half.shape[0] // 2] = False
    taken = take_brain(extracted.corrected_t1w, write_image(half, mask.affine, tmp_path / "half.nii.gz"))
    assert "mL (700 to 2100 mL expected)" in taken.concern
    empty = write_image(np.zeros_like(half), mask.affine, tmp_path / "empty.nii.gz")
    with pytest.raises(MorbidsError, match=r"brain mask .*empty.nii.gz is empty"):
        take_brain(extracted.corrected_t1w, empty)


def write_tissue(folder: Path, labels: FloatArray) -> dict[str, Path]:
    """Write labels beside probabilities of three slabs of grey, white and fluid."""
    shares = {"gm": np.zeros((3, 3, 3)), "wm": np.zeros((3, 3, 3)), "csf": np.zeros((3, 3, 3))}
    for slab, share in enumerate(shares.values()):
        share[slab] = 0.9
    files = {
        name: write_image(share.astype(np.float32), np.eye(4), folder / f"{name}.nii")
        for name, share in shares.items()
    }
    return files | {"dseg": write_image(labels.astype(np.uint8), np.eye(4), folder / "dseg.nii")}


def test_labels_mean_what_the_probabilities_say(tmp_path: Path) -> None:
    labels = np.repeat([1, 2, 3], 9).reshape(3, 3, 3)
    files = write_tissue(tmp_path, labels)
    assert take_tissue(**files)._asdict() == files | {"concern": ""}
    write_tissue(tmp_path, np.repeat([2, 3, 1], 9).reshape(3, 3, 3))
    with pytest.raises(
        MorbidsError, match=r"has the value 1 where CSF is likeliest, and should have it for GM"
    ):
        take_tissue(**files)
    write_tissue(tmp_path, np.where(labels == 3, 2, labels))
    with pytest.raises(MorbidsError, match=r"dseg.nii has no voxel of value 3 \(CSF\)"):
        take_tissue(**files)


def test_a_taken_normalization_gives_the_same_image(
    extracted: BrainExtraction, normalized: Normalization, template: Template, tmp_path: Path
) -> None:
    ways = normalized.t1w_to_template, normalized.template_to_t1w
    images = template.brain, template.mask
    taken = take_normalization(extracted.corrected_t1w, *ways, *images, tmp_path, threads=1)
    assert taken.correlation == pytest.approx(normalized.correlation)
    assert (taken.concern, taken.folded_percent) == ("", 0)
    expected = read_image(normalized.t1w_in_template).values
    np.testing.assert_allclose(read_image(taken.t1w_in_template).values, expected, atol=1e-3)


def test_transforms_of_different_runs_are_refused(
    extracted: BrainExtraction, normalized: Normalization, template: Template, tmp_path: Path
) -> None:
    sitk.WriteTransform(sitk.TranslationTransform(3, (1.0, 2.0, 3.0)), str(tmp_path / "back.txt"))
    with pytest.raises(
        MorbidsError, match=r"do not undo each other: points of the brain come back [\d.]+ mm"
    ):
        take_normalization(
            extracted.corrected_t1w,
            normalized.t1w_to_template,
            tmp_path / "back.txt",
            template.brain,
            template.mask,
            tmp_path,
            threads=1,
        )


def test_a_transform_to_another_template_is_flagged(
    extracted: BrainExtraction, template: Template, tmp_path: Path
) -> None:
    """It fits its own way back, but not the image."""
    for name, shift in (("there", 25.0), ("back", -25.0)):
        sitk.WriteTransform(sitk.TranslationTransform(3, (0.0, 0.0, shift)), str(tmp_path / f"{name}.txt"))
    ways = tmp_path / "there.txt", tmp_path / "back.txt"
    images = template.brain, template.mask
    taken = take_normalization(extracted.corrected_t1w, *ways, *images, tmp_path, threads=1)
    assert "Registration to the template is doubtful: the correlation is" in taken.concern
