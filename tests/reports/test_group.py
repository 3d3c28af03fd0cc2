"""The group page: who took part, what was found, what is circular."""

from pathlib import Path

import numpy as np

from morbids.numerics.statistics.correlation import correlate
from morbids.numerics.statistics.regions import compare_with_zero
from morbids.reports.findings import Failure
from morbids.reports.group import ContrastReport, GroupReport, LeftOut, write_group_page
from morbids.reports.tables import ClusterRow, cluster_table, correlation_table, region_table
from tests.reports.reading import PROVENANCE, ReadPage, check_offline, read_page

RNG = np.random.default_rng(2)
VALUES = np.array([0.3, -0.2]) + RNG.normal(0, 0.1, (12, 2))
TRAIT = RNG.normal(70, 10, 12)
REGIONS = ["striatum", "thalamus"]
CLUSTERS = [
    ClusterRow(True, 2312.0, 10, 10, -8, 7.812, 0.0004, ("Putamen_R",)),
    ClusterRow(True, None, 14, 6, -10, 5.2, 0.012, ("Putamen_R",)),
    ClusterRow(False, 1104.0, 0, -14, 8, -6.02, None, ("Thalamus_L",)),
]


def write(tmp_path: Path, left_out: tuple[LeftOut, ...] = (), failures: tuple[Failure, ...] = ()) -> ReadPage:
    pearson = correlate(TRAIT, VALUES, n_permutations=99)
    spearman = correlate(TRAIT, VALUES, "spearman", n_permutations=99)
    contrast = ContrastReport(
        "rejection: baseline − challenge",
        "Where does BP_ND change?",
        "2 clusters pass.",
        12,
        1,
        1,
        "one sample",
        "max-T",
        clusters=(cluster_table(CLUSTERS, ("AAL",), statistic="t", correction="max-T"),),
        regions=(region_table(compare_with_zero(VALUES), REGIONS, unit="BP_ND"),),
        correlations=(correlation_table(pearson, spearman, REGIONS, trait="resiliency"),),
        circular=(
            correlation_table(
                pearson, spearman, ["cluster 1", "cluster 2"], trait="resiliency", circular=True
            ),
        ),
    )
    report = GroupReport(
        "A study",
        (("Participants", 12),),
        (contrast,),
        failures,
        ("Participant", "resiliency"),
        tuple((f"sub-{index:02d}", float(value)) for index, value in enumerate(TRAIT)),
        left_out,
        ("Group statistics were computed.",),
        PROVENANCE,
    )
    return read_page(write_group_page(report, tmp_path / "group.html"))


def find_table(page: ReadPage, column: str) -> list[list[str]]:
    return next(table for table in page.tables if column in table[0])


def test_clusters_show_coordinates_statistics_and_labels(tmp_path: Path) -> None:
    table = find_table(write(tmp_path), "AAL")
    assert table[0][5:7] == ["t", "p (max-T)"]
    assert table[1] == ["activation", "2 312", "10", "10", "−8", "7.81", "< .001", "Putamen_R"]
    assert table[2] == ["activation", "", "14", "6", "−10", "5.20", ".012", "Putamen_R"]
    assert table[3] == ["deactivation", "1 104", "0", "−14", "8", "−6.02", "", "Thalamus_L"]


def test_region_table_holds_the_tests(tmp_path: Path) -> None:
    tests = compare_with_zero(VALUES)
    row = find_table(write(tmp_path), "Hedges' g")[1]
    assert row[:3] == ["striatum", "12", f"{tests.effect[0]:.3f}"]
    assert row[3] == f"[{tests.ci_low[0]:.3f}, {tests.ci_high[0]:.3f}]"
    assert row[5] == "11"


def test_circular_correlations_come_last_and_carry_the_word(tmp_path: Path) -> None:
    page = write(tmp_path)
    tables = [table for table in page.tables if "rho" in table[0]]
    assert [row[1] for table in tables for row in table[1:]] == [
        "independent",
        "independent",
        "! circular",
        "! circular",
    ]
    assert "r is inflated and its p means nothing" in page.text
    r = correlate(TRAIT, VALUES, n_permutations=99).r[0]
    assert tables[0][1][3] == f"{r:.3f}".replace("-", "−")


def test_those_left_out_are_listed_with_their_reason(tmp_path: Path) -> None:
    out = (
        LeftOut("sub-07_task-rejection", "", "its map has no finite voxel"),
        LeftOut("sub-08", "rejection", "<age>"),
    )
    page = write(tmp_path, out)
    assert "sub-07_task-rejection was left out: its map has no finite voxel" in page.text
    assert "sub-08 was left out of rejection: <age>" in page.text
    table = find_table(page, "Reason")
    assert table[1] == ["sub-07_task-rejection", "all contrasts", "its map has no finite voxel"]
    assert table[2][1:] == ["rejection", "<age>"]
    assert "Nobody was left out." in write(tmp_path).text
    assert "6 scans or contrasts were left out." in write(tmp_path, out * 3).text


def test_a_contrast_that_failed_is_told_at_the_top(tmp_path: Path) -> None:
    failure = Failure(
        "acceptance × resiliency", "regression", "resiliency is 71 for everyone.", "Choose another."
    )
    page = write(tmp_path, failures=(failure,))
    assert page.text.index("resiliency is 71 for everyone. Choose another.") < page.text.index(
        "2 clusters pass."
    )
    check_offline(page, tmp_path)


def test_the_overview_leads_to_each_contrast(tmp_path: Path) -> None:
    page = write(tmp_path)
    assert page.tables[0][1] == ["rejection: baseline − challenge", "12", "1", "1", "2 clusters pass."]
    assert page.hrefs.count("#rejection-baseline-challenge") == 2  # navigation and overview
