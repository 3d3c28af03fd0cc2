"""Costs of ten thousand from those of few."""

from pathlib import Path

import pytest

from benchmarks.report import read_figures
from benchmarks.scale import disk_of, many_jobs, series_figures


def test_runs_are_told_and_drawn_out() -> None:
    figures = series_figures(
        "group_", {4: {"wall_s": 14.0, "peak_gb": 1.0}, 16: {"wall_s": 26.0, "peak_gb": 2.0}}
    )
    assert figures["group_wall_s_at_4"] == 14
    assert figures["group_wall_s_at_16"] == 26
    assert figures["model_group_wall_s_fixed"] == pytest.approx(10)
    assert figures["model_group_wall_s_at_10000"] == pytest.approx(10_010)
    assert figures["group_peak_gb_at_16"] == 2
    assert not any("model_group_peak" in key for key in figures), "memory of scans does not add up"
    assert series_figures("", {1: {"wall_s": 14.0}}) == {"wall_s_at_1": 14}, "no line through one point"


def test_jobs_cost_a_run_each_and_what_others_add() -> None:
    figures = many_jobs(
        64, {"processor_s_at_1": 36.0, "work_inodes_at_1": 600.0, "cleaned_work_inodes_at_1": 30.0}
    )
    known, full = read_figures("startup"), read_figures("scan")
    added_s = max(0.0, known["label_of_5000_cpu_s"] - known["label_of_500_cpu_s"]) / 4500 * 10_000
    assert figures["model_jobs_processor_h_at_10000"] == pytest.approx(10_000 * (36 + added_s) / 3600)
    # A participant of two scans.
    assert figures["full_processor_s_per_scan"] == pytest.approx(30 * full["scan_processor_min"])
    assert figures["model_jobs_full_processor_h_at_10000"] == pytest.approx(
        10_000 * (30 * full["scan_processor_min"] + added_s) / 3600
    )
    assert figures["model_jobs_work_inodes_at_10000"] == 6_000_000
    assert figures["model_jobs_cleaned_work_inodes_at_10000"] == 300_000
    assert figures["jobs_arrays"] == 10


def test_folders_count_as_files_do(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"12345")
    assert disk_of(tmp_path) == (5, 2)
