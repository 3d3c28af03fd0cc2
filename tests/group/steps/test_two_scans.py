"""Change, agreement and occupancy of two scans from maps on disk."""

from pathlib import Path

import numpy as np
import pytest

from morbids.bids.tables import read_table
from morbids.group.regions import Sphere
from morbids.group.steps.two_scans import OCCUPANCY_COLUMNS, RETEST_COLUMNS, compare_two_scans
from morbids.numerics.arrays import FloatArray
from morbids.numerics.statistics.agreement import intraclass
from tests.group.group_maps import SHAPE, save

N = 4
LABELS = tuple(f"sub-{n}" for n in range(N))
CENTRES_MM = {
    "a": (-21.0, -33.0, -15.0),
    "b_L": (9.0, -33.0, -15.0),
    "b_R": (9.0, 9.0, 3.0),
    "c": (-21.0, 9.0, 3.0),
}
SPHERES = tuple(Sphere(name, centre, 4.0) for name, centre in CENTRES_MM.items())
BINDING = np.array([0.8, 1.5, 1.9, 3.0])


def write_scans(folder: Path, values: FloatArray) -> list[Path]:
    """A map per participant with these (n_people, n_regions) values in the spheres' voxels."""
    paths = []
    for person, row in enumerate(values):
        volume = np.full(SHAPE, np.nan)
        for value, centre in zip(row, CENTRES_MM.values(), strict=True):
            volume[tuple(((np.array(centre) - [-33, -45, -27]) / 6).astype(int))] = value
        paths.append(save(volume, folder / f"{person}.nii.gz"))
    return paths


@pytest.mark.parametrize("names", [("baseline", "drug"), ("drug", "placebo")])
def test_the_scan_that_is_a_baseline_is_the_reference(tmp_path: Path, names: tuple[str, str]) -> None:
    """60 % occupancy in everyone, whichever scan comes first."""
    people = np.array([1.0, 1.1, 0.9, 1.2])[:, None]
    before = people * BINDING
    scans = [write_scans(tmp_path / "before", before), write_scans(tmp_path / "after", 0.4 * before)]
    if names[0] == "drug":
        scans = scans[::-1]
    found = compare_two_scans(scans[0], scans[1], names, LABELS, SPHERES, False, tmp_path)
    table = read_table(found.retest)
    assert list(table.columns) == list(RETEST_COLUMNS)
    assert set(table["reference"]) == {names[1] if names[0] == "drug" else names[0]}
    np.testing.assert_allclose(table["change_percent"], 60, rtol=1e-4)
    np.testing.assert_allclose(table["variability_percent"], 200 * 0.6 / 1.4, rtol=1e-4)
    occupancy = read_table(found.occupancy)
    assert list(occupancy.columns) == list(OCCUPANCY_COLUMNS)
    np.testing.assert_allclose(occupancy["occupancy_percent"], 60, rtol=1e-4)
    np.testing.assert_allclose(occupancy["nondisplaceable"], 0, atol=1e-4)
    assert "svg" in found.lassen.read_text()


def test_sides_are_averaged_and_too_few_regions_have_no_occupancy(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first, second = (BINDING + rng.normal(0, 0.1, (N, 4)) for _ in range(2))
    second[0, 3] = np.nan
    scans = [write_scans(tmp_path / name, values) for name, values in (("one", first), ("two", second))]
    found = compare_two_scans(scans[0], scans[1], ("1", "2"), LABELS, SPHERES, True, tmp_path)
    table = read_table(found.retest).set_index("name")
    assert list(table.index) == ["a", "b", "c"]
    assert list(table["n"]) == [4, 4, 3]
    both = np.column_stack([one[:, 1:3].mean(axis=1) for one in (first, second)])
    assert table.loc["b", "icc_agreement"] == pytest.approx(intraclass(both, agreement=True).value, rel=1e-4)
    assert read_table(found.occupancy)["occupancy_percent"].isna().all()
