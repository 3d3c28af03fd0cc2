"""Parts drawn from an atlas and tissue, and corrected curves and images of a scan that was blurred."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from morbids.imaging.images import read_image, write_image
from morbids.imaging.partial_volume import Parts, correct_image, correct_regions, draw_parts
from morbids.imaging.regions import PersonTissue, regions_in_pet
from morbids.imaging.transforms import write_itk
from morbids.numerics.arrays import FloatArray, IntArray

pytestmark = pytest.mark.graph

FWHM_MM = 6.0
PET_MM = 3.0
TISSUE_MM = 1.0
SIZE = 72
SHIFT = np.eye(4)
SHIFT[:3, 3] = [2.0, -1.0, 0.5]
COURSE = np.array([1.0, 0.5, 2.0])
CORTEX, NUCLEUS, WHITE, OTHER = 10.0, 14.0, 4.0, 1.0


def draw_head() -> tuple[IntArray, IntArray, FloatArray]:
    """Tissue classes, atlas labels and activity on a grid of 1 mm: a shell of cortex in two halves, a nucleus."""
    axes = np.meshgrid(*(np.arange(SIZE) + 0.5 - SIZE / 2,) * 3, indexing="ij")
    radius = np.sqrt(sum(axis**2 for axis in axes))
    tissue = np.where(radius < 20, 2, np.where(radius < 26, 1, 0))
    nucleus = np.sqrt((axes[0] - 4) ** 2 + axes[1] ** 2 + axes[2] ** 2) < 8
    # Atlas labels are fatter than cortex, as in a template.
    labels = np.where(radius > 17, np.where(axes[0] < 0, 1, 2), 0) * (radius < 29)
    labels[nucleus] = 3
    activity = np.choose(tissue, [OTHER, CORTEX, WHITE]) * np.where((tissue == 1) & (axes[0] < 0), 0.8, 1.0)
    activity[nucleus] = NUCLEUS
    return tissue, labels, activity


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("scan")
    tissue, labels, activity = draw_head()
    affine = np.diag([TISSUE_MM, TISSUE_MM, TISSUE_MM, 1.0])
    blurred = ndimage.gaussian_filter(activity.astype(np.float32), FWHM_MM / 2.3548, mode="nearest")
    coarse = blurred.reshape(24, 3, 24, 3, 24, 3).mean(axis=(1, 3, 5))
    pet_affine = np.diag([PET_MM, PET_MM, PET_MM, 1.0])
    pet_affine[:3, 3] = 1.0
    moved = np.linalg.inv(SHIFT) @ pet_affine
    table = {"index": [1, 2, 3], "name": ["left", "right", "nucleus"], "tissue": ["gm", "gm", "any"]}
    pd.DataFrame(table).to_csv(folder / "atlas.tsv", sep="\t", index=False)
    paths = {
        "pet": write_image(coarse[..., None] * COURSE, moved, folder / "pet.nii.gz"),
        "petref": write_image(coarse, moved, folder / "petref.nii.gz"),
        "tissue": write_image(tissue, affine, folder / "tissue.nii.gz"),
        "gm": write_image((tissue == 1).astype(np.float32), affine, folder / "gm.nii.gz"),
        "atlas": write_image(labels, affine, folder / "atlas.nii.gz"),
        # Images of T1w are brought to PET by points that go from PET to T1w.
        "way": write_itk(SHIFT, folder / "t1w_to_pet.txt"),
    }
    found = regions_in_pet(
        paths["atlas"], folder / "atlas.tsv", paths["petref"], [paths["way"]], folder / "r",
        PersonTissue(paths["gm"], None, (paths["way"],)),
    )  # fmt: skip
    parts = draw_parts(
        paths["atlas"],
        found.table,
        [paths["way"]],
        paths["petref"],
        paths["tissue"],
        [paths["way"]],
        folder / "p",
    )
    return paths | {"dseg": found.dseg, "table": found.table, "parts": parts.parts, "names": parts.table}


def test_parts_are_regions_of_grey_matter_whole_nuclei_and_pieces_of_the_rest(scan: dict[str, Path]) -> None:
    table = pd.read_csv(scan["names"], sep="\t")
    assert table["name"].tolist()[:3] == ["left", "right", "nucleus"]
    assert table["kind"].tolist()[:3] == ["region"] * 3
    assert set(table["kind"][3:]) == {"white matter", "around the brain"}
    image = read_image(scan["parts"])
    volume_ml = np.bincount(image.values.astype(int).ravel(), minlength=len(table) + 1) * image.voxel_ml
    half_shell, ball = 4 / 3 * np.pi * (26**3 - 20**3) / 2000, 4 / 3 * np.pi * 8**3 / 1000
    np.testing.assert_allclose(volume_ml[1:4], [half_shell, half_shell, ball], rtol=0.05)
    white_ml = 4 / 3 * np.pi * 20**3 / 1000 - ball
    assert volume_ml[1:][table["kind"] == "white matter"].sum() == pytest.approx(white_ml, rel=0.03)
    assert (volume_ml[1:] > 0).all()


def test_white_matter_is_divided_by_the_region_beside_it_and_far_from_all_by_cubes(
    scan: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two halves below two halves of cortex; where regions are taken whole, eight cubes around the middle."""
    kinds = pd.read_csv(scan["names"], sep="\t")["kind"]
    assert (kinds == "white matter").sum() == 2
    table = scan["names"].parent / "whole.tsv"
    pd.read_csv(scan["table"], sep="\t").assign(tissue="any").to_csv(table, sep="\t", index=False)
    monkeypatch.setattr("morbids.imaging.partial_volume.LEAST_PIECE_ML", 0.5)
    ways = [scan["way"]]
    whole = draw_parts(scan["atlas"], table, ways, scan["petref"], scan["tissue"], ways, table.parent / "w")
    assert (pd.read_csv(whole.table, sep="\t")["kind"] == "white matter").sum() == 8


