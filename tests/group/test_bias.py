"""What the protocol alone reads, from calibration tables, and what it could explain."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.group.bias import NullRange, find_null_ranges, means_at
from morbids.group.comparison import Comparison, Protocols, Terms, write_design
from morbids.numerics.statistics.designs import one_sample, regression
from tests.group.group_maps import AFFINE, SHAPE, save


def write_calibration(path: Path, nulls: dict[float, float], contrast: str = "baseline minus task") -> Path:
    """Of two shapes of release, which repeat the null, and of another contrast."""
    lines = [
        {"contrast": name, "bp_nd": bp_nd, "r1": 1.0, "k4": 0.1, "shape": shape, "null_percent": null + extra}
        for name, extra in ((contrast, 0.0), ("other", 50.0))
        for shape in ("step", "ramp")
        for bp_nd, null in nulls.items()
    ]
    pd.DataFrame(lines).to_csv(path, sep="\t", index=False)
    return path


def make_comparison(protocols: Protocols) -> Comparison:
    return Comparison(
        "differences", "x", "x", "?", "change of BP_ND", ("up", "down"), ("sub-1", "sub-2", "sub-3"), Terms(),
        (), Terms(), write_design(one_sample(3)), protocols=protocols,
    )  # fmt: skip


def test_the_range_of_a_mean_is_the_mean_of_the_scans_ranges(tmp_path: Path) -> None:
    first = write_calibration(tmp_path / "1.tsv", {1.0: -2.0, 2.0: -9.0})
    second = write_calibration(tmp_path / "2.tsv", {1.0: 0.5, 2.0: -4.0})
    protocols = Protocols(Terms((first, second)), ("baseline minus task", ""))
    found = find_null_ranges(make_comparison(protocols))
    assert found is not None
    assert found.anywhere == found.of("PAG") == NullRange(-6.5, -0.75)
    assert find_null_ranges(make_comparison(Protocols())) is None


def test_slopes_and_groups_have_no_range_of_a_mean_change(tmp_path: Path) -> None:
    table = write_calibration(tmp_path / "1.tsv", {1.0: -2.0})
    protocols = Protocols(Terms((table,) * 3), ("baseline minus task", ""))
    slope = write_design(regression(np.array([1.0, 2.0, 4.0]), "score"))
    assert find_null_ranges(replace(make_comparison(protocols), design=slope)) is None
    beside = write_design(one_sample(3, {"age": np.array([-1.0, 0.0, 1.0])}))
    assert find_null_ranges(replace(make_comparison(protocols), design=beside)) is not None


def test_two_scans_of_one_person_share_their_tissue(tmp_path: Path) -> None:
    one = write_calibration(tmp_path / "1.tsv", {1.0: -2.0, 2.0: -9.0})
    other = write_calibration(tmp_path / "2.tsv", {2.0: -8.0, 1.0: -2.5}, "baseline minus rest")
    protocols = Protocols(Terms((one,), (other,)), ("baseline minus task", "baseline minus rest"))
    found = find_null_ranges(make_comparison(protocols))
    assert found is not None
    assert found.anywhere == NullRange(-1.0, 0.5)


def test_regions_have_ranges_of_their_own_where_scans_tell_them(tmp_path: Path) -> None:
    paths = []
    for scan, low in enumerate((-6.0, -8.0)):
        names = ("PAG", "Amygdala_L", "Amygdala_R")
        table = {"name": names, "contrast": "baseline minus task", "null_low_percent": (low, -4.0, -2.0)}
        paths.append(tmp_path / f"{scan}.tsv")
        pd.DataFrame(table | {"null_high_percent": (-1.0, 1.0, 3.0)}).to_csv(paths[-1], sep="\t", index=False)
    protocols = Protocols(Terms(tuple(paths)), ("baseline minus task", ""))
    found = find_null_ranges(make_comparison(protocols))
    assert found is not None
    assert found.of("PAG") == NullRange(-7.0, -1.0)
    assert found.of("Amygdala") == NullRange(-3.0, 2.0)
    assert found.of("sgACC") == found.anywhere == NullRange(-7.0, 3.0)


@pytest.mark.parametrize(
    ("interval", "explained"),
    [
        ((-0.3, -0.1), True),
        ((0.05, 0.2), False),
        ((-0.02, 0.3), True),
        ((-0.9, -0.25), False),
        ((0.0, 0.1), True),
    ],
)
def test_an_interval_must_lie_wholly_outside(interval: tuple[float, float], explained: bool) -> None:
    here = NullRange(-10.0, 1.0).scaled(2.0)
    assert here == pytest.approx((-0.2, 0.02))
    assert here.explains(*interval) == explained


def test_means_at_places_are_of_the_maps_that_know_them(tmp_path: Path) -> None:
    known, unknown = np.full(SHAPE, 1.5), np.full(SHAPE, np.nan)
    paths = [
        save(known, tmp_path / "a.nii.gz"),
        save(unknown, tmp_path / "b.nii.gz"),
        tmp_path / "absent.nii.gz",
    ]
    places_mm = np.array([AFFINE[:3, 3] + 12, [900.0, 0.0, 0.0]])
    np.testing.assert_allclose(means_at(paths, places_mm), [1.5, np.nan])
