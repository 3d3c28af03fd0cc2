"""Scans that begin late, pause, or have one frame: what is refused, what is left out, what is planned."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from morbids.bids.windows import WHOLE_SCAN, Window
from morbids.errors import MorbidsError
from morbids.settings import ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.engine.wiring import find_problems
from tests.participant.studies import write_scan
from tests.participant.test_plan import plan_one
from tests.participant.test_wiring import participant_graph

SUVR = ScanSettings(model="SUVR", reference="cerebellar_grey", k2_prime_per_min="estimate")


def write_frames(dataset: DatasetMaker, start_s: Sequence[float], duration_s: Sequence[float]) -> None:
    times = {"FrameTimesStart": list(start_s), "FrameDuration": list(duration_s)}
    write_scan(dataset, "01", events=False, changes=times)


def test_a_scan_from_50_min_is_refused_and_suvr_is_named(dataset: DatasetMaker) -> None:
    write_frames(dataset, [3000, 3600, 4200, 4800], [600] * 4)
    with pytest.raises(MorbidsError, match=r"nothing was stored from 0.0 to 50.0 min.*Take --model SUVR"):
        plan_one(dataset)


@pytest.mark.parametrize(
    ("start_s", "duration_s"), [([3000], [1200]), ([3000, 3300, 3600, 3900], [300] * 4)], ids=["one", "four"]
)
def test_late_frames_and_suvr_make_a_whole_analysis(
    dataset: DatasetMaker, start_s: list[float], duration_s: list[float]
) -> None:
    write_frames(dataset, start_s, duration_s)
    plan = plan_one(dataset, SUVR)
    assert plan.kinetics.windows == (Window(WHOLE_SCAN, 0.0, (start_s[-1] + duration_s[-1]) / 60),)
    assert plan.kinetics.t_star_source == "all frames of a scan that begins late"
    assert not plan.kinetics.maps_transport
    assert not plan.kinetics.needs_k2_prime
    assert any(note.startswith("No map of R1") for note in plan.notes)
    graph = participant_graph(dataset, SUVR)
    assert find_problems(graph) == []
    scan = graph.get_node("sub__01_task__rejection")
    assert set(scan.get_node("save_maps").interface.destinations) == {f"BPND_{WHOLE_SCAN}"}
    assert "plot_tstar" not in scan.list_node_names()


def test_a_dynamic_scan_needs_its_window_for_suvr(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01", events=False, changes={"TracerName": "PiB"})
    with pytest.raises(MorbidsError, match="no preset with a value for --t-star"):
        plan_one(dataset, SUVR)
    windowed = plan_one(dataset, replace(SUVR, windows=(Window("late", 40.0, 70.0),))).kinetics
    assert windowed.windows == (Window("late", 40.0, 70.0),)


def test_a_scan_two_minutes_late_is_told_and_its_error_widened(dataset: DatasetMaker) -> None:
    start_s = [120, 180, 300, 600, 900, 1200, 1800, 2400, 3000, 3600, 4200, 4800]
    write_frames(dataset, start_s, [*(b - a for a, b in itertools.pairwise(start_s)), 600])
    plan = plan_one(dataset)
    assert 0.2 < plan.kinetics.missing[WHOLE_SCAN].typical_percent < 3
    assert plan.kinetics.maps_transport
    assert any("nothing was stored from 0.0 to 2.0 min" in note for note in plan.notes)


def test_a_whole_scan_lacks_nothing(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    plan = plan_one(dataset)
    assert {missing.largest_percent for missing in plan.kinetics.missing.values()} == {0.0}
    assert not any("stored" in note for note in plan.notes)
