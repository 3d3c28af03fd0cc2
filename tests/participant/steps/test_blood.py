"""Steps of a scan that blood drives: delay and t* settled, regions and voxels fitted, and drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from morbids.bids.tables import read_table
from morbids.bids.windows import Window
from morbids.imaging.reference import find_reference_rule
from morbids.numerics.arrays import FloatArray
from morbids.numerics.frames import TimeAxis
from morbids.numerics.kinetics.estimates import PLASMA_BOUNDS
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.plasma import Blood, Samples
from morbids.participant.kinetic_plan import KineticPlan
from morbids.participant.steps.curves import CurveTable, save_curves
from morbids.participant.steps.figures import plot_fits, plot_input, plot_logan, plot_t_star
from morbids.participant.steps.kinetics import MapRule, Settled, fit_maps, fit_regions, settle_plan
from tests.numerics.kinetics.plasma_truth import BY_HAND, SCAN, parent_share, plasma, tissue, whole_blood
from tests.participant.steps.known_scan import write_voxels
from tests.participant.steps.test_kinetics import values

RATES = (
    {"K1": 0.1, "k2": 0.05},
    {"K1": 0.4, "k2": 0.2, "k3": 0.05, "k4": 0.05},
    {"K1": 0.15, "k2": 0.1, "k3": 0.1, "k4": 0.1},
    {"K1": 0.3, "k2": 0.15, "k3": 0.1, "k4": 0.1},
)
VT = np.array([2.0, 4.0, 3.0, 4.0])
AXIS = TimeAxis.of(SCAN, 0.0)
TIMES = tuple(map(float, BY_HAND))
BLOOD = Blood(
    Samples(TIMES, tuple(plasma(t) for t in TIMES)),
    Samples(TIMES, tuple(whole_blood(t) for t in TIMES)),
    Samples(TIMES, tuple(parent_share(t) for t in TIMES)),
)
PLAN = KineticPlan(
    model="PlasmaLogan",
    reference=find_reference_rule("whole_brain"),
    k2_prime_per_min=None,
    k2_prime_source="",
    t_star_min=None,
    windows=(Window("whole", 0.0, 89.0),),
    pairs=(),
    axis=AXIS,
    half_life_min=20.36,
    bounds=PLASMA_BOUNDS,
    fits_k2_prime=False,
    maps_transport=False,
    second_model="2TCM",
    blood=BLOOD,
)


@pytest.fixture(scope="module")
def curves() -> FloatArray:
    return np.column_stack([tissue(rates, blood_volume=0.05, later_min=0.15) for rates in RATES])


@pytest.fixture
def tables(tmp_path: Path, curves: FloatArray) -> tuple[Path, Path]:
    names = tuple(f"region{i}" for i in range(len(RATES)))
    paths = []
    brain = CurveTable(("brain",), curves.mean(axis=1)[:, None])
    for name, table in (("regions", CurveTable(names, curves)), ("brain", brain)):
        folder = tmp_path / name
        folder.mkdir()
        paths.append(save_curves(table, AXIS, folder).curves)
    return paths[0], paths[1]


@pytest.fixture
def settled(tables: tuple[Path, Path]) -> Settled:
    return settle_plan(*tables, PLAN)


def test_delay_and_t_star_are_settled_on_the_curves(settled: Settled) -> None:
    assert settled.delay_s == pytest.approx(9, abs=5)
    assert settled.delay_se is not None
    assert settled.parent_rule == "hill"
    assert settled.delay_source.startswith("estimated")
    assert 3 < settled.t_star_min < 40
    assert settled.plan.input_rules.delay_s == settled.delay_s
    assert np.isnan(settled.k2_prime_per_min)


@pytest.mark.parametrize(("model", "tolerance"), [("PlasmaLogan", 0.06), ("MA1", 0.06), ("2TCM", 0.03)])
def test_regions_read_their_volume(
    tmp_path: Path, tables: tuple[Path, Path], settled: Settled, model: ModelName, tolerance: float
) -> None:
    plan = replace(settled.plan, model=model)
    (table,) = fit_regions(*tables, plan, tmp_path).kinpar.values()
    found = read_table(table)
    np.testing.assert_allclose(found["VT"][1:], VT[1:], rtol=tolerance)
    assert (found["VT-se"][1:] > 0).all()
    assert (found["VT-low"][1:] < found["VT"][1:]).all()


def test_maps_hold_the_same_volumes_as_regions(
    tmp_path: Path, tables: tuple[Path, Path], curves: FloatArray, settled: Settled
) -> None:
    pet, mask = write_voxels(tmp_path, curves)
    (table,) = fit_regions(*tables, settled.plan, tmp_path).kinpar.values()
    found = fit_maps(pet, mask, tables[1], settled.plan, MapRule(0.0, 0.2), tmp_path, 2)
    assert set(found.maps) == {"VT_whole"}
    np.testing.assert_allclose(values(found.maps["VT_whole"]), read_table(table)["VT"], rtol=1e-3)
    assert found.failed_share == 0


def test_the_second_opinion_takes_all_frames(
    tmp_path: Path, tables: tuple[Path, Path], settled: Settled
) -> None:
    (table,) = fit_regions(*tables, settled.second, tmp_path).kinpar.values()
    found = read_table(table)
    np.testing.assert_allclose(found["K1"][1:], [rates["K1"] for rates in RATES[1:]], rtol=0.1)
    np.testing.assert_allclose(found["vB"][1:], 0.05, atol=0.03)


def test_input_plots_and_fits_are_drawn(tmp_path: Path, tables: tuple[Path, Path], settled: Settled) -> None:
    assert plot_input(tables[1], settled.plan, "kBq/mL", tmp_path).picture.stat().st_size > 10_000
    assert plot_logan(*tables, settled.plan, tmp_path).picture.exists()
    assert plot_t_star(*tables, settled.plan, tmp_path).picture.exists()
    pictures = plot_fits(*tables, settled.second, "kBq/mL", tmp_path).pictures
    assert list(pictures) == ["fitswhole"]
