"""Reference region: every step does what it says, and steps are taken back before nothing is left."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.atlases import choose_atlas, load_atlas
from morbids.imaging.images import read_image, write_image
from morbids.imaging.reference import (
    ReferenceRule,
    clean_histogram,
    erode_rim,
    find_reference_rule,
    make_reference_region,
    reference_presets,
    trim_ends,
)
from morbids.numerics.kinetics.presets import load_presets

pytestmark = pytest.mark.graph

AFFINE = np.diag([-2.0, 2.0, 2.0, 1.0])
BLOCK = (slice(5, 25), slice(5, 25), slice(6, 24))


@pytest.fixture
def scan(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A block of reference tissue (57.6 mL) around 10, with a hot corner; returns dseg, table, petref."""
    labels = np.zeros((30, 30, 30), dtype=np.int32)
    labels[BLOCK] = 5001
    activity = np.random.default_rng(0).normal(10, 1, labels.shape)
    activity[5:9, 5:25, 6:24] += 30
    pd.DataFrame({"index": [5001, 9], "name": ["Calcarine_L", "Cuneus_L"]}).to_csv(
        tmp_path / "t.tsv", sep="\t", index=False
    )
    return (
        write_image(labels, AFFINE, tmp_path / "dseg.nii.gz"),
        tmp_path / "t.tsv",
        write_image(activity, AFFINE, tmp_path / "petref.nii.gz"),
    )


def test_every_preset_names_regions_of_its_atlas(tmp_path: Path) -> None:
    for rule in reference_presets().values():
        names = pd.read_csv(load_atlas(choose_atlas(rule.atlas), tmp_path).table, sep="\t")["name"]
        for pattern in rule.labels:
            assert names.str.fullmatch(pattern.replace("*", ".*")).any(), pattern


def test_erosion_counts_from_the_border_of_the_voxels() -> None:
    mask = np.zeros((12, 12, 12), dtype=bool)
    mask[2:10, 2:10, 2:10] = True
    # Centres of the outer layer lie 1 mm inside a 2 mm voxel's border, of the next 3 mm.
    assert erode_rim(mask, 1.0, np.full(3, 2.0)).sum() == 8**3
    assert erode_rim(mask, 1.5, np.full(3, 2.0)).sum() == 6**3
    assert erode_rim(mask, 3.5, np.full(3, 2.0)).sum() == 4**3


def test_erosion_works_on_voxels_that_are_longer_than_its_depth(tmp_path: Path) -> None:
    """A ball of 20 mm radius in voxels of 4.5 mm, whose centres all lie more than 2 mm inside their own border."""
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    radius = np.linalg.norm(np.indices((60, 60, 60)) - 29.5, axis=0)
    atlas = write_image((radius < 20).astype(np.int32), affine, tmp_path / "dseg.nii.gz")
    (tmp_path / "t.tsv").write_text("index\tname\n1\tball\n")
    coarse = np.diag([4.5, 4.5, 4.5, 1.0])
    petref = write_image(np.ones((13, 13, 13)), coarse, tmp_path / "petref.nii.gz")
    files = atlas, tmp_path / "t.tsv", petref
    for depth_mm in (0.0, 1.5, 3.0):
        rule = ReferenceRule("ball", "mine", ("ball",), 0.0, depth_mm)
        found = make_reference_region(rule, *files, tmp_path / "out")
        assert found.volume_ml == pytest.approx(4.18879 * (20 - depth_mm) ** 3 / 1000, rel=0.08)


def test_ends_are_cut_along_the_axis_of_the_head() -> None:
    mask = np.ones((4, 19, 5), dtype=bool)
    # Axis 1 of the array is z of the head, upside down.
    affine = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -2.0, 0, 0], [0, 0, 0, 1]])
    kept = trim_ends(mask, 1 / 6, affine)
    assert np.flatnonzero(kept.any(axis=(0, 2))).tolist() == list(range(3, 16))


def test_histogram_keeps_the_full_width_at_half_maximum() -> None:
    values = np.random.default_rng(1).normal(50, 4, (30, 30, 30))
    values[:3] = 120
    kept = clean_histogram(np.ones(values.shape, dtype=bool), values)
    half_width = 4 * np.sqrt(2 * np.log(2))
    assert abs(values[kept].min() - (50 - half_width)) < 0.7
    assert abs(values[kept].max() - (50 + half_width)) < 0.7


def test_constant_intensity_is_kept_whole() -> None:
    mask = np.ones((5, 5, 5), dtype=bool)
    assert clean_histogram(mask, np.full(mask.shape, 3.0)).all()