def test_curves_of_regions_come_back(scan: dict[str, Path]) -> None:
    parts = Parts(scan["parts"], scan["names"])
    found = correct_regions(scan["pet"], scan["dseg"], scan["table"], parts, (FWHM_MM,) * 3)
    truth = np.outer(COURSE, [0.8 * CORTEX, CORTEX, NUCLEUS])
    assert found.names == ("left", "right", "nucleus")
    np.testing.assert_allclose(found.curves, truth, rtol=0.02)
    assert ((found.recovery > 0.4) & (found.recovery < 0.9)).all()
    assert found.condition < 20


def test_a_region_that_is_mostly_out_of_view_has_no_curve(scan: dict[str, Path], tmp_path: Path) -> None:
    table = pd.read_csv(scan["table"], sep="\t")
    table["coverage"] = [0.3, 1.0, 1.0]
    table.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    parts = Parts(scan["parts"], scan["names"])
    found = correct_regions(scan["pet"], scan["dseg"], tmp_path / "t.tsv", parts, (FWHM_MM,) * 3)
    assert np.isfinite(found.curves).all(axis=0).tolist() == [False, True, True]


def test_voxels_come_back(scan: dict[str, Path], tmp_path: Path) -> None:
    parts = Parts(scan["parts"], scan["names"])
    out = tmp_path / "rbv.nii.gz"
    correct_image(scan["pet"], scan["dseg"], scan["table"], parts, (FWHM_MM,) * 3, out)
    values, labels = read_image(out).values, read_image(scan["dseg"]).values
    measured = read_image(scan["pet"]).values
    for label, truth in ((1, 0.8 * CORTEX), (2, CORTEX), (3, NUCLEUS)):
        inside = labels == label
        np.testing.assert_allclose(values[inside].mean(axis=0), truth * COURSE, rtol=0.03)
        assert measured[inside].mean(axis=0)[0] < 0.9 * truth
    assert values.shape == measured.shape


def test_a_reference_region_is_measured_alone_and_not_by_the_rim_of_its_regions(
    scan: dict[str, Path], tmp_path: Path
) -> None:
    """Activity at the rim that no part knows of changes a region, but not the core that is the reference."""
    image, labels = read_image(scan["pet"]), read_image(scan["dseg"]).values
    rim = (labels == 2) & ndimage.binary_dilation(labels == 1)
    mask = (labels == 2) & ~ndimage.binary_dilation(rim, iterations=2)
    spoiled = np.where(rim[..., None], 4 * image.values, image.values)
    spoiled_pet = write_image(spoiled, image.affine, tmp_path / "pet.nii.gz")
    reference = write_image(mask, image.affine, tmp_path / "reference.nii.gz")
    rest = (scan["dseg"], scan["table"], Parts(scan["parts"], scan["names"]), (FWHM_MM,) * 3)

    def corrected(pet: Path, given: Path | None) -> FloatArray:
        return read_image(correct_image(pet, *rest, tmp_path / "out.nii.gz", given)).values

    joined, plain = corrected(spoiled_pet, reference), corrected(spoiled_pet, None)
    np.testing.assert_allclose(joined[mask].mean(axis=0), CORTEX * COURSE, rtol=0.02)
    clean = corrected(scan["pet"], None)
    assert np.abs(plain[mask] / clean[mask] - 1).max() > 0.02
    np.testing.assert_allclose(joined[mask], corrected(scan["pet"], reference)[mask], rtol=0.015)
    np.testing.assert_array_equal(joined[~mask], plain[~mask])


def test_a_reference_region_outside_the_atlas_is_corrected_like_other_voxels(
    scan: dict[str, Path], tmp_path: Path
) -> None:
    labels = read_image(scan["dseg"])
    reference = write_image(labels.values == 0, labels.affine, tmp_path / "reference.nii.gz")
    inputs = (scan["pet"], scan["dseg"], scan["table"], Parts(scan["parts"], scan["names"]), (FWHM_MM,) * 3)
    found = correct_image(*inputs, tmp_path / "a.nii.gz", reference)
    plain = correct_image(*inputs, tmp_path / "b.nii.gz")
    np.testing.assert_array_equal(read_image(found).values, read_image(plain).values)
