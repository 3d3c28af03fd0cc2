"""Curves of regions: means of known voxels, and times that survive the change of units."""

from pathlib import Path

import numpy as np
import pytest

from morbids.bids.tables import read_table
from morbids.errors import MorbidsError
from morbids.imaging.images import write_image
from morbids.participant.steps.curves import (
    CurveTable,
    extract_curves,
    read_curves,
    write_curves,
)
from morbids.participant.steps.reference import extract_reference
from tests.participant.steps.known_scan import AXIS, FRAMES, INJECTION_S

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def test_a_table_holds_seconds_from_time_zero_and_gives_the_same_curves_back(tmp_path: Path) -> None:
    curves = np.random.default_rng(1).normal(5, 1, (FRAMES.n_frames, 2))
    write_curves(tmp_path / "tacs.tsv", CurveTable(("a", "b"), curves), AXIS)
    table = read_table(tmp_path / "tacs.tsv")
    assert list(table.columns) == ["frame_start", "frame_end", "a", "b"]
    assert table["frame_start"][0] == INJECTION_S
    assert table["frame_end"].iloc[-1] == 90 * 60 + INJECTION_S
    np.testing.assert_array_equal(table["frame_start"][1:], table["frame_end"][:-1])
    found = read_curves(tmp_path / "tacs.tsv")
    assert found.names == ("a", "b")
    np.testing.assert_allclose(found.curves, curves, rtol=1e-5)


def test_a_table_without_times_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tacs.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(MorbidsError, match="frame_start"):
        read_curves(tmp_path / "tacs.tsv")


def test_regions_and_reference_are_means_over_their_own_voxels(tmp_path: Path) -> None:
    course = np.arange(1.0, FRAMES.n_frames + 1)
    level = np.arange(27.0).reshape(3, 3, 3)
    pet = write_image(level[..., None] * course, AFFINE, tmp_path / "pet.nii.gz")
    labels = np.zeros((3, 3, 3), dtype=int)
    labels[0, 0, :2], labels[2, 2, 2] = 1, 7
    dseg = write_image(labels, AFFINE, tmp_path / "dseg.nii.gz")
    names = tmp_path / "names.tsv"
    names.write_text("index\tname\n1\tpair\n7\tsingle\n9\tabsent\n")
    found = read_curves(extract_curves(pet, dseg, names, AXIS, tmp_path).curves)
    assert found.names == ("pair", "single", "absent")
    np.testing.assert_allclose(found.curves[:, 0], 0.5 * course, rtol=1e-5)
    np.testing.assert_allclose(found.curves[:, 1], 26 * course, rtol=1e-5)
    assert np.isnan(found.curves[:, 2]).all(), "a region outside the field of view has no curve"

    mask = write_image(labels == 1, AFFINE, tmp_path / "mask.nii.gz")
    extracted = extract_reference(pet, mask, "occipital", AXIS, tmp_path)
    reference = read_curves(extracted.curves)
    assert extracted.noise == pytest.approx(1.0), "its voxels are 0 and 1"
    assert reference.names == ("occipital",)
    np.testing.assert_allclose(reference.curves[:, 0], 0.5 * course, rtol=1e-5)


def test_a_region_that_is_mostly_outside_the_field_of_view_has_no_curve(tmp_path: Path) -> None:
    pet = write_image(np.ones((3, 3, 3, FRAMES.n_frames)), AFFINE, tmp_path / "pet.nii.gz")
    labels = np.zeros((3, 3, 3), dtype=int)
    labels[0], labels[1], labels[2] = 1, 2, 3
    dseg = write_image(labels, AFFINE, tmp_path / "dseg.nii.gz")
    names = tmp_path / "names.tsv"
    names.write_text("index\tname\tcoverage\n1\twhole\t1\n2\tmost\t0.6\n3\tlittle\t0.4\n")
    found = read_curves(extract_curves(pet, dseg, names, AXIS, tmp_path).curves)
    assert np.isfinite(found.curves).all(axis=0).tolist() == [True, True, False]
