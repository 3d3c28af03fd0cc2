"""The table of null ranges: what is measured, what is simulated, and an interval that holds both."""

from pathlib import Path

import numpy as np
import pytest

from morbids.bids.tables import read_table
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.tracer import Schedule
from morbids.participant.steps.null_range import RANGE_COLUMNS, range_regions
from morbids.participant.steps.protocol import Simulation
from tests.participant.steps.known_scan import (
    BASELINE,
    BP_ND,
    CHALLENGE,
    K2_PRIME,
    NAMES,
    known_curves,
    settled,
    write_tables,
)

pytestmark = pytest.mark.graph

WINDOWS = (BASELINE, CHALLENGE._replace(start_min=40.0))


@pytest.mark.parametrize("model", ["StepChange2", "LoganRef"])
def test_every_region_has_its_change_its_range_and_an_interval(tmp_path: Path, model: ModelName) -> None:
    tables = write_tables(tmp_path, known_curves(-0.1))
    found = range_regions(*tables, settled(model, WINDOWS), 0.004, Simulation(Schedule(), False), tmp_path)
    table = read_table(found.table)
    assert tuple(table.columns) == tuple(RANGE_COLUMNS)
    assert tuple(table["name"]) == NAMES
    np.testing.assert_allclose(table["bp_nd"], BP_ND, rtol=0.02)
    np.testing.assert_allclose(table["change_percent"], 10, atol=2)
    np.testing.assert_allclose(table["change"], table["change_percent"] / 100 * table["bp_nd"], rtol=1e-3)
    assert (table["null_low"] < table["null_high"]).all()
    assert (table["k2prime_se_percent"] > 0.3).all()
    assert ((table["full_low_percent"] < 10) & (table["full_high_percent"] > 10)).all()
    widths = table["full_high_percent"] - table["full_low_percent"]
    assert (widths > table["null_high_percent"] - table["null_low_percent"]).all()
    assert found.pictures["unknownsrejection"].exists()


def test_a_given_k2_prime_adds_no_error(tmp_path: Path) -> None:
    tables = write_tables(tmp_path, known_curves())
    plan = settled("StepChange2", WINDOWS, K2_PRIME)
    table = read_table(range_regions(*tables, plan, None, Simulation(Schedule(), False), tmp_path).table)
    assert (table["k2prime_se_percent"] == 0).all()