def test_steps_leave_pure_tissue(scan: tuple[Path, Path, Path], tmp_path: Path) -> None:
    rule = ReferenceRule("occipital", "AAL", ("Calcarine_*",), 0.0, 2.0, 1 / 6, True)
    found = make_reference_region(rule, *scan, tmp_path / "out")
    kept = read_image(found.mask).values > 0
    # Eroded to 18 x 18 x 16, then 10 of 16 slices remain (one sixth of a height of 15 steps at each end).
    assert not kept[:, :, :10].any()
    assert not kept[:9].any()
    assert found.volume_ml == pytest.approx(kept.sum() * 0.008)
    assert found.concern == ""
    assert "labels 57.6 mL; eroded by 2 mm 41.5 mL" in found.notes[0]
    activity = read_image(scan[2]).values[kept]
    assert abs(activity.mean() - 10) < 0.05
    assert activity.max() < 12


def test_grey_matter_is_required(scan: tuple[Path, Path, Path], tmp_path: Path) -> None:
    grey = np.zeros((30, 30, 30))
    grey[15:] = 1
    gm = write_image(grey, AFFINE, tmp_path / "gm.nii.gz")
    rule = ReferenceRule("occipital", "AAL", ("Calcarine_L",), 0.5, 0.0)
    found = make_reference_region(rule, *scan, tmp_path / "out", gm)
    assert found.volume_ml == pytest.approx(10 * 20 * 18 * 0.008)


def test_steps_are_taken_back_until_enough_is_left(scan: tuple[Path, Path, Path], tmp_path: Path) -> None:
    gm = write_image(np.full((30, 30, 30), 0.3), AFFINE, tmp_path / "gm.nii.gz")
    rule = ReferenceRule("occipital", "AAL", ("Calcarine_L",), 0.5, 2.0, 1 / 6, True)
    found = make_reference_region(rule, *scan, tmp_path / "out", gm)
    assert found.volume_ml >= 1
    assert found.notes[-1].endswith("histogram cleaning, erosion, half of the grey-matter threshold.")


def test_small_region_is_a_concern(scan: tuple[Path, Path, Path], tmp_path: Path) -> None:
    labels = np.zeros((30, 30, 30), dtype=np.int32)
    labels[10:14, 10:14, 10:14] = 5001
    dseg = write_image(labels, AFFINE, tmp_path / "small.nii.gz")
    rule = ReferenceRule("occipital", "AAL", ("Calcarine_L",), 0.5, 2.0, 1 / 6, True)
    found = make_reference_region(rule, dseg, scan[1], scan[2], tmp_path / "out")
    assert found.volume_ml == pytest.approx(64 * 0.008)
    assert "has only 0.5 mL (at least 2 expected)" in found.concern


def test_labels_outside_the_field_of_view_are_refused(scan: tuple[Path, Path, Path], tmp_path: Path) -> None:
    rule = ReferenceRule("occipital", "AAL", ("Cuneus_L",))
    with pytest.raises(MorbidsError, match="occipital lies outside the field of view"):
        make_reference_region(rule, *scan, tmp_path / "out")


def test_unknown_label_is_named(scan: tuple[Path, Path, Path], tmp_path: Path) -> None:
    rule = ReferenceRule("mine", "AAL", ("Lingual_L",))
    with pytest.raises(MorbidsError, match="has no region 'Lingual_L'"):
        make_reference_region(rule, *scan, tmp_path / "out")


def test_rules_by_name_and_by_labels() -> None:
    assert find_reference_rule("occipital").labels[0] == "Calcarine_L"
    custom = find_reference_rule("HarvardOxford:Left_Occipital_Pole, Right_Occipital_Pole")
    assert (custom.atlas, len(custom.labels)) == ("HarvardOxford", 2)
    with pytest.raises(MorbidsError, match="no reference region 'cortex'") as caught:
        find_reference_rule("cortex")
    assert caught.value.exit_code == ExitCode.USAGE


def test_every_tracer_preset_has_a_reference_region() -> None:
    assert [
        preset.name for preset in load_presets().values() if not find_reference_rule(preset.reference).labels
    ] == []


def test_a_mask_is_taken_as_it_was_drawn(scan: tuple[Path, Path, Path], tmp_path: Path) -> None:
    rule = find_reference_rule("masks/space-T1w_label-mine_mask.nii.gz")
    assert rule.name == "mine"
    found = make_reference_region(rule, *scan, tmp_path / "out")
    assert found.volume_ml == pytest.approx(57.6, rel=0.01)
    # A fifth of the block is hot: 40 beside 10.
    assert found.variation == pytest.approx(12.04 / 16.0, rel=0.02)
    assert "vary by 75% of their mean (at most 30% expected)" in found.concern


def test_the_rule_stands_in_the_sidecar_without_paths() -> None:
    fields = ReferenceRule("mine", "/secret/space-T1w_dseg.nii.gz", ("a",), 0.4, 1.0).fields
    assert fields["Atlas"] == "space-T1w_dseg.nii.gz"
    assert (fields["GreyMatterThreshold"], fields["ErosionMM"]) == (0.4, 1.0)
