from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from morbids.numerics.arrays import FloatArray
from morbids.simulation.activity import CurveTable, tabulate_curves
from morbids.simulation.cohort import draw_cohort
from morbids.simulation.grids import pull
from morbids.simulation.scan import Scan, make_scan, mni_grid
from morbids.simulation.scanner import pet_grid, source_grid
from morbids.simulation.settings import StudySettings
from morbids.simulation.subject import Phantom, Subject, make_subject
from tests.simulation.conftest import TINY

pytestmark = pytest.mark.graph

QUIET = replace(TINY, noise=0.0, motion=0.0)
GRID = pet_grid(TINY.pet_voxel_mm)


@pytest.fixture(scope="module")
def table() -> CurveTable:
    return tabulate_curves(TINY)


@pytest.fixture(scope="module")
def subject(phantom: Phantom) -> Subject:
    (person,) = draw_cohort(1, TINY.seed, null=False)
    return make_subject(np.random.default_rng(8), person, phantom, source_grid(GRID))


def scan_of(subject: Subject, table: CurveTable, settings: StudySettings) -> Scan:
    return make_scan(np.random.default_rng(9), subject, "rejection", table, GRID, settings)


def test_late_activity_over_the_reference_is_the_distribution_volume(
    subject: Subject, table: CurveTable
) -> None:
    scan = scan_of(subject, table, QUIET)
    ratio = scan.pet[..., -3:].mean(axis=-1) / scan.truth.reference_curve[-3:].mean()
    volume = scan.truth.volumes[1]
    inside = volume > 1.2
    # Equilibrium is near in the last half hour of a bolus with infusion, not exact.
    assert np.corrcoef(volume[inside], ratio[inside])[0, 1] > 0.99
    assert np.median(ratio[inside] / volume[inside]) == pytest.approx(1, abs=0.05)


def test_radioactivity_is_that_of_the_injection(subject: Subject, table: CurveTable) -> None:
    scan = scan_of(subject, table, QUIET)
    dose_per_gram = scan.injection.radioactivity_mbq * 1e6 / (subject.participant.weight_kg * 1000)
    late = QUIET.frames.mid_min > 30
    mean = np.average(scan.truth.reference_curve[late], weights=QUIET.frames.duration_min[late])
    assert mean == pytest.approx(dose_per_gram, rel=1e-6)


def test_release_lowers_binding_where_it_acts(subject: Subject, table: CurveTable) -> None:
    scan = scan_of(subject, table, QUIET)
    place = tuple(np.round((np.array((0.0, -14.0, 8.0)) - mni_grid().affine[:3, 3]) / 2).astype(int))
    released = subject.participant.releases["rejection", "MidlineThalamus"]
    assert scan.truth.change[place] == pytest.approx(-released, abs=0.06)
    chain: list[FloatArray | sitk.Transform] = [subject.shape.template_to_t1w, scan.truth.t1w_to_pet]
    acting = pull(scan.truth.change, mni_grid(), GRID, chain) < -0.08
    before, after = scan.truth.volumes
    assert (after - before)[acting].mean() < -0.05


def test_same_seed_same_scan_and_noise_changes_nothing_else(subject: Subject, table: CurveTable) -> None:
    first, again = scan_of(subject, table, TINY), scan_of(subject, table, TINY)
    np.testing.assert_array_equal(first.pet, again.pet)
    quiet = scan_of(subject, table, QUIET)
    np.testing.assert_array_equal(quiet.truth.change, first.truth.change)
    np.testing.assert_array_equal(quiet.truth.t1w_to_pet, first.truth.t1w_to_pet)
    assert not quiet.truth.motion.parameters.any()
    assert first.pet.min() < 0 <= quiet.pet.min()
